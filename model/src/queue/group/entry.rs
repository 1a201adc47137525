//! What a coordinator writes to its partition of the offsets topic, and a later one reads.

use super::ids::{Generation, MemberId};
use super::registration::Registration;
use super::strategy::StrategyName;
use crate::queue::identity::ProducerIdentity;
use crate::queue::offset::Offset;
use crate::queue::partition::Partition;
use crate::queue::record::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One write of a coordinator. A later one of the same kind takes the place of an earlier one; offsets do so partition by
/// partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GroupEntry {
    /// A generation. Written when it is formed, before anybody hears of it, so that its number is never given again; and
    /// a second time with the leader's plan. (Kafka writes it only with the plan, and may give a number twice.)
    Generation {
        /// Its number.
        generation: Generation,
        /// Who plans, and how; nobody in a generation without members.
        lead: Option<Lead>,
        /// Its members.
        members: BTreeMap<MemberId, MemberEntry>,
        /// Whether the leader's plan is in it.
        planned: bool,
    },
    /// Committed offsets.
    Offsets {
        /// Where to go on in each partition.
        offsets: BTreeMap<Partition, Offset>,
    },
    /// Offsets that are committed when this producer's transaction is (KIP-98).
    OffsetsWithin {
        /// Whose transaction.
        producer: ProducerIdentity,
        /// Where to go on in each partition.
        offsets: BTreeMap<Partition, Offset>,
    },
    /// Not a coordinator's own: the marker that stands there in the partition.
    TransactionEnded {
        /// The marker's identity: all transactions of this producer with smaller epochs have ended.
        producer: ProducerIdentity,
        /// How.
        verdict: Verdict,
    },
    /// Somebody asked where to go on. It says nothing: that it is in sync says that whoever wrote it still coordinated.
    Asked,
}

/// Who plans a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lead {
    /// The member that plans.
    pub leader: MemberId,
    /// The strategy that most members prefer among those that all know.
    pub strategy: StrategyName,
}

/// A member of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemberEntry {
    /// What it said when it joined.
    pub registration: Registration,
    /// What it owns; nothing while the plan is awaited.
    pub partitions: BTreeSet<Partition>,
}
