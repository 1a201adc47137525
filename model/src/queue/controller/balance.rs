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

#[cfg(test)]
mod tests {
    use super::super::Leader;
    use super::*;
    use crate::queue::brokers::BrokerEpoch;
    use crate::queue::partition::Topic;
    use proptest::prelude::*;

    const BROKERS: u8 = 4;

    fn partitions(sets: &[(Vec<u8>, usize)]) -> BTreeMap<Partition, PartitionState> {
        let state = |(members, leads): &(Vec<u8>, usize)| {
            let in_sync: Brokers = members.iter().copied().map(BrokerId).collect();
            let broker = BrokerId(members[leads % members.len()]);
            PartitionState::new(in_sync, Leader { broker, life: BrokerEpoch(1) })
        };
        let of = |number| Partition { topic: Topic::Named(0), number };
        (0..).map(of).zip(sets.iter().map(state)).collect()
    }

    fn counts(partitions: &BTreeMap<Partition, PartitionState>) -> Vec<usize> {
        let mut counts: Vec<usize> = leads(Brokers::first(BROKERS), partitions).into_values().collect();
        counts.sort_unstable();
        counts
    }

    /// Passes leads on until nothing is left to do. Each makes the sum of squares smaller, or a chain shorter.
    fn balanced(mut partitions: BTreeMap<Partition, PartitionState>) -> BTreeMap<Partition, PartitionState> {
        for _ in 0..100 {
            let Some((partition, broker)) = next(Brokers::first(BROKERS), &partitions) else {
                return partitions;
            };
            let state = partitions.get_mut(&partition).expect("it is one of them");
            assert!(state.in_sync.has(broker), "only who is in sync may lead");
            *state = state.elected(Leader { broker, life: BrokerEpoch(1) }, 1);
        }
        panic!("it never ends");
    }

    /// The most even way there is, by trying all.
    fn most_even(sets: &[(Vec<u8>, usize)]) -> Vec<usize> {
        let ways: usize = sets.iter().map(|(members, _)| members.len()).product();
        let squares = |counts: &Vec<usize>| counts.iter().map(|count| count * count).sum::<usize>();
        let way = |mut way: usize| {
            let mut counts = vec![0; usize::from(BROKERS)];
            for (members, _) in sets {
                counts[usize::from(members[way % members.len()])] += 1;
                way /= members.len();
            }
            counts.sort_unstable();
            counts
        };
        (0..ways).map(way).min_by_key(squares).expect("there is a way")
    }

    fn sets() -> impl Strategy<Value = Vec<(Vec<u8>, usize)>> {
        let all: Vec<u8> = (0..BROKERS).collect();
        let set = prop::sample::subsequence(all, 1..=3);
        prop::collection::vec((set, 0..3_usize), 1..7)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

        #[test]
        fn leads_become_as_even_as_the_sets_allow(sets in sets()) {
            prop_assert_eq!(counts(&balanced(partitions(&sets))), most_even(&sets));
        }
    }

    #[test]
    fn a_lead_passes_on_along_a_chain() {
        // Broker 0 leads three of which none can pass to broker 2, which leads nothing.
        let sets = [(vec![0, 1], 0), (vec![0, 1], 0), (vec![0, 1], 0), (vec![1, 2], 0)];
        let before = partitions(&sets);
        assert_eq!(counts(&before), [0, 0, 1, 3]);
        assert_eq!(counts(&balanced(before)), [0, 1, 1, 2]);
    }

    #[test]
    fn what_is_even_is_left_alone() {
        let sets = [(vec![0, 1, 2], 0), (vec![0, 1, 2], 1), (vec![0, 1, 2], 2), (vec![0, 1, 3], 0)];
        let even = partitions(&sets);
        assert_eq!(next(Brokers::first(3), &even), None);
        assert_eq!(next(Brokers::first(4), &even), Some((*even.keys().last().expect("four"), BrokerId(3))));
    }
}
