//! Messages in flight, as a trace is read from its beginning: who sent them, and what they are called.

use super::reading::{Reading, title};
use rehearsal_env::{EventId, NodeId};
use rehearsal_sim::{TraceEntry, Traced};
use std::collections::BTreeMap;

/// A message that was sent: by whom, and what it is called.
#[derive(Clone)]
struct Flight {
    from: NodeId,
    title: String,
}

/// Every message sent so far; both copies of one that arrives twice.
#[derive(Default)]
pub(super) struct Flights {
    sent: BTreeMap<EventId, Flight>,
}

impl Flights {
    /// Sees the next entry of the trace.
    pub(super) fn see(&mut self, entry: &TraceEntry) {
        let (Some(from), Traced::Sent { message, copy, protocol, body, .. }) = (entry.node, &entry.what)
        else {
            return;
        };
        let flight = Flight { from, title: title(protocol, body) };
        for id in ids(*message, *copy) {
            self.sent.insert(id, flight.clone());
        }
    }

    /// The title of a message, and its sender's name.
    pub(super) fn told<'a>(&'a self, reading: Reading<'a>, message: EventId) -> (&'a str, &'a str) {
        self.sent
            .get(&message)
            .map_or(("a message", ""), |Flight { from, title }| (title, reading.name(*from)))
    }
}

/// The names of a message and of its second copy.
pub(super) fn ids<T>(message: EventId, copy: Option<(EventId, T)>) -> impl Iterator<Item = EventId> {
    std::iter::once(message).chain(copy.map(|(id, _)| id))
}
