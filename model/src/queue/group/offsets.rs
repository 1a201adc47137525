//! The committed offsets of a group: those that are on the log, and those on their way.

use super::ids::{RequestId, WriteId};
use crate::queue::identity::ProducerIdentity;
use crate::queue::offset::Offset;
use crate::queue::partition::Partition;
use crate::queue::record::Verdict;
use std::collections::{BTreeMap, BTreeSet};

/// The committed offsets of a group. For each partition the last write in the order of the log counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Offsets {
    /// What is known to be on the log, with the write that put it there.
    persisted: BTreeMap<Partition, (WriteId, Offset)>,
    pending: BTreeMap<WriteId, Pending>,
    /// Who waits to hear where to go on, and in which partitions, until this write is on the log.
    asked: BTreeMap<WriteId, (RequestId, BTreeSet<Partition>)>,
    /// By producer: what its open transaction commits. From the moment it is on its way to the log: nobody knows then
    /// that it will not be there.
    open: BTreeMap<u64, Open>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pending {
    request: RequestId,
    /// What it commits by itself; nothing if that is for a transaction's end to do.
    offsets: BTreeMap<Partition, Offset>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Open {
    epoch: u16,
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

    /// A request commits these within a transaction; they are on their way to the log.
    pub fn begin_within(
        &mut self,
        write: WriteId,
        request: RequestId,
        producer: ProducerIdentity,
        offsets: BTreeMap<Partition, Offset>,
    ) {
        self.pending.insert(write, Pending { request, offsets: BTreeMap::new() });
        self.open(producer, offsets);
    }

    /// A transaction commits these when it is committed. What an earlier one of the producer left open has ended: its
    /// marker stands before this in the log.
    pub fn open(
        &mut self,
        ProducerIdentity { id, epoch }: ProducerIdentity,
        offsets: BTreeMap<Partition, Offset>,
    ) {
        let open = self.open.entry(id).or_insert(Open { epoch, offsets: BTreeMap::new() });
        if open.epoch < epoch {
            *open = Open { epoch, offsets: BTreeMap::new() };
        }
        if open.epoch == epoch {
            open.offsets.extend(offsets);
        }
    }

    /// The transactions of this producer before this epoch have ended.
    pub fn ended(&mut self, ProducerIdentity { id, epoch }: ProducerIdentity, verdict: Verdict) {
        let Some(open) = self.open.get(&id).filter(|open| open.epoch < epoch) else { return };
        let offsets = open.offsets.clone();
        self.open.remove(&id);
        if verdict == Verdict::Commit {
            let newest = self.persisted.values().map(|(write, _)| *write).max().unwrap_or_default();
            self.apply(newest, offsets);
        }
    }

    /// Whether no open transaction commits any of these.
    pub fn are_stable(&self, partitions: &BTreeSet<Partition>) -> bool {
        self.open.values().all(|open| open.offsets.keys().all(|partition| !partitions.contains(partition)))
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

    /// A request asks where to go on in these partitions, and waits for this write.
    pub fn ask(&mut self, write: WriteId, request: RequestId, partitions: BTreeSet<Partition>) {
        self.asked.insert(write, (request, partitions));
    }

    /// The request that waited for this write to hear where to go on, and in which partitions. It waits no more.
    pub fn asked(&mut self, write: WriteId) -> Option<(RequestId, BTreeSet<Partition>)> {
        self.asked.remove(&write)
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
        let asked = self.asked.iter();
        Offsets {
            persisted: persisted
                .map(|(place, (_, offset))| (*place, (WriteId::default(), *offset)))
                .collect(),
            pending: pending
                .map(|(write, pending)| (name(*write), Pending { request, offsets: pending.offsets.clone() }))
                .collect(),
            asked: asked.map(|(write, (_, places))| (name(*write), (request, places.clone()))).collect(),
            open: self.open.clone(),
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
