//! The state of one topic: one value in the coordination service, changed by compare-and-set alone.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;

/// What is promised of a key whose partition changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyOrder {
    /// Keys are spread anew over all partitions. That this happens is announced, and the order of a key across it is not
    /// promised.
    #[default]
    Announced,
    /// Keys move to new partitions only, and a group gets these when it is through with what came before.
    Kept,
}

/// How many partitions a topic has and had, and which of them take no more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TopicState {
    /// By version: how many partitions there were.
    counts: Vec<u32>,
    retired: BTreeSet<u32>,
    drained: BTreeSet<u32>,
}

impl TopicState {
    /// That of a new topic with so many partitions.
    pub fn first(partitions: u32) -> TopicState {
        TopicState { counts: vec![partitions], retired: BTreeSet::new(), drained: BTreeSet::new() }
    }

    /// Rises with every change of where records go.
    pub fn version(&self) -> u32 {
        self.counts.len() as u32 - 1
    }

    /// How many partitions there are, the retired ones included.
    pub fn partitions(&self) -> u32 {
        self.counts[self.counts.len() - 1]
    }

    /// With at least so many partitions; none when that is so already.
    pub fn with_partitions(&self, partitions: u32) -> Option<TopicState> {
        (self.partitions() < partitions).then(|| {
            let mut next = self.clone();
            next.counts.push(partitions);
            next
        })
    }

    /// With this partition retired: nothing more is appended to it. None when that is so already, when there is no such
    /// partition, and when no other is left to write to.
    pub fn with_retired(&self, number: u32) -> Option<TopicState> {
        let others = self.active().any(|active| active != number);
        let wanted = number < self.partitions() && !self.is_retired(number) && others;
        wanted.then(|| {
            let mut next = self.clone();
            next.counts.push(self.partitions());
            next.retired.insert(number);
            next
        })
    }

    /// With this partition drained: it is retired, and nothing is left in it, so that nobody need read it. None when that
    /// is so already, and when it is not retired.
    pub fn with_drained(&self, number: u32) -> Option<TopicState> {
        (self.is_retired(number) && !self.is_drained(number)).then(|| {
            let mut next = self.clone();
            next.drained.insert(number);
            next
        })
    }

    /// Whether nothing more is appended to this partition.
    pub fn is_retired(&self, number: u32) -> bool {
        self.retired.contains(&number)
    }

    /// Whether it is retired, and was found empty.
    pub fn is_drained(&self, number: u32) -> bool {
        self.drained.contains(&number)
    }

    /// Whether there is such a partition, and it takes records.
    pub fn takes(&self, number: u32) -> bool {
        number < self.partitions() && !self.is_retired(number)
    }

    /// The partitions that are retired.
    pub fn retired(&self) -> impl Iterator<Item = u32> + '_ {
        self.retired.iter().copied()
    }

    /// The partitions that are retired and were found empty.
    pub fn drained(&self) -> impl Iterator<Item = u32> + '_ {
        self.drained.iter().copied()
    }

    /// The partitions that take records.
    pub fn active(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.partitions()).filter(|number| !self.is_retired(*number))
    }

    /// Where records with this key go.
    ///
    /// # Panics
    /// When there is no partition.
    pub fn route(&self, key: &[u8], order: KeyOrder) -> u32 {
        let active: Vec<u32> = self.active().collect();
        let place = match order {
            KeyOrder::Announced => crc32fast::hash(key) % active.len() as u32,
            KeyOrder::Kept => jump(key, active.len() as u32),
        };
        active[place as usize]
    }

    /// The version with which this partition came.
    pub fn born(&self, number: u32) -> u32 {
        self.counts.iter().position(|count| *count > number).unwrap_or(self.counts.len()) as u32
    }

    /// The partitions that were there before this one came: its keys come from them.
    pub fn before(&self, number: u32) -> Range<u32> {
        match self.born(number).checked_sub(1) {
            Some(version) => 0..self.counts[version as usize],
            None => 0..0,
        }
    }

    /// The newest version with which others came, so that keys went from this partition to them; none when no others
    /// have come since it was there.
    pub fn newest_additions(&self, number: u32) -> Option<u32> {
        let grew = self.counts.windows(2).map(|pair| pair[1] > pair[0] && pair[0] > number);
        (1..).zip(grew).filter(|(_, grew)| *grew).map(|(version, _)| version).last()
    }
}

/// One of so many places, such that with more of them a key stays where it is or goes to one of the new places (jump
/// consistent hash; Lamping and Veach, 2014). Their fractions are kept in integers here: all machines agree.
fn jump(key: &[u8], places: u32) -> u32 {
    let mut state = u64::from(crc32fast::hash(key)) | 1 << 32;
    let (mut place, mut next) = (0, 0);
    while next < u64::from(places) {
        place = next;
        state = state.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        next = (place + 1) * (1 << 31) / ((state >> 33) + 1);
    }
    place as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_order_is_kept_a_key_moves_to_new_partitions_only() {
        let mut state = TopicState::first(2);
        for partitions in 3..12 {
            let next = state.with_partitions(partitions).expect("it is more");
            let place = |state: &TopicState, key: u32| state.route(&key.to_le_bytes(), KeyOrder::Kept);
            let moves = |key: &u32| place(&state, *key) != place(&next, *key);
            let moved: Vec<u32> = (0..1_000).filter(moves).collect();
            assert!(moved.iter().all(|key| place(&next, *key) == partitions - 1));
            // One of `partitions` places is new.
            assert!(moved.len().abs_diff(1_000 / partitions as usize) < 80, "{partitions}: {}", moved.len());
            state = next;
        }
    }

    #[test]
    fn before_any_change_keys_are_spread_as_ever() {
        let state = TopicState::first(3);
        let spread = |key: u32| crc32fast::hash(&key.to_le_bytes()) % 3;
        assert!((0..100_u32).all(|key| state.route(&key.to_le_bytes(), KeyOrder::Announced) == spread(key)));
    }

    #[test]
    fn nothing_goes_to_a_retired_partition_and_the_last_one_cannot_retire() {
        let state = TopicState::first(2).with_retired(0).expect("another is left");
        assert!((0..100_u8).all(|key| state.route(&[key], KeyOrder::Announced) == 1));
        assert_eq!((state.version(), state.with_retired(0), state.with_retired(1)), (1, None, None));
        assert_eq!(state.with_drained(1), None);
        let drained = state.with_drained(0).expect("it is retired");
        assert_eq!((drained.version(), drained.with_drained(0)), (1, None));
    }

    #[test]
    fn a_partition_knows_who_was_there_before_it_and_when_others_came() {
        let state = TopicState::first(2).with_partitions(3).and_then(|state| state.with_partitions(5));
        let state = state.expect("it grows");
        assert_eq!([0, 2, 3, 4].map(|number| state.born(number)), [0, 1, 2, 2]);
        assert_eq!([1, 2, 4].map(|number| state.before(number)), [0..0, 0..2, 0..3]);
        assert_eq!([0, 2, 3].map(|number| state.newest_additions(number)), [Some(2), Some(2), None]);
        assert_eq!(state.with_partitions(5), None);
    }
}
