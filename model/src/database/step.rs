//! What goes into the engine and what comes out: the whole of its contact with the world.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::commit::{Commit, LogPosition};
use super::error::DatabaseError;
use super::statement::{Action, Answer, Isolation};

/// A client's connection. Its actions come one at a time: the next after the answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct SessionId(pub u64);

/// What may happen to the database.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Input {
    /// A session asks for one thing. The next comes after the answer.
    Execute {
        /// Which.
        session: SessionId,
        /// `BEGIN` first. Without effect when a transaction is open already (PostgreSQL warns and goes on).
        begin: Option<Isolation>,
        /// Then this.
        action: Action,
        /// The wall clock of the database's node, microseconds.
        now: i64,
    },
    /// Every commit up to this position is on the disk and synced.
    Persisted {
        /// The last of them.
        through: LogPosition,
    },
    /// A timer that was set has run out. One that was canceled, or is stale, does nothing.
    TimerFired(Timer),
    /// The client is gone.
    SessionEnded {
        /// Which.
        session: SessionId,
    },
}

/// What the database wants done, and what it wants known.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Output {
    /// Tell the session.
    Answer {
        /// Which.
        session: SessionId,
        /// What came of its action.
        result: Result<Answer, DatabaseError>,
    },
    /// Write this to the log and sync, then come back with [`Input::Persisted`].
    Append(Commit),
    /// The commit is durable. Said once for each.
    Durable(Commit),
    /// Come back with [`Input::TimerFired`] after this time.
    SetTimer {
        /// The timer's name.
        timer: Timer,
        /// How long from now.
        after: Duration,
    },
    /// This timer is not wanted any more. It may have fired already.
    CancelTimer(Timer),
    /// For observers: a statement stands in the queue of a locked row.
    WaitedForLock {
        /// Whose.
        session: SessionId,
    },
    /// For observers: a row had changed since the statement's snapshot, so its newest version was looked at.
    RecheckedAfterWait {
        /// Whether it is still one the statement wants.
        matched: bool,
    },
    /// For observers: transactions waited in a circle.
    DeadlockBroken {
        /// The session whose transaction was aborted to end it.
        victim: SessionId,
    },
    /// For observers: a statement has waited for the whole lock timeout.
    LockTimedOut {
        /// Whose.
        session: SessionId,
    },
}

/// The name of a timer. Each wait has its own, so that a timer of an earlier wait is known to be stale.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timer {
    /// The session whose statement waits.
    pub session: SessionId,
    /// The number of its wait.
    pub wait: u64,
    /// What it is for.
    pub kind: TimerKind,
}

/// What a timer is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TimerKind {
    /// Look for a deadlock.
    Deadlock,
    /// Stop waiting.
    LockTimeout,
}

/// What an operator can set, and one defect.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Knobs {
    /// How long a statement waits for a lock before it looks for a deadlock (`deadlock_timeout`, 1 s).
    pub deadlock_timeout: Duration,
    /// How long a statement waits for a lock at most (`lock_timeout`, no limit).
    pub lock_timeout: Option<Duration>,
    /// A defect: a commit is answered, visible and unlocked before it is durable (`synchronous_commit = off`).
    pub answer_before_sync: bool,
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs { deadlock_timeout: Duration::from_secs(1), lock_timeout: None, answer_before_sync: false }
    }
}
