//! The batches of one partition that are not done, in the order in which they are to be written.

use super::super::identity::ProducerIdentity;
use super::super::producers::REMEMBERED_BATCHES;
use super::batch::{Batch, Stage};
use super::step::{Acks, BatchId, Output, Settings, Timer};
use std::collections::VecDeque;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Line {
    pub(super) batches: VecDeque<Batch>,
    /// Under which the line numbers its batches.
    pub(super) identity: Option<ProducerIdentity>,
    /// A batch with a sequence was given up: under this identity nothing more can be appended.
    pub(super) broken: bool,
    next_sequence: u32,
    /// How many batches got a sequence.
    numbered: u64,
}

impl Line {
    /// The batch that waits for more records.
    pub(super) fn gathering(&mut self) -> Option<&mut Batch> {
        self.batches.back_mut().filter(|batch| batch.stage == Stage::Gathering)
    }

    /// The batch that waits for more records waits no longer.
    pub(super) fn close(&mut self, out: &mut Vec<Output>) {
        if let Some(batch) = self.gathering() {
            batch.stage = Stage::Ready;
            out.push(Output::CancelTimer(Timer::Linger(batch.id)));
        }
    }

    pub(super) fn batch(&mut self, id: BatchId) -> Option<&mut Batch> {
        self.batches.iter_mut().find(|batch| batch.id == id)
    }

    pub(super) fn take(&mut self, id: BatchId) -> Option<Batch> {
        let place = self.batches.iter().position(|batch| batch.id == id)?;
        self.batches.remove(place)
    }

    /// Hands a batch back that belongs elsewhere, and all behind it: none of them is in the log. Without sequences, those
    /// that may be written are left to get their own answers.
    pub(super) fn take_back(&mut self, id: BatchId, idempotent: bool, out: &mut Vec<Output>) {
        let Some(place) = self.batches.iter().position(|batch| batch.id == id) else { return };
        let behind = self.batches.split_off(place);
        if let Some((stamp, first)) = behind.front().and_then(|first| Some((first.stamp?, first.place))) {
            (self.next_sequence, self.numbered) = (stamp.sequence, first - 1);
        }
        for batch in behind {
            let open = batch.stage == Stage::InFlight || batch.maybe_written;
            match !idempotent && open {
                true if batch.id != id => self.batches.push_back(batch),
                // This attempt has not written it, but an earlier one may have.
                true if batch.maybe_written => batch.give_up(out),
                _ => batch.hand_back(out),
            }
        }
    }

    /// Sends what may be sent.
    pub(super) fn advance(
        &mut self,
        settings: &Settings,
        newest: Option<ProducerIdentity>,
        out: &mut Vec<Output>,
    ) {
        if self.broken {
            self.clear_away(out);
        }
        while self.batches.iter().filter(|batch| batch.stage == Stage::InFlight).count()
            < settings.max_in_flight
        {
            let Some(place) = self.batches.iter().position(|batch| batch.stage != Stage::InFlight) else {
                return;
            };
            if self.batches[place].stage != Stage::Ready || settings.idempotent && !self.number(place, newest)
            {
                return;
            }
            let batch = &mut self.batches[place];
            batch.stage = Stage::InFlight;
            out.push(Output::Send { batch: batch.id, payload: batch.payload(settings.transactional) });
            if settings.acks == Acks::None {
                let sent = self.batches.remove(place);
                sent.into_iter().for_each(|batch| batch.acknowledge(None, out));
            }
        }
    }

    /// Sees to it that a batch has its sequence, which it keeps; false when it cannot have one now. While anything that
    /// has one is not done, nothing gets one of another epoch, for the newer epoch fences the older.
    fn number(&mut self, place: usize, newest: Option<ProducerIdentity>) -> bool {
        if self.batches[place].stamp.is_some() {
            return true;
        }
        if self.identity != newest && self.batches.iter().all(|batch| batch.stamp.is_none()) {
            (self.identity, self.next_sequence, self.broken) = (newest, 0, false);
        }
        match self.identity.filter(|_| self.identity == newest && !self.broken && self.will_be_remembered()) {
            Some(identity) => {
                self.numbered += 1;
                let batch = &mut self.batches[place];
                (batch.stamp, batch.place) = (Some(identity.stamp(self.next_sequence)), self.numbered);
                self.next_sequence = self.next_sequence.wrapping_add(batch.count());
                true
            }
            None => false,
        }
    }

    /// Whether the oldest batch without an answer would still be known again if one more were appended. It may have been
    /// appended long ago, and answers may overtake one another.
    fn will_be_remembered(&self) -> bool {
        let oldest = self.batches.iter().find(|batch| batch.stamp.is_some());
        oldest.is_none_or(|oldest| self.numbered - oldest.place + 1 < REMEMBERED_BATCHES as u64)
    }

    /// What of a broken line is not in flight: it is given up if it may be written, for under another epoch it could be
    /// written twice, and else it loses its sequence.
    fn clear_away(&mut self, out: &mut Vec<Output>) {
        let batches = std::mem::take(&mut self.batches);
        for mut batch in batches {
            let stopped = batch.stamp.is_some() && batch.stage != Stage::InFlight;
            if stopped && batch.maybe_written {
                batch.give_up(out);
                continue;
            }
            if stopped {
                batch.cancel_timer(out);
                (batch.stamp, batch.stage) = (None, Stage::Ready);
            }
            self.batches.push_back(batch);
        }
    }
}
