//! Topic by topic, a run of neighbours for each member (Kafka's `RangeAssignor`). Partitions of the same number of two
//! topics that are read alike go to the same member, so that they can be joined; the first members may have one more of
//! each topic.

use super::ids::MemberId;
use super::registration::Interest;
use super::strategy::{Plan, nothing};
use crate::queue::partition::{Partition, Topic};
use std::collections::BTreeMap;

/// The plan for these members and topics. Within each topic the counts are within one of even.
pub fn plan(members: &BTreeMap<MemberId, Interest>, topics: &BTreeMap<Topic, u32>) -> Plan {
    let mut plan = nothing(members);
    for (topic, count) in topics {
        let readers: Vec<MemberId> = members
            .iter()
            .filter(|(_, interest)| interest.topics.contains(topic))
            .map(|(id, _)| *id)
            .collect();
        let mut next = 0;
        for (place, id) in readers.iter().enumerate() {
            let remaining = readers.len() as u32 - place as u32;
            let share = (count - next).div_ceil(remaining);
            let run = (next..next + share).map(|number| Partition { topic: *topic, number });
            plan.get_mut(id).expect("every member is in the plan").extend(run);
            next += share;
        }
    }
    plan
}
