//! What goes into a producer and what comes out.

use super::super::identity::ProducerIdentity;
use super::super::offset::Offset;
use super::super::partition::Partition;
use super::super::record::{Payload, Record};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A record, as the caller numbers them: each has its own number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub u64);

/// A batch. It keeps its name when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId {
    /// Where it goes.
    pub partition: Partition,
    /// The how-many-th of this producer.
    pub number: u64,
}

/// When a record counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acks {
    /// When it is sent.
    None,
    /// When the leader has it.
    Leader,
    /// When the in-sync replicas have it.
    All,
}

/// What a producer promises.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// When a record counts as written.
    pub acks: Acks,
    /// Whether batches are numbered, so that none is written twice or out of order (KIP-98).
    pub idempotent: bool,
    /// Whether all belongs to transactions. The caller begins and ends them.
    pub transactional: bool,
    /// How many batches of a partition may be without an answer. With one, or when idempotent, records stand in the
    /// order in which they were sent.
    pub max_in_flight: usize,
    /// How many records a batch holds at most.
    pub batch_records: usize,
    /// How many bytes of keys and values a batch holds at most; a larger record is a batch of its own.
    pub batch_bytes: usize,
    /// How many bytes of keys and values it holds at most, from when a record goes into a batch until it is reported; more
    /// only for a single larger record.
    pub buffer_bytes: usize,
    /// How long a record waits for room, before it is refused as definitely not written.
    pub buffer_wait: Duration,
    /// How long a batch waits for more records.
    pub linger: Duration,
    /// How long a batch waits before it is sent again, at first.
    pub backoff: Duration,
    /// How long after its first record a batch is given up.
    pub delivery_timeout: Duration,
}

/// The name of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The batch waits for no more records.
    Linger(BatchId),
    /// The batch may be sent again.
    Backoff(BatchId),
    /// The batch is given up.
    Delivery(BatchId),
    /// The record waits no longer for room.
    Room(RecordId),
}

/// What may happen to a producer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The caller sends a record.
    Send {
        /// Its number.
        id: RecordId,
        /// Where it goes.
        partition: Partition,
        /// The record.
        record: Record,
    },
    /// The caller wants all that it has sent so far on its way.
    Flush,
    /// The caller aborts its transaction: what is not done is given up, so that nothing of it is sent in the next one.
    Abandon,
    /// An identity, the first or a newer one.
    Identified(ProducerIdentity),
    /// What came of a batch that was sent.
    Answered {
        /// Which.
        batch: BatchId,
        /// What came of it.
        outcome: Outcome,
    },
    /// A timer that was set has run out. A stale one does nothing.
    TimerFired(Timer),
}

/// What came of sending a batch once. To be told once for each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is in the log as `acks` asks, now or since earlier.
    Appended {
        /// Where its first record stands.
        base: Offset,
    },
    /// The leader says no.
    Refused {
        /// Whether the batch is definitely not in the log. After "not enough replicas after the append" it may be.
        definitely_not_appended: bool,
        /// Whether the same batch may do better later.
        retriable: bool,
    },
    /// The leader says that it belongs elsewhere, as the topic is now. The batch is not in the log and never will be.
    Misrouted,
    /// None came in time.
    NoAnswer,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Send this and come back with [`Input::Answered`]; with [`Acks::None`] nothing is waited for.
    Send {
        /// Its name.
        batch: BatchId,
        /// What is sent.
        payload: Arc<Payload>,
    },
    /// Tell the caller. Said once for each record.
    Report {
        /// Which record.
        id: RecordId,
        /// What came of it.
        fate: Fate,
    },
    /// A batch was given up, and those behind it cannot follow: come back with [`Input::Identified`] and a newer epoch,
    /// which a producer with transactions gets by aborting (KIP-360).
    WantsIdentity,
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

/// What came of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It was written, as `acks` asks.
    Acknowledged {
        /// Where it stands; nobody says so with [`Acks::None`].
        offset: Option<Offset>,
    },
    /// It is not in the log and never will be.
    DefinitelyNot,
    /// It is not in the log and never will be, since the partitions of its topic have changed: it is to be sent where it
    /// belongs now, when the fate is known of all that was sent before they changed.
    Misrouted,
    /// It may be in the log, or be there later.
    Unknown,
}
