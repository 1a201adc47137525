//! What can have happened in the queue.
//!
//! What is in a log is told by its broker, batch by batch, as it is appended, cut off and found again. Who leads and who
//! is in sync is told by the coordination service alone, when that is durable: so a controller that dies after its write
//! hides nothing. What producers and consumers were told is theirs to tell.

use super::brokers::{BrokerEpoch, BrokerId};
use super::controller::PartitionState;
use super::group::{Generation, MemberId};
use super::message::MessageId;
use super::offset::{LeaderEpoch, Offset};
use super::partition::Partition;
use super::production::Acks;
use crate::coordination::Happening;
use rehearsal_env::Fact as FactTrait;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One batch in a log: which stretch of offsets, in whose time, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stretch {
    /// Where it begins.
    pub base: Offset,
    /// Where the next one begins.
    pub end: Offset,
    /// The epoch of the leader that appended it.
    pub epoch: LeaderEpoch,
    /// The checksum of its payload: the same bytes have the same.
    pub checksum: u32,
    /// The messages in it, one an offset; none for what is the queue's own.
    pub messages: Vec<MessageId>,
}

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
    /// The service came up again.
    CoordinationRecovered,
    /// What else happened in it, or to a client of it: what its own promises are judged by.
    Coordination(Arc<Happening>),
    // ---- brokers ----
    /// A broker finds this in a partition's log when it comes up.
    Recovered {
        /// Which broker.
        broker: BrokerId,
        /// Which partition.
        partition: Partition,
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
    /// A consumer asked for an offset that the log does not hold, and starts anew.
    OffsetOutOfRange {
        /// In which group.
        group: u32,
        /// In which partition.
        partition: Partition,
        /// What it asked for.
        offset: Offset,
    },
}

/// The kinds of what is told of the coordination service; what is told in other facts has none of its own.
fn kind_of(happening: &Happening) -> &'static str {
    match happening {
        Happening::Changed(_) => "CoordinationChanged",
        Happening::Invoked { .. } => "CoordinationAsked",
        Happening::Returned { .. } => "CoordinationAnswered",
        Happening::SessionOpened { .. } => "SessionOpened",
        Happening::SessionClosed { .. } => "SessionClosed",
        Happening::SessionExpired { .. } => "SessionExpired",
        Happening::SnapshotInstalled { .. } => "SnapshotInstalled",
        Happening::Led { .. } => "CoordinationLed",
        Happening::VoteGiven { .. } => "VoteGiven",
        Happening::VoteRefused { .. } => "VoteRefused",
        Happening::ReadsRefused { .. } => "ReadsRefused",
        Happening::WatchRenewed { .. } => "WatchRenewed",
        _ => "CoordinationOther",
    }
}

impl FactTrait for Fact {
    fn kind(&self) -> &'static str {
        match self {
            Fact::BrokerRegistered { .. } => "BrokerRegistered",
            Fact::BrokerGone { .. } => "BrokerGone",
            Fact::ControllerChanged { .. } => "ControllerChanged",
            Fact::PartitionChanged { .. } => "PartitionChanged",
            Fact::CoordinationRecovered => "CoordinationRecovered",
            Fact::Coordination(happening) => kind_of(happening),
            Fact::Recovered { .. } => "Recovered",
            Fact::Led { .. } => "Led",
            Fact::Followed { .. } => "Followed",
            Fact::Appended { .. } => "Appended",
            Fact::DuplicateAbsorbed { .. } => "DuplicateAbsorbed",
            Fact::Refused { .. } => "Refused",
            Fact::Replicated { .. } => "Replicated",
            Fact::Truncated { .. } => "Truncated",
            Fact::Persisted { .. } => "Persisted",
            Fact::WatermarkMoved { .. } => "WatermarkMoved",
            Fact::StaleRequestRefused { .. } => "StaleRequestRefused",
            Fact::SetShrinks { .. } => "SetShrinks",
            Fact::SetGrows { .. } => "SetGrows",
            Fact::SetRefused { .. } => "SetRefused",
            Fact::CoordinatorLoaded { .. } => "CoordinatorLoaded",
            Fact::MemberFenced { .. } => "MemberFenced",
            Fact::Sent { .. } => "Sent",
            Fact::SentAgain { .. } => "SentAgain",
            Fact::Told { .. } => "Told",
            Fact::Assigned { .. } => "Assigned",
            Fact::LetGo { .. } => "LetGo",
            Fact::Positioned { .. } => "Positioned",
            Fact::Processed { .. } => "Processed",
            Fact::CommitConfirmed { .. } => "CommitConfirmed",
            Fact::OffsetOutOfRange { .. } => "OffsetOutOfRange",
        }
    }

    fn in_words(&self) -> String {
        super::words::of(self)
    }
}
