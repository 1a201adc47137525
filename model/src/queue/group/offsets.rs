//! The committed offsets of a group: those that are on the log, and those on their way.

use super::ids::{RequestId, WriteId};
use crate::queue::offset::Offset;
use crate::queue::partition::Partition;
use std::collections::{BTreeMap, BTreeSet};

/// The committed offsets of a group. For each partition the last write in the order of the log counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Offsets {
    /// What is known to be on the log, with the write that put it there.
    persisted: BTreeMap<Partition, (WriteId, Offset)>,
    pending: BTreeMap<WriteId, Pending>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pending {
    request: RequestId,
    offsets: BTreeMap<Partition, Offset>,
}

impl Offsets {
    /// Takes over what a log holds, one entry after the other, before any write.
    pub fn recover(&mut self, offsets: BTreeMap<Partition, Offset>) {
        self.apply(WriteId::default(), offsets);
    }

    /// A request commits these; they are on their way to the log.
    pub fn begin(&mut self, write: WriteId, request: RequestId, offsets: BTreeMap<Partition, Offset>) {
        self.pending.insert(write, Pending { request, offsets });
    }

    /// The write is on the log. Gives the request that waited for it, if it was one of these writes.
    pub fn persisted(&mut self, write: WriteId) -> Option<RequestId> {
        let Pending { request, offsets } = self.pending.remove(&write)?;
        self.apply(write, offsets);
        Some(request)
    }

    /// The write is not on the log, or nobody knows. Gives the request that waited for it.
    pub fn failed(&mut self, write: WriteId) -> Option<RequestId> {
        Some(self.pending.remove(&write)?.request)
    }

    /// Where to go on in these partitions, as far as it is on the log.
    pub fn of(&self, partitions: &BTreeSet<Partition>) -> BTreeMap<Partition, Offset> {
        let known = partitions.iter().filter_map(|partition| Some((*partition, self.committed(*partition)?)));
        known.collect()
    }

    /// Where to go on in this partition, if that is on the log.
    pub fn committed(&self, partition: Partition) -> Option<Offset> {
        self.persisted.get(&partition).map(|(_, offset)| *offset)
    }

    /// The same with these names for the writes that are on their way, and this one for every request.
    pub fn renumbered(&self, name: impl Fn(WriteId) -> WriteId, request: RequestId) -> Offsets {
        let persisted = self.persisted.iter();
        let pending = self.pending.iter();
        Offsets {
            persisted: persisted
                .map(|(place, (_, offset))| (*place, (WriteId::default(), *offset)))
                .collect(),
            pending: pending
                .map(|(write, pending)| (name(*write), Pending { request, offsets: pending.offsets.clone() }))
                .collect(),
        }
    }

    fn apply(&mut self, write: WriteId, offsets: BTreeMap<Partition, Offset>) {
        for (partition, offset) in offsets {
            let newest = self.persisted.entry(partition).or_insert((write, offset));
            if newest.0 <= write {
                *newest = (write, offset);
            }
        }
    }
}
