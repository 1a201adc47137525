//! What clients ask brokers, and brokers each other.

use super::brokers::BrokerId;
use super::group::{self, GroupError, MemberId, Registration};
use super::group::{Generation, Plan as GroupPlan};
use super::identity::ProducerIdentity;
use super::lending::{self, Held};
use super::offset::{LeaderEpoch, Offset};
use super::partition::Partition;
use super::producers::Aborted;
use super::production::Acks;
use super::reading::{Footing, Terms};
use super::record::{Batch, Payload, Verdict};
use super::replica::{EndAnswer, EndRequest, EpochEnd, FetchAnswer, FetchRequest, OutOfRangeAnswer};
use super::topics::TopicState;
use super::transactions::{self, TransactionalId};
use crate::session::{SessionPool, SessionServer};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// What a client asks a broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Request {
    /// Who leads each partition.
    Metadata,
    /// The state of a topic.
    Topic {
        /// Which.
        topic: u32,
    },
    /// Append this.
    Produce {
        /// Where.
        partition: Partition,
        /// When to answer.
        acks: Acks,
        /// What.
        payload: Arc<Payload>,
        /// Its checksum, by the producer.
        checksum: u32,
        /// Under which transactional id, if it is part of a transaction.
        transaction: Option<TransactionalId>,
        /// By which version of the topic's state it was found where it goes, if that changes while the queue runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        routing: Option<u32>,
    },
    /// What stands there and behind it, as far as consumers may read. Waits for something for some time.
    Fetch {
        /// Where.
        partition: Partition,
        /// From which offset on.
        offset: Offset,
        /// What is wanted.
        terms: Terms,
        /// What is known of the log before it.
        footing: Footing,
    },
    /// Where the partition starts: what a consumer without an offset begins with.
    Earliest {
        /// Which partition.
        partition: Partition,
    },
    /// Where what consumers may read of the partition ends.
    Latest {
        /// Which partition.
        partition: Partition,
    },
    /// Something about a group.
    Group {
        /// Which.
        group: u32,
        /// What.
        request: GroupRequest,
    },
    /// Something about transactions.
    Transaction {
        /// Under which transactional id.
        id: TransactionalId,
        /// What.
        request: TransactionRequest,
    },
    /// Something about what is lent.
    Lending {
        /// To which group.
        group: u32,
        /// What.
        request: LendingRequest,
    },
}

/// What a consumer asks its group's lender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LendingRequest {
    /// For messages.
    Borrow {
        /// Of which partition.
        partition: Partition,
        /// Where its readable part ends, as far as the consumer knows.
        end: Offset,
        /// How many it takes at most.
        most: u32,
    },
    /// That this one be lent to nobody any more.
    Acknowledge(Held),
    /// That this one be lent to another.
    GiveBack(Held),
}

/// What a producer asks its transactions' coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransactionRequest {
    /// To go on with the transactional id, alone.
    Initialise {
        /// How old a transaction may become.
        timeout: Duration,
    },
    /// To write to these partitions within the transaction.
    AddPartitions {
        /// As whom.
        producer: ProducerIdentity,
        /// Which.
        partitions: BTreeSet<Partition>,
    },
    /// To end the transaction.
    End {
        /// As whom.
        producer: ProducerIdentity,
        /// How.
        verdict: Verdict,
    },
}

/// What a consumer asks its group's coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GroupRequest {
    /// To be in the next generation.
    Join {
        /// As whom, if it was a member before.
        member: Option<MemberId>,
        /// What to say.
        registration: Registration,
    },
    /// What it owns.
    Sync {
        /// As whom.
        member: MemberId,
        /// In which generation.
        generation: Generation,
        /// The plan, if it leads.
        plan: GroupPlan,
    },
    /// Whether it may go on.
    Heartbeat {
        /// As whom.
        member: MemberId,
        /// In which generation.
        generation: Generation,
    },
    /// To commit.
    Commit {
        /// As whom.
        member: MemberId,
        /// In which generation.
        generation: Generation,
        /// Where to go on.
        offsets: BTreeMap<Partition, Offset>,
    },
    /// To commit when a transaction is committed.
    CommitWithin {
        /// As whom.
        member: MemberId,
        /// In which generation.
        generation: Generation,
        /// Under which transactional id.
        id: TransactionalId,
        /// Whose transaction.
        producer: ProducerIdentity,
        /// Where to go on.
        offsets: BTreeMap<Partition, Offset>,
    },
    /// Where to go on.
    Offsets {
        /// In which partitions.
        partitions: BTreeSet<Partition>,
    },
    /// To be a member no more.
    Leave {
        /// Who.
        member: MemberId,
    },
}

/// What a broker answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// To `Metadata`: the leaders that this broker knows of.
    Metadata(BTreeMap<Partition, BrokerId>),
    /// To `Topic`: the newest state that this broker knows of.
    Topic(TopicState),
    /// To `Produce`: where the first record stands.
    Produced(Result<Offset, Refusal>),
    /// To `Fetch`.
    Fetched(Result<Fetched, Refusal>),
    /// To `Earliest` and `Latest`.
    Bound(Result<Offset, Refusal>),
    /// To `Group`.
    Group(Result<group::Answer, GroupRefusal>),
    /// To `Transaction`.
    Transaction(Result<transactions::Answer, TransactionRefusal>),
    /// To `Lending`.
    Lending(Result<lending::Answer, LendingRefusal>),
}

/// What a consumer gets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fetched {
    /// Whole batches, as they came from their producers, the first the one that holds the offset asked for; without those
    /// in which nothing has the tag that is wanted.
    pub batches: Vec<Arc<Batch>>,
    /// Everything before it was looked at: where the next fetch begins, also when there was nothing to be shown.
    pub next: Offset,
    /// Where its sight ends: the last stable offset, or the watermark.
    pub end: Offset,
    /// The aborted transactions among the batches.
    pub aborted: Vec<Aborted>,
    /// Which epochs wrote what lies between the offset asked for and `next`: each with the first offset that it has there.
    pub epochs: Vec<(LeaderEpoch, Offset)>,
    /// In whose time it is served.
    pub epoch: LeaderEpoch,
}

/// Why a broker refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Error)]
pub enum Refusal {
    /// There is no such partition.
    #[error("there is no such partition")]
    UnknownPartition,
    /// It does not lead the partition.
    #[error("this broker does not lead the partition")]
    NotLeader,
    /// Too few replicas are in sync; nothing was appended.
    #[error("too few replicas are in sync, and nothing was appended")]
    NotEnoughReplicas,
    /// It was appended, and then too few replicas were in sync: whether it stays is unknown. (Kafka's
    /// `NOT_ENOUGH_REPLICAS_AFTER_APPEND`.)
    #[error("it was appended, but too few replicas are in sync now: whether it stays is unknown")]
    NotEnoughReplicasAfterAppend,
    /// It was appended, and then the broker led no more: whether it stays is unknown.
    #[error("it was appended, but the broker leads no more: whether it stays is unknown")]
    LeadershipLost,
    /// A record is larger than is taken.
    #[error("a record is larger than the limit")]
    TooLarge,
    /// The checksum does not fit.
    #[error("the checksum does not fit")]
    Corrupt,
    /// Batches of the producer before it are missing.
    #[error("batches before it are missing")]
    OutOfOrder {
        /// Whether it is ahead of what is expected: then it is not in the log.
        ahead: bool,
    },
    /// The producer is not known, and this is not its first batch: what it wrote before is gone (KIP-360).
    #[error("what the producer wrote before is gone")]
    UnknownProducer,
    /// The producer was replaced.
    #[error("the producer was replaced")]
    Fenced,
    /// The partitions of the topic have changed since the state by which this was sent; nothing was appended, and nothing
    /// of it ever will be.
    #[error("the partitions of the topic have changed since")]
    OldRouting,
    /// The partition is retired; nothing was appended, and nothing of it ever will be.
    #[error("the partition is retired")]
    Retired,
    /// Whether its transaction is open and includes the partition could not be found out; nothing was appended.
    #[error("its transaction could not be verified")]
    NotVerified,
    /// What consumers may read of the partition ends nobody knows where: what an earlier leader has shown may be more than
    /// this one knows to be in sync (KIP-207; Kafka's `OFFSET_NOT_AVAILABLE`).
    #[error("it is not known yet up to where an earlier leader has shown the partition")]
    OffsetNotAvailable,
    /// The log does not hold the offset.
    #[error("the log holds {start} to {end}")]
    OutOfRange {
        /// Where it starts.
        start: Offset,
        /// Where what consumers may read ends.
        end: Offset,
    },
    /// What the consumer has read before the offset does not stand there: the log was truncated since (KIP-320).
    #[error("the log parts from what was read before the offset")]
    Diverged {
        /// Where the epoch ends here in which the consumer has read last, or the newest one before that.
        end: EpochEnd,
    },
    /// The consumer was served in an epoch of which this broker has not heard yet. (Kafka's `UNKNOWN_LEADER_EPOCH`.)
    #[error("this broker has not heard of that epoch")]
    UnknownEpoch,
}

/// Why a group's coordinator refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Error)]
pub enum GroupRefusal {
    /// This broker does not coordinate the group, or does not yet; nothing was done.
    #[error("this broker does not coordinate the group")]
    NotCoordinator,
    /// The group says so.
    #[error(transparent)]
    Group(GroupError),
}

/// Why a group's lender refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Error)]
pub enum LendingRefusal {
    /// This broker does not lend to the group, or does not yet; nothing was done.
    #[error("this broker does not lend to the group")]
    NotLender,
    /// The lender says so.
    #[error(transparent)]
    Refused(lending::Refusal),
}

/// Why a transactions' coordinator refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Error)]
pub enum TransactionRefusal {
    /// This broker does not coordinate the transactional id, or does not yet; nothing was done.
    #[error("this broker does not coordinate the transactional id")]
    NotCoordinator,
    /// The coordinator has lost its leadership while it worked on it: whether anything was done is unknown.
    #[error("the coordinator was replaced")]
    CoordinatorLost,
    /// The coordinator says so.
    #[error(transparent)]
    Refused(transactions::Refusal),
}

impl Refusal {
    /// Whether nothing was appended.
    pub fn definitely_not_appended(self) -> bool {
        match self {
            Refusal::NotEnoughReplicasAfterAppend
            | Refusal::LeadershipLost
            | Refusal::Fenced
            | Refusal::UnknownProducer => false,
            Refusal::OutOfOrder { ahead } => ahead,
            _ => true,
        }
    }

    /// Whether the same request may do better later, or elsewhere.
    pub fn is_retriable(self) -> bool {
        match self {
            Refusal::NotLeader
            | Refusal::Corrupt
            | Refusal::NotEnoughReplicas
            | Refusal::NotEnoughReplicasAfterAppend
            | Refusal::LeadershipLost
            | Refusal::UnknownProducer
            | Refusal::NotVerified
            | Refusal::OffsetNotAvailable
            | Refusal::UnknownEpoch
            | Refusal::UnknownPartition => true,
            Refusal::OutOfOrder { ahead } => ahead,
            Refusal::TooLarge
            | Refusal::Fenced
            | Refusal::OutOfRange { .. }
            | Refusal::Diverged { .. }
            | Refusal::OldRouting
            | Refusal::Retired => false,
        }
    }
}

impl Answer {
    /// Whether it says that another broker is to be asked.
    pub fn is_from_the_wrong_broker(&self) -> bool {
        match self {
            Answer::Produced(Err(refusal)) => {
                matches!(refusal, Refusal::NotLeader | Refusal::LeadershipLost | Refusal::UnknownPartition)
            }
            Answer::Fetched(Err(refusal)) | Answer::Bound(Err(refusal)) => {
                matches!(refusal, Refusal::NotLeader | Refusal::UnknownEpoch)
            }
            Answer::Group(Err(refusal)) => *refusal == GroupRefusal::NotCoordinator,
            Answer::Lending(Err(refusal)) => *refusal == LendingRefusal::NotLender,
            Answer::Transaction(Err(refusal)) => {
                matches!(refusal, TransactionRefusal::NotCoordinator | TransactionRefusal::CoordinatorLost)
            }
            _ => false,
        }
    }
}

/// Between replicas of one partition. Lost and doubled messages do no harm: the core knows an answer to another question,
/// and takes a question again as often as it comes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReplicaMessage {
    /// Which partition.
    pub partition: Partition,
    /// What.
    pub body: ReplicaBody,
}

/// What a replica asks or answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReplicaBody {
    /// Where does an epoch end?
    End(EndRequest),
    /// There.
    EndAnswer(EndAnswer),
    /// What comes next?
    Fetch(FetchRequest),
    /// This.
    Fetched(FetchAnswer, Vec<Arc<Batch>>),
    /// The asker's log ends outside of the leader's.
    OutOfRange(OutOfRangeAnswer),
}

/// Between coordinators and the leaders of partitions, about transactions. Lost and doubled messages do no harm: a marker
/// that stands in the log is known again, and a verification changes nothing that was not so before.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ErrandMessage {
    /// Which errand; an answer has the number of its question.
    pub number: u64,
    /// What.
    pub body: ErrandBody,
}

/// What is asked and answered about transactions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ErrandBody {
    /// Is this transaction open, and does it include this partition (KIP-890)?
    Verify {
        /// Under which transactional id.
        id: TransactionalId,
        /// Whose transaction.
        producer: ProducerIdentity,
        /// Which partition.
        partition: Partition,
    },
    /// It is, or why not.
    Verified(Result<(), TransactionRefusal>),
    /// Append this marker.
    WriteMarker {
        /// Where.
        partition: Partition,
        /// The marker's identity.
        producer: ProducerIdentity,
        /// How the transaction ends.
        verdict: Verdict,
    },
    /// It is in sync, or the partition has fenced it.
    MarkerWritten,
}

/// A client's end.
pub type Clients<E> = SessionPool<E, Request, Answer>;
/// A broker's end.
pub type Counter<E> = SessionServer<E, Request, Answer>;
