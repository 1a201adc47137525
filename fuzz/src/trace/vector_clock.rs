//! Vector clocks: for every node, how much of what it did has happened before something.
//!
//! A node's own component counts its events from 1. A message carries the clock of its sending, and whoever takes it
//! has from then on the greater of both in every component (Fidge 1988, Mattern 1989). One event happened before
//! another if, and only if, its clock is less or equal in every component and not the same.

use rehearsal_env::{EventId, NodeId};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::BTreeMap;

/// A count for every node, by its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct VectorClock {
    counts: Vec<u64>,
}

/// The clocks of all nodes, and those that travel with messages.
pub(super) struct Clocks {
    nodes: Vec<VectorClock>,
    messages: BTreeMap<EventId, VectorClock>,
}

impl Clocks {
    pub(super) fn new(nodes: usize) -> Clocks {
        let start = VectorClock { counts: vec![0; nodes] };
        Clocks { nodes: vec![start; nodes], messages: BTreeMap::new() }
    }

    /// An event on the node: its clock then.
    pub(super) fn tick(&mut self, node: NodeId) -> &VectorClock {
        let clock = &mut self.nodes[node.index()];
        clock.counts[node.index()] += 1;
        clock
    }

    /// The messages are sent by the node's last event.
    pub(super) fn send(&mut self, node: NodeId, messages: impl Iterator<Item = EventId>) {
        for message in messages {
            self.messages.insert(message, self.nodes[node.index()].clone());
        }
    }

    /// What happened before the message was sent has happened before the node's next event.
    pub(super) fn take(&mut self, node: NodeId, message: EventId) {
        let Some(sent) = self.messages.remove(&message) else { return };
        for (own, other) in self.nodes[node.index()].counts.iter_mut().zip(sent.counts) {
            *own = other.max(*own);
        }
    }
}

/// A clock as JSON: the nodes by name, those left out of which nothing is known.
pub(super) struct Named<'a> {
    pub(super) clock: &'a VectorClock,
    pub(super) names: &'a [String],
}

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, count) in self.names.iter().zip(&self.clock.counts).filter(|(_, count)| **count > 0) {
            map.serialize_entry(name, count)?;
        }
        map.end()
    }
}
