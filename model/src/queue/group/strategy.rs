//! How a leader shares partitions among members: pure functions from what the members want to a plan.
//!
//! Every strategy gives every partition of a topic that anybody reads to exactly one of those who read it.

use super::ids::MemberId;
use super::registration::Interest;
use super::{range, round_robin, sticky};
use crate::queue::partition::{Partition, Topic};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What each member owns. Every member is in it, with nothing if need be.
pub type Plan = BTreeMap<MemberId, BTreeSet<Partition>>;

/// A way of planning, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyName {
    /// Neighbours of each topic stay together: see [`range`].
    Range,
    /// One after the other, over all topics: see [`round_robin`].
    RoundRobin,
    /// As even as can be, and then as little moved as can be: see [`sticky`].
    Sticky,
}

impl StrategyName {
    /// The plan for these members, in a world where the topics have so many partitions. A topic that is not among them
    /// has none.
    pub fn plan(self, members: &BTreeMap<MemberId, Interest>, topics: &BTreeMap<Topic, u32>) -> Plan {
        match self {
            StrategyName::Range => range::plan(members, topics),
            StrategyName::RoundRobin => round_robin::plan(members, topics),
            StrategyName::Sticky => sticky::plan(members, topics),
        }
    }
}

/// A plan in which nobody has anything.
pub(super) fn nothing(members: &BTreeMap<MemberId, Interest>) -> Plan {
    members.keys().map(|id| (*id, BTreeSet::new())).collect()
}

/// Every partition of every topic, in order.
pub(super) fn all(topics: &BTreeMap<Topic, u32>) -> impl Iterator<Item = Partition> {
    let numbered = |(topic, count): (&Topic, &u32)| {
        let topic = *topic;
        (0..*count).map(move |number| Partition { topic, number })
    };
    topics.iter().flat_map(numbered)
}
