//! Where in a segment which batch stands.
//!
//! There is one entry for each batch, not one for every so many bytes: a cut has to find the exact border of a batch
//! at once, without a look at the disk, since the next append may follow on it in the same step. With batches of
//! kilobytes a sparse index would be hardly smaller (Kafka's `index.interval.bytes` is 4096).

use crate::queue::offset::{LeaderEpoch, Offset};
use crate::queue::record::{Batch, Content, Outline};
use std::sync::Arc;

/// One batch in a segment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) base: Offset,
    /// Where the next batch begins.
    pub(super) end: Offset,
    pub(super) epoch: LeaderEpoch,
    /// Where its frame begins in the file.
    pub(super) position: u64,
    /// How many bytes its frame takes.
    pub(super) length: u64,
    /// The newest append time of the segment up to and with this batch, in microseconds of the leaders' wall clocks.
    pub(super) newest_append: i64,
    /// Likewise, by what the producers claim.
    pub(super) newest_creation: i64,
    /// What is known of it wherever its bytes are.
    pub(super) outline: Outline,
    /// The batch itself, as long as its segment is kept in memory.
    pub(super) batch: Option<Arc<Batch>>,
}

/// All batches of a segment, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Index(Vec<Entry>);

impl Index {
    /// Adds a batch, whose frame of so many bytes begins at `position`.
    pub(super) fn push(&mut self, batch: Arc<Batch>, position: u64, length: u64) {
        let (append, creation) = (batch.appended, newest_creation(&batch));
        let last = self.0.last();
        self.0.push(Entry {
            base: batch.base,
            end: batch.end(),
            epoch: batch.epoch,
            position,
            length,
            newest_append: last.map_or(append, |last| last.newest_append.max(append)),
            newest_creation: last.map_or(creation, |last| last.newest_creation.max(creation)),
            outline: Outline::from(&*batch),
            batch: Some(batch),
        });
    }

    /// All entries, in order.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The entry of the batch that holds `offset`, and those behind it. Empty when that batch is not there.
    pub(super) fn from(&self, offset: Offset) -> &[Entry] {
        &self.0[self.0.partition_point(|entry| entry.end <= offset)..]
    }

    /// Drops the batches that do not end at or before `to`, and tells where the first of them began.
    pub(super) fn cut(&mut self, to: Offset) -> Option<u64> {
        let position = self.from(to).first()?.position;
        self.0.truncate(self.0.len() - self.from(to).len());
        Some(position)
    }

    /// From now on the batches are on the disk alone.
    pub(super) fn forget(&mut self) {
        self.0.iter_mut().for_each(|entry| entry.batch = None);
    }
}

/// When the newest of its records was made, if one believes the producer.
fn newest_creation(batch: &Batch) -> i64 {
    match &batch.payload.content {
        Content::Records(records) => {
            records.iter().map(|record| record.created).max().unwrap_or(batch.appended)
        }
        Content::Marker(_) | Content::Routing(_) => batch.appended,
    }
}
