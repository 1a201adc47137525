//! A batch on its way from the caller to the log.

use super::super::offset::Offset;
use super::super::record::{Content, Payload, ProducerStamp, Record};
use super::step::{BatchId, Fate, Output, RecordId, Timer};
use std::sync::Arc;
use std::time::Duration;

/// How many times as long as the first wait the longest one is.
const LONGEST: u32 = 8;

/// Where a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// It waits for more records.
    Gathering,
    /// It may be sent.
    Ready,
    /// It was sent, and there is no answer.
    InFlight,
    /// It failed, and is to be sent again when some time has gone by.
    BackingOff,
}

/// Some records of one partition that go together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Batch {
    pub(super) id: BatchId,
    pub(super) stage: Stage,
    /// The identity and sequence under which it was first sent.
    pub(super) stamp: Option<ProducerStamp>,
    /// The how-many-th of its line it was to get one.
    pub(super) place: u64,
    /// Some attempt may have written it, or may still.
    pub(super) maybe_written: bool,
    /// How often it has failed.
    failed: u32,
    records: Vec<(RecordId, Record)>,
    bytes: usize,
}

impl Batch {
    pub(super) fn gathering(id: BatchId) -> Batch {
        Batch {
            id,
            stage: Stage::Gathering,
            stamp: None,
            place: 0,
            maybe_written: false,
            failed: 0,
            records: Vec::new(),
            bytes: 0,
        }
    }

    /// It has failed once more. For how long it is to be let be: twice as long as the time before, up to [`LONGEST`] times
    /// as long as the first time (KIP-580). What is sent again as fast as ever makes what is slow slower.
    pub(super) fn back_off(&mut self, first: Duration) -> Duration {
        self.stage = Stage::BackingOff;
        let times = 1_u32.checked_shl(self.failed).unwrap_or(LONGEST).min(LONGEST);
        self.failed += 1;
        first * times
    }

    pub(super) fn add(&mut self, id: RecordId, record: Record) {
        self.bytes += record.bytes();
        self.records.push((id, record));
    }

    /// Whether another record would be too much.
    pub(super) fn is_too_full_for(&self, record: &Record, batch_bytes: usize) -> bool {
        !self.records.is_empty() && self.bytes + record.bytes() > batch_bytes
    }

    /// Whether nothing more goes in.
    pub(super) fn is_full(&self, batch_records: usize, batch_bytes: usize) -> bool {
        self.records.len() >= batch_records || self.bytes >= batch_bytes
    }

    /// How many records it has.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.records.len()).expect("a batch has less than 2^32 records")
    }

    pub(super) fn payload(&self, transactional: bool) -> Arc<Payload> {
        let records = self.records.iter().map(|(_, record)| record.clone()).collect();
        Arc::new(Payload { producer: self.stamp, transactional, content: Content::Records(records) })
    }

    /// The batch is done: the caller is told what came of each record.
    pub(super) fn acknowledge(self, base: Option<Offset>, out: &mut Vec<Output>) {
        let places = (0..).map(|place| base.map(|base| base.plus(place)));
        out.push(Output::CancelTimer(Timer::Delivery(self.id)));
        out.extend(
            self.records
                .iter()
                .zip(places)
                .map(|((id, _), offset)| Output::Report { id: *id, fate: Fate::Acknowledged { offset } }),
        );
    }

    /// The batch is given up: the caller is told for each record whether it may be written.
    pub(super) fn give_up(self, out: &mut Vec<Output>) {
        let maybe_written = self.maybe_written || self.stage == Stage::InFlight;
        let fate = if maybe_written { Fate::Unknown } else { Fate::DefinitelyNot };
        self.cancel_timer(out);
        out.push(Output::CancelTimer(Timer::Delivery(self.id)));
        out.extend(self.records.iter().map(|(id, _)| Output::Report { id: *id, fate }));
    }

    /// It belongs elsewhere: the caller is told for each record that it is not written.
    pub(super) fn hand_back(self, out: &mut Vec<Output>) {
        self.cancel_timer(out);
        out.push(Output::CancelTimer(Timer::Delivery(self.id)));
        out.extend(self.records.iter().map(|(id, _)| Output::Report { id: *id, fate: Fate::Misrouted }));
    }

    /// The timer of its stage is not wanted any more.
    pub(super) fn cancel_timer(&self, out: &mut Vec<Output>) {
        match self.stage {
            Stage::Gathering => out.push(Output::CancelTimer(Timer::Linger(self.id))),
            Stage::BackingOff => out.push(Output::CancelTimer(Timer::Backoff(self.id))),
            Stage::Ready | Stage::InFlight => {}
        }
    }
}
