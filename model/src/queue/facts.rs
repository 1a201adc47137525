//! What can have happened in the queue.
//!
//! What is in a log is told by its broker, batch by batch, as it is appended, cut off and found again. Who leads and who
//! is in sync is told by the coordination service alone, when that is durable: so a controller that dies after its write
//! hides nothing. What producers and consumers were told is theirs to tell.

mod kinds;
mod lending;
mod of_groups;
mod of_logs;
mod of_restarts;
mod of_topics;
mod pushing;
mod stretch;

pub use lending::LendingFact;
pub use of_groups::OfGroups;
pub use of_logs::OfLogs;
pub use of_restarts::OfRestarts;
pub use of_topics::OfTopics;
pub use pushing::PushFact;
pub use stretch::{Stretch, Within};

use super::brokers::{BrokerEpoch, BrokerId, Brokers};
use super::controller::PartitionState;
use super::delay::Due;
use super::group::{Generation, MemberId};
use super::identity::ProducerIdentity;
use super::message::MessageId;
use super::offset::{LeaderEpoch, Offset};
use super::partition::Partition;
use super::production::Acks;
use super::record::Verdict;
use super::transactions::TransactionalId;
use crate::coordination::Happening;
use rehearsal_env::WallTime;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a producer learned of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fate {
    /// It was written as was asked for; where, unless nothing was waited for.
    Acknowledged(Option<Offset>),
    /// It is not in the log and never will be.
    DefinitelyNot,
    /// Nobody knows.
    Unknown,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fact {
    // ---- the coordination service: durable ----
    /// A broker begins a life.
    BrokerRegistered {
        /// Which.
        broker: BrokerId,
        /// Which life.
        life: BrokerEpoch,
    },
    /// A broker's session has ended.
    BrokerGone {
        /// Which.
        broker: BrokerId,
    },
    /// A broker is the controller now, or nobody is.
    ControllerChanged {
        /// Which.
        broker: Option<BrokerId>,
        /// Its epoch.
        epoch: u64,
    },
    /// Who leads a partition, and who is in sync with the leader.
    PartitionChanged {
        /// Which.
        partition: Partition,
        /// How it is now.
        state: PartitionState,
    },
    /// Copies are placed on these brokers from now on.
    MembersChanged {
        /// Which.
        members: Brokers,
    },
    /// The service came up again.
    CoordinationRecovered,
    /// What else happened in it, or to a client of it: what its own promises are judged by.
    Coordination(Arc<Happening>),
    /// What comes of changes of a topic's partitions.
    OfTopics(OfTopics),
    /// What comes of a wish that a broker stops in order.
    OfRestarts(OfRestarts),
    /// What is found out about logs.
    OfLogs(OfLogs),
    /// What only some groups come to.
    OfGroups(OfGroups),
    // ---- brokers ----
    /// A broker finds this in a partition's log when it comes up.
    Recovered {
        /// Which broker.
        broker: BrokerId,
        /// Which partition.
        partition: Partition,
        /// Where the log starts.
        start: Offset,
        /// All batches.
        log: Vec<Stretch>,
        /// Whether a torn batch was cut off.
        torn: bool,
    },
    /// A broker leads, or believes so.
    Led {
        /// Which partition.
        partition: Partition,
        /// In which epoch.
        epoch: LeaderEpoch,
        /// Where its log ends at that moment.
        begins: Offset,
    },
    /// A broker follows.
    Followed {
        /// Which partition.
        partition: Partition,
        /// In which epoch.
        epoch: LeaderEpoch,
        /// Whom.
        leader: BrokerId,
    },
    /// A leader has appended a batch.
    Appended {
        /// Which partition.
        partition: Partition,
        /// The batch.
        stretch: Stretch,
    },
    /// A leader knows a batch again that it has already, and answers as it did then.
    DuplicateAbsorbed {
        /// Which partition.
        partition: Partition,
        /// Where it stands.
        base: Offset,
        /// The messages in it.
        messages: Vec<MessageId>,
    },
    /// A leader refused a batch.
    Refused {
        /// Which partition.
        partition: Partition,
        /// Why.
        why: String,
        /// The messages in it.
        messages: Vec<MessageId>,
    },
    /// A follower has appended a batch that it fetched.
    Replicated {
        /// Which partition.
        partition: Partition,
        /// The batch.
        stretch: Stretch,
    },
    /// A replica has dropped everything from there on.
    Truncated {
        /// Which partition.
        partition: Partition,
        /// The first that is gone.
        to: Offset,
        /// Where the log ended before.
        from: Offset,
    },
    /// A replica has dropped everything, and its log begins anew.
    BeganAnew {
        /// Which partition.
        partition: Partition,
        /// There.
        at: Offset,
    },
    /// A broker that is no replica any more has dropped all that it had.
    CopyDropped {
        /// Which partition.
        partition: Partition,
        /// Where its log ended.
        from: Offset,
    },
    /// Retention has dropped the first segment of a replica's log.
    Dropped {
        /// Which partition.
        partition: Partition,
        /// Where the segment began.
        from: Offset,
        /// Where the log starts now.
        to: Offset,
        /// How many bytes are left.
        left: u64,
        /// When, in microseconds of the broker's wall clock.
        at: i64,
    },
    /// A replica has begun another segment: the one before it is closed.
    SegmentClosed {
        /// Which partition.
        partition: Partition,
        /// Where the closed one begins.
        base: Offset,
        /// Where it ends.
        end: Offset,
        /// How many bytes it has.
        bytes: u64,
    },
    /// The blob store has a piece of a partition for sure.
    Archived {
        /// Which partition.
        partition: Partition,
        /// Where the piece begins.
        base: Offset,
        /// Where it ends.
        end: Offset,
    },
    /// A replica's disk has its log for sure up to there.
    Persisted {
        /// Which partition.
        partition: Partition,
        /// Up to where.
        through: Offset,
    },
    /// A leader has moved its watermark.
    WatermarkMoved {
        /// Which partition.
        partition: Partition,
        /// In which epoch.
        epoch: LeaderEpoch,
        /// To there.
        to: Offset,
    },
    /// A replica's watermark, when its log has become shorter or it leads or follows from now on: then it could lie
    /// outside of the log. Where it is between, its leader tells.
    WatermarkHeld {
        /// Of which partition.
        partition: Partition,
        /// Where.
        at: Offset,
    },
    /// A leader does not answer a request of another epoch.
    StaleRequestRefused {
        /// Which partition.
        partition: Partition,
        /// The epoch of the request.
        epoch: LeaderEpoch,
    },
    /// A leader asks for a smaller set.
    SetShrinks {
        /// Which partition.
        partition: Partition,
    },
    /// A leader asks for a larger set.
    SetGrows {
        /// Which partition.
        partition: Partition,
    },
    /// The coordination service refused a change of the set: something had changed since.
    SetRefused {
        /// Which partition.
        partition: Partition,
    },
    /// A follower has served batches to a consumer.
    FollowerServed {
        /// Of which partition.
        partition: Partition,
        /// Which.
        served: Vec<Stretch>,
    },
    /// A follower has nothing yet for a consumer at this offset, and says so.
    FollowerSaidWait {
        /// In which partition.
        partition: Partition,
        /// Where.
        offset: Offset,
    },
    /// A follower has told a consumer that its offset is out of range.
    FollowerSaidOutOfRange {
        /// In which partition.
        partition: Partition,
        /// Which.
        offset: Offset,
    },
    /// A group's coordinator has read its partition to the end.
    CoordinatorLoaded {
        /// Which group.
        group: u32,
        /// The generation that it found.
        generation: Generation,
    },
    /// A coordinator has refused a member of an earlier generation.
    MemberFenced {
        /// Which group.
        group: u32,
        /// Who.
        member: MemberId,
    },
    /// A coordinator has decided how a transaction ends, and is about to remember it.
    TransactionEnding {
        /// Under which transactional id.
        id: TransactionalId,
        /// Whose.
        producer: ProducerIdentity,
        /// How.
        verdict: Verdict,
        /// Whether it is aborted for one who takes the transactional id over.
        fenced: bool,
    },
    /// A coordinator goes on with the end of a transaction that one before it has decided.
    TransactionTakenUp {
        /// Under which transactional id.
        id: TransactionalId,
        /// Whose.
        producer: ProducerIdentity,
    },
    // ---- producers ----
    /// A producer is given a message to send.
    Sent {
        /// Which.
        message: MessageId,
        /// Where it goes.
        partition: Partition,
        /// When it counts as written.
        acks: Acks,
    },
    /// A producer has no room for a message now, and lets it wait.
    WaitsForRoom {
        /// Which.
        message: MessageId,
        /// Where it is to go.
        partition: Partition,
    },
    /// A message has waited for room as long as it may: it is refused.
    RefusedForRoom {
        /// Which.
        message: MessageId,
        /// Where it was to go.
        partition: Partition,
    },
    /// A producer sends a batch once more.
    SentAgain {
        /// Where it goes.
        partition: Partition,
        /// The messages in it.
        messages: Vec<MessageId>,
    },
    /// A producer learns what became of a message.
    Told {
        /// Which.
        message: MessageId,
        /// Where it was to go.
        partition: Partition,
        /// What.
        fate: Fate,
    },
    // ---- consumers ----
    /// A consumer owns these partitions from now on.
    Assigned {
        /// In which group.
        group: u32,
        /// As whom.
        member: MemberId,
        /// In which generation.
        generation: Generation,
        /// Which.
        partitions: BTreeSet<Partition>,
    },
    /// A consumer lets everything go.
    LetGo {
        /// In which group.
        group: u32,
        /// As whom.
        member: MemberId,
        /// In which generation it owned it.
        generation: Generation,
    },
    /// A consumer starts there, in a partition that it owns.
    Positioned {
        /// In which group.
        group: u32,
        /// As whom.
        member: MemberId,
        /// In which partition.
        partition: Partition,
        /// From where.
        offset: Offset,
        /// Whether the group had committed anything there.
        committed: bool,
    },
    /// A consumer has processed a message.
    Processed {
        /// In which group.
        group: u32,
        /// As whom.
        member: MemberId,
        /// In which generation.
        generation: Generation,
        /// In which partition.
        partition: Partition,
        /// Where it stands.
        offset: Offset,
        /// Which.
        message: MessageId,
        /// The checksum of its record, as the consumer has it.
        record: u32,
    },
    /// A consumer is told that its commit is on the log.
    CommitConfirmed {
        /// In which group.
        group: u32,
        /// As whom.
        member: MemberId,
        /// In which generation.
        generation: Generation,
        /// Where the group goes on.
        offsets: BTreeMap<Partition, Offset>,
    },
    /// A consumer asked for an offset that the log does not hold, and starts anew, or gives up.
    OffsetOutOfRange {
        /// In which group.
        group: u32,
        /// In which partition.
        partition: Partition,
        /// What it asked for.
        offset: Offset,
        /// Where it goes on; not at all when it is to report an error.
        reset: Option<Offset>,
    },
    /// A consumer has read batches from the archive.
    Replayed {
        /// In which group.
        group: u32,
        /// In which partition.
        partition: Partition,
        /// What it found.
        batches: Vec<Stretch>,
    },
    // ---- point-to-point ----
    /// Something about what is lent to a group.
    Lending {
        /// Which group.
        group: u32,
        /// What.
        what: LendingFact,
    },
    // ---- push ----
    /// Something about a subscription.
    Pushing(PushFact),
    // ---- bits that flip ----
    /// A bit of a batch flips on its way between a client and a broker.
    BitFlipped {
        /// To or from which partition.
        partition: Partition,
        /// The checksum of what is left of its payload.
        checksum: u32,
        /// The checksum of what is left of the record that the bit was in; none where it was in none.
        record: Option<u32>,
    },
    /// A consumer got a batch that is not what its producer made, and throws it away.
    DamageFound {
        /// In which partition.
        partition: Partition,
        /// Where the batch begins.
        offset: Offset,
    },
    // ---- delay, retry, dead letters ----
    /// A producer is given a message that nobody is to see before it is due. `Sent` follows, to a partition of the
    /// delayed topic.
    Postponed {
        /// Which.
        message: MessageId,
        /// Where it is to stand when it is due.
        target: Partition,
        /// When it is due.
        due: Due,
        /// What the producer's wall clock shows.
        wall: WallTime,
    },
    /// A mover finds a delayed message due, and begins to move it.
    Released {
        /// In which partition of the delayed topic.
        partition: Partition,
        /// In whose time it was appended there.
        epoch: LeaderEpoch,
        /// Where.
        offset: Offset,
        /// Which.
        message: MessageId,
        /// Where it goes.
        target: Partition,
        /// What the mover's wall clock shows.
        wall: WallTime,
    },
    /// A mover is told that a message stands in its target.
    Moved {
        /// In which partition of the delayed topic it stood.
        partition: Partition,
        /// Where.
        offset: Offset,
        /// Which.
        message: MessageId,
        /// Where it went.
        target: Partition,
        /// Where it stands there.
        place: Offset,
    },
    /// A consumer has tried to process a message, in vain.
    Failed {
        /// In which group.
        group: u32,
        /// As whom.
        member: MemberId,
        /// In which partition.
        partition: Partition,
        /// Where it stands.
        offset: Offset,
        /// Which.
        message: MessageId,
        /// The how-many-th try it was, from 1.
        tries: u32,
    },
    /// A consumer is told that what failed is written: to the delayed topic to be tried again, or to the dead letters.
    Forwarded {
        /// In which group.
        group: u32,
        /// In which partition it stood.
        partition: Partition,
        /// Where.
        offset: Offset,
        /// Which.
        message: MessageId,
        /// Where it went.
        to: Partition,
        /// Where it stands there.
        place: Offset,
    },
    /// A consumer lets a message wait, since one before it with the same key is to be tried again.
    Parked {
        /// In which group.
        group: u32,
        /// In which partition.
        partition: Partition,
        /// Where it stands.
        offset: Offset,
        /// Which.
        message: MessageId,
    },
}
