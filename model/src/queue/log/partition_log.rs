//! The log itself: what is added and what is dropped.

use super::durability::{DueSync, Durability, Ticket};
use super::frame::encode;
use super::segment::Segment;
use super::write::{SegmentName, Write};
use crate::queue::offset::{LeaderEpoch, Offset};
use crate::queue::record::{Batch, Outline};
use std::sync::Arc;

/// How a log is cut into segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogKnobs {
    /// A segment grows to at most so many bytes; a batch larger than that has one of its own.
    pub segment_bytes: u64,
    /// A segment whose first batch was appended so many microseconds ago takes no more.
    pub segment_age_micros: i64,
    /// The batches of so many segments, the last ones, are kept in memory; at least those of the active one.
    pub cached_segments: usize,
}

/// The log of one replica of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PartitionLog {
    pub(super) knobs: LogKnobs,
    /// One behind the other without a gap. The last one is active, the others are closed; none is there before the
    /// first append.
    pub(super) segments: Vec<Segment>,
    /// Where the next batch begins.
    pub(super) end: Offset,
    pub(super) durability: Durability,
}

impl PartitionLog {
    /// A log that has no files yet.
    pub fn new(knobs: LogKnobs) -> PartitionLog {
        PartitionLog { knobs, segments: Vec::new(), end: Offset::ZERO, durability: Durability::default() }
    }

    /// Where its first batch begins, or would.
    pub fn start(&self) -> Offset {
        self.segments.first().map_or(self.end, |first| first.name.base())
    }

    /// Where the next batch begins.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Up to where everything in it is durable.
    pub fn persisted_end(&self) -> Offset {
        self.durability.end()
    }

    /// Whether everything of this segment is durable. None of what is still to be written has anything to do with it then.
    pub fn is_persisted(&self, segment: SegmentName) -> bool {
        let known = self.segments.iter().find(|known| known.name == segment);
        known.is_some_and(|known| known.end() <= self.persisted_end())
    }

    /// The newest mutation, and what makes it durable. To be asked in the same step in which the writes are taken that
    /// were handed out so far.
    pub fn due_sync(&self) -> DueSync {
        let segment = self.segments.last().map(|active| active.name);
        DueSync { ticket: self.durability.newest(), segment }
    }

    /// All writes up to and with those of `ticket` are durable. Tickets may come in any order.
    ///
    /// # Panics
    /// When there was no such ticket.
    pub fn persisted(&mut self, ticket: Ticket) {
        self.durability.persisted(ticket);
    }

    /// In whose times the batches were appended: each epoch with the first offset it has here, in order.
    pub fn epoch_starts(&self) -> Vec<(LeaderEpoch, Offset)> {
        let entries = self.segments.iter().flat_map(|segment| segment.index.entries());
        let mut starts: Vec<_> = entries.map(|entry| (entry.epoch, entry.base)).collect();
        starts.dedup_by_key(|(epoch, _)| *epoch);
        starts
    }

    /// What is known of each batch, in order, wherever its bytes are.
    pub fn outlines(&self) -> impl Iterator<Item = Outline> + '_ {
        let entries = self.segments.iter().flat_map(|segment| segment.index.entries());
        entries.map(|entry| entry.outline)
    }

    /// Adds a batch, in a new segment if the active one is too large or too old at `now_wall` (microseconds).
    ///
    /// # Panics
    /// When the batch does not begin at the end, takes no offset, or is not intact: the broker checks what comes.
    pub fn append(&mut self, batch: Arc<Batch>, now_wall: i64) -> Vec<Write> {
        assert_eq!(batch.base, self.end, "a batch is appended at the end");
        assert!(batch.end() > batch.base, "a batch takes at least one offset");
        let bytes = encode(&batch, self.persisted_end());
        let length = bytes.len() as u64;
        let mut writes = if self.has_room(length, now_wall) { Vec::new() } else { self.roll() };
        self.end = batch.end();
        self.durability.appended(self.end);
        let active = self.segments.last_mut().expect("there is room in a segment");
        active.push(batch, length);
        writes.push(Write::Append { segment: active.name, bytes });
        writes
    }

    fn has_room(&self, length: u64, now_wall: i64) -> bool {
        self.segments.last().is_some_and(|active| match active.first_append() {
            None => true,
            Some(first) => {
                active.length + length <= self.knobs.segment_bytes
                    && now_wall.saturating_sub(first) < self.knobs.segment_age_micros
            }
        })
    }

    /// Closes the active segment and begins the next one.
    fn roll(&mut self) -> Vec<Write> {
        let closed = self.segments.last().map(|closed| Write::Sync { segment: closed.name });
        let segment = SegmentName(self.end);
        self.begin_segment(segment);
        closed.into_iter().chain([Write::Create { segment }, Write::SyncDirectory]).collect()
    }

    /// Closes the active segment, if anything is in it, so that it can be dropped although nothing comes after it.
    pub fn close_active(&mut self) -> Vec<Write> {
        let is_empty = self.segments.last().is_none_or(|active| active.length == 0);
        if is_empty { Vec::new() } else { self.roll() }
    }

    /// Adds an empty segment. The one that is no more among the last few is no longer kept in memory.
    pub(super) fn begin_segment(&mut self, name: SegmentName) {
        self.segments.push(Segment::empty(name));
        let cached = self.knobs.cached_segments.max(1);
        if let Some(old) = self.segments.iter_mut().nth_back(cached) {
            old.index.forget();
        }
    }

    /// Drops every batch that does not end at or before `to`; one that holds `to` goes as a whole. Nothing happens
    /// when there is none. A closed segment that is cut becomes the active one again. Below the start it is a
    /// [reset](PartitionLog::reset): the log has nothing that the next batch could follow on.
    pub fn truncate(&mut self, to: Offset) -> Vec<Write> {
        if to < self.start() {
            return self.reset(to);
        }
        // A segment that begins at `to` stays, empty.
        let kept = self.segments.partition_point(|segment| segment.name.base() <= to);
        let mut writes = Vec::new();
        // The last one first: whatever a crash keeps of the removals, no gap is left.
        for removed in self.segments.drain(kept.min(self.segments.len())..).rev() {
            writes.push(Write::Remove { segment: removed.name });
        }
        if !writes.is_empty() {
            writes.push(Write::SyncDirectory);
        }
        let Some(active) = self.segments.last_mut() else { return writes };
        let before = active.length;
        active.truncate(to);
        let segment = active.name;
        if active.length < before {
            writes.extend([Write::Truncate { segment, length: active.length }, Write::Sync { segment }]);
        }
        if !writes.is_empty() {
            self.end = active.end();
            self.durability.truncated(self.end);
        }
        writes
    }

    /// Drops everything. The next batch begins at `to`, and so does the log, also after a crash. Until that is durable a
    /// crash may bring back what was there, or a part of it, and so nothing is.
    pub fn reset(&mut self, to: Offset) -> Vec<Write> {
        // The last one first, as above.
        let removed = self.segments.drain(..).rev().map(|removed| Write::Remove { segment: removed.name });
        let segment = SegmentName(to);
        let writes = removed.chain([Write::Create { segment }, Write::SyncDirectory]).collect();
        self.end = to;
        self.begin_segment(segment);
        self.durability.reset(to);
        writes
    }
}
