//! What goes into the coordinator and what comes out.

use super::super::identity::ProducerIdentity;
use super::super::partition::Partition;
use super::super::record::Verdict;
use super::entry::{Entry, TransactionalId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// A request, as the shell numbers them: no two at a time have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// The persisting of one entry. Each has its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId {
    /// Of which transactional id.
    pub id: TransactionalId,
    /// The how-many-th of this coordinator.
    pub number: u64,
}

/// The name of a timer. Each transaction has its own, so that one of an earlier transaction is known to be stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// Which transactional id.
    pub id: TransactionalId,
    /// Whose transaction.
    pub producer: ProducerIdentity,
    /// What for.
    pub kind: TimerKind,
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// The transaction is aborted.
    TooOld,
    /// What could not be persisted is tried again.
    Again,
}

/// What may happen to a coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A producer wants to go on with a transactional id, alone. What others have open under it is aborted first.
    Initialise {
        /// Which request.
        request: RequestId,
        /// Which id.
        id: TransactionalId,
        /// How old its transactions may become.
        timeout: Duration,
        /// The identity that the producer has already, if it has one: it is fenced unless that is the newest, and asked
        /// again with the same it gets the same answer, as long as nothing was begun since (KIP-360).
        known: Option<ProducerIdentity>,
        /// A producer id that nobody has, in case one is needed.
        fresh_producer_id: u64,
    },
    /// A producer is about to write to these partitions in its transaction, which begins with the first of them. The
    /// offsets of a consumer group are records like any other: their partition of
    /// [`Topic::Offsets`](super::super::partition::Topic::Offsets) is added in the same way.
    AddPartitions {
        /// Which request.
        request: RequestId,
        /// Which id.
        id: TransactionalId,
        /// Who asks.
        producer: ProducerIdentity,
        /// Those to be added.
        partitions: BTreeSet<Partition>,
    },
    /// The leader of a partition asks whether this transaction is open and includes it (KIP-890).
    Verify {
        /// Which request.
        request: RequestId,
        /// Which id.
        id: TransactionalId,
        /// Whose transaction.
        producer: ProducerIdentity,
        /// Which partition.
        partition: Partition,
    },
    /// A producer ends its transaction.
    End {
        /// Which request.
        request: RequestId,
        /// Which id.
        id: TransactionalId,
        /// Who asks.
        producer: ProducerIdentity,
        /// How it is to end.
        verdict: Verdict,
    },
    /// The marker is in the partition's log, and safe there; or the partition
    /// [has fenced it](super::super::producers::Admission::Fenced), or is gone.
    MarkerWritten {
        /// Of which id.
        id: TransactionalId,
        /// The marker's identity.
        producer: ProducerIdentity,
        /// Which partition.
        partition: Partition,
    },
    /// The entry is in the coordinator's log, and safe there.
    Persisted(WriteId),
    /// The entry is not known to be safe. It may be in the log: later entries of its id stand behind it then.
    NotPersisted(WriteId),
    /// A timer that was set has run out. A stale one does nothing.
    TimerFired(Timer),
}

/// What a coordinator wants done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Tell who asked. Said once for each request, unless the coordinator crashes.
    Answer {
        /// Which request.
        request: RequestId,
        /// What came of it.
        result: Result<Answer, Refusal>,
    },
    /// Append this to the coordinator's log and come back with [`Input::Persisted`] or [`Input::NotPersisted`], in the
    /// order of the log.
    Persist {
        /// Its name.
        write: WriteId,
        /// The entry.
        entry: Entry,
    },
    /// Write this marker, again and again until it is there, and come back with [`Input::MarkerWritten`].
    WriteMarker {
        /// Of which id.
        id: TransactionalId,
        /// Where.
        partition: Partition,
        /// The marker's identity: the epoch is that after the transaction's.
        producer: ProducerIdentity,
        /// How the transaction ends.
        verdict: Verdict,
    },
    /// Come back with [`Input::TimerFired`] after this time.
    SetTimer {
        /// The timer's name.
        timer: Timer,
        /// How long from now.
        after: Duration,
    },
    /// This timer is not wanted any more. It may have fired already.
    CancelTimer(Timer),
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// The producer is this one now: every marker of its predecessors' transactions is written.
    Initialised(ProducerIdentity),
    /// The partitions are in the transaction.
    Added,
    /// The transaction is open and includes the partition.
    Verified,
    /// The transaction has ended as asked, every marker is written, and its producer goes on as this one.
    Ended(ProducerIdentity),
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// Another producer has taken the id over, or the transaction was too old, or has ended.
    #[error("the producer was replaced, or its transaction has ended")]
    Fenced,
    /// An earlier request for the id is not done yet.
    #[error("an earlier request for the transactional id is still being done")]
    ConcurrentTransactions,
    /// It does not fit where the transaction is: it has ended with the other verdict, or does not include the partition.
    #[error("the transaction is not in a state for this")]
    InvalidState,
    /// Nobody was ever initialised under the id.
    #[error("the transactional id is unknown")]
    Unknown,
    /// The producer id has no epoch left: its producer has to initialise again, and gets another.
    #[error("the producer id has no epoch left")]
    EpochsUsedUp,
    /// What it would have changed is not known to be persisted.
    #[error("the change is not known to be persisted")]
    NotPersisted,
}

impl Refusal {
    /// Whether what was asked for did not happen and will not by this request. Else it may: what was to be persisted may
    /// be in the log, and who is fenced may have been heard before, when the answer was lost.
    pub fn definitely_did_not_happen(self) -> bool {
        match self {
            Refusal::Fenced | Refusal::NotPersisted => false,
            Refusal::ConcurrentTransactions
            | Refusal::InvalidState
            | Refusal::Unknown
            | Refusal::EpochsUsedUp => true,
        }
    }

    /// Whether the same request may do better later.
    pub fn is_retriable(self) -> bool {
        matches!(self, Refusal::ConcurrentTransactions | Refusal::NotPersisted)
    }
}
