//! What a log should be: a list of batches.

use crate::disk::Mark;
use rehearsal_model::queue::log::{Retention, SegmentName, Ticket};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::record::Batch;
use std::sync::Arc;

/// A batch and its frame.
pub type Written = (Arc<Batch>, Vec<u8>);

/// The list, and how many of its batches were durable before. No two batches that were ever appended are equal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reference {
    pub start: Offset,
    pub list: Vec<Written>,
    pub durable: Vec<Arc<Batch>>,
    /// How often it has begun anew, and how often so that this is durable.
    pub beginnings: u64,
    pub sure_beginnings: u64,
}

/// A sync that has begun.
#[derive(Clone, Debug)]
pub struct Begun {
    pub ticket: Ticket,
    pub mark: Mark,
    pub covers: Vec<Arc<Batch>>,
    pub beginnings: u64,
}

impl Reference {
    pub fn end(&self) -> Offset {
        self.list.last().map_or(self.start, |(last, _)| last.end())
    }

    pub fn batches(&self) -> Vec<Arc<Batch>> {
        self.list.iter().map(|(batch, _)| batch.clone()).collect()
    }

    /// Up to where all of it is among what was durable at some time.
    pub fn persisted_end(&self) -> Offset {
        if self.sure_beginnings < self.beginnings {
            return Offset::ZERO;
        }
        let durable = self.list.iter().take_while(|(batch, _)| self.durable.contains(batch));
        durable.last().map_or(self.start, |(batch, _)| batch.end())
    }

    pub fn truncate(&mut self, to: Offset) {
        if to < self.start {
            return self.reset(to);
        }
        self.list.retain(|(batch, _)| batch.end() <= to);
    }

    pub fn reset(&mut self, to: Offset) {
        self.list.clear();
        self.beginnings += 1;
        self.start = to;
    }

    /// Drops what is out of retention, where `files` begin as they do.
    pub fn expire(
        &mut self,
        files: &[SegmentName],
        now: i64,
        retention: Retention,
        archived_up_to: Option<Offset>,
        watermark: Offset,
    ) {
        for pair in files.windows(2) {
            let next = pair[1].base();
            let (of_file, behind): (Vec<Written>, Vec<Written>) =
                self.list.iter().cloned().partition(|(batch, _)| batch.base < next);
            let old = |age| of_file.iter().all(|(batch, _)| now - batch.appended > age);
            let left = behind.iter().map(|(_, frame)| frame.len() as u64).sum::<u64>();
            let out =
                retention.age_micros.is_some_and(old) || retention.bytes.is_some_and(|kept| left >= kept);
            if !out || next > watermark || archived_up_to.is_some_and(|up_to| next > up_to) {
                return;
            }
            self.start = next;
            self.list = behind;
        }
    }

    /// All that a read may give at once.
    pub fn read(&self, from: Offset, up_to: Offset, max_bytes: u64) -> Vec<Arc<Batch>> {
        let mut bytes = 0;
        let within = self.list.iter().filter(|(batch, _)| batch.end() > from && batch.end() <= up_to);
        let affordable = within.enumerate().take_while(|(number, (_, frame))| {
            bytes += frame.len() as u64;
            *number == 0 || bytes <= max_bytes
        });
        affordable.map(|(_, (batch, _))| batch.clone()).collect()
    }

    /// How many batches of the list stand whole on the disk, one behind the other, in files that are as they
    /// should be up to there.
    pub fn whole_in(&self, files: &[(SegmentName, Vec<u8>)]) -> usize {
        let mut whole = 0;
        for (_, bytes) in files {
            let mut rest = bytes.as_slice();
            while let Some((_, frame)) = self.list.get(whole)
                && let Some(behind) = rest.strip_prefix(frame.as_slice())
            {
                rest = behind;
                whole += 1;
            }
        }
        whole
    }
}
