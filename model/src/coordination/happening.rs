//! What the service and its clients report to whoever observes their nodes.

use super::command::{Change, Command, Revision, SessionId};
use super::messages::{Request, Response};
use super::registry::Registry;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Turns a happening into the facts of the system that the service belongs to.
pub type Report<F> = fn(&Happening, &mut dyn FnMut(F));

/// One use of the service by a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationId(pub u64);

/// What a client knows about an operation that is over.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// It was answered.
    Answered(Response),
    /// It was asked, and no answer came: it was carried out, or will be, or never.
    Unknown,
    /// It was never asked, and never will be carried out.
    NeverAsked,
}

/// Why a member does not vote for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// It knows of a later term.
    OldTerm,
    /// Its log goes on behind the end of the other's.
    ShorterLog,
}

/// Something that happened in the service, or to a client of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Happening {
    /// The service: a key changed, and that is durable. After a restart the last changes are reported again,
    /// since a crash may have come before their first report. The same holds of what happens to sessions.
    Changed(Change),
    /// The service: a session has begun, and that is durable.
    SessionOpened {
        /// Which.
        session: SessionId,
        /// How long it may be silent.
        timeout: Duration,
    },
    /// The service: a session was ended by its client, and that is durable. What it owned changed before
    /// this.
    SessionClosed {
        /// Which.
        session: SessionId,
    },
    /// The service: a session was silent for too long, and will be ended.
    SessionSilent {
        /// Which.
        session: SessionId,
        /// For how long, by the service's clock and since it came up.
        silent: Duration,
    },
    /// The service: a session was silent for too long, and its end is durable. What it owned changed before
    /// this.
    SessionExpired {
        /// Which.
        session: SessionId,
    },
    /// The service came up, with all that was ever answered.
    Recovered {
        /// The newest change.
        revision: Revision,
        /// How many sessions are open.
        sessions: u64,
    },
    /// The service: an incomplete batch was cut off the end of the log.
    TornTailCut,
    /// The service: a snapshot was taken, and the log before it cut off.
    SnapshotTaken {
        /// With all changes up to here.
        revision: Revision,
    },
    /// The service: the snapshot is corrupt, and nothing is served.
    SnapshotCorrupt,
    /// The service: the log is corrupt, and nothing is served.
    LogCorrupt {
        /// Where, in bytes.
        offset: u64,
    },
    /// The service: so many commands were written to the log, and are not synced yet.
    Written {
        /// How many.
        commands: u64,
    },
    /// The service: one sync made so many commands durable.
    Synced {
        /// How many.
        commands: u64,
    },
    /// A client is about to ask.
    Invoked {
        /// Under which number.
        operation: OperationId,
        /// What.
        request: Request,
    },
    /// A client's operation is over. One whose client crashed, or gave up waiting, never is.
    Returned {
        /// The operation.
        operation: OperationId,
        /// How it ended.
        outcome: Outcome,
    },
    /// A member: it was elected.
    Led {
        /// For this term.
        term: u32,
    },
    /// A member: it votes for another, and is about to make that durable.
    VoteGiven {
        /// In which term.
        term: u32,
        /// For which member, by its place among them.
        candidate: u8,
    },
    /// A member: it does not vote for another.
    VoteRefused {
        /// In the term in which that one wants to lead.
        term: u32,
        /// Why.
        why: Refusal,
    },
    /// A member: it leads no more, and sends away those whose reads it has not answered.
    ReadsRefused {
        /// How many.
        reads: u64,
    },
    /// A member: it lacked so much that the leader sent it a snapshot.
    SnapshotInstalled {
        /// With all changes up to here.
        revision: Revision,
    },
    /// A client that watches has lost its connection and asks anew.
    WatchRenewed {
        /// For what happened after this revision.
        since: Revision,
    },
}

impl Happening {
    /// What it means that this command, carried out just now, changed the registry, whose revision was
    /// `before`.
    pub(super) fn of_command(command: &Command, registry: &Registry, before: Revision) -> Vec<Happening> {
        let changes = registry.changes_since("", before).expect("the newest revision is remembered");
        let mut happened: Vec<Happening> = changes.into_iter().map(Happening::Changed).collect();
        match *command {
            Command::OpenSession { session, timeout } => {
                happened.push(Happening::SessionOpened { session, timeout });
            }
            Command::CloseSession { session } => happened.push(Happening::SessionClosed { session }),
            Command::ExpireSession { session } => happened.push(Happening::SessionExpired { session }),
            Command::Transact { .. } | Command::Read { .. } => {}
        }
        happened
    }
}
