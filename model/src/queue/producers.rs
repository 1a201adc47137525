//! What a partition's replica knows of its producers: which batch comes next, which were appended already, whose
//! transactions are open and how the others ended (KIP-98, KIP-360, KIP-890).
//!
//! All but the verifications is a pure function of the log, so that whoever leads next knows the same, or of what retention
//! has taken as much less as it was not there to see. After a
//! truncation the replica makes it anew from the batches that are left ([`Producers::of`]): that is simpler than
//! snapshots and cannot differ from the log. Verifications are the leader's own memory: a new leader asks again.
//!
//! ```text
//!   epoch 4 is verified ─▶ first batch opens ─▶ batches ─▶ marker of epoch 5 ends
//!                                                            │
//!   a late batch of epoch 4 ◀── fenced ──────────────────────┘
//! ```

use super::defects::{Defect, Defects};
use super::identity::ProducerIdentity;
use super::offset::Offset;
use super::record::{Content, Kind, Outline, Payload, ProducerStamp, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// How many batches of a producer are known again (KIP-98). As many may be in flight.
pub const REMEMBERED_BATCHES: usize = 5;

/// The producers of one partition, as one replica knows them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Producers {
    defects: Defects,
    producers: BTreeMap<u64, Producer>,
    /// The transactions that have ended, by their markers.
    ended: Vec<Ended>,
    /// By producer id: the epoch whose transaction includes this partition, as the coordinator said.
    verified: BTreeMap<u64, u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Producer {
    epoch: u16,
    /// The last batches of this epoch, in order.
    recent: VecDeque<Sent>,
    open: Option<Open>,
    /// The last marker: its epoch and its place.
    marker: Option<(u16, Offset)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Sent {
    sequence: u32,
    count: u32,
    base: Offset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Open {
    epoch: u16,
    first: Offset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ended {
    producer: u64,
    first: Offset,
    marker: Offset,
    verdict: Verdict,
}

/// The range of a transaction that was aborted: the producer's transactional batches from `first` to `marker` are
/// to be skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Aborted {
    /// Whose.
    pub producer: u64,
    /// Where its first batch stands.
    pub first: Offset,
    /// Where its marker stands.
    pub marker: Offset,
}

/// Whether a leader may append a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Admission {
    /// It may.
    Append,
    /// It is in the log, and is answered as if it had just been appended.
    Duplicate {
        /// Where it stands.
        base: Offset,
    },
    /// Batches before it are missing, or it is one from long ago.
    OutOfOrder {
        /// The sequence that comes next.
        expected: u32,
        /// Whether it lies beyond that.
        ahead: bool,
    },
    /// A producer that was replaced, a batch of a transaction that has ended, or a marker of an earlier transaction.
    /// Where a marker is refused so, its transaction has no part in this partition any more: it counts as written.
    Fenced {
        /// The epoch that counts.
        current: u16,
    },
    /// It is not the first of its producer, and of that nothing is known: retention has taken it (KIP-360).
    UnknownProducer,
    /// It belongs to a transaction that is not known to include this partition: the leader asks the coordinator, tells
    /// it by [`Producers::verified`] and checks again (KIP-890).
    NotInTransaction,
}

impl Admission {
    /// Whether no record of the payload is in this log. Else it may be: an earlier copy of it was appended, or may have
    /// been before what is remembered.
    pub fn definitely_not_appended(self) -> bool {
        match self {
            Admission::OutOfOrder { ahead, .. } => ahead,
            Admission::NotInTransaction => true,
            Admission::Append
            | Admission::Duplicate { .. }
            | Admission::Fenced { .. }
            | Admission::UnknownProducer => false,
        }
    }
}

impl Producers {
    /// Those of an empty log.
    pub fn new(defects: Defects) -> Producers {
        Producers { defects, producers: BTreeMap::new(), ended: Vec::new(), verified: BTreeMap::new() }
    }

    /// Those of a log with these batches: at recovery, and after a truncation with what it left.
    pub fn of(defects: Defects, batches: impl IntoIterator<Item: Into<Outline>>) -> Producers {
        let mut producers = Producers::new(defects);
        batches.into_iter().for_each(|batch| producers.appended(batch));
        producers
    }

    /// Whether the leader may append it. `Append` promises that no record of it is among the last batches of its
    /// producer, and that it is the one that follows them.
    pub fn check(&self, payload: &Payload) -> Admission {
        let Some(stamp) = payload.producer else { return Admission::Append };
        match payload.content {
            Content::Marker(_) => self.check_marker(stamp),
            Content::Routing(_) => Admission::Append,
            Content::Records(_) => {
                let current = self.producers.get(&stamp.id).map_or(0, |known| known.epoch);
                if stamp.epoch < current && !self.defects.has(Defect::ProducerEpochUnfenced) {
                    return Admission::Fenced { current };
                }
                // A producer that should have been fenced and was not is taken for the one that replaced it.
                let stamp = ProducerStamp { epoch: stamp.epoch.max(current), ..stamp };
                match self.check_sequence(stamp, payload.offsets()) {
                    Admission::Append if payload.transactional => self.check_transaction(stamp),
                    admission => admission,
                }
            }
        }
    }

    /// A marker ends the transactions of smaller epochs. One of the same epoch must not touch what that epoch has begun
    /// since: a repeat, or one that comes too late.
    fn check_marker(&self, stamp: ProducerStamp) -> Admission {
        let Some(known) = self.producers.get(&stamp.id) else { return Admission::Append };
        match known.marker {
            Some((epoch, base)) if epoch == stamp.epoch => Admission::Duplicate { base },
            _ if stamp.epoch <= known.epoch => Admission::Fenced { current: known.epoch },
            _ => Admission::Append,
        }
    }

    fn check_sequence(&self, stamp: ProducerStamp, count: u64) -> Admission {
        if self.defects.has(Defect::SequenceUnchecked) {
            return Admission::Append;
        }
        let known = self.producers.get(&stamp.id);
        let recent = known.filter(|known| known.epoch == stamp.epoch).map(|known| &known.recent);
        let repeated = recent.and_then(|recent| {
            recent.iter().find(|sent| sent.sequence == stamp.sequence && u64::from(sent.count) == count)
        });
        if let Some(sent) = repeated {
            return Admission::Duplicate { base: sent.base };
        }
        // A new epoch starts at 0 (KIP-360).
        let expected =
            recent.and_then(VecDeque::back).map_or(0, |last| last.sequence.wrapping_add(last.count));
        let ahead = stamp.sequence.wrapping_sub(expected) <= u32::MAX / 2;
        match known {
            _ if stamp.sequence == expected => Admission::Append,
            Some(_) => Admission::OutOfOrder { expected, ahead },
            None if self.defects.has(Defect::UnknownProducerTaken) => Admission::Append,
            None => Admission::UnknownProducer,
        }
    }

    /// Verified or not, a batch does not join the transaction of an earlier epoch: that has its own verdict.
    fn check_transaction(&self, stamp: ProducerStamp) -> Admission {
        let belongs = match self.producers.get(&stamp.id).and_then(|known| known.open) {
            Some(open) => open.epoch == stamp.epoch,
            None => !self.knows_late_batches() || self.verified.get(&stamp.id) == Some(&stamp.epoch),
        };
        if belongs { Admission::Append } else { Admission::NotInTransaction }
    }

    /// Whether transactions are verified, and end their epoch (both parts of KIP-890).
    fn knows_late_batches(&self) -> bool {
        !self.defects.has(Defect::HangingTransaction)
    }

    /// The coordinator says that the transaction of this identity is open and includes this partition.
    pub fn verified(&mut self, producer: ProducerIdentity) {
        let epoch = self.verified.entry(producer.id).or_insert(producer.epoch);
        *epoch = producer.epoch.max(*epoch);
    }

    /// The batch is in the log: appended here, fetched from the leader, or read in recovery. To be told of each, in the
    /// order of the log.
    pub fn appended(&mut self, batch: impl Into<Outline>) {
        let batch = batch.into();
        let Some(stamp) = batch.producer else { return };
        match batch.kind {
            Kind::Records => self.records_appended(stamp, &batch),
            Kind::Marker(verdict) => self.marker_appended(stamp, verdict, batch.base),
            Kind::Routing(_) => {}
        }
    }

    fn records_appended(&mut self, stamp: ProducerStamp, batch: &Outline) {
        let producer = self.producers.entry(stamp.id).or_insert_with(|| Producer::of(stamp.epoch));
        producer.enter(stamp.epoch);
        if producer.recent.len() == REMEMBERED_BATCHES {
            producer.recent.pop_front();
        }
        let count = u32::try_from(batch.offsets).expect("a batch has less than 2^32 records");
        producer.recent.push_back(Sent { sequence: stamp.sequence, count, base: batch.base });
        if batch.transactional && producer.open.is_none() {
            producer.open = Some(Open { epoch: producer.epoch, first: batch.base });
        }
    }

    fn marker_appended(&mut self, stamp: ProducerStamp, verdict: Verdict, base: Offset) {
        let ends_epoch = self.knows_late_batches();
        let producer = self.producers.entry(stamp.id).or_insert_with(|| Producer::of(stamp.epoch));
        if ends_epoch {
            producer.enter(stamp.epoch);
        }
        producer.marker = Some((stamp.epoch, base));
        if let Some(Open { first, .. }) = producer.open.take() {
            self.ended.push(Ended { producer: stamp.id, first, marker: base, verdict });
        }
        self.verified.retain(|id, epoch| *id != stamp.id || *epoch >= stamp.epoch);
    }

    /// Retention has dropped what stood below `start`. The batches of a producer are known again all the same: one whose
    /// answer was lost may be sent again when it is gone from the log, and is not to be appended twice (KIP-360). Who begins
    /// with what is left does not know them; a producer of whom nothing is left begins a new epoch there.
    pub fn dropped_below(&mut self, start: Offset) {
        self.ended.retain(|ended| ended.marker >= start);
        for producer in self.producers.values_mut() {
            producer.marker = producer.marker.filter(|(_, base)| *base >= start);
        }
    }

    /// The last stable offset: below it every transaction has ended, and its end is below the watermark, so that no
    /// later leader can have it open (KIP-98). Nothing at or beyond it is shown to a read-committed consumer.
    pub fn last_stable(&self, watermark: Offset) -> Offset {
        let open = self.producers.values().filter_map(|producer| producer.open).map(|open| open.first);
        let ended = self.ended.iter().rev().take_while(|ended| ended.marker >= watermark);
        open.chain(ended.map(|ended| ended.first)).fold(watermark, Offset::min)
    }

    /// The aborted transactions that reach into the offsets from `from` up to, not including, `to`, by their markers.
    pub fn aborted(&self, from: Offset, to: Offset) -> Vec<Aborted> {
        let reaching = self.ended.partition_point(|ended| ended.marker < from);
        let aborted = self.ended[reaching..]
            .iter()
            .filter(|ended| ended.verdict == Verdict::Abort && ended.first < to)
            .map(|&Ended { producer, first, marker, .. }| Aborted { producer, first, marker });
        aborted.collect()
    }
}

impl Producer {
    fn of(epoch: u16) -> Producer {
        Producer { epoch, recent: VecDeque::new(), open: None, marker: None }
    }

    /// Something of this epoch stands in the log. What the epochs before it sent is fenced from here on.
    fn enter(&mut self, epoch: u16) {
        if epoch > self.epoch {
            self.epoch = epoch;
            self.recent.clear();
        }
    }
}
