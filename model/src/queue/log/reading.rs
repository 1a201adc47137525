//! What a reader gets.

use super::index::Entry;
use super::partition_log::PartitionLog;
use super::write::SegmentName;
use crate::queue::offset::Offset;
use crate::queue::record::Batch;
use std::sync::Arc;
use thiserror::Error;

/// Where the batches are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Found {
    /// Here. None when there is nothing to read yet.
    InMemory(Vec<Arc<Batch>>),
    /// In a file, once all writes handed out so far are carried out. [`decode_frames`](super::decode_frames) makes
    /// batches of the bytes, at least one.
    OnDisk {
        /// The file.
        segment: SegmentName,
        /// Where the first frame begins.
        position: u64,
        /// How many bytes the frames take.
        length: u64,
    },
}

/// Why nothing can be read there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum ReadError {
    /// It was dropped, or never there.
    #[error("the log starts at {start}")]
    BelowStart {
        /// The first offset that can be read.
        start: Offset,
    },
    /// Nothing was appended there yet.
    #[error("the log ends at {end}")]
    AboveEnd {
        /// The first offset that is not there yet.
        end: Offset,
    },
}

impl PartitionLog {
    /// The batches with offsets in `from..up_to`, whole: the first may begin before `from`, none ends beyond
    /// `up_to`. As many as have `max_bytes` on the disk, or one that has more. There may be further ones: what comes
    /// at once is all in memory, or all in one file.
    ///
    /// # Errors
    /// [`ReadError`] when `from` is not within the log. At its end there is nothing, but no error.
    pub fn read(&self, from: Offset, up_to: Offset, max_bytes: u64) -> Result<Found, ReadError> {
        if from < self.start() {
            return Err(ReadError::BelowStart { start: self.start() });
        }
        if from > self.end {
            return Err(ReadError::AboveEnd { end: self.end });
        }
        let first = self.segments.partition_point(|segment| segment.name.base() <= from).saturating_sub(1);
        let segments = self.segments[first..].iter();
        let entries =
            segments.flat_map(|segment| segment.index.from(from).iter().map(|entry| (segment.name, entry)));
        let mut affordable =
            affordable(entries.take_while(|(_, entry)| entry.end <= up_to), max_bytes).peekable();
        let Some(&(segment, Entry { batch: None, position, .. })) = affordable.peek() else {
            return Ok(Found::InMemory(affordable.map_while(|(_, entry)| entry.batch.clone()).collect()));
        };
        let in_file = affordable.take_while(|(name, entry)| *name == segment && entry.batch.is_none());
        let length = in_file.last().map_or(0, |(_, last)| last.position + last.length - position);
        Ok(Found::OnDisk { segment, position: *position, length })
    }
}

/// As many of the entries as have `max_bytes`, or one.
fn affordable<'a>(
    entries: impl Iterator<Item = (SegmentName, &'a Entry)>,
    max_bytes: u64,
) -> impl Iterator<Item = (SegmentName, &'a Entry)> {
    let mut taken = 0;
    entries.take_while(move |(_, entry)| {
        let is_first = taken == 0;
        taken += entry.length;
        is_first || taken <= max_bytes
    })
}
