//! What a member remembers over crashes, and how much of it is on the disk already.

use super::step::{Index, LogEntry, MemberId, Output, Stored, Term, Ticket};
use std::collections::VecDeque;

/// Term, vote and log, with what is under way to the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Journal<C> {
    stored: Stored<C>,
    /// Something changed since the last ticket was given out.
    dirty: bool,
    /// So much of the log did not.
    unchanged: Index,
    issued: Ticket,
    persisted: Ticket,
    /// So much of the log is on the disk, surely.
    durable: Index,
    /// What is under way, and how much of today's log it makes durable.
    pending: VecDeque<(Ticket, Index)>,
}

impl<C: Clone> Journal<C> {
    pub fn of(stored: Stored<C>) -> Self {
        let length = stored.last();
        Journal {
            stored,
            dirty: false,
            unchanged: length,
            issued: Ticket(0),
            persisted: Ticket(0),
            durable: length,
            pending: VecDeque::new(),
        }
    }

    pub fn stored(&self) -> &Stored<C> {
        &self.stored
    }

    pub fn durable(&self) -> Index {
        self.durable
    }

    pub fn persisted_through(&self) -> Ticket {
        self.persisted
    }

    /// Nothing is under way or waits to be.
    pub fn is_settled(&self) -> bool {
        !self.dirty && self.pending.is_empty()
    }

    /// The ticket with which all that is remembered now will be durable.
    pub fn ticket(&self) -> Ticket {
        Ticket(self.issued.0 + u32::from(self.dirty))
    }

    /// A new term begins, with its vote still to give.
    pub fn begin_term(&mut self, term: Term) {
        (self.stored.term, self.stored.vote, self.dirty) = (term, None, true);
    }

    pub fn vote(&mut self, candidate: MemberId) {
        if self.stored.vote != Some(candidate) {
            (self.stored.vote, self.dirty) = (Some(candidate), true);
        }
    }

    pub fn append(&mut self, entry: LogEntry<C>) {
        self.stored.log.push(entry);
        self.dirty = true;
    }

    /// Cuts the log to this length.
    pub fn truncate(&mut self, length: Index) {
        self.stored.log.truncate(length.0 as usize);
        self.unchanged = self.unchanged.min(length);
        self.durable = self.durable.min(length);
        self.pending.iter_mut().for_each(|(_, reaches)| *reaches = length.min(*reaches));
        self.dirty = true;
    }

    /// What is to be written by now, if anything.
    pub fn flush(&mut self) -> Option<Output<C>> {
        if !std::mem::take(&mut self.dirty) {
            return None;
        }
        self.issued.0 += 1;
        let (keep, length) = (self.unchanged, self.stored.last());
        self.pending.push_back((self.issued, length));
        self.unchanged = length;
        let (term, vote, entries) = (self.stored.term, self.stored.vote, self.stored.behind(keep).to_vec());
        Some(Output::Persist { ticket: self.issued, term, vote, keep, entries })
    }

    pub fn persisted(&mut self, through: Ticket) {
        while self.pending.front().is_some_and(|(ticket, _)| *ticket <= through) {
            let Some((ticket, length)) = self.pending.pop_front() else { return };
            self.persisted = ticket;
            self.durable = self.durable.max(length);
        }
    }
}
