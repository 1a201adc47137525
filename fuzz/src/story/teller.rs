//! From a slice to sentences: each entry in words, then what need not be said left out.

use super::Sentence;
use super::slice::Slice;
use super::words::{Speech, exchange, headline, named, speech};
use crate::links_in_words;
use crate::scenario::Scenario;
use crate::system::{HistoryLine, Run, System};
use rehearsal_env::{EventId, Incarnation, NodeId, Time};
use rehearsal_sim::{Blow, Incident, Loss, Missed, TraceEntry, Traced};
use std::collections::BTreeMap;
use std::time::Duration;

/// A sleep that is shorter is not worth a sentence.
const LONG_SLEEP: Duration = Duration::from_millis(500);

pub(super) struct Teller<'a> {
    scenario: &'a Scenario,
    run: &'a Run,
    history: BTreeMap<u64, &'a HistoryLine>,
    asides: &'static [&'static str],
}

/// Something to be told.
struct Item {
    time: Time,
    /// Who did it.
    node: Option<NodeId>,
    /// In which of its lives.
    incarnation: Incarnation,
    source: Source,
    kind: Kind,
}

/// What kind of thing is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// What a node reported.
    Fact,
    /// What the scenario did.
    Incident,
    /// The rest.
    Other,
}

enum Kind {
    /// The node talks with another: what it says, in the order in which it says it.
    Talk { to: NodeId, speech: Speech, says: Vec<String> },
    /// The node waited.
    Waited { span: Duration, times: u32 },
    /// A sentence by itself.
    Told { text: String, convicts: bool },
    /// A sentence that is told only if something comes between it and the node's next.
    Aside { text: String },
}

impl<'a> Teller<'a> {
    pub(super) fn of(system: &dyn System, scenario: &'a Scenario, run: &'a Run) -> Teller<'a> {
        let history = run.history.iter().map(|line| (line.stamp.number, line)).collect();
        Teller { scenario, run, history, asides: system.asides() }
    }

    pub(super) fn sentences(&self, slice: &Slice<'_>) -> Vec<Sentence> {
        let told = |(index, entry): (usize, &TraceEntry)| {
            let item = slice.entries.get(&index).and_then(|entry| self.item(slice, entry));
            [item, self.silence(slice, entry)]
        };
        let items = self.run.trace.iter().enumerate().flat_map(told).flatten().collect();
        let mut sentences: Vec<Sentence> = Vec::new();
        for item in without_what_follows(one_talk_of_many(items)) {
            let (time, node) = (item.time, item.node.map(|node| self.name(node)).unwrap_or("the world"));
            let (text, convicts) = match item.kind {
                Kind::Told { text, convicts } => (format!("{node} {text}"), convicts),
                Kind::Aside { text } => (format!("{node} {text}"), false),
                Kind::Waited { span, times } => {
                    let times = if times == 1 { String::new() } else { format!(" {times} times") };
                    (format!("{node} goes on after waiting {:.1} s{times}", span.as_secs_f64()), false)
                }
                Kind::Talk { to, speech, says } => {
                    let (name, says) = (self.name(to), says.join(", "));
                    let text = match speech {
                        Speech::Asks => format!("{node} asks {name}: {says}"),
                        Speech::Answers => format!("{node} answers {name}"),
                        Speech::Sends => format!("{node} sends {name}: {says}"),
                    };
                    (text, false)
                }
            };
            sentences.push(Sentence { time, text, convicts });
        }
        sentences
    }

    /// That a question from a chain was never answered, and its asker went on without.
    fn silence(&self, slice: &Slice<'_>, entry: &TraceEntry) -> Option<Item> {
        let Traced::Sent { message, to, body, lost: None, .. } = &entry.what else { return None };
        let Some((Speech::Asks, numbers)) = exchange(body) else { return None };
        let goes_on =
            |later: &TraceEntry| later.node == entry.node && later.time.since(entry.time) >= LONG_SLEEP;
        if !slice.events.contains(&entry.cause) || !slice.entries.values().any(|later| goes_on(later)) {
            return None;
        }
        let answers = |other: &TraceEntry| match &other.what {
            // That it was lost is told by itself.
            Traced::Missed { message: missed, .. } => missed == message,
            Traced::Sent { to: asker, body, .. } => {
                other.node == Some(*to)
                    && Some(*asker) == entry.node
                    && exchange(body) == Some((Speech::Answers, numbers))
            }
            _ => false,
        };
        if self.run.trace.iter().any(answers) {
            return None;
        }
        let text = format!("gets no answer from {}", self.name(*to));
        let TraceEntry { time, node, incarnation, .. } = *entry;
        let kind = Kind::Told { text, convicts: false };
        Some(Item { time, node, incarnation, source: Source::Other, kind })
    }

    fn item(&self, slice: &Slice<'_>, entry: &TraceEntry) -> Option<Item> {
        let TraceEntry { time, node, incarnation, .. } = *entry;
        let source = match entry.what {
            Traced::Fact { .. } => Source::Fact,
            Traced::Incident { .. } => Source::Incident,
            _ => Source::Other,
        };
        let item = |kind| Some(Item { time, node, incarnation, source, kind });
        let told = |text: String| item(Kind::Told { text, convicts: false });
        match &entry.what {
            Traced::Sent { .. } => item(self.message(slice, entry)?),
            Traced::Missed { message, why } => {
                let what = self.sent(*message);
                told(match why {
                    Missed::NobodyListens => format!("does not listen when {what} arrives: it is lost"),
                    Missed::Partition => format!("is cut off when {what} would arrive: it is lost"),
                    Missed::Reset => format!("never gets {what}: its link is reset"),
                })
            }
            Traced::Woke { timer } => {
                let slept = slice.entries.values().find(
                    |entry| matches!(&entry.what, Traced::Slept { timer: begun, .. } if begun == timer),
                )?;
                let span = time.since(slept.time);
                if span < LONG_SLEEP {
                    return None;
                }
                // A sleep that ends for another task has no node at its end.
                let TraceEntry { node, incarnation, .. } = **slept;
                Some(Item { time, node, incarnation, source, kind: Kind::Waited { span, times: 1 } })
            }
            Traced::Fact { number } => {
                let line = self.history.get(number)?;
                let (convicts, text) = (slice.convicting.contains(number), line.words.clone());
                if !convicts && self.asides.contains(&line.kind) {
                    return item(Kind::Aside { text });
                }
                item(Kind::Told { text, convicts })
            }
            Traced::Incident { number, incident } => told(match incident {
                Incident::Cut(fault) => self.does(*fault, links_in_words::divided)?,
                Incident::Healed(fault) => self.does(*fault, links_in_words::mended)?,
                Incident::LinkSlowed(fault) => self.does(*fault, links_in_words::slowed)?,
                Incident::LinkFast(fault) => self.does(*fault, links_in_words::fast_again)?,
                Incident::LinkReset(fault) => self.does(*fault, links_in_words::reset)?,
                Incident::ZoneLost(fault) => self.does(*fault, links_in_words::zone_lost)?,
                _ => self.history.get(number)?.words.clone(),
            }),
            _ => None,
        }
    }

    /// A message, and what the network did with it if that was not simply to deliver it.
    fn message(&self, slice: &Slice<'_>, entry: &TraceEntry) -> Option<Kind> {
        let Traced::Sent { message, to, protocol, body, arrives, copy, held_back, lost, slowed_by } =
            &entry.what
        else {
            return None;
        };
        let (name, what) = (self.name(*to), named(protocol, body));
        let told = |text| Some(Kind::Told { text, convicts: false });
        if let Some(loss) = lost {
            let loss = match loss {
                Loss::Network => "the network loses it",
                Loss::Partition(_) => "the partition stops it",
                Loss::SlowLink(_) => "the slow link has no room for it",
            };
            return told(format!("sends {what} to {name}: {loss}"));
        }
        let came_twice = copy.is_some_and(|(copy, _)| slice.events.contains(&copy));
        if came_twice {
            return told(format!("sends {what} to {name}: the network delivers it twice"));
        }
        if !slice.events.contains(message) {
            return None;
        }
        let arrives = arrives.unwrap_or(entry.time);
        if *held_back {
            return told(format!("sends {what} to {name}: the network holds it back until {arrives}"));
        }
        if slowed_by.is_some() && arrives.since(entry.time) >= LONG_SLEEP {
            return told(format!("sends {what} to {name}: on the slow link it takes until {arrives}"));
        }
        Some(Kind::Talk { to: *to, speech: speech(body), says: vec![headline(protocol, body)] })
    }

    fn name(&self, node: NodeId) -> &str {
        self.run.nodes.get(node.index()).map_or("?", String::as_str)
    }

    /// A message with its sender, as "the answer Booked of api-0".
    fn sent(&self, wanted: EventId) -> String {
        let sender = self.run.trace.iter().find_map(|entry| match &entry.what {
            Traced::Sent { message, protocol, body, .. } if *message == wanted => {
                Some(format!("{} of {}", named(protocol, body), self.name(entry.node?)))
            }
            _ => None,
        });
        sender.unwrap_or_else(|| "a message".to_owned())
    }

    /// What the fault of this index does, in the words for it.
    fn does(&self, fault: u32, words: fn(&Blow) -> Option<String>) -> Option<String> {
        words(&self.scenario.faults.get(fault as usize)?.blow)
    }
}

/// Questions and answers between two nodes, one after the other, as one talk: the answers between the questions go.
fn one_talk_of_many(items: Vec<Item>) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::new();
    for item in items {
        if goes_on(kept.last(), &item)
            || is_answered(kept.last(), &item) && goes_on(before_last(&kept), &item)
        {
            kept.truncate(kept.len() - usize::from(is_answered(kept.last(), &item)));
            if let (Some(Item { kind: Kind::Talk { says, .. }, .. }), Kind::Talk { says: more, .. }) =
                (kept.last_mut(), item.kind)
            {
                says.extend(more);
            }
            continue;
        }
        kept.push(item);
    }
    kept
}

fn before_last(items: &[Item]) -> Option<&Item> {
    items.len().checked_sub(2).map(|index| &items[index])
}

/// Whether somebody says more to the same node.
fn goes_on(last: Option<&Item>, item: &Item) -> bool {
    match (last.map(|last| (last.node, &last.kind)), &item.kind) {
        (Some((node, Kind::Talk { to, speech, .. })), Kind::Talk { to: other, speech: again, .. }) => {
            (node, to, speech) == (item.node, other, again)
        }
        _ => false,
    }
}

/// Whether somebody asks right after the other one's answer.
fn is_answered(last: Option<&Item>, item: &Item) -> bool {
    match (last.map(|last| (last.node, &last.kind)), &item.kind) {
        (
            Some((node, Kind::Talk { to, speech: Speech::Answers, .. })),
            Kind::Talk { to: other, speech: Speech::Asks, .. },
        ) => (Some(*to), node) == (item.node, Some(*other)),
        _ => false,
    }
}

/// Leaves out what the next sentence implies: an aside before another fact of its node, an answer before what its
/// receiver does with it; and puts a fact and the question that goes with it into one.
fn without_what_follows(items: Vec<Item>) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::new();
    for item in items {
        if let Some(last) = kept.last_mut() {
            let same_node = last.node == item.node;
            let is_done_by = |node: NodeId| item.node == Some(node) && item.source != Source::Incident;
            match (&mut last.kind, &item.kind) {
                (Kind::Aside { .. }, _) if same_node => drop(kept.pop()),
                (Kind::Waited { span, times }, Kind::Waited { span: again, .. })
                    if same_node && span.as_millis() / 100 == again.as_millis() / 100 =>
                {
                    (last.time, *times) = (item.time, *times + 1);
                    continue;
                }
                (Kind::Talk { to, speech: Speech::Answers | Speech::Sends, .. }, _) if is_done_by(*to) => {
                    drop(kept.pop())
                }
                (Kind::Told { .. }, Kind::Talk { speech: Speech::Asks, says, .. })
                    if same_node
                        && last.source == Source::Fact
                        && says.len() == 1
                        && last.time == item.time =>
                {
                    continue;
                }
                _ => {}
            }
        }
        if !kept.iter().any(|earlier| is_reported_again(earlier, &item)) {
            kept.push(item);
        }
    }
    if kept.last().is_some_and(|last| matches!(last.kind, Kind::Aside { .. })) {
        kept.pop();
    }
    kept
}

/// Whether a node reports a fact in a later life too: one that starts reports again what it may not have reported before.
fn is_reported_again(earlier: &Item, item: &Item) -> bool {
    let facts = (earlier.source, item.source) == (Source::Fact, Source::Fact);
    let later_life = earlier.node == item.node && earlier.incarnation < item.incarnation;
    let same = match (&earlier.kind, &item.kind) {
        (Kind::Told { text, .. }, Kind::Told { text: again, convicts: false }) => text == again,
        _ => false,
    };
    facts && later_life && same
}
