//! The keys of one partition that wait for a message which is to be tried again (`retry = park-key`).

use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::{LeaderEpoch, Offset};
use crate::queue::record::Record;
use crate::queue::unfinished::Unfinished;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What orders records: those with the same key are processed in the order in which they stand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The key that its producer gave it.
    Given(Arc<[u8]>),
    /// It has none: the one that stands here is in no order with others.
    None(Offset),
}

/// A record that waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parked {
    /// Where it stands.
    pub offset: Offset,
    /// In whose time it was appended.
    pub epoch: LeaderEpoch,
    /// The record.
    pub record: Record,
}

impl Parked {
    /// By which it is in an order with others.
    pub fn key(&self) -> Key {
        self.record.key.clone().map_or(Key::None(self.offset), Key::Given)
    }
}

/// What waits in one partition, by key: the first of each is to be tried again, and those behind it wait for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parking {
    defects: Defects,
    keys: BTreeMap<Key, VecDeque<Parked>>,
    unfinished: Unfinished,
}

impl Parking {
    /// Nothing waits, and the consumer begins here.
    pub fn from(start: Offset, defects: Defects) -> Parking {
        Parking { defects, keys: BTreeMap::new(), unfinished: Unfinished::from(start) }
    }

    /// The consumer comes to a record. Whether it has to wait, and is parked, since one before it with its key is not
    /// done with.
    pub fn arrive(&mut self, parked: Parked) -> bool {
        self.unfinished.begin(parked.offset);
        let line = self.keys.get_mut(&parked.key());
        match line.filter(|_| !self.defects.has(Defect::ParkedKeyOvertaken)) {
            Some(line) => {
                line.push_back(parked);
                true
            }
            None => false,
        }
    }

    /// A record that did not have to wait has failed, and is to be tried again. Whether it is the first of its key, so
    /// that somebody has to begin with that.
    pub fn park(&mut self, parked: Parked) -> bool {
        let line = self.keys.entry(parked.key()).or_default();
        line.push_back(parked);
        line.len() == 1
    }

    /// The first that waits with this key.
    pub fn first(&self, key: &Key) -> Option<&Parked> {
        self.keys.get(key)?.front()
    }

    /// The first that waits with this key is done with; a key behind which nothing waits is free again.
    pub fn unpark(&mut self, key: &Key) {
        let Some(line) = self.keys.get_mut(key) else { return };
        if let Some(parked) = line.pop_front() {
            self.unfinished.finish(parked.offset);
        }
        if line.is_empty() {
            self.keys.remove(key);
        }
    }

    /// A record that did not have to wait is done with.
    pub fn finish(&mut self, offset: Offset) {
        self.unfinished.finish(offset);
    }

    /// Nothing stands there for this consumer, nor before it what was not begun.
    pub fn pass(&mut self, offset: Offset) {
        self.unfinished.begin(offset);
        self.unfinished.finish(offset);
    }

    /// Everything before it is done with: what may be committed.
    pub fn through(&self) -> Offset {
        self.unfinished.through()
    }
}
