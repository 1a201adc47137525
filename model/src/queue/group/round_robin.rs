//! All partitions of all topics, dealt out to the members in turn (Kafka's `RoundRobinAssignor`). One who does not read
//! the topic is passed over.

use super::ids::MemberId;
use super::registration::Interest;
use super::strategy::{Plan, all, nothing};
use crate::queue::partition::Topic;
use std::collections::BTreeMap;

/// The plan for these members and topics. Within one of even over all topics, when all read the same.
pub fn plan(members: &BTreeMap<MemberId, Interest>, topics: &BTreeMap<Topic, u32>) -> Plan {
    let mut plan = nothing(members);
    let mut turn = members.iter().cycle();
    for partition in all(topics) {
        let reader = turn
            .by_ref()
            .take(members.len())
            .find(|(_, interest)| interest.topics.contains(&partition.topic));
        if let Some((id, _)) = reader {
            plan.get_mut(id).expect("every member is in the plan").insert(partition);
        }
    }
    plan
}
