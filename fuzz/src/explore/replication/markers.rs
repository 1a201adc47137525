//! What a search must have come by, or its silence means nothing.

use super::Replication;
use super::state::{Message, State};
use crate::explore::core::Marker;
use rehearsal_model::queue::replica::{Flush, Role};

pub(super) const MARKERS: &[Marker<Replication>] = &[
    Marker {
        name: "a record was acknowledged",
        expected: |core| core.setup.settings.min_insync <= usize::from(core.setup.bounds.replicas),
        seen: |_, state| !state.promised.is_empty(),
    },
    Marker {
        name: "two believed to lead",
        expected: |core| core.setup.bounds.epochs > 1 && core.setup.bounds.replicas > 1,
        seen: |_, state| state.brokers().filter(|(_, node)| node.leadership().is_some()).count() > 1,
    },
    Marker {
        name: "a deposed leader appended what its successor has not",
        expected: |core| core.setup.bounds.epochs > 1 && core.setup.bounds.replicas > 1,
        seen: |_, state| {
            state.brokers().any(|(broker, node)| {
                state.is_deposed(broker) && node.log.last().is_some_and(|last| !held_elsewhere(state, *last))
            })
        },
    },
    Marker {
        name: "a follower had to find out where to cut its log",
        expected: |core| core.setup.bounds.epochs > 1 && core.setup.bounds.replicas > 1,
        seen: |_, state| state.brokers().any(|(_, node)| matches!(node.replica.role(), Role::Truncating(_))),
    },
    Marker {
        name: "a leader's watermark was below the start of its epoch",
        expected: |core| core.setup.bounds.epochs > 1 && core.setup.bounds.replicas > 1,
        seen: |_, state| {
            state.brokers().any(|(_, node)| node.leadership().is_some() && node.replica.latest().is_none())
        },
    },
    Marker {
        name: "the set was smaller, and grew again",
        expected: |core| core.setup.bounds.changes > 1 && core.setup.bounds.replicas > 1,
        seen: |core, state| {
            let full = usize::from(core.setup.bounds.replicas);
            state.changes > 1
                && state.crashes == 0
                && state.orders.len() == 1
                && state.present().in_sync.len() == full
        },
    },
    Marker {
        name: "the watermark passed somebody out of sync",
        expected: |core| {
            let bounds = &core.setup.bounds;
            bounds.changes > 0 && core.setup.settings.min_insync < usize::from(bounds.replicas)
        },
        seen: |_, state| state.brokers().any(|(_, node)| node.log.len() < state.promised.len()),
    },
    Marker {
        name: "a fetch was late",
        expected: |core| {
            let bounds = &core.setup.bounds;
            bounds.messages > 0 && bounds.epochs > 1 && bounds.replicas > 1
        },
        seen: |_, state| state.network.iter().any(|message| matches!(message, Message::Fetch(..))),
    },
    Marker {
        name: "a broker lost in a crash what its disk did not have",
        expected: |core| core.setup.bounds.crashes > 0 && core.setup.settings.flush == Flush::Background,
        seen: |_, state| {
            state.brokers().any(|(_, node)| {
                node.replica.life().1.0 > 0
                    && node.replica.version().is_none()
                    && node.log.len() < state.promised.len()
            })
        },
    },
    Marker {
        name: "a broker came back and was told again",
        expected: |core| core.setup.bounds.crashes > 0 && core.setup.bounds.replicas > 1,
        seen: |_, state| {
            state.brokers().any(|(_, node)| node.replica.life().1.0 > 0 && node.replica.version().is_some())
        },
    },
];

fn held_elsewhere(state: &State, entry: super::state::Entry) -> bool {
    state.brokers().filter(|(_, node)| node.log.contains(&entry)).count() > 1
}
