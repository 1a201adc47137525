//! A record, and the batch in which it is written, synced, replicated and fetched, as it came.

mod bytes;
mod outline;

pub use outline::{Kind, Outline};

use super::offset::{LeaderEpoch, Offset};
use super::tags::Tags;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Record {
    /// What decides its partition, if anything does.
    #[serde(with = "bytes::any")]
    pub key: Option<Arc<[u8]>>,
    /// The message itself.
    #[serde(with = "bytes::all")]
    pub value: Arc<[u8]>,
    /// What consumers may choose it by.
    pub tags: Tags,
    /// When the producer made it, in microseconds of its wall clock.
    pub created: i64,
}

/// Who made a batch, so that a repeat is known again (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProducerStamp {
    /// The producer.
    pub id: u64,
    /// Which of those that ever ran under this id; a larger one fences the others.
    pub epoch: u16,
    /// The number of the batch's first record among those of this producer and epoch for this partition, from 0.
    pub sequence: u32,
}

/// What ends a transaction in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Verdict {
    /// Its records count.
    Commit,
    /// Its records are to be skipped.
    Abort,
}

/// What a batch holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Content {
    /// Records of a producer, at least one.
    Records(Vec<Record>),
    /// The end of its producer's transaction. Takes one offset, and consumers skip it.
    Marker(Verdict),
    /// From here on records are routed by this version of the topic's state, or a later one. Takes one offset, and
    /// consumers skip it.
    Routing(u32),
}

/// What a producer sends: the unit of everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Payload {
    /// Who made it, if it is known again.
    pub producer: Option<ProducerStamp>,
    /// Whether it belongs to the producer's open transaction.
    pub transactional: bool,
    /// What it holds.
    pub content: Content,
}

/// A payload with its place in a partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Batch {
    /// Where its first record stands.
    pub base: Offset,
    /// In whose time it was appended.
    pub epoch: LeaderEpoch,
    /// When the leader appended it, in microseconds of its wall clock.
    pub appended: i64,
    /// The payload, as it came.
    pub payload: Arc<Payload>,
    /// Of the payload, by the producer: end to end.
    pub checksum: u32,
}

/// What numbers take at most, written down, besides a record's bytes, and besides the records.
const ROOM: usize = 32;
/// What one tag takes at most, written down.
const TAG_ROOM: usize = 3;

impl Record {
    /// How many bytes its key and its value have.
    pub fn bytes(&self) -> usize {
        self.value.len() + self.key.as_ref().map_or(0, |key| key.len())
    }

    /// CRC-32 over everything in it.
    pub fn checksum(&self) -> u32 {
        let room = Vec::with_capacity(self.room());
        crc32fast::hash(&postcard::to_extend(self, room).expect("a record is plain data, and memory grows"))
    }

    /// How many bytes it takes at most, written down.
    fn room(&self) -> usize {
        ROOM + self.bytes() + TAG_ROOM * self.tags.iter().count()
    }
}

impl Payload {
    /// How many offsets it takes.
    pub fn offsets(&self) -> u64 {
        match &self.content {
            Content::Records(records) => records.len() as u64,
            Content::Marker(_) | Content::Routing(_) => 1,
        }
    }

    /// CRC-32 over everything in it: what a producer computes and every reader checks.
    pub fn checksum(&self) -> u32 {
        crc32fast::hash(&self.written())
    }

    /// As it is written, and all of it that is checked.
    pub(super) fn written(&self) -> Vec<u8> {
        let of_records = match &self.content {
            Content::Records(records) => records.iter().map(Record::room).sum(),
            Content::Marker(_) | Content::Routing(_) => 0,
        };
        let room = Vec::with_capacity(of_records + ROOM);
        postcard::to_extend(self, room).expect("a payload is plain data, and memory grows")
    }
}

impl Batch {
    /// Where the next batch begins.
    pub fn end(&self) -> Offset {
        self.base.plus(self.payload.offsets())
    }

    /// Whether the payload is what its producer made.
    pub fn is_intact(&self) -> bool {
        self.payload.checksum() == self.checksum
    }
}
