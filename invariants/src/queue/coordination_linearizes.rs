//! `coordination-linearizes`: the keys of the coordination service are one register that takes one operation at a time.
//! *Global*.
//!
//! 1. A revision is one change, whoever tells of it, and none is left out.
//! 2. An operation that begins after another has returned stands at no smaller revision; a change at a larger one.
//! 3. A read gives exactly what was so at its revision.
//! 4. A change did what was asked, under the conditions that were asked, and has a revision of its own.
//! 5. Every revision was asked for, or is the end of a session: what has an unknown outcome happened once at most, what
//!    was refused not at all.
//!
//! Linearizability is that of Herlihy and Wing (1990). Broken by: two leaders in one term; a deposed leader that answers.

use super::coordination_book::{CoordinationBook, Operation, Revised, SharedCoordination, revision_of};
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::coordination::{
    Change, Happening, Outcome, Reply, Request, Response, Revision, SessionId,
};
use rehearsal_model::queue::facts::Fact;
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "coordination-linearizes";

/// Remembers which revision is whose.
#[derive(Debug)]
pub struct CoordinationLinearizes {
    book: SharedCoordination,
    /// Revisions that somebody was told to have made, and the number of the fact that told it.
    claimed: BTreeMap<Revision, u64>,
    /// Sessions that have ended.
    ended: BTreeSet<SessionId>,
}

type Verdict = Result<(), Violation>;

fn convict(message: String, facts: impl IntoIterator<Item = u64>) -> Verdict {
    Err(Violation::new(NAME, message, facts))
}

impl CoordinationLinearizes {
    /// Judges this history.
    pub fn new(book: SharedCoordination) -> CoordinationLinearizes {
        CoordinationLinearizes { book, claimed: BTreeMap::new(), ended: BTreeSet::new() }
    }

    /// Rule 1. The book has taken the change in, if it is the first of its revision to be told.
    fn changed(&self, stamp: &Stamp, change: &Change) -> Verdict {
        let book = self.book.borrow();
        let Change { key, revision, entry } = change;
        let Revised { changes, first } = &book.revisions()[revision];
        if changes.get(key) != Some(entry) {
            let message = format!("revision {revision} is given out twice: of {key} two things are told");
            return convict(message, [first.number, stamp.number]);
        }
        if revision.0 > 1 && !book.revisions().contains_key(&Revision(revision.0 - 1)) {
            let message = format!("revision {} was never told, and {revision} was", revision.0 - 1);
            return convict(message, [stamp.number]);
        }
        Ok(())
    }

    fn returned(&mut self, stamp: &Stamp, outcome: &Outcome) -> Verdict {
        let book = self.book.borrow();
        let Some(operation) = book.finished() else { return Ok(()) };
        let Outcome::Answered(response) = outcome else { return Ok(()) };
        let facts = [operation.asked.number, stamp.number];
        if let Some(revision) = revision_of(outcome) {
            if revision < operation.floor {
                let Operation { floor, floor_told, .. } = operation;
                let message = format!(
                    "an answer knows only revision {revision}, though {floor} had been told of before it was asked"
                );
                return convict(message, floor_told.iter().copied().chain(facts));
            }
            if revision > book.newest() {
                return convict(
                    format!("an answer tells of revision {revision}, which is not durable"),
                    facts,
                );
            }
        }
        match (&operation.request, response) {
            (Request::Read { keys }, Response::Reply(Reply::Entries { revision, entries })) => {
                if *entries != book.read(keys, *revision) {
                    return convict(
                        format!("what was read at revision {revision} is not what was there"),
                        facts,
                    );
                }
                Ok(())
            }
            (Request::Transact { .. }, Response::Reply(Reply::Done { revision })) => {
                let is_change = done(&book, operation, *revision, facts)?;
                match is_change.then(|| self.claimed.insert(*revision, stamp.number)).flatten() {
                    Some(other) => {
                        let message = format!("two changes are told to be revision {revision}");
                        convict(message, [other, stamp.number])
                    }
                    None => Ok(()),
                }
            }
            (Request::Transact { .. }, Response::Reply(Reply::Conflict { key, found })) => {
                let was_so = |at| book.at(key, at).map(|entry| entry.modified) == *found;
                if !(operation.floor.0..=book.newest().0).map(Revision).any(was_so) {
                    let message = format!("a change was refused for what {key} did not hold");
                    return convict(message, facts);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether a revision is the end of a session: all that it took away was that session's.
    fn is_end_of_session(&self, book: &CoordinationBook, revision: Revision, revised: &Revised) -> bool {
        let before = Revision(revision.0.saturating_sub(1));
        let owner = |key: &String| book.at(key, before).and_then(|entry| entry.owner);
        let owners: BTreeSet<Option<SessionId>> = revised.changes.keys().map(owner).collect();
        let one = owners.first().copied().flatten().filter(|_| owners.len() == 1);
        revised.changes.values().all(Option::is_none) && one.is_some_and(|one| self.ended.contains(&one))
    }

    /// Rule 5: gives each revision that nobody was told to have made an operation of unknown outcome of its own (Kuhn's
    /// matching).
    fn explain(&self, book: &CoordinationBook) -> Verdict {
        let unanswered: Vec<&Operation> = book.unanswered().collect();
        let unclaimed = book.revisions().iter().filter(|(revision, revised)| {
            !self.claimed.contains_key(revision) && !self.is_end_of_session(book, **revision, revised)
        });
        let mut given: BTreeMap<usize, (Revision, Vec<usize>)> = BTreeMap::new();
        for (revision, revised) in unclaimed {
            let made = |operation: &Operation| {
                operation.asked.number < revised.first.number && explains(book, operation, *revision)
            };
            let makers = unanswered.iter().enumerate().filter(|(_, operation)| made(operation));
            let makers: Vec<usize> = makers.map(|(place, _)| place).collect();
            if !give(&mut given, &mut BTreeSet::new(), *revision, &makers) {
                let message =
                    format!("nobody asked for revision {revision}, or it was asked for once and done twice");
                return convict(message, [revised.first.number]);
            }
        }
        Ok(())
    }
}

/// Rule 4. Whether it changed anything.
fn done(
    book: &CoordinationBook,
    operation: &Operation,
    revision: Revision,
    facts: [u64; 2],
) -> Result<bool, Violation> {
    let Request::Transact { session, checks, writes } = &operation.request else { return Ok(false) };
    let before = Revision(revision.0.saturating_sub(1));
    if book.makes(*session, writes, revision) && checks.iter().all(|check| book.holds(check, before)) {
        let first = book.revisions()[&revision].first.number;
        if revision <= operation.floor || first < operation.asked.number {
            let message = format!("a change is told to be revision {revision}, which was there before it");
            return Err(Violation::new(NAME, message, facts));
        }
        return Ok(true);
    }
    // What is not there is deleted by doing nothing.
    let is_there = |edit: &rehearsal_model::coordination::Edit| match edit {
        rehearsal_model::coordination::Edit::Put { .. } => true,
        rehearsal_model::coordination::Edit::Delete { key } => book.at(key, revision).is_some(),
    };
    if writes.iter().any(is_there) || !checks.iter().all(|check| book.holds(check, revision)) {
        let message = format!("a change is told to be revision {revision}, which is another one");
        return Err(Violation::new(NAME, message, facts));
    }
    Ok(false)
}

/// Whether an operation may have made a revision.
fn explains(book: &CoordinationBook, operation: &Operation, revision: Revision) -> bool {
    let Request::Transact { session, checks, writes } = &operation.request else { return false };
    let before = Revision(revision.0.saturating_sub(1));
    book.makes(*session, writes, revision) && checks.iter().all(|check| book.holds(check, before))
}

/// Gives a revision one of its makers, and those that must make room others of theirs.
fn give(
    given: &mut BTreeMap<usize, (Revision, Vec<usize>)>,
    tried: &mut BTreeSet<usize>,
    revision: Revision,
    makers: &[usize],
) -> bool {
    for maker in makers {
        if !tried.insert(*maker) {
            continue;
        }
        let is_free = match given.get(maker).cloned() {
            None => true,
            Some((other, makers_of_other)) => give(given, tried, other, &makers_of_other),
        };
        if is_free {
            given.insert(*maker, (revision, makers.to_vec()));
            return true;
        }
    }
    false
}

impl Monitor<Fact> for CoordinationLinearizes {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Verdict {
        let Fact::Coordination(happening) = fact else { return Ok(()) };
        match &**happening {
            Happening::Changed(change) => self.changed(stamp, change),
            Happening::Returned { outcome, .. } => self.returned(stamp, outcome),
            Happening::SessionClosed { session } | Happening::SessionExpired { session } => {
                self.ended.insert(*session);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn conclude(&self, _end: Time) -> Verdict {
        let book = self.book.clone();
        self.explain(&book.borrow())
    }
}
