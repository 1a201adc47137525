//! The coordination service's history: what each revision changed, as the service made it durable, and what clients
//! asked and were told.
//!
//! Every answer names a revision, so nothing has to be searched for: an operation stands where its answer says. Who
//! leads anew may report again what the leader before it did; a repeat says nothing new, or something else, which
//! [`coordination-linearizes`](super::coordination_linearizes) convicts.

use crate::Monitor;
use rehearsal_env::{Incarnation, NodeId, Stamp, Time, Violation};
use rehearsal_model::coordination::{
    Change, Check, Edit, Entry, Happening, Keys, OperationId, Outcome, Reply, Request, Response, Revision,
    SessionId,
};
use rehearsal_model::queue::facts::Fact;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The history as the invariants share it.
pub type SharedCoordination = Rc<RefCell<CoordinationBook>>;

/// What one revision changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Revised {
    /// Each key that it changed, and what it held then.
    pub changes: BTreeMap<String, Option<Entry>>,
    /// The first fact that tells of it, and of that one where and why.
    pub first: Stamp,
}

/// Something that a client asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// What.
    pub request: Request,
    /// Where and when.
    pub asked: Stamp,
    /// What anybody had been told of by then.
    pub floor: Revision,
    /// By which fact; none when nobody had been told of anything.
    pub floor_told: Option<u64>,
}

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct CoordinationBook {
    revisions: BTreeMap<Revision, Revised>,
    keys: BTreeMap<String, BTreeMap<Revision, Option<Entry>>>,
    open: BTreeMap<(NodeId, OperationId), Operation>,
    /// Operations that were asked, and whose outcome nobody knows.
    unknown: Vec<Operation>,
    /// What the fact at hand answers, if it does, and up to where the answer has seen.
    finished: Option<Operation>,
    told: (Revision, Option<u64>),
    lives: BTreeMap<NodeId, Incarnation>,
    /// When each node asked last.
    heard: BTreeMap<NodeId, Time>,
}

/// Up to where an answer has seen everything.
pub fn revision_of(outcome: &Outcome) -> Option<Revision> {
    let Outcome::Answered(response) = outcome else { return None };
    match response {
        Response::Reply(Reply::Done { revision } | Reply::Entries { revision, .. })
        | Response::Renewed { revision }
        | Response::Changes { through: revision, .. } => Some(*revision),
        Response::Reply(Reply::Conflict { .. } | Reply::SessionGone)
        | Response::Compacted { .. }
        | Response::NotLeader { .. } => None,
    }
}

/// The session that a request is made for.
pub fn session_of(request: &Request) -> Option<SessionId> {
    match request {
        Request::OpenSession { session, .. }
        | Request::KeepAlive { session }
        | Request::CloseSession { session } => Some(*session),
        Request::Transact { session, .. } => *session,
        Request::Read { .. } | Request::Watch { .. } => None,
    }
}

impl CoordinationBook {
    /// One of which nothing is known, to be shared.
    pub fn shared() -> SharedCoordination {
        Rc::default()
    }

    /// What each revision changed.
    pub fn revisions(&self) -> &BTreeMap<Revision, Revised> {
        &self.revisions
    }

    /// The newest revision.
    pub fn newest(&self) -> Revision {
        self.revisions.last_key_value().map_or(Revision(0), |(revision, _)| *revision)
    }

    /// What the fact at hand is the answer to.
    pub fn finished(&self) -> Option<&Operation> {
        self.finished.as_ref()
    }

    /// Operations that were never answered: those whose outcome is unknown, and those whose clients are gone.
    pub fn unanswered(&self) -> impl Iterator<Item = &Operation> {
        self.unknown.iter().chain(self.open.values())
    }

    /// When a node asked last: since then it may be down.
    pub fn last_heard(&self, node: NodeId) -> Time {
        self.heard.get(&node).copied().unwrap_or_default()
    }

    /// Operations that somebody still waits for.
    pub fn waiting(&self) -> impl Iterator<Item = &Operation> {
        let lives = |operation: &&Operation| {
            self.lives.get(&operation.asked.node) == Some(&operation.asked.incarnation)
        };
        self.open.values().filter(lives)
    }

    /// What a key held at a revision.
    pub fn at(&self, key: &str, revision: Revision) -> Option<&Entry> {
        self.keys.get(key)?.range(..=revision).next_back()?.1.as_ref()
    }

    /// What these keys held at a revision.
    pub fn read(&self, keys: &Keys, revision: Revision) -> BTreeMap<String, Entry> {
        let wanted = |key: &str| match keys {
            Keys::One(one) => key == one,
            Keys::Prefix(prefix) => key.starts_with(prefix),
        };
        let keys = self.keys.keys().filter(|key| wanted(key));
        keys.filter_map(|key| Some((key.clone(), self.at(key, revision)?.clone()))).collect()
    }

    /// Everything that changed after one revision and up to another, in order.
    pub fn between(&self, prefix: &str, since: Revision, through: Revision) -> Vec<Change> {
        let later = self.revisions.range(since.next()..).take_while(|(revision, _)| **revision <= through);
        let changes = later.flat_map(|(revision, revised)| {
            revised.changes.iter().map(|(key, entry)| Change {
                key: key.clone(),
                revision: *revision,
                entry: entry.clone(),
            })
        });
        changes.filter(|change| change.key.starts_with(prefix)).collect()
    }

    /// Whether a check holds at a revision.
    pub fn holds(&self, check: &Check, revision: Revision) -> bool {
        check.expected.admits(self.at(&check.key, revision).map(|entry| entry.modified))
    }

    /// Whether these writes of a session make this revision of the one before it, no more and no less.
    pub fn makes(&self, session: Option<SessionId>, writes: &[Edit], revision: Revision) -> bool {
        let Some(Revised { changes, .. }) = self.revisions.get(&revision) else { return false };
        // Of several writes to one key the last one counts.
        let writes: BTreeMap<&str, &Edit> = writes.iter().map(|edit| (edit.key(), edit)).collect();
        let before = Revision(revision.0.saturating_sub(1));
        let is_made = |key: &str, edit: &Edit| match (edit, changes.get(key)) {
            (Edit::Put { value, ephemeral, .. }, Some(Some(entry))) => {
                entry.value == *value && entry.owner == session.filter(|_| *ephemeral)
            }
            (Edit::Put { .. }, _) => false,
            (Edit::Delete { .. }, Some(entry)) => entry.is_none(),
            (Edit::Delete { .. }, None) => self.at(key, before).is_none(),
        };
        changes.keys().all(|key| writes.contains_key(key.as_str()))
            && writes.iter().all(|(key, edit)| is_made(key, edit))
    }

    fn changed(&mut self, stamp: &Stamp, change: &Change) {
        let Change { key, revision, entry } = change;
        let revised = self
            .revisions
            .entry(*revision)
            .or_insert_with(|| Revised { changes: BTreeMap::new(), first: *stamp });
        // What was told first counts; whether it was told otherwise later is for others to judge.
        if (revised.first.node, revised.first.time) == (stamp.node, stamp.time) {
            revised.changes.entry(key.clone()).or_insert_with(|| entry.clone());
            let history = self.keys.entry(key.clone()).or_default();
            history.entry(*revision).or_insert_with(|| entry.clone());
        }
    }

    fn returned(&mut self, stamp: &Stamp, operation: OperationId, outcome: &Outcome) {
        let Some(finished) = self.open.remove(&(stamp.node, operation)) else { return };
        if *outcome == Outcome::Unknown {
            self.unknown.push(finished.clone());
        }
        self.finished = Some(finished);
        if let Some(revision) = revision_of(outcome).filter(|revision| *revision > self.told.0) {
            self.told = (revision, Some(stamp.number));
        }
    }
}

impl Monitor<Fact> for SharedCoordination {
    fn name(&self) -> &'static str {
        "coordination"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::Coordination(happening) = fact else { return Ok(()) };
        let book = &mut *self.borrow_mut();
        book.finished = None;
        match &**happening {
            Happening::Changed(change) => book.changed(stamp, change),
            Happening::Invoked { operation, request } => {
                let (floor, floor_told) = book.told;
                let asked = Operation { request: request.clone(), asked: *stamp, floor, floor_told };
                book.lives.insert(stamp.node, stamp.incarnation);
                book.heard.insert(stamp.node, stamp.time);
                book.open.insert((stamp.node, *operation), asked);
            }
            Happening::Returned { operation, outcome } => book.returned(stamp, *operation, outcome),
            _ => {}
        }
        Ok(())
    }
}
