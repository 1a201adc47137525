//! Up to where the log survives a crash.

use crate::queue::offset::Offset;
use std::collections::VecDeque;

/// The number of a mutation; a later one has a larger one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

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
        self.end
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

    /// Everything was dropped, and the log goes on at `to`.
    pub(super) fn reset(&mut self, to: Offset) {
        self.mutated();
        self.end = to;
        self.unsure.clear();
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
        while let Some((_, end)) = self.unsure.pop_front_if(|(append, _)| *append <= ticket) {
            self.end = end;
        }
    }
}
