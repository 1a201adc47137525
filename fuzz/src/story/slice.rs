//! What of a run a violation follows from: the chains of causes that lead to the facts that convict.
//!
//! Every entry of a trace names the event during which it was made, and every event but the start of a node was begun by
//! an earlier entry: a message sent, a sleep, a disk operation. So a fact has one chain of causes, back to the start of
//! some node (Lamport, "Time, Clocks, and the Ordering of Events", 1978). The slice is the chains of all convicting
//! facts, what was reported on the way, what was sent on the way and lost, and what struck the nodes of the chains
//! meanwhile. All else is left out.
//!
//! Where something is convicted of not having happened, as an answer that never came, nothing caused that. Then what
//! followed from the convicting facts is told as well, and everything that was struck or lost.

use crate::system::Run;
use rehearsal_env::{EventId, NodeId, Time};
use rehearsal_sim::{Incident, TraceEntry, Traced};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// A verdict that comes so much later than the facts is about what did not happen since.
const LATER: Duration = Duration::from_millis(500);
/// So many events that follow from the convicting facts are told.
const MOST_CONSEQUENCES: usize = 40;

/// The entries of a run's trace that a story needs, in the order of the run.
pub(super) struct Slice<'a> {
    /// Them, by their place in the trace.
    pub(super) entries: BTreeMap<usize, &'a TraceEntry>,
    /// Events on the chains.
    pub(super) events: BTreeSet<EventId>,
    /// Facts that convict, by their number.
    pub(super) convicting: BTreeSet<u64>,
}

/// What a trace knows about its events.
struct Web<'a> {
    trace: &'a [TraceEntry],
    /// The entry that begins each event.
    begun: BTreeMap<EventId, usize>,
    /// The entry of each fact and incident, by its number.
    numbered: BTreeMap<u64, usize>,
    /// Entries made during each event.
    during: BTreeMap<EventId, Vec<usize>>,
}

impl<'a> Web<'a> {
    fn of(trace: &'a [TraceEntry]) -> Web<'a> {
        let (mut begun, mut numbered) = (BTreeMap::new(), BTreeMap::new());
        let mut during: BTreeMap<EventId, Vec<usize>> = BTreeMap::new();
        for (index, entry) in trace.iter().enumerate() {
            during.entry(entry.cause).or_default().push(index);
            match &entry.what {
                Traced::Sent { message, copy, .. } => {
                    begun.insert(*message, index);
                    begun.extend(copy.map(|(copy, _)| (copy, index)));
                }
                Traced::Slept { timer, .. } => drop(begun.insert(*timer, index)),
                Traced::DiskBegan { operation, .. } => drop(begun.insert(*operation, index)),
                Traced::Fact { number } | Traced::Incident { number, .. } => {
                    numbered.insert(*number, index);
                }
                _ => {}
            }
        }
        Web { trace, begun, numbered, during }
    }

    /// The first events that follow from what was done during the events of these entries.
    fn events_after(&self, entries: &[usize]) -> BTreeSet<EventId> {
        let mut found = BTreeSet::new();
        let mut next: VecDeque<EventId> = entries.iter().map(|index| self.trace[*index].cause).collect();
        while let Some(event) = next.pop_front() {
            for index in self.during.get(&event).into_iter().flatten() {
                let begun = match &self.trace[*index].what {
                    Traced::Sent { message, .. } => *message,
                    Traced::DiskBegan { operation, .. } => *operation,
                    Traced::Slept { timer, .. } => *timer,
                    _ => continue,
                };
                if found.len() < MOST_CONSEQUENCES && found.insert(begun) {
                    next.push_back(begun);
                }
            }
        }
        found
    }

    /// The chain of causes of an entry, the entry itself first.
    fn chain(&self, from: usize) -> Vec<usize> {
        let mut chain = vec![from];
        let mut last = from;
        while let Some(&cause) = self.begun.get(&self.trace[last].cause) {
            // A cause lies before what it causes, so the chain ends.
            if cause >= last {
                break;
            }
            chain.push(cause);
            last = cause;
        }
        chain
    }
}

/// Something that was judged later than the last fact that convicts, or that one node noticed by itself, is about what
/// did not happen.
fn is_about_absence(run: &Run, chains: &BTreeSet<usize>) -> bool {
    let last = chains.last().map_or(Time::ZERO, |index| run.trace[*index].time);
    let nodes: BTreeSet<NodeId> = chains.iter().filter_map(|index| run.trace[*index].node).collect();
    nodes.len() < 2 || run.time.since(last) > LATER
}

/// What the scenario struck, and what was lost, anywhere.
fn losses(trace: &[TraceEntry]) -> impl Iterator<Item = usize> {
    let tells = |entry: &TraceEntry| match &entry.what {
        Traced::Incident { incident: Incident::Started(_), .. } => entry.time > Time::ZERO,
        Traced::Incident { incident: Incident::Exited(_) | Incident::CalmBegan, .. } => false,
        Traced::Incident { .. } => true,
        Traced::Sent { lost, .. } => lost.is_some(),
        _ => false,
    };
    trace.iter().enumerate().filter(move |(_, entry)| tells(entry)).map(|(index, _)| index)
}

/// The slice of a run that kept its trace. Where nothing convicts by name, as in a panic, it is that of the last fact.
pub(super) fn slice(run: &Run) -> Slice<'_> {
    let web = Web::of(&run.trace);
    let violations = run.violations.iter();
    let convicting: BTreeSet<u64> =
        violations.flat_map(|violation| violation.evidence.iter().copied()).collect();
    let mut roots: Vec<usize> =
        convicting.iter().filter_map(|number| web.numbered.get(number).copied()).collect();
    if roots.is_empty() {
        roots.extend(web.numbered.last_key_value().map(|(_, index)| *index));
    }
    let chains: BTreeSet<usize> = roots.iter().flat_map(|root| web.chain(*root)).collect();
    let mut events: BTreeSet<EventId> = chains.iter().map(|index| run.trace[*index].cause).collect();
    if is_about_absence(run, &chains) {
        events.extend(web.events_after(&roots));
    }
    let mut kept = chains.clone();
    for event in &events {
        let during = web.during.get(event).into_iter().flatten();
        kept.extend(during.filter(|index| belongs(&run.trace[**index])));
    }
    kept.extend(strikes(run, &chains, &events));
    if is_about_absence(run, &chains) {
        kept.extend(losses(&run.trace));
    }
    let entries = kept.into_iter().map(|index| (index, &run.trace[index])).collect();
    Slice { entries, events, convicting }
}

/// Whether an entry made during an event of a chain is told although no chain goes through it.
fn belongs(entry: &TraceEntry) -> bool {
    match &entry.what {
        Traced::Fact { .. } | Traced::Woke { .. } => true,
        Traced::Sent { lost, copy, .. } => lost.is_some() || copy.is_some(),
        _ => false,
    }
}

/// What struck the nodes of the chains between their first entry and their last; and the loss, at its receiver, of a
/// message that was sent during an event of the slice.
fn strikes(run: &Run, chains: &BTreeSet<usize>, events: &BTreeSet<EventId>) -> Vec<usize> {
    let trace = &run.trace;
    let (Some(first), Some(last)) = (chains.first(), chains.last()) else { return Vec::new() };
    let nodes: BTreeSet<NodeId> = chains.iter().filter_map(|index| trace[*index].node).collect();
    let sent: BTreeSet<EventId> = trace
        .iter()
        .filter_map(|entry| match &entry.what {
            Traced::Sent { message, .. } if events.contains(&entry.cause) => Some(*message),
            _ => None,
        })
        .collect();
    let tells = |index: usize| {
        let TraceEntry { node, what, time, .. } = &trace[index];
        let concerned = node.is_none_or(|node| nodes.contains(&node));
        match what {
            Traced::Incident { incident: Incident::Started(_), .. } => concerned && *time > Time::ZERO,
            Traced::Incident { incident: Incident::Exited(_) | Incident::CalmBegan, .. } => false,
            Traced::Incident { .. } => concerned,
            Traced::Missed { message, .. } => sent.contains(message),
            _ => false,
        }
    };
    (*first..=*last).filter(|index| tells(*index)).collect()
}
