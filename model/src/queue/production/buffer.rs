//! The room that a producer has for records, and who waits for some of it (as `buffer.memory` and `max.block.ms` of Kafka's
//! producer).
//!
//! A record takes room from when it goes into a batch until its caller is told of it. Who finds too little waits, whatever
//! partition is meant: room is given in the order in which it was asked for, so that records keep their order and nobody
//! is passed over. A record that is larger than all the room there is has it to itself.

use super::super::defects::{Defect, Defects};
use super::super::partition::Partition;
use super::super::record::Record;
use super::step::RecordId;
use std::collections::{BTreeMap, VecDeque};

/// A record and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Bound {
    pub(super) id: RecordId,
    pub(super) partition: Partition,
    pub(super) record: Record,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Buffer {
    defects: Defects,
    /// In bytes of keys and values.
    room: usize,
    taken: usize,
    /// How much each record takes.
    held: BTreeMap<RecordId, usize>,
    waiting: VecDeque<Bound>,
}

impl Buffer {
    pub(super) fn with_room(room: usize, defects: Defects) -> Buffer {
        Buffer { defects, room, taken: 0, held: BTreeMap::new(), waiting: VecDeque::new() }
    }

    /// A record comes, and waits until it is its [turn](Buffer::next).
    pub(super) fn come(&mut self, bound: Bound) {
        if self.defects.has(Defect::FullBufferDropsOldest) {
            self.waiting.pop_front();
        }
        self.waiting.push_back(bound);
    }

    /// The first that waits, if there is room for it, which it takes.
    pub(super) fn next(&mut self) -> Option<Bound> {
        let bytes = self.waiting.front()?.record.bytes();
        if self.taken > 0 && self.taken + bytes > self.room {
            return None;
        }
        let bound = self.waiting.pop_front()?;
        self.taken += bytes;
        self.held.insert(bound.id, bytes);
        Some(bound)
    }

    /// The caller is told of a record: it takes no room any more.
    pub(super) fn told(&mut self, id: RecordId) {
        self.taken -= self.held.remove(&id).unwrap_or(0);
    }

    /// A record waits no longer. Whether it did.
    pub(super) fn leave(&mut self, id: RecordId) -> bool {
        let place = self.waiting.iter().position(|bound| bound.id == id);
        place.and_then(|place| self.waiting.remove(place)).is_some()
    }

    /// Who waits, in order.
    pub(super) fn waiting(&self) -> impl DoubleEndedIterator<Item = &Bound> {
        self.waiting.iter()
    }
}
