//! The log after a restart.
//!
//! Every frame of every segment is read. In the last segment, unsynced writes may have been torn or lost, each on its
//! own, so that frames stand behind a hole although nothing was ever told of what was in it. The first frame that is
//! broken ends the log, then, and all behind it is cut off as torn, unless
//!
//! - a frame behind it says that the log was durable beyond it when that was written, or
//! - the segment is a closed one, which was synced before the next was created.
//!
//! Then something durable has changed, going on would lose what clients were told of, and the log is refused. (A
//! durable batch behind which none was written that knew of it looks like a torn one when it rots: nothing on the
//! disk tells the two apart.) Offsets that do not follow on each other are damage as well, since no crash leaves
//! them, and so is a whole frame with a payload that is not its producer's.

use super::durability::Durability;
use super::frame::Frame;
use super::partition_log::{LogKnobs, PartitionLog};
use super::write::{SegmentName, Write};
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;
use crate::queue::record::Batch;
use std::sync::Arc;
use thiserror::Error;

/// What was found on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recovered {
    /// The log, durable up to its end once `writes` are carried out; before that it may not be used.
    pub log: PartitionLog,
    /// All of its batches, in order: not all of them stay in memory.
    pub batches: Vec<Arc<Batch>>,
    /// What has to be done first: the torn tail is cut off, and what was found is synced. (Where only the program
    /// ended and not the machine, it may stand in the machine's memory alone.)
    pub writes: Vec<Write>,
    /// Whether there was a torn tail. Its batches were not durable, but others may have seen them. (A crash may also
    /// lose whole batches and leave no trace of them: that nothing was torn does not say that nothing is missing.)
    pub torn: bool,
}

/// The log is damaged: something durable is lost, and the replica may not serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("segment {segment} is corrupt at byte {position}")]
pub struct CorruptLog {
    /// The damaged file.
    pub segment: SegmentName,
    /// Where in it the first bad frame begins.
    pub position: u64,
}

impl PartitionLog {
    /// Reads a log from all of its files, in any order.
    ///
    /// # Errors
    /// [`CorruptLog`]: the first place where it is damaged in a way that no crash can do.
    pub fn recover(
        knobs: LogKnobs,
        mut files: Vec<(SegmentName, Vec<u8>)>,
        defects: Defects,
    ) -> Result<Recovered, CorruptLog> {
        files.sort();
        let mut log = PartitionLog::new(knobs);
        log.end = files.first().map_or(Offset::ZERO, |(first, _)| first.base());
        let (mut batches, mut writes) = (Vec::new(), Vec::new());
        let mut torn = false;
        let last = files.last().map(|(last, _)| *last);
        for (segment, bytes) in &files {
            let segment = *segment;
            let whole = log.read_segment(segment, bytes, &mut batches)?;
            if whole == bytes.len() {
                continue;
            }
            torn = true;
            if defects.has(Defect::KeepsTornBatch) {
                log.segments.last_mut().expect("it was just read").length = bytes.len() as u64;
                continue;
            }
            if Some(segment) != last || was_durable(bytes, whole, log.end) {
                return Err(CorruptLog { segment, position: whole as u64 });
            }
            writes.push(Write::Truncate { segment, length: whole as u64 });
        }
        if let Some(segment) = last {
            writes.extend([Write::Sync { segment }, Write::SyncDirectory]);
        }
        log.durability = Durability::all_of(log.end);
        Ok(Recovered { log, batches, writes, torn })
    }

    /// Adds a segment up to the first frame that is broken, and tells where that is.
    fn read_segment(
        &mut self,
        segment: SegmentName,
        bytes: &[u8],
        batches: &mut Vec<Arc<Batch>>,
    ) -> Result<usize, CorruptLog> {
        if segment.base() != self.end {
            return Err(CorruptLog { segment, position: 0 });
        }
        self.begin_segment(segment);
        let mut position = 0;
        while let Some(frame) = Frame::at(bytes, position) {
            let corrupt = CorruptLog { segment, position: position as u64 };
            let batch = frame.batch().filter(|batch| batch.base == self.end).ok_or(corrupt)?;
            self.end = batch.end();
            let active = self.segments.last_mut().expect("it was just begun");
            let batch = Arc::new(batch);
            batches.push(batch.clone());
            active.push(batch, frame.length() as u64);
            position += frame.length();
        }
        Ok(position)
    }
}

/// Whether the frame of `offset`, broken at `position`, was durable by the word of one behind it.
fn was_durable(bytes: &[u8], position: usize, offset: Offset) -> bool {
    let mut behind = (position + 1..bytes.len()).filter_map(|position| Frame::at(bytes, position));
    behind.any(|frame| frame.persisted > offset)
}
