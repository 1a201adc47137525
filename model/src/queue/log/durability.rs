//! Up to where the log survives a crash.

use super::write::SegmentName;
use crate::queue::offset::Offset;
use std::collections::VecDeque;

/// The number of a mutation; a later one has a larger one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What makes everything up to a ticket durable: once all writes that were handed out before it are carried out, this
/// file is to be synced, or none; then [`persisted`](super::PartitionLog::persisted) is told the ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DueSync {
    /// What is durable then.
    pub ticket: Ticket,
    /// The file that is to be synced: the one that was active when the ticket was the newest. It may have been removed
    /// by writes that were handed out later, so those are to be carried out afterwards.
    pub segment: Option<SegmentName>,
}

/// What is durable, and what will be once a ticket is.
///
/// A sync that ends tells nothing about the offsets that stood at the end when it began: meanwhile they may have
/// been cut off and given anew. It tells that the appends before it are durable, those that were not undone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Durability {
    newest: Ticket,
    /// Up to here everything is durable.
    end: Offset,
    /// The appends behind that which were not undone, each with its end. Both numbers rise.
    unsure: VecDeque<(Ticket, Offset)>,
    /// The last time that everything was dropped, until that is durable itself: a crash before brings back what was
    /// there, or a part of it, so that nothing is sure.
    beginning: Option<Ticket>,
}

impl Durability {
    /// Of a log that is durable up to its end.
    pub(super) fn all_of(end: Offset) -> Durability {
        Durability { end, ..Durability::default() }
    }

    pub(super) fn newest(&self) -> Ticket {
        self.newest
    }

    pub(super) fn end(&self) -> Offset {
        if self.beginning.is_some() { Offset::ZERO } else { self.end }
    }

    /// A batch that ends at `end` was appended.
    pub(super) fn appended(&mut self, end: Offset) {
        self.mutated();
        self.unsure.push_back((self.newest, end));
    }

    /// What does not end at or before `to` was dropped.
    pub(super) fn truncated(&mut self, to: Offset) {
        self.mutated();
        self.end = self.end.min(to);
        while self.unsure.pop_back_if(|(_, end)| *end > to).is_some() {}
    }

    /// Everything was dropped, and the log goes on at `to`. A crash may leave what was dropped, or a part of it, until
    /// that is durable.
    pub(super) fn reset(&mut self, to: Offset) {
        self.mutated();
        self.end = to;
        self.unsure.clear();
        self.beginning = Some(self.newest);
    }

    /// The log starts at `start` from now on: what stood before needs to be durable no more.
    pub(super) fn expired(&mut self, start: Offset) {
        self.mutated();
        self.end = self.end.max(start);
        while self.unsure.pop_front_if(|(_, end)| *end <= start).is_some() {}
    }

    fn mutated(&mut self) {
        self.newest.0 += 1;
    }

    /// Everything up to `ticket` is durable.
    pub(super) fn persisted(&mut self, ticket: Ticket) {
        assert!(ticket <= self.newest, "{ticket:?} was never given");
        self.beginning.take_if(|beginning| *beginning <= ticket);
        while let Some((_, end)) = self.unsure.pop_front_if(|(append, _)| *append <= ticket) {
            self.end = end;
        }
    }
}
