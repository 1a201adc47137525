//! What of a topic a group may share out now.

use super::state::{KeyOrder, TopicState};
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;
use std::collections::{BTreeMap, BTreeSet};

/// By version: behind this place in a partition nothing stands that was routed before it.
pub type Barriers = BTreeMap<u32, Offset>;

/// Of each partition that is not drained: up to where a group must have committed which others, before it gets it. What is
/// not known yet is waited for too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shares(BTreeMap<u32, BTreeMap<u32, Option<Offset>>>);

impl Shares {
    /// Those of a topic in this state, when the partitions have these barriers.
    pub fn of<'a>(
        state: &TopicState,
        order: KeyOrder,
        barriers: impl Fn(u32) -> Option<&'a Barriers>,
        defects: Defects,
    ) -> Shares {
        let waits = order == KeyOrder::Kept && !defects.has(Defect::KeyOrderWithoutTheWait);
        let awaited = |number: u32| {
            let before = if waits { state.before(number) } else { 0..0 };
            // What was routed before a later version was routed before this one too.
            let barrier = |other| barriers(other)?.range(state.born(number)..).next().map(|(_, at)| *at);
            before.map(|other| (other, barrier(other))).collect()
        };
        let there = (0..state.partitions()).filter(|number| !state.is_drained(*number));
        Shares(there.map(|number| (number, awaited(number))).collect())
    }

    /// The partitions that a group may share out which has committed this.
    pub fn open(&self, committed: impl Fn(u32) -> Option<Offset>) -> BTreeSet<u32> {
        let is_through = |(other, at): (&u32, &Option<Offset>)| {
            at.is_some_and(|at| committed(*other).unwrap_or(Offset::ZERO) >= at)
        };
        let open = self.0.iter().filter(|(_, awaited)| awaited.iter().all(is_through));
        open.map(|(number, _)| *number).collect()
    }

    /// All of them, those that have to wait included.
    pub fn all(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grown() -> TopicState {
        TopicState::first(2).with_partitions(3).expect("it grows")
    }

    fn kept(barriers: &BTreeMap<u32, Barriers>, defects: Defects) -> Shares {
        Shares::of(&grown(), KeyOrder::Kept, |number| barriers.get(&number), defects)
    }

    fn barriers(each: [(u32, u64); 2]) -> BTreeMap<u32, Barriers> {
        each.map(|(number, at)| (number, Barriers::from([(1, Offset(at))]))).into()
    }

    #[test]
    fn a_new_partition_waits_until_the_group_is_past_every_barrier() {
        let shares = kept(&barriers([(0, 4), (1, 0)]), Defects::NONE);
        assert_eq!(shares.open(|_| Some(Offset(3))), BTreeSet::from([0, 1]));
        assert_eq!(shares.open(|_| Some(Offset(4))), BTreeSet::from([0, 1, 2]));
        // Where nothing stands before a barrier nothing need be committed.
        let committed = |number| (number == 0).then_some(Offset(4));
        assert_eq!(shares.open(committed), BTreeSet::from([0, 1, 2]));
    }

    #[test]
    fn a_barrier_that_is_not_known_is_waited_for_and_a_later_one_serves_too() {
        let mut known = barriers([(0, 0), (1, 0)]);
        known.remove(&1);
        assert_eq!(kept(&known, Defects::NONE).open(|_| None), BTreeSet::from([0, 1]));
        known.insert(1, Barriers::from([(2, Offset(0))]));
        assert_eq!(kept(&known, Defects::NONE).open(|_| None), BTreeSet::from([0, 1, 2]));
    }

    #[test]
    fn nobody_waits_where_order_is_not_kept_and_nobody_gets_what_is_drained() {
        let state = grown().with_retired(0).and_then(|state| state.with_drained(0)).expect("others are left");
        let shares = Shares::of(&state, KeyOrder::Announced, |_| None, Defects::NONE);
        assert_eq!(shares.open(|_| None), BTreeSet::from([1, 2]));
        let forgetful = kept(&BTreeMap::new(), Defects::of([Defect::KeyOrderWithoutTheWait]));
        assert_eq!(forgetful.open(|_| None), BTreeSet::from([0, 1, 2]));
    }
}
