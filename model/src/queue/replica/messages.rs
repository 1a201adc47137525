//! What replicas of a partition ask each other and the controller. Records travel beside them.

use super::lineage::EpochEnd;
use crate::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use crate::queue::offset::{LeaderEpoch, Offset};
use serde::{Deserialize, Serialize};

/// Who asks. Stands in every request and comes back with its answer, so that an answer that was meant for an earlier
/// epoch, or for an earlier life of the broker, is known for what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Asker {
    /// The broker.
    pub broker: BrokerId,
    /// Which life of it.
    pub life: BrokerEpoch,
    /// The leader epoch that it follows in.
    pub epoch: LeaderEpoch,
}

/// A follower asks its leader where an epoch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EndRequest {
    /// Who asks.
    pub asker: Asker,
    /// The newest epoch in its log.
    pub last: LeaderEpoch,
}

/// The leader's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EndAnswer {
    /// What was asked.
    pub request: EndRequest,
    /// Where it ends there.
    pub end: EpochEnd,
}

/// A follower wants what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FetchRequest {
    /// Who asks.
    pub asker: Asker,
    /// The end of its log: where it wants to go on. It holds all before it ([`Flush`](super::Flush) says where).
    pub offset: Offset,
}

/// The leader's answer; the batches, if any, begin at the request's offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FetchAnswer {
    /// What was asked.
    pub request: FetchRequest,
    /// The leader's watermark.
    pub watermark: Offset,
}

/// The leader's answer to a follower whose log ends outside of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OutOfRangeAnswer {
    /// What was asked.
    pub request: FetchRequest,
    /// Where the leader's log starts.
    pub start: Offset,
}

/// A leader asks the controller to change the in-sync set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SetRequest {
    /// The leader.
    pub leader: BrokerId,
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// The version of the partition's state that it knows: the set is written only if nothing changed since.
    pub version: u32,
    /// The whole set as it should be.
    pub in_sync: Brokers,
    /// Who is new in it, and which life of it.
    pub joining: Option<(BrokerId, BrokerEpoch)>,
}
