//! One file of the log.

use super::index::Index;
use super::write::SegmentName;
use crate::queue::offset::Offset;
use crate::queue::record::Batch;
use std::sync::Arc;

/// A segment: its file and what stands where in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Segment {
    pub(super) name: SegmentName,
    /// How many bytes the file has.
    pub(super) length: u64,
    pub(super) index: Index,
}

impl Segment {
    pub(super) fn empty(name: SegmentName) -> Segment {
        Segment { name, length: 0, index: Index::default() }
    }

    /// Adds a batch whose frame has so many bytes.
    pub(super) fn push(&mut self, batch: Arc<Batch>, length: u64) {
        self.index.push(batch, self.length, length);
        self.length += length;
    }

    /// Drops the batches that do not end at or before `to`.
    pub(super) fn truncate(&mut self, to: Offset) {
        self.length = self.index.cut(to).unwrap_or(self.length);
    }

    /// Where the next segment begins, or the next batch.
    pub(super) fn end(&self) -> Offset {
        self.index.entries().last().map_or(self.name.base(), |last| last.end)
    }

    /// When its first batch was appended; `None` when it is empty.
    pub(super) fn first_append(&self) -> Option<i64> {
        self.index.entries().first().map(|first| first.newest_append)
    }
}
