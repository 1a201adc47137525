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

impl StrategyName {
    /// The same where not every partition of a topic is to be shared out, but these. They are numbered anew without gaps,
    /// planned for, and get their numbers back.
    pub fn plan_what_is_open(
        self,
        members: &BTreeMap<MemberId, Interest>,
        open: &BTreeMap<Topic, BTreeSet<u32>>,
    ) -> Plan {
        let counts = open.iter().map(|(topic, numbers)| (*topic, numbers.len() as u32)).collect();
        let dense = |partition: &Partition| {
            let place = open.get(&partition.topic)?.iter().position(|number| *number == partition.number)?;
            Some(Partition { number: place as u32, ..*partition })
        };
        let numbered = |interest: &Interest| {
            let owned = interest.owned.iter().filter_map(dense).collect();
            Interest { owned, ..interest.clone() }
        };
        let members = members.iter().map(|(id, interest)| (*id, numbered(interest))).collect();
        let real = |partition: Partition| {
            let number = open.get(&partition.topic)?.iter().nth(partition.number as usize)?;
            Some(Partition { number: *number, ..partition })
        };
        let plan = self.plan(&members, &counts).into_iter();
        plan.map(|(id, partitions)| (id, partitions.into_iter().filter_map(real).collect())).collect()
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
