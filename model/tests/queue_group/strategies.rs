//! The strategies against their promises, and the sticky one against every other plan there is.

use super::stage::partition;
use proptest::prelude::*;
use rehearsal_model::queue::group::{Generation, Interest, MemberId, Plan, StrategyName, sticky};
use rehearsal_model::queue::partition::{Partition, Topic};
use std::collections::{BTreeMap, BTreeSet};

type Members = BTreeMap<MemberId, Interest>;
type Topics = BTreeMap<Topic, u32>;

const ALL: [StrategyName; 3] = [StrategyName::Range, StrategyName::RoundRobin, StrategyName::Sticky];

/// So many members at most, each with its own topics, and wild claims on what they owned.
fn members(most: usize, partitions: u32) -> impl Strategy<Value = Members> {
    let topics = prop::collection::btree_set((0..3_u32).prop_map(Topic::Named), 0..=3);
    let owned =
        prop::collection::btree_set((0..3_u32, 0..partitions).prop_map(|(t, n)| partition(t, n)), 0..6);
    let interest = (topics, owned, (0..3_u32).prop_map(Generation));
    let interest = interest.prop_map(|(topics, owned, generation)| Interest { topics, owned, generation });
    prop::collection::btree_map((0..20_u64).prop_map(MemberId), interest, 0..=most)
}

fn topics(partitions: u32) -> impl Strategy<Value = Topics> {
    prop::collection::btree_map((0..3_u32).prop_map(Topic::Named), 0..=partitions, 0..=3)
}

fn all(topics: &Topics) -> Vec<Partition> {
    let numbered = |(topic, count): (&Topic, &u32)| {
        let topic = *topic;
        (0..*count).map(move |number| Partition { topic, number })
    };
    topics.iter().flat_map(numbered).collect()
}

fn reads(members: &Members, id: MemberId, partition: Partition) -> bool {
    members[&id].topics.contains(&partition.topic)
}

fn spread(counts: impl Iterator<Item = usize> + Clone) -> usize {
    counts.clone().max().unwrap_or(0) - counts.min().unwrap_or(0)
}

/// How uneven it is, and how many partitions moved.
fn cost(owners: &BTreeMap<Partition, MemberId>, before: &BTreeMap<Partition, MemberId>) -> (usize, usize) {
    let mut counts = BTreeMap::<MemberId, usize>::new();
    for owner in owners.values() {
        *counts.entry(*owner).or_default() += 1;
    }
    let moved = owners.iter().filter(|(partition, owner)| before.get(partition) != Some(owner)).count();
    (counts.values().map(|count| count * count).sum(), moved)
}

fn owners(plan: &Plan) -> BTreeMap<Partition, MemberId> {
    plan.iter().flat_map(|(id, owned)| owned.iter().map(|partition| (*partition, *id))).collect()
}

/// The least cost of all the plans there are.
fn cheapest(members: &Members, topics: &Topics) -> (usize, usize) {
    let before = sticky::owners_before(members);
    let mut plans: Vec<BTreeMap<Partition, MemberId>> = vec![BTreeMap::new()];
    for partition in all(topics) {
        let readers: Vec<MemberId> =
            members.keys().copied().filter(|id| reads(members, *id, partition)).collect();
        if !readers.is_empty() {
            let with = |plan: BTreeMap<Partition, MemberId>| {
                readers
                    .iter()
                    .map(move |id| plan.iter().map(|(p, o)| (*p, *o)).chain([(partition, *id)]).collect())
                    .collect::<Vec<_>>()
            };
            plans = plans.into_iter().flat_map(with).collect();
        }
    }
    plans.iter().map(|plan| cost(plan, &before)).min().expect("there is a plan")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_partition_that_is_read_goes_to_exactly_one_who_reads_it(
        members in members(6, 5),
        topics in topics(5),
    ) {
        for strategy in ALL {
            let plan = strategy.plan(&members, &topics);
            prop_assert!(plan.keys().eq(members.keys()), "{strategy:?} forgot a member");
            let given: Vec<Partition> = plan.values().flatten().copied().collect();
            let distinct: BTreeSet<Partition> = given.iter().copied().collect();
            prop_assert_eq!(given.len(), distinct.len(), "{:?} gave one twice", strategy);
            let read = all(&topics).into_iter().filter(|one| members.keys().any(|id| reads(&members, *id, *one)));
            prop_assert_eq!(distinct, read.collect::<BTreeSet<_>>(), "{:?}", strategy);
            for (partition, owner) in owners(&plan) {
                prop_assert!(reads(&members, owner, partition), "{:?}: {} to {}", strategy, partition, owner);
            }
        }
    }

    #[test]
    fn range_is_within_one_of_even_in_each_topic_and_gives_neighbours(
        members in members(6, 9),
        topics in topics(9),
    ) {
        let plan = StrategyName::Range.plan(&members, &topics);
        for topic in topics.keys() {
            let readers = plan.iter().filter(|(id, _)| members[id].topics.contains(topic));
            let runs: Vec<Vec<u32>> = readers
                .map(|(_, owned)| owned.iter().filter(|one| one.topic == *topic).map(|one| one.number).collect())
                .collect();
            prop_assert!(spread(runs.iter().map(Vec::len)) <= 1, "{:?}", runs);
            prop_assert!(runs.concat().is_sorted(), "{:?}", runs);
            prop_assert!(runs.iter().map(Vec::len).rev().is_sorted(), "the first have more: {:?}", runs);
        }
    }

    #[test]
    fn round_robin_and_sticky_are_within_one_of_even_when_all_read_the_same(
        members in members(6, 5),
        topics in topics(5),
    ) {
        let members: Members = members
            .into_iter()
            .map(|(id, interest)| (id, Interest { topics: topics.keys().copied().collect(), ..interest }))
            .collect();
        for strategy in [StrategyName::RoundRobin, StrategyName::Sticky] {
            let plan = strategy.plan(&members, &topics);
            prop_assert!(spread(plan.values().map(BTreeSet::len)) <= 1, "{:?}: {:?}", strategy, plan);
        }
    }

    #[test]
    fn no_plan_is_more_even_than_the_sticky_one_or_as_even_with_fewer_moves(
        members in members(3, 2),
        topics in topics(2),
    ) {
        let plan = StrategyName::Sticky.plan(&members, &topics);
        let found = cost(&owners(&plan), &sticky::owners_before(&members));
        prop_assert_eq!(found, cheapest(&members, &topics), "{:?}", plan);
    }

    #[test]
    fn sticky_moves_only_from_those_who_are_gone_or_had_too_many_when_all_read_the_same(
        members in members(5, 5),
        topics in topics(5),
    ) {
        let members: Members = members
            .into_iter()
            .map(|(id, interest)| (id, Interest { topics: topics.keys().copied().collect(), ..interest }))
            .collect();
        let plan = StrategyName::Sticky.plan(&members, &topics);
        let before = sticky::owners_before(&members);
        let there: BTreeSet<Partition> = all(&topics).into_iter().collect();
        for (id, owned) in &plan {
            let had: BTreeSet<Partition> =
                there.iter().copied().filter(|partition| before.get(partition) == Some(id)).collect();
            let lost = had.difference(owned).count();
            let gained = owned.difference(&had).count();
            prop_assert!(lost == 0 || gained == 0, "{} lost {} and gained {}", id, lost, gained);
            prop_assert!(lost == 0 || had.len() > there.len() / plan.len(), "{} did not have too many", id);
        }
    }
}

#[test]
fn a_member_that_goes_moves_only_what_it_had() {
    let topics = Topics::from([(Topic::Named(0), 9)]);
    let fresh = |id: u64| (MemberId(id), Interest::of([Topic::Named(0)]));
    let first = StrategyName::Sticky.plan(&(0..3).map(fresh).collect(), &topics);
    let left: Members = first
        .iter()
        .filter(|(id, _)| **id != MemberId(1))
        .map(|(id, owned)| (*id, Interest { owned: owned.clone(), ..Interest::of([Topic::Named(0)]) }))
        .collect();
    let second = StrategyName::Sticky.plan(&left, &topics);
    assert!(left.iter().all(|(id, interest)| interest.owned.is_subset(&second[id])), "{second:?}");
}

#[test]
fn the_same_number_of_two_topics_goes_to_the_same_member_by_range() {
    let both = [Topic::Named(0), Topic::Named(1)];
    let members: Members = (0..2).map(|id| (MemberId(id), Interest::of(both))).collect();
    let plan = StrategyName::Range.plan(&members, &Topics::from(both.map(|topic| (topic, 3))));
    assert_eq!(plan[&MemberId(0)], [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(t, n)| partition(t, n)).into());
}

#[test]
fn of_two_claims_the_later_generation_is_right() {
    let claim = |generation| Interest {
        owned: [partition(0, 0)].into(),
        generation: Generation(generation),
        ..Interest::of([Topic::Named(0)])
    };
    for (first, second, owner) in [(1, 2, 1), (2, 1, 0)] {
        let members = Members::from([(MemberId(0), claim(first)), (MemberId(1), claim(second))]);
        let plan = StrategyName::Sticky.plan(&members, &Topics::from([(Topic::Named(0), 1)]));
        assert_eq!(owners(&plan)[&partition(0, 0)], MemberId(owner));
    }
}

#[test]
fn evenness_is_worth_more_than_one_move() {
    let [first, second] = [Topic::Named(0), Topic::Named(1)];
    let one = |topics: &[Topic], owned: &[Partition]| Interest {
        owned: owned.iter().copied().collect(),
        ..Interest::of(topics.iter().copied())
    };
    let members = Members::from([
        (MemberId(0), one(&[first], &[partition(0, 0), partition(0, 1)])),
        (MemberId(1), one(&[first, second], &[partition(1, 0)])),
        (MemberId(2), one(&[second], &[])),
    ]);
    let plan = StrategyName::Sticky.plan(&members, &Topics::from([(first, 2), (second, 1)]));
    assert!(
        plan.values().all(|owned| owned.len() == 1),
        "two moves, through the one in the middle: {plan:?}"
    );
}

#[test]
fn only_what_is_open_is_shared_out_and_who_had_it_keeps_it() {
    let topic = Topic::Named(0);
    let owned = |numbers: &[u32]| numbers.iter().map(|number| Partition { topic, number: *number }).collect();
    let member = |id: u64, numbers: &[u32]| {
        (MemberId(id), Interest { owned: owned(numbers), ..Interest::of([topic]) })
    };
    let members = BTreeMap::from([member(1, &[1, 4]), member(2, &[0, 2])]);
    let open = BTreeMap::from([(topic, BTreeSet::from([0, 2, 4, 5]))]);
    for strategy in [StrategyName::Range, StrategyName::RoundRobin, StrategyName::Sticky] {
        let plan = strategy.plan_what_is_open(&members, &open);
        let shared: BTreeSet<u32> = plan.values().flatten().map(|partition| partition.number).collect();
        assert_eq!(shared, open[&topic], "{strategy:?}");
        assert!(plan.values().all(|owned| owned.len() == 2), "{strategy:?}: {plan:?}");
    }
    let plan = StrategyName::Sticky.plan_what_is_open(&members, &open);
    assert_eq!(plan[&MemberId(2)], owned(&[0, 2]));
}
