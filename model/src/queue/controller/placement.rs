//! On which brokers the copies of partitions are.
//!
//! Copies are on members alone, no two of a partition on one, and as many on each as on any other, but for one. Where
//! that is not so, one copy is named that is to be elsewhere: first those that are on no member, then one of a member
//! that has two more than another. Each such step makes the loads more even, so that there is an end to it; what is in
//! its place already is left alone.

use super::PartitionState;
use crate::queue::brokers::{BrokerId, Brokers};
use crate::queue::partition::Partition;
use std::collections::BTreeMap;

/// How many copies each member holds once every move is done.
pub(super) fn loads(
    members: Brokers,
    partitions: &BTreeMap<Partition, PartitionState>,
) -> BTreeMap<BrokerId, usize> {
    let held = |broker| partitions.values().filter(|state| state.target().has(broker)).count();
    members.iter().map(|broker| (broker, held(broker))).collect()
}

/// Where so many copies of a new partition go: to those of `able` who hold least. Fewer when there are not so many.
pub(super) fn first(able: Brokers, loads: &BTreeMap<BrokerId, usize>, copies: usize) -> Brokers {
    let mut by_load: Vec<BrokerId> = able.iter().collect();
    by_load.sort_by_key(|broker| (loads.get(broker).copied().unwrap_or_default(), *broker));
    by_load.into_iter().take(copies).collect()
}

/// Where a partition's copies shall be instead of where they are, since one is on no member. The place of each is taken by
/// the member that lives and holds least, and of several by one that has a copy anyway, since its move was under way.
pub(super) fn off_strangers(
    state: &PartitionState,
    members: Brokers,
    live: Brokers,
    loads: &BTreeMap<BrokerId, usize>,
) -> Option<Brokers> {
    let stranger = state.target().minus(members).iter().next()?;
    let able = members.and(live).minus(state.target());
    let rank = |broker: &BrokerId| {
        let load = loads.get(broker).copied().unwrap_or_default();
        (load, !state.replicas.has(*broker), *broker)
    };
    let instead = able.iter().min_by_key(rank)?;
    Some(state.target().without(stranger).with(instead))
}

/// The copy that is to be elsewhere for the sake of evenness, if any is: of a partition of which nothing else is moved.
pub(super) fn evened(
    partitions: &BTreeMap<Partition, PartitionState>,
    members: Brokers,
    live: Brokers,
    loads: &BTreeMap<BrokerId, usize>,
) -> Option<(Partition, Brokers)> {
    let load = |broker: &BrokerId| loads.get(broker).copied().unwrap_or_default();
    let least = members.and(live).iter().min_by_key(|broker| (load(broker), *broker))?;
    let most = members.iter().max_by_key(|broker| (load(broker), std::cmp::Reverse(*broker)))?;
    if load(&most) < load(&least) + 2 {
        return None;
    }
    let may_go = |state: &PartitionState| {
        let target = state.target();
        !state.moves() && target.has(most) && !target.has(least)
    };
    let (partition, state) = partitions.iter().find(|(_, state)| may_go(state))?;
    Some((*partition, state.target().without(most).with(least)))
}
