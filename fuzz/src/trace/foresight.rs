//! What must be known of the rest of a trace when an entry is drawn: where arrows end, which sleeps ended, how wide
//! a slice may be.

use crate::system::Run;
use rehearsal_env::{EventId, Incarnation, NodeId};
use rehearsal_sim::{Incident, TraceEntry, Traced};
use std::collections::{BTreeMap, BTreeSet};

/// How long a slice is drawn for something that takes no time, in nanoseconds: so that it can be seen and hit.
const WIDTH: u64 = 50_000;

/// The thread on which an entry is drawn: a node's life, or what happens to the node whether it is up or not.
pub(super) type Thread = (NodeId, Option<Incarnation>);

/// The future of a trace.
#[derive(Default)]
pub(super) struct Foresight {
    arrows: BTreeMap<EventId, usize>,
    woken: BTreeSet<EventId>,
    last_starts: BTreeMap<NodeId, usize>,
    widths: BTreeMap<usize, u64>,
}

impl Foresight {
    pub(super) fn of(run: &Run) -> Foresight {
        let mut seen = Foresight::default();
        for (index, entry) in run.trace.iter().enumerate() {
            match (&entry.what, entry.node) {
                (
                    Traced::Arrived { message } | Traced::Missed { message, .. } | Traced::Taken { message },
                    _,
                ) => {
                    seen.arrows.insert(*message, index);
                }
                (Traced::Woke { timer }, _) => {
                    seen.woken.insert(*timer);
                }
                (Traced::Incident { incident: Incident::Started(_), .. }, Some(node)) => {
                    seen.last_starts.insert(node, index);
                }
                _ => {}
            }
        }
        seen.measure(run);
        seen
    }

    /// Finds for every slice when the next one of its thread begins. Of that time it takes at most the half, so that
    /// neither this program's nor a viewer's rounding lets two slices overlap; those of one time lie in each other.
    fn measure(&mut self, run: &Run) {
        let mut next: BTreeMap<Thread, (u64, u64)> = BTreeMap::new();
        for (index, entry) in run.trace.iter().enumerate().rev() {
            let Some(thread) = self.slice(index, entry) else { continue };
            let at = entry.time.nanos();
            let room = match next.get(&thread) {
                Some((then, room)) if *then == at => *room,
                Some((then, _)) => then - at,
                None => u64::MAX,
            };
            next.insert(thread, (at, room));
            self.widths.insert(index, WIDTH.min(room / 2));
        }
    }

    /// The thread of the slice that this entry is drawn as, if it is drawn as one.
    fn slice(&self, index: usize, entry: &TraceEntry) -> Option<Thread> {
        let node = entry.node?;
        match &entry.what {
            Traced::Sent { .. } => Some((node, Some(entry.incarnation))),
            Traced::Arrived { message } | Traced::Taken { message } if self.ends(*message, index) => {
                Some((node, Some(entry.incarnation)))
            }
            // The incarnation that is given is the next one, when the node is down.
            Traced::Missed { .. } => Some((node, None)),
            _ => None,
        }
    }

    /// The thread and the duration in nanoseconds of the slice that this entry is drawn as, if it is drawn as one.
    pub(super) fn drawn(&self, index: usize, entry: &TraceEntry) -> Option<(Thread, u64)> {
        self.slice(index, entry).zip(self.widths.get(&index).copied())
    }

    /// Whether the message comes to its node at some time.
    pub(super) fn lands(&self, message: EventId) -> bool {
        self.arrows.contains_key(&message)
    }

    /// Whether this entry is the last that is heard of the message.
    fn ends(&self, message: EventId, index: usize) -> bool {
        self.arrows.get(&message) == Some(&index)
    }

    /// Whether the sleep comes to its end; many are given up, as those that guard a wait.
    pub(super) fn wakes(&self, timer: EventId) -> bool {
        self.woken.contains(&timer)
    }

    /// Whether the node is started again after this entry.
    pub(super) fn starts_again(&self, node: NodeId, index: usize) -> bool {
        self.last_starts.get(&node).is_some_and(|last| *last > index)
    }
}
