//! What a search must have come by, or its silence means nothing.

use super::Consensus;
use super::setup::Bounds;
use super::state::{Letter, State};
use crate::explore::core::Marker;
use rehearsal_model::coordination::consensus::Message;

pub(super) const MARKERS: &[Marker<Consensus>] = &[
    Marker {
        name: "an entry was committed",
        expected: |core| talks(&core.setup.bounds),
        seen: |_, state| !state.committed.is_empty(),
    },
    Marker {
        name: "a proposal was committed",
        expected: |core| talks(&core.setup.bounds) && core.setup.bounds.proposals > 0,
        seen: |_, state| state.committed.iter().any(|known| known.entry.command.is_some()),
    },
    Marker {
        name: "a read was answered",
        expected: |core| talks(&core.setup.bounds) && core.setup.bounds.reads > 0,
        seen: |_, state| state.answered > 0,
    },
    Marker {
        name: "two took themselves for leaders",
        expected: |core| contest(&core.setup.bounds),
        seen: |_, state| state.nodes.iter().filter(|node| node.member.leads()).count() > 1,
    },
    Marker {
        name: "a leader had entries that no leader after it had",
        expected: |core| contest(&core.setup.bounds),
        seen: |_, state| {
            let newest =
                state.nodes.iter().filter(|node| node.member.leads()).max_by_key(|node| node.member.term());
            newest.is_some_and(|newest| {
                let log = newest.member.log();
                state.nodes.iter().any(|node| {
                    let lost = node.member.log().iter().zip(log).any(|(one, other)| one.term < other.term);
                    node.member.leads() && lost
                })
            })
        },
    },
    Marker {
        name: "a leader had to find out where a follower's log parts from its own",
        expected: |core| contest(&core.setup.bounds),
        seen: |_, state| {
            let leaders = state.nodes.iter().filter_map(|node| node.member.leadership());
            leaders.into_iter().any(|leader| leader.followers.values().any(|known| known.next < leader.first))
        },
    },
    Marker {
        name: "an entry was committed in a later term than its own",
        expected: |core| contest(&core.setup.bounds),
        seen: |_, state| state.committed.iter().any(|known| known.term > known.entry.term),
    },
    Marker {
        name: "who had what a majority has not was elected no more",
        expected: |core| contest(&core.setup.bounds),
        seen: |_, state| state.network.iter().any(|letter| asks_in_vain(state, letter)),
    },
    Marker {
        name: "a leader lost in a crash what its disk did not have",
        expected: |core| core.setup.bounds.crashes > 0 && talks(&core.setup.bounds),
        seen: |_, state| {
            state.crashes > 0
                && state.members().any(|(id, node)| {
                    !node.member.leads()
                        && node.member.log().is_empty()
                        && state
                            .leaders
                            .iter()
                            .any(|(term, leader)| *leader == id && *term == node.member.term())
                })
        },
    },
];

/// Whether members hear of each other, or there is nobody to hear of.
fn talks(bounds: &Bounds) -> bool {
    bounds.messages > 0 || bounds.members == 1
}

fn contest(bounds: &Bounds) -> bool {
    bounds.members > 2 && bounds.terms > 1 && bounds.messages > 0
}

/// Whether this asks for the vote of one who has more than who asks.
fn asks_in_vain(state: &State, letter: &Letter) -> bool {
    let Message::RequestVote { last, last_term, .. } = letter.message else { return false };
    let log = state.node(letter.to).member.log();
    log.last().is_some_and(|entry| (entry.term, log.len()) > (last_term, last.0 as usize))
}
