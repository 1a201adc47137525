//! `session-honest`: a session stays while its client renews it, and what it owns with it; a silent one goes; and what is
//! done in the name of an ephemeral key is done while that stands as it was got. *Global*, and in the end: *final*.
//!
//! - A session ends by silence only when its timeout has passed since its client last asked for it and was answered, by
//!   a clock that may be a tenth too fast.
//! - With a session goes everything that it owns, and nothing is done in its name afterwards.
//! - A session whose client has fallen silent is gone by the end of the calm: within its timeout and [`BOUND`], which
//!   holds the election of a leader, who gives every session its timeout anew, and the time that a command takes.
//! - What names the version of an ephemeral key as its fencing token is carried out only where the key had that version
//!   just before: a controller's order its epoch, which is the version of the chair; a change of an in-sync set, which its
//!   leader asks for, the life of that leader; the note of a broker's life that life, which are versions of the broker's
//!   registration. Who makes it may have stood still since (Kleppmann, "How to do distributed locking", 2016).
//!
//! Broken by: a new leader that counts as silence what the leader before it heard; an order of a controller that was
//! replaced.

use super::coordination_book::{SharedCoordination, session_of};
use crate::Monitor;
use crate::drift::by_a_fast_clock;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::coordination::{Change, Happening, Outcome, Reply, Response, Revision, SessionId};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::keys::{self, News};
use std::collections::BTreeMap;
use std::time::Duration;

const NAME: &str = "session-honest";

/// How much longer than its timeout a silent session is there at most, while the service is.
pub const BOUND: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
struct Known {
    timeout: Duration,
    /// The fact that tells of its beginning.
    begun: u64,
    /// When its client asked for it last, and that was answered; and by which fact it did.
    renewed: Option<(Time, u64)>,
    /// When it was last asked for at all.
    asked: Time,
    /// When it ended, after which revision, and the number of the fact that says so.
    ended: Option<(Time, Revision, u64)>,
    is_silenced: bool,
}

/// Remembers the sessions.
#[derive(Debug)]
pub struct SessionHonest {
    book: SharedCoordination,
    calm_begins: Time,
    sessions: BTreeMap<SessionId, Known>,
}

impl SessionHonest {
    /// Judges this history, of a run whose calm begins at this time.
    pub fn new(book: SharedCoordination, calm_begins: Time) -> SessionHonest {
        SessionHonest { book, calm_begins, sessions: BTreeMap::new() }
    }

    fn opened(&mut self, stamp: &Stamp, session: SessionId, timeout: Duration) {
        let (begun, asked) = (stamp.number, stamp.time);
        let known = Known { timeout, begun, renewed: None, asked, ended: None, is_silenced: false };
        // Whoever leads anew may tell it again.
        self.sessions.entry(session).or_insert(known);
    }

    fn ended(&mut self, stamp: &Stamp, session: SessionId, is_silenced: bool) -> Result<(), Violation> {
        let book = self.book.borrow();
        let Some(known) = self.sessions.get_mut(&session) else { return Ok(()) };
        if known.ended.is_some() {
            return Ok(());
        }
        known.ended = Some((stamp.time, book.newest(), stamp.number));
        known.is_silenced = is_silenced;
        let all = book.read(&rehearsal_model::coordination::Keys::Prefix(String::new()), book.newest());
        if let Some((key, _)) = all.iter().find(|(_, entry)| entry.owner == Some(session)) {
            let message = format!("session {session} has ended, and {key} is still its");
            return Err(Violation::new(NAME, message, [stamp.number]));
        }
        judge(session, known)
    }

    /// Whether the key in whose name a change was made was as whoever made it had got it.
    fn done_in_its_name(&self, stamp: &Stamp, change: &Change) -> Result<(), Violation> {
        let Some((key, version)) = token(change) else { return Ok(()) };
        let (book, before) = (self.book.borrow(), Revision(change.revision.0.saturating_sub(1)));
        if book.at(&key, before).is_some_and(|entry| entry.modified == version) {
            return Ok(());
        }
        let ended = book.between(&key, version, before).into_iter().find(|later| later.key == key);
        let ended = ended.and_then(|later| Some(book.revisions().get(&later.revision)?.first.number));
        let message = format!(
            "revision {} changes {} in the name of version {} of {key}, which had ended before",
            change.revision, change.key, version
        );
        Err(Violation::new(NAME, message, ended.into_iter().chain([stamp.number])))
    }

    fn answered(&mut self, stamp: &Stamp, response: &Response) -> Result<(), Violation> {
        let book = self.book.borrow();
        let Some(operation) = book.finished() else { return Ok(()) };
        let Some(session) = session_of(&operation.request) else { return Ok(()) };
        let Some(known) = self.sessions.get_mut(&session) else { return Ok(()) };
        let facts = [operation.asked.number, stamp.number];
        if *response == Response::Reply(Reply::SessionGone) {
            if known.ended.is_none() {
                let message = format!("session {session} is said to have ended, and has not");
                return Err(Violation::new(NAME, message, facts));
            }
            return Ok(());
        }
        if let Response::Reply(Reply::Done { revision }) = response
            && let Some((_, last, number)) = known.ended
            && *revision > last
        {
            let message = format!("session {session} has ended, and still makes revision {revision}");
            return Err(Violation::new(NAME, message, [number, stamp.number]));
        }
        known.renewed = known.renewed.max(Some((operation.asked.time, operation.asked.number)));
        judge(session, known)
    }
}

/// The ephemeral key in whose name a change is made, and the version in which whoever makes it got that; none for a change
/// that everybody may make.
fn token(change: &Change) -> Option<(String, Revision)> {
    let entry = change.entry.as_ref()?;
    match keys::news(&change.key, Some(entry))? {
        News::Partition(_, state) => match (keys::ordered_in(&change.key, entry), state.leader) {
            (Some(epoch), _) => Some((keys::CONTROLLER.to_owned(), epoch)),
            (None, leader) => leader.map(|leader| (keys::broker(leader.broker), Revision(leader.life.0))),
        },
        News::Life(broker, life) => Some((keys::broker(broker), Revision(life.0))),
        _ => None,
    }
}

/// Whether its end was due. What its client asked before that and was answered counts, whenever the answer came.
fn judge(session: SessionId, known: &Known) -> Result<(), Violation> {
    let Some((at, _, number)) = known.ended.filter(|_| known.is_silenced) else { return Ok(()) };
    let Some((renewed, by)) = known.renewed else { return Ok(()) };
    if renewed <= at && at.since(renewed) < by_a_fast_clock(known.timeout) {
        let message = format!(
            "session {session} was ended as silent {} ms after it was renewed; it may be silent for {} ms",
            at.since(renewed).as_millis(),
            known.timeout.as_millis()
        );
        return Err(Violation::new(NAME, message, [by, number]));
    }
    Ok(())
}

impl Monitor<Fact> for SessionHonest {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::Coordination(happening) = fact else { return Ok(()) };
        match &**happening {
            Happening::Changed(change) => return self.done_in_its_name(stamp, change),
            Happening::SessionOpened { session, timeout } => self.opened(stamp, *session, *timeout),
            Happening::SessionExpired { session } => return self.ended(stamp, *session, true),
            Happening::SessionClosed { session } => return self.ended(stamp, *session, false),
            Happening::Invoked { request, .. } => {
                let known = session_of(request).and_then(|session| self.sessions.get_mut(&session));
                known.into_iter().for_each(|known| known.asked = stamp.time);
            }
            Happening::Returned { outcome: Outcome::Answered(response), .. } => {
                return self.answered(stamp, response);
            }
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, end: Time) -> Result<(), Violation> {
        for (session, known) in self.sessions.iter().filter(|(_, known)| known.ended.is_none()) {
            let since = known.asked.max(self.calm_begins);
            if end.since(since.min(end)) > known.timeout + BOUND {
                let message = format!("session {session} has long been silent, and is still there");
                return Err(Violation::new(NAME, message, [known.begun]));
            }
        }
        Ok(())
    }

    fn is_at_rest(&self, now: Time) -> bool {
        self.conclude(now + BOUND).is_ok()
    }
}
