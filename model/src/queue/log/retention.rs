//! What is dropped because it is old, or too much.

use super::partition_log::PartitionLog;
use super::segment::Segment;
use super::write::{SegmentName, Write};
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;

/// How long, and how much of, a log is kept. Whatever is not limited is kept for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Retention {
    /// Until so many microseconds after the newest append of its segment.
    pub age_micros: Option<i64>,
    /// At least so many bytes, the last ones.
    pub bytes: Option<u64>,
}

/// A segment that is written to no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClosedSegment {
    /// Its file.
    pub segment: SegmentName,
    /// Where the next one begins.
    pub end: Offset,
    /// How many bytes the file has.
    pub length: u64,
    /// When the newest of its batches was appended, in microseconds of the leaders' wall clocks.
    pub newest_append: i64,
}

/// Where a segment lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Where it begins.
    pub base: Offset,
    /// Where the next one begins.
    pub end: Offset,
    /// How many bytes its file has.
    pub length: u64,
}

impl PartitionLog {
    /// All segments, the active one included, in order.
    pub fn extents(&self) -> impl Iterator<Item = Extent> + '_ {
        let extent = |segment: &Segment| Extent {
            base: segment.name.base(),
            end: segment.end(),
            length: segment.length,
        };
        self.segments.iter().map(extent)
    }

    /// All closed segments, in order. Their files are durable once all writes handed out so far are carried out, and
    /// change no more unless they are cut or dropped.
    pub fn closed_segments(&self) -> impl Iterator<Item = ClosedSegment> + '_ {
        self.segments.split_last().map_or(&[][..], |(_, closed)| closed).iter().map(|closed| ClosedSegment {
            segment: closed.name,
            end: closed.end(),
            length: closed.length,
            newest_append: newest_append(closed),
        })
    }

    /// Drops the closed segments that are out of `retention` at `now_wall` (microseconds), from the first one on;
    /// [`start`](PartitionLog::start) says where the log starts then. None goes whose end is above the high
    /// watermark, or above what is archived, where `archived_up_to` says that archiving is on.
    pub fn expired(
        &mut self,
        now_wall: i64,
        retention: Retention,
        archived_up_to: Option<Offset>,
        watermark: Offset,
        defects: Defects,
    ) -> Vec<Write> {
        let archived_up_to = archived_up_to.filter(|_| !defects.has(Defect::RetentionOvertakesArchiver));
        let by_producer = defects.has(Defect::RetentionByProducersTime);
        let mut bytes: u64 = self.segments.iter().map(|segment| segment.length).sum();
        let closed = self.segments.len().saturating_sub(1);
        let expired = self.segments[..closed].iter().take_while(|segment| {
            let newest = if by_producer { newest_creation(segment) } else { newest_append(segment) };
            let too_old = retention.age_micros.is_some_and(|age| now_wall.saturating_sub(newest) > age);
            bytes -= segment.length;
            let too_much = retention.bytes.is_some_and(|kept| bytes >= kept);
            let settled = segment.end() <= watermark || defects.has(Defect::RetentionOvertakesWatermark);
            let may_go = settled && archived_up_to.is_none_or(|up_to| segment.end() <= up_to);
            may_go && (too_old || too_much)
        });
        let expired = expired.count();
        if expired > 0 && expired == closed && defects.has(Defect::DropsActiveSegment) {
            return self.reset(self.end);
        }
        self.drop_first(expired)
    }

    fn drop_first(&mut self, segments: usize) -> Vec<Write> {
        // The first one first: whatever a crash keeps of the removals, no gap is left.
        let removed = self.segments.drain(..segments).map(|removed| Write::Remove { segment: removed.name });
        let mut writes: Vec<Write> = removed.collect();
        if !writes.is_empty() {
            writes.push(Write::SyncDirectory);
            self.durability.expired(self.start());
        }
        writes
    }
}

/// Of a closed segment, which is never empty.
fn newest_append(closed: &Segment) -> i64 {
    closed.index.entries().last().map_or(i64::MIN, |last| last.newest_append)
}

/// Likewise, by what the producers claim.
fn newest_creation(closed: &Segment) -> i64 {
    closed.index.entries().last().map_or(i64::MIN, |last| last.newest_creation)
}
