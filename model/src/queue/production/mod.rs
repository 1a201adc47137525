//! The producer's side: records are gathered in batches, batches are numbered, sent, sent again, and given up.
//!
//! ```text
//!   record ─▶ gathering ──full, lingered, flushed──▶ ready ──▶ in flight ──▶ acknowledged
//!                                                      ▲           │
//!                                                      └─ backoff ─┘        given up: definitely not, or unknown
//! ```
//!
//! There is so much room for records, and who finds none waits for it (`buffer`). As long as anybody does, no batch waits
//! for more records.
//!
//! Each partition has its own line of batches. The first of a line that is not in flight is the next to be sent, so a
//! batch that failed goes before all that were not sent yet; what was in flight behind it the leader refuses by its
//! sequence, and it comes again in its turn (KIP-98). Without sequences only `max_in_flight = 1` keeps the order, and
//! that as long as the connection delivers what it carries once and in order.
//!
//! A batch that is refused because the topic's partitions have changed is in no log, and no leader takes it any more. What
//! stands behind it in its line never was appended either, for the sequence before it is missing: all of it is handed
//! back, and the next batch takes its sequence. What stands before it is settled where it was sent.
//!
//! Given up, a batch leaves a gap in the sequence that no leader lets anybody pass. The line is broken then: what may be
//! written is given up as unknown, and the rest is numbered anew under a newer epoch (KIP-360).

mod batch;
mod buffer;
mod line;
mod step;

pub use step::{Acks, BatchId, Fate, Input, Outcome, Output, RecordId, Settings, Timer};

use super::defects::{Defect, Defects};
use super::identity::ProducerIdentity;
use super::partition::Partition;
use super::producers::REMEMBERED_BATCHES;
use super::record::Record;
use batch::{Batch, Stage};
use buffer::{Bound, Buffer};
use line::Line;
use std::collections::BTreeMap;

/// One producer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Production {
    settings: Settings,
    defects: Defects,
    identity: Option<ProducerIdentity>,
    wants_identity: bool,
    buffer: Buffer,
    lines: BTreeMap<Partition, Line>,
    /// How many batches it has begun.
    begun: u64,
}

impl Production {
    /// A producer that has sent nothing. When idempotent it sends nothing before it is identified.
    ///
    /// # Panics
    /// When the settings do not go together: transactions need idempotence, and that needs [`Acks::All`] and no more in
    /// flight than a leader remembers; nothing in flight and no record in a batch is never enough.
    pub fn new(settings: Settings, defects: Defects) -> Production {
        let Settings { acks, idempotent, transactional, max_in_flight, batch_records, .. } = settings;
        assert!(max_in_flight > 0 && batch_records > 0, "a producer that may send nothing");
        assert!(!idempotent || acks == Acks::All, "an idempotent producer needs acks all");
        assert!(!idempotent || max_in_flight <= REMEMBERED_BATCHES, "more in flight than is remembered");
        assert!(!transactional || idempotent, "transactions need an idempotent producer");
        let settings = match defects.has(Defect::InFlightWithoutSequence) {
            true => Settings { idempotent: false, max_in_flight: REMEMBERED_BATCHES, ..settings },
            false => settings,
        };
        Production {
            buffer: Buffer::with_room(settings.buffer_bytes, defects),
            settings,
            defects,
            identity: None,
            wants_identity: false,
            lines: BTreeMap::new(),
            begun: 0,
        }
    }

    /// Whether every record has been reported.
    pub fn is_idle(&self) -> bool {
        self.lines.values().all(|line| line.batches.is_empty()) && self.buffer.waiting().next().is_none()
    }

    /// Where this record is to go and what it is, if it waits for room.
    pub fn waits_for_room(&self, id: RecordId) -> Option<(Partition, &Record)> {
        let bound = self.buffer.waiting().rfind(|bound| bound.id == id)?;
        Some((bound.partition, &bound.record))
    }

    /// Whether an answer to this batch is waited for: one that was given up is of no more interest, and must not be sent
    /// any more.
    pub fn is_in_flight(&self, id: BatchId) -> bool {
        let line = self.lines.get(&id.partition);
        let batch = line.and_then(|line| line.batches.iter().find(|batch| batch.id == id));
        batch.is_some_and(|batch| batch.stage == Stage::InFlight)
    }

    /// Takes one input. What is to be done about it is added to `out`, in the order in which to do it.
    pub fn step(&mut self, input: Input, out: &mut Vec<Output>) {
        let told = out.len();
        let comes = if let Input::Send { id, .. } = &input { Some(*id) } else { None };
        match input {
            Input::Send { id, partition, record } => self.buffer.come(Bound { id, partition, record }),
            Input::Flush => self.flush(out),
            Input::Abandon => self.abandon(out),
            Input::Identified(identity) => {
                self.identity = Some(identity);
                self.wants_identity = false;
                self.advance_all(out);
            }
            Input::Answered { batch, outcome } => self.answered(batch, outcome, out),
            Input::TimerFired(Timer::Linger(batch)) => {
                self.ready_if(batch, Stage::Gathering);
                self.advance(batch.partition, out);
            }
            Input::TimerFired(Timer::Backoff(batch)) => {
                self.ready_if(batch, Stage::BackingOff);
                self.advance(batch.partition, out);
            }
            Input::TimerFired(Timer::Delivery(batch)) => self.too_late(batch, out),
            Input::TimerFired(Timer::Room(id)) => self.refuse(id, out),
        }
        self.give_room(told, comes, out);
    }

    /// Whoever was told of, in what is said from `told` on, takes no room any more, and those who wait get it; a record
    /// that comes and finds none waits for so long.
    fn give_room(&mut self, mut told: usize, comes: Option<RecordId>, out: &mut Vec<Output>) {
        loop {
            for output in &out[told..] {
                if let Output::Report { id, .. } = output {
                    self.buffer.told(*id);
                }
            }
            told = out.len();
            if let Some(bound) = self.buffer.next() {
                if comes != Some(bound.id) {
                    out.push(Output::CancelTimer(Timer::Room(bound.id)));
                }
                self.gather(bound, out);
                continue;
            }
            if self.buffer.waiting().next().is_some() {
                self.flush(out);
            }
            if out.len() == told {
                break;
            }
        }
        if let Some(id) = comes.filter(|id| self.waits_for_room(*id).is_some()) {
            out.push(Output::SetTimer { timer: Timer::Room(id), after: self.settings.buffer_wait });
        }
    }

    /// A record has waited long enough for room. Nothing of it was sent.
    fn refuse(&mut self, id: RecordId, out: &mut Vec<Output>) {
        if self.buffer.leave(id) {
            out.push(Output::Report { id, fate: Fate::DefinitelyNot });
        }
    }

    fn gather(&mut self, Bound { id, partition, record }: Bound, out: &mut Vec<Output>) {
        let Settings { batch_records, batch_bytes, linger, delivery_timeout, .. } = self.settings;
        let line = self.lines.entry(partition).or_default();
        if line.gathering().is_some_and(|batch| batch.is_too_full_for(&record, batch_bytes)) {
            line.close(out);
        }
        if line.gathering().is_none() {
            self.begun += 1;
            let batch = BatchId { partition, number: self.begun };
            line.batches.push_back(Batch::gathering(batch));
            out.push(Output::SetTimer { timer: Timer::Linger(batch), after: linger });
            out.push(Output::SetTimer { timer: Timer::Delivery(batch), after: delivery_timeout });
        }
        if let Some(batch) = line.gathering() {
            batch.add(id, record);
            if batch.is_full(batch_records, batch_bytes) {
                line.close(out);
            }
        }
        self.advance(partition, out);
    }

    fn flush(&mut self, out: &mut Vec<Output>) {
        self.lines.values_mut().for_each(|line| line.close(out));
        self.advance_all(out);
    }

    fn ready_if(&mut self, batch: BatchId, stage: Stage) {
        let line = self.lines.get_mut(&batch.partition);
        if let Some(batch) = line.and_then(|line| line.batch(batch)).filter(|batch| batch.stage == stage) {
            batch.stage = Stage::Ready;
        }
    }

    fn answered(&mut self, id: BatchId, outcome: Outcome, out: &mut Vec<Output>) {
        let Some(line) = self.lines.get_mut(&id.partition) else { return };
        let Some(batch) = line.batch(id).filter(|batch| batch.stage == Stage::InFlight) else { return };
        match outcome {
            Outcome::Appended { base } => {
                line.take(id).into_iter().for_each(|batch| batch.acknowledge(Some(base), out));
            }
            Outcome::Refused { definitely_not_appended, retriable } => {
                let definite = definitely_not_appended || self.defects.has(Defect::AfterAppendIsDefinite);
                batch.maybe_written |= !definite;
                batch.stage = Stage::Ready;
                if retriable { self.back_off(id, out) } else { self.give_up(id, out) }
            }
            Outcome::Misrouted => line.take_back(id, self.settings.idempotent, out),
            Outcome::NoAnswer => {
                batch.maybe_written = true;
                self.back_off(id, out);
            }
        }
        self.advance(id.partition, out);
    }

    fn back_off(&mut self, id: BatchId, out: &mut Vec<Output>) {
        let Some(batch) = self.lines.get_mut(&id.partition).and_then(|line| line.batch(id)) else { return };
        let after = batch.back_off(self.settings.backoff);
        out.push(Output::SetTimer { timer: Timer::Backoff(id), after });
    }

    fn too_late(&mut self, id: BatchId, out: &mut Vec<Output>) {
        self.give_up(id, out);
        self.advance(id.partition, out);
    }

    fn abandon(&mut self, out: &mut Vec<Output>) {
        for id in Vec::from_iter(self.buffer.waiting().map(|bound| bound.id)) {
            out.push(Output::CancelTimer(Timer::Room(id)));
            self.refuse(id, out);
        }
        let batches = self.lines.values().flat_map(|line| &line.batches);
        for id in Vec::from_iter(batches.map(|batch| batch.id)) {
            self.give_up(id, out);
        }
    }

    /// Gives a batch up. If it had its sequence, those behind it cannot follow.
    fn give_up(&mut self, id: BatchId, out: &mut Vec<Output>) {
        let Some(line) = self.lines.get_mut(&id.partition) else { return };
        let Some(batch) = line.take(id) else { return };
        line.broken |= batch.stamp.is_some();
        batch.give_up(out);
        if line.broken && line.identity == self.identity && !self.wants_identity {
            self.wants_identity = true;
            out.push(Output::WantsIdentity);
        }
    }

    fn advance_all(&mut self, out: &mut Vec<Output>) {
        let (settings, identity) = (&self.settings, self.identity);
        self.lines.values_mut().for_each(|line| line.advance(settings, identity, out));
    }

    fn advance(&mut self, partition: Partition, out: &mut Vec<Output>) {
        if let Some(line) = self.lines.get_mut(&partition) {
            line.advance(&self.settings, self.identity, out);
        }
    }
}
