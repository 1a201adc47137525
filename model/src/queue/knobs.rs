//! The settings of the queue.

use super::group::StrategyName;
use super::production::Acks;
use super::reading::{Isolation, ReadFrom};
use super::replica::Flush;
use super::topics::KeyOrder;
use rehearsal_env::Span;
use serde::{Deserialize, Serialize};

/// How often a message is processed, as far as the queue can see to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Consumers commit before they process.
    AtMostOnce,
    /// Consumers commit what they have processed.
    AtLeastOnce,
    /// What comes of a message, and that it is processed, are committed together, in one transaction.
    ExactlyOnce,
}

/// What a consumer does whose offset is not in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OffsetReset {
    /// It goes on where the log starts.
    Earliest,
    /// It goes on where the log ends.
    Latest,
    /// It reports that, and reads the partition no more until it is assigned anew.
    Error,
}

/// Where a group begins in a partition in which it has committed nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartAt {
    /// Where the log starts.
    #[default]
    Earliest,
    /// Where the log ends, and commits that before it works: whoever comes after it misses nothing that was written since.
    Latest,
}

/// What becomes of a message whose processing fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// It is tried again and again, and everything behind it in its partition waits.
    None,
    /// It is written to a retry topic of the group, and the partition goes on. Order is lost.
    Topic,
    /// It is tried again where it is; what comes behind it with the same key waits, and the rest goes on.
    ParkKey,
}

/// Where the coordination service is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CoordinationMode {
    /// On one node that loses nothing, and is away while it is down.
    #[default]
    OneDurableNode,
    /// On three that agree, of which one may be away.
    Consensus,
}

impl CoordinationMode {
    /// On how many nodes it is.
    pub fn nodes(self) -> u32 {
        match self {
            CoordinationMode::OneDurableNode => 1,
            CoordinationMode::Consensus => 3,
        }
    }
}

/// Where groups keep what they have committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OffsetsIn {
    /// In a topic of the queue's own, with members and generations.
    #[default]
    InternalTopic,
    /// In the coordination service. Not with transactions, whose markers are in the log.
    Coordination,
}

/// How what can be read comes to consumers that own partitions. What is lent is asked for always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FetchMode {
    /// They ask for each piece, and wait at the broker while there is none (a long poll).
    #[default]
    Pull,
    /// Brokers send it, unasked, as far as a consumer has credit.
    Push,
}

/// Everything that can be set about the queue, its topics and workload apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knobs {
    /// When a message counts as written.
    pub acks: Acks,
    /// When a record counts as held by a broker.
    pub flush: Flush,
    /// How many replicas must be in sync for a message to be acknowledged by all.
    pub min_insync: u32,
    /// Whether a leader may be elected from outside of the in-sync set when nobody in it lives.
    pub unclean_election: bool,
    /// Whether a repeated batch is known again.
    pub idempotent: bool,
    /// How many batches of a partition a producer has under way at once.
    pub max_in_flight: u32,
    /// How many records a batch holds at most.
    pub batch_records: u32,
    /// How large a batch grows, in bytes, unless one record is larger.
    #[serde(default = "usual_batch_bytes")]
    pub batch_bytes: u32,
    /// How many bytes of keys and values a producer holds that nobody has told it of, more only for a single larger message.
    #[serde(default = "usual_buffer_bytes")]
    pub buffer_bytes: u32,
    /// How long a message waits for room in the buffer, before it is refused as definitely not written.
    #[serde(default = "usual_buffer_wait")]
    pub buffer_wait: Span,
    /// How long a batch waits for more records.
    pub linger: Span,
    /// How long a producer waits for an answer, and before it sends again.
    pub backoff: Span,
    /// After how long a producer gives a message up.
    pub delivery_timeout: Span,
    /// The largest record that is taken, in bytes.
    pub record_limit: u32,
    /// How long a follower may lag before it leaves the in-sync set.
    pub lag: Span,
    /// How long a fetch waits at the leader when there is nothing.
    pub fetch_wait: Span,
    /// How many bytes an answer to a fetch holds, more only for a single larger batch.
    pub fetch_bytes: u32,
    /// With `flush = background`: how long a broker waits between two syncs.
    pub flush_interval: Span,
    /// How large a segment of a log grows, in bytes.
    pub segment_bytes: u32,
    /// How long a broker may be silent before its session with the coordination service ends.
    pub broker_session: Span,
    /// How messages are processed.
    pub delivery: Delivery,
    /// Whom consumers may ask.
    pub read_from: ReadFrom,
    /// How old a transaction may become before its coordinator aborts it.
    pub transaction_timeout: Span,
    /// How a group shares its partitions out.
    pub strategy: StrategyName,
    /// How long a consumer may be silent before its group goes on without it.
    pub member_session: Span,
    /// How long a group waits for its members to join again.
    pub rebalance: Span,
    /// How often a consumer says that it lives.
    pub heartbeat: Span,
    /// How often a consumer commits.
    pub commit_interval: Span,
    /// How long a consumer works on a message.
    pub processing: Span,
    /// How long a message is kept after the newest append to its segment; with 0 for ever.
    pub retention_age: Span,
    /// How many bytes of a partition's log are kept at least; with 0 all.
    pub retention_bytes: u32,
    /// How often it is looked what is out of retention, and what is to be archived.
    pub retention_check: Span,
    /// Whether closed segments are copied to a blob store, and only then dropped.
    pub archive: bool,
    /// What a consumer does whose offset is not in the log.
    pub reset: OffsetReset,
    /// Of how many batches out of a thousand a bit flips on their way between clients and brokers.
    pub flips: u32,
    /// What becomes of a message whose processing fails.
    pub retry: Retry,
    /// How often it is tried, unless `retry = none`; then it is a dead letter.
    pub tries: u32,
    /// How long it waits before it is tried again.
    pub retry_backoff: Span,
    /// After how long without an answer a request within a session is sent again.
    pub resend: Span,
    /// After how long without a word a session ends.
    pub silence: Span,
    /// Where the coordination service is.
    #[serde(default)]
    pub coordination: CoordinationMode,
    /// How many changes the coordination service can tell of later; who was away for longer reads everything anew.
    #[serde(default = "usual_history")]
    pub coordination_history: u32,
    /// What is promised of a key whose partition changes.
    #[serde(default)]
    pub key_order: KeyOrder,
    /// How what can be read comes to consumers.
    #[serde(default)]
    pub fetch: FetchMode,
    /// With `fetch = push`: how many bytes of keys and values may be on their way to a consumer or wait there, for each
    /// of its partitions, more only for a single larger batch.
    #[serde(default = "usual_credit")]
    pub credit: u32,
    /// The batches of so many segments of a log, the last ones, are kept in memory, and read from the disk behind those;
    /// with 0 all.
    #[serde(default)]
    pub cached_segments: u32,
    /// A segment whose first batch was appended so long ago takes no more; with 0 however long ago.
    #[serde(default)]
    pub segment_age: Span,
    /// Where groups keep what they have committed.
    #[serde(default)]
    pub offsets: OffsetsIn,
    /// Where a group begins in a partition in which it has committed nothing. What the queue itself reads is read from the
    /// start.
    #[serde(default)]
    pub start: StartAt,
}

impl Knobs {
    /// What consumers are shown of transactions.
    pub fn isolation(&self) -> Isolation {
        match self.delivery {
            Delivery::ExactlyOnce => Isolation::ReadCommitted,
            Delivery::AtMostOnce | Delivery::AtLeastOnce => Isolation::ReadUncommitted,
        }
    }
}

/// As much as Kafka's `batch.size` is where nobody sets it.
fn usual_batch_bytes() -> u32 {
    16_384
}

/// As much as Kafka's `buffer.memory` is where nobody sets it.
fn usual_buffer_bytes() -> u32 {
    33_554_432
}

/// Long enough for an election; Kafka's `max.block.ms` is a minute where nobody sets it.
fn usual_buffer_wait() -> Span {
    Span::seconds(5)
}

/// As many as there ever are in a rehearsal.
fn usual_history() -> u32 {
    1_000
}

/// As much as the window of a new HTTP/2 stream (RFC 9113, 6.9.2), or about that.
fn usual_credit() -> u32 {
    65_536
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs {
            acks: Acks::All,
            flush: Flush::BeforeAck,
            min_insync: 2,
            unclean_election: false,
            idempotent: true,
            max_in_flight: 5,
            batch_records: 4,
            batch_bytes: usual_batch_bytes(),
            buffer_bytes: usual_buffer_bytes(),
            buffer_wait: usual_buffer_wait(),
            linger: Span::millis(5),
            backoff: Span::millis(100),
            delivery_timeout: Span::seconds(20),
            record_limit: 1_000_000,
            lag: Span::seconds(2),
            fetch_wait: Span::millis(2_000),
            fetch_bytes: 65_536,
            flush_interval: Span::millis(200),
            segment_bytes: 4_096,
            broker_session: Span::seconds(2),
            delivery: Delivery::AtLeastOnce,
            read_from: ReadFrom::Leader,
            transaction_timeout: Span::seconds(5),
            strategy: StrategyName::Sticky,
            member_session: Span::seconds(2),
            rebalance: Span::seconds(2),
            heartbeat: Span::millis(500),
            commit_interval: Span::millis(200),
            processing: Span::millis(1),
            retention_age: Span(0),
            retention_bytes: 0,
            retention_check: Span::millis(500),
            archive: false,
            reset: OffsetReset::Earliest,
            flips: 0,
            retry: Retry::None,
            tries: 3,
            retry_backoff: Span::millis(500),
            resend: Span::millis(300),
            silence: Span::seconds(2),
            coordination: CoordinationMode::OneDurableNode,
            coordination_history: usual_history(),
            key_order: KeyOrder::Announced,
            fetch: FetchMode::Pull,
            credit: usual_credit(),
            cached_segments: 0,
            segment_age: Span(0),
            offsets: OffsetsIn::InternalTopic,
            start: StartAt::Earliest,
        }
    }
}
