//! What a member remembers over crashes, and how much of it is on the disk already.

use super::snapshot::Snapshot;
use super::step::{Index, LogEntry, MemberId, Output, Stored, Term, Ticket};
use std::collections::VecDeque;

/// Term, vote and log, with what is under way to the disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Journal<C> {
    stored: Stored<C>,
    /// Something changed since the last ticket was given out.
    dirty: bool,
    /// The snapshot is another one since then.
    is_cut: bool,
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
            is_cut: false,
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
        self.stored.truncate(length);
        self.unchanged = self.unchanged.min(length);
        self.durable = self.durable.min(length);
        self.pending.iter_mut().for_each(|(_, reaches)| *reaches = length.min(*reaches));
        self.dirty = true;
    }

    /// Puts a snapshot in the place of what is committed.
    pub fn compact(&mut self, snapshot: Snapshot) {
        self.unchanged = self.unchanged.max(snapshot.through);
        self.stored.replace(snapshot);
        (self.dirty, self.is_cut) = (true, true);
    }

    /// Puts the snapshot of another in the place of a log that ends before it or is another one.
    pub fn install(&mut self, snapshot: Snapshot) {
        let through = snapshot.through;
        if self.stored.term_at(through) != Some(snapshot.term) {
            self.durable = Index(0);
            self.pending.iter_mut().for_each(|(_, reaches)| *reaches = Index(0));
            self.unchanged = through;
        }
        self.compact(snapshot);
    }

    /// What is to be written by now, if anything.
    pub fn flush(&mut self) -> Option<Output<C>> {
        if !std::mem::take(&mut self.dirty) {
            return None;
        }
        self.issued.0 += 1;
        let (keep, length) = (self.unchanged, self.stored.last());
        let snapshot = std::mem::take(&mut self.is_cut).then(|| self.stored.snapshot.clone());
        self.pending.push_back((self.issued, length));
        self.unchanged = length;
        let (term, vote, entries) = (self.stored.term, self.stored.vote, self.stored.behind(keep).to_vec());
        Some(Output::Persist { ticket: self.issued, term, vote, snapshot, keep, entries })
    }

    pub fn persisted(&mut self, through: Ticket) {
        while self.pending.front().is_some_and(|(ticket, _)| *ticket <= through) {
            let Some((ticket, length)) = self.pending.pop_front() else { return };
            self.persisted = ticket;
            self.durable = self.durable.max(length);
        }
    }
}
