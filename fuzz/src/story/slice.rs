//! What of a run a violation follows from: the chains of causes that lead to the facts that convict.
//!
//! Every entry of a trace names the event during which it was made, and every event but the start of a node was begun by
//! an earlier entry: a message sent, a sleep, a disk operation. So a fact has one chain of causes, back to the start of
//! some node (Lamport, "Time, Clocks, and the Ordering of Events", 1978). Where something waited, as for a lock, the chain
//! is that of whoever ended its waiting; so an answer on a chain brings the chain of its question with it. The slice is
//! the chains of all convicting facts, what was reported on the way, what was sent on the way and lost, and what struck
//! the nodes of the chains meanwhile. All else is left out.
//!
//! Where something is convicted of not having happened, as an answer that never came, nothing caused that. Then what
//! followed from the convicting facts is told as well, and everything that was struck or lost.

use super::words::{Speech, exchange};
use crate::system::Run;
use rehearsal_env::{EventId, NodeId, Time, Violation};
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
    /// The sendings of each question: who asks, whom, and the numbers of their exchange.
    questions: BTreeMap<Exchange, Vec<usize>>,
}

type Exchange = (NodeId, NodeId, [Option<u64>; 4]);

impl<'a> Web<'a> {
    fn of(trace: &'a [TraceEntry]) -> Web<'a> {
        let (mut begun, mut numbered) = (BTreeMap::new(), BTreeMap::new());
        let mut during: BTreeMap<EventId, Vec<usize>> = BTreeMap::new();
        let mut questions: BTreeMap<Exchange, Vec<usize>> = BTreeMap::new();
        for (index, entry) in trace.iter().enumerate() {
            during.entry(entry.cause).or_default().push(index);
            match &entry.what {
                Traced::Sent { message, copy, .. } => {
                    begun.insert(*message, index);
                    begun.extend(copy.map(|(copy, _)| (copy, index)));
                    if let Some((Speech::Asks, asked)) = exchange_of(entry) {
                        questions.entry(asked).or_default().push(index);
                    }
                }
                Traced::Slept { timer, .. } => drop(begun.insert(*timer, index)),
                Traced::DiskBegan { operation, .. } => drop(begun.insert(*operation, index)),
                Traced::Fact { number } | Traced::Incident { number, .. } => {
                    numbered.insert(*number, index);
                }
                _ => {}
            }
        }
        Web { trace, begun, numbered, during, questions }
    }

    /// The chains of these entries, and those of the questions to which an answer on them was given.
    fn chains(&self, roots: &[usize]) -> BTreeSet<usize> {
        let mut found: BTreeSet<usize> = BTreeSet::new();
        let mut next: Vec<usize> = roots.to_vec();
        while let Some(root) = next.pop() {
            let chain = self.chain(root);
            for index in chain.into_iter().filter(|index| found.insert(*index)) {
                if let Some((Speech::Answers, asked)) = exchange_of(&self.trace[index]) {
                    let mut sendings = self.questions.get(&asked).into_iter().flatten();
                    next.extend(sendings.rfind(|question| **question < index));
                }
            }
        }
        found
    }

    /// The first events that follow from what was done during the events of these entries.
    fn events_after(&self, entries: &[usize]) -> BTreeSet<EventId> {
        let mut found = BTreeSet::new();
        let mut next: VecDeque<EventId> = entries.iter().map(|index| self.trace[*index].cause).collect();
        while let Some(event) = next.pop_front() {
            for index in self.during.get(&event).into_iter().flatten() {
                let begun = match &self.trace[*index].what {
                    Traced::Sent { message, copy, .. } => [Some(*message), copy.map(|(copy, _)| copy)],
                    Traced::DiskBegan { operation, .. } => [Some(*operation), None],
                    Traced::Slept { timer, .. } => [Some(*timer), None],
                    _ => continue,
                };
                for begun in begun.into_iter().flatten() {
                    if found.len() < MOST_CONSEQUENCES && found.insert(begun) {
                        next.push_back(begun);
                    }
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

/// The exchange to which a message belongs, from the side of who asks; and whether it is the question.
fn exchange_of(entry: &TraceEntry) -> Option<(Speech, Exchange)> {
    let (Traced::Sent { to, body, .. }, Some(node)) = (&entry.what, entry.node) else { return None };
    let (speech, numbers) = exchange(body)?;
    let (asks, answers) = if speech == Speech::Asks { (node, *to) } else { (*to, node) };
    Some((speech, (asks, answers, numbers)))
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

/// The slice of a run that kept its trace, for one of its violations. Where nothing convicts by name, as in a panic, it
/// is that of the last fact and of what was done last.
pub(super) fn slice<'a>(run: &'a Run, violation: &Violation) -> Slice<'a> {
    let web = Web::of(&run.trace);
    let convicting: BTreeSet<u64> = violation.evidence.iter().copied().collect();
    let mut roots: Vec<usize> =
        convicting.iter().filter_map(|number| web.numbered.get(number).copied()).collect();
    if roots.is_empty() {
        roots.extend(web.numbered.last_key_value().map(|(_, index)| *index));
        roots.extend(run.trace.iter().rposition(|entry| entry.node.is_some()));
    }
    let chains = web.chains(&roots);
    let mut doings = Doings::of(&run.trace, &chains);
    let about_absence = is_about_absence(run, &chains);
    if about_absence {
        doings.events.extend(web.events_after(&roots));
    }
    let told = |(_, entry): &(usize, &TraceEntry)| doings.have(entry) && belongs(entry);
    let mut kept = chains.clone();
    kept.extend(run.trace.iter().enumerate().filter(told).map(|(index, _)| index));
    kept.extend(strikes(run, &chains, &doings));
    if about_absence {
        kept.extend(losses(&run.trace));
    }
    let mut events = doings.events;
    events.extend(chains.iter().map(|index| run.trace[*index].cause));
    let entries = kept.into_iter().map(|index| (index, &run.trace[index])).collect();
    Slice { entries, events, convicting }
}

/// What was done in consequence of the events of a slice.
struct Doings {
    /// Events of the chains, with the node of the chain: when a world starts, all its nodes do.
    of_nodes: BTreeSet<(EventId, NodeId)>,
    /// Other events.
    events: BTreeSet<EventId>,
}

impl Doings {
    fn of(trace: &[TraceEntry], chains: &BTreeSet<usize>) -> Doings {
        let entries = chains.iter().map(|index| &trace[*index]);
        let of_nodes = entries.filter_map(|entry| Some((entry.cause, entry.node?))).collect();
        Doings { of_nodes, events: BTreeSet::new() }
    }

    fn have(&self, entry: &TraceEntry) -> bool {
        let of_chains = match entry.node {
            Some(node) => self.of_nodes.contains(&(entry.cause, node)),
            None => self.of_nodes.iter().any(|(event, _)| *event == entry.cause),
        };
        of_chains || self.events.contains(&entry.cause)
    }
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
fn strikes(run: &Run, chains: &BTreeSet<usize>, doings: &Doings) -> Vec<usize> {
    let trace = &run.trace;
    let (Some(first), Some(last)) = (chains.first(), chains.last()) else { return Vec::new() };
    let nodes: BTreeSet<NodeId> = chains.iter().filter_map(|index| trace[*index].node).collect();
    let sent: BTreeSet<EventId> = trace
        .iter()
        .filter_map(|entry| match &entry.what {
            Traced::Sent { message, .. } if doings.have(entry) => Some(*message),
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
    let meanwhile = *first..=*last;
    let before = nodes.iter().flat_map(|node| last_crash_before(trace, chains, *node));
    let before = before.filter(|index| !meanwhile.contains(index));
    before.chain(meanwhile.clone()).filter(|index| tells(*index)).collect()
}

/// What a node's last crash did before the first entry of the chains in which it has a part: a chain ends where its node
/// started.
fn last_crash_before(trace: &[TraceEntry], chains: &BTreeSet<usize>, node: NodeId) -> Vec<usize> {
    let first = chains.iter().find(|index| trace[**index].node == Some(node));
    let before = &trace[..first.copied().unwrap_or_default()];
    let is_crash = |entry: &TraceEntry| matches!(&entry.what, Traced::Incident { incident: Incident::Crashed(crashed), .. } if *crashed == node);
    let Some(crash) = before.iter().rposition(is_crash) else { return Vec::new() };
    let belongs = |(index, entry): &(usize, &TraceEntry)| {
        entry.node == Some(node) && (*index >= crash || entry.cause == before[crash].cause)
    };
    before.iter().enumerate().filter(belongs).map(|(index, _)| index).collect()
}
