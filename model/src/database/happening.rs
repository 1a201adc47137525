//! What a database server reports to whoever observes its node.

use super::{Commit, LogPosition, Output};

/// Something that happened in a database server. The system that the database belongs to turns it into facts
/// of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    /// A commit is durable. After a restart the last ones of the log are reported again, since a crash may
    /// have come before their first report.
    Committed(Commit),
    /// The server came up; the log reaches to here, and what may be unreported was reported just now.
    Recovered {
        /// The last commit of the log.
        through: LogPosition,
    },
    /// An incomplete batch was cut off the end of the log.
    TornTailCut,
    /// The log is corrupt: the server does not serve.
    LogCorrupt {
        /// Where, in bytes.
        offset: u64,
    },
    /// So many commits were written to the log, and are not synced yet.
    Written {
        /// How many.
        commits: u64,
    },
    /// One sync made so many commits durable.
    Synced {
        /// How many.
        commits: u64,
    },
    /// A deadlock was broken.
    DeadlockBroken,
    /// A statement waited for a lock too long.
    LockTimedOut,
    /// A statement had to wait for a lock.
    WaitedForLock,
    /// A statement looked at a row again after it had waited for it.
    Rechecked {
        /// Whether the row was still wanted.
        matched: bool,
    },
    /// A session was silent for too long and was ended.
    SessionEndedBySilence {
        /// Whether it had a transaction open, which is rolled back.
        open_transaction: bool,
    },
    /// How many transactions have been open for longer than a session may be silent; said when it changes.
    OldTransactions {
        /// How many.
        count: u64,
    },
}

impl Happening {
    /// What an output of the engine is to observers, if anything.
    pub(super) fn of_output(output: &Output) -> Option<Happening> {
        match output {
            Output::Durable(commit) => Some(Happening::Committed(commit.clone())),
            Output::DeadlockBroken { .. } => Some(Happening::DeadlockBroken),
            Output::LockTimedOut { .. } => Some(Happening::LockTimedOut),
            Output::WaitedForLock { .. } => Some(Happening::WaitedForLock),
            Output::RecheckedAfterWait { matched } => Some(Happening::Rechecked { matched: *matched }),
            _ => None,
        }
    }
}
