//! Which broker leads how much.
//!
//! Elections go by who is in sync, so in time some brokers lead more than others. A lead that passes on along a chain, from
//! a broker that leads two more than the one at the chain's end, makes that more even; and when there is no such chain it
//! cannot be more even: so it is for every assignment of tasks to those who can do them (Harvey, Ladner, Lovász and Tamir,
//! "Optimal semi-matchings for bipartite graphs", 2003). Where copies are spread within one of even and all are in sync,
//! leaders within one of even are possible: let each copy lead a share, as large as any other's; flows are integral.
//!
//! ```text
//!  broker-0: a b c        c passes on to 1        broker-0: a b
//!  broker-1: d e      ◀── which passes e on ──▶   broker-1: c d
//!  broker-2: f              to 2, first           broker-2: e f
//! ```
//!
//! One lead at a time, and of a chain the last one first: then what is left of the chain is a shorter one.

use super::PartitionState;
use crate::queue::brokers::{BrokerId, Brokers};
use crate::queue::partition::Partition;
use std::collections::{BTreeMap, VecDeque};

/// How many partitions each of these leads.
pub(super) fn leads(
    able: Brokers,
    partitions: &BTreeMap<Partition, PartitionState>,
) -> BTreeMap<BrokerId, usize> {
    let leads = |broker| partitions.values().filter(|state| leader(state) == Some(broker)).count();
    able.iter().map(|broker| (broker, leads(broker))).collect()
}

/// Who of them leads least.
pub(super) fn least(among: Brokers, leads: &BTreeMap<BrokerId, usize>) -> Option<BrokerId> {
    among.iter().min_by_key(|broker| (leads.get(broker).copied().unwrap_or_default(), *broker))
}

/// The next lead that passes on, and to whom, if that makes it more even or begins to. `able` may lead.
pub(super) fn next(
    able: Brokers,
    partitions: &BTreeMap<Partition, PartitionState>,
) -> Option<(Partition, BrokerId)> {
    let leads = leads(able, partitions);
    let chains = able.iter().filter_map(|from| chain(from, able, &leads, partitions));
    let (_, partition, to) = chains.min_by_key(|(length, ..)| *length)?;
    Some((partition, to))
}

/// The shortest chain from a broker to one that leads less by two: how long it is, and its last link.
fn chain(
    from: BrokerId,
    able: Brokers,
    leads: &BTreeMap<BrokerId, usize>,
    partitions: &BTreeMap<Partition, PartitionState>,
) -> Option<(usize, Partition, BrokerId)> {
    let mut seen = Brokers::only(from);
    let mut open = VecDeque::from([(from, 0)]);
    while let Some((broker, length)) = open.pop_front() {
        for (partition, state) in partitions.iter().filter(|(_, state)| leader(state) == Some(broker)) {
            for to in state.in_sync.and(able).minus(seen).iter() {
                if leads[&to] + 2 <= leads[&from] {
                    return Some((length + 1, *partition, to));
                }
                seen = seen.with(to);
                open.push_back((to, length + 1));
            }
        }
    }
    None
}

fn leader(state: &PartitionState) -> Option<BrokerId> {
    state.leader.map(|leader| leader.broker)
}
