//! From a slice to sentences: each entry in words, then what need not be said left out.

use super::Sentence;
use super::slice::Slice;
use super::words::{headline, is_answer};
use crate::scenario::Scenario;
use crate::system::{HistoryLine, Run, System};
use rehearsal_env::{EventId, NodeId, Time};
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
    /// Whether it is the scenario's doing, which may be the same twice.
    is_incident: bool,
    kind: Kind,
}

enum Kind {
    /// The node talks with another: what it asked, nothing when it only answered.
    Talk { to: NodeId, asked: Vec<String> },
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
        let items = slice.entries.values().filter_map(|entry| self.item(slice, entry)).collect();
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
                Kind::Talk { to, asked } if asked.is_empty() => {
                    (format!("{node} answers {}", self.name(to)), false)
                }
                Kind::Talk { to, asked } => {
                    (format!("{node} asks {}: {}", self.name(to), asked.join(", ")), false)
                }
            };
            sentences.push(Sentence { time, text, convicts });
        }
        sentences
    }

    fn item(&self, slice: &Slice<'_>, entry: &TraceEntry) -> Option<Item> {
        let is_incident = matches!(entry.what, Traced::Incident { .. });
        let item = |kind| Some(Item { time: entry.time, node: entry.node, is_incident, kind });
        let told = |text: String| item(Kind::Told { text, convicts: false });
        match &entry.what {
            Traced::Sent { .. } => item(self.message(slice, entry)?),
            Traced::Missed { message, why } => {
                let what = self.sent(*message);
                told(match why {
                    Missed::NobodyListens => format!("does not listen when {what} arrives: it is lost"),
                    Missed::Partition => format!("is cut off when {what} would arrive: it is lost"),
                })
            }
            Traced::Woke { timer } => {
                let slept = slice.entries.values().find_map(|entry| match &entry.what {
                    Traced::Slept { timer: begun, .. } if begun == timer => Some(entry.time),
                    _ => None,
                })?;
                let span = entry.time.since(slept);
                if span < LONG_SLEEP {
                    return None;
                }
                item(Kind::Waited { span, times: 1 })
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
                Incident::Cut(fault) => self.partition(*fault, "cannot reach"),
                Incident::Healed(fault) => self.partition(*fault, "can reach again"),
                _ => self.history.get(number)?.words.clone(),
            }),
            _ => None,
        }
    }

    /// A message, and what the network did with it if that was not simply to deliver it.
    fn message(&self, slice: &Slice<'_>, entry: &TraceEntry) -> Option<Kind> {
        let Traced::Sent { message, to, protocol, body, arrives, copy, held_back, lost } = &entry.what else {
            return None;
        };
        let (name, what) = (self.name(*to), named(protocol, body));
        let told = |text| Some(Kind::Told { text, convicts: false });
        if let Some(loss) = lost {
            let loss = match loss {
                Loss::Network => "the network loses it",
                Loss::Partition(_) => "the partition stops it",
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
        if *held_back {
            let arrives = arrives.unwrap_or(entry.time);
            return told(format!("sends {what} to {name}: the network holds it back until {arrives}"));
        }
        let asked = if is_answer(body) { Vec::new() } else { vec![headline(protocol, body)] };
        Some(Kind::Talk { to: *to, asked })
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

    fn partition(&self, fault: u32, verb: &str) -> String {
        match self.scenario.faults.get(fault as usize).map(|fault| &fault.blow) {
            Some(Blow::Partition { from, to, one_way, .. }) => {
                let also = if *one_way { "" } else { ", nor the other way round" };
                format!("is divided: {} {verb} {}{also}", from.join(", "), to.join(", "))
            }
            _ => format!("changes partition {fault}"),
        }
    }
}

/// A message as it is told: "the answer Booked", "the request Book".
fn named(protocol: &str, body: &serde_json::Value) -> String {
    let kind = if is_answer(body) { "answer" } else { "request" };
    format!("the {kind} {}", headline(protocol, body))
}

/// Questions and answers between two nodes, one after the other, as one talk.
fn one_talk_of_many(items: Vec<Item>) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::new();
    for item in items {
        if let (
            Some(Item { node: from, kind: Kind::Talk { to, asked }, .. }),
            Kind::Talk { to: other, asked: more },
        ) = (kept.last_mut(), &item.kind)
        {
            if (*from, *to) == (item.node, *other) {
                asked.extend(more.iter().cloned());
                continue;
            }
            if (Some(*to), *from) == (item.node, Some(*other)) {
                continue;
            }
        }
        kept.push(item);
    }
    kept
}

/// Leaves out what the next sentence implies: an aside before another fact of its node, an answer before what its
/// receiver does with it; and puts a fact and the message that goes with it into one.
fn without_what_follows(items: Vec<Item>) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::new();
    for item in items {
        if let Some(last) = kept.last_mut() {
            let same_node = last.node == item.node;
            match (&mut last.kind, &item.kind) {
                (Kind::Aside { .. }, _) if same_node => drop(kept.pop()),
                (Kind::Waited { span, times }, Kind::Waited { span: again, .. })
                    if same_node && span.as_millis() / 100 == again.as_millis() / 100 =>
                {
                    (last.time, *times) = (item.time, *times + 1);
                    continue;
                }
                (Kind::Talk { to, asked }, _) if asked.is_empty() && item.node == Some(*to) => {
                    drop(kept.pop())
                }
                (Kind::Told { .. }, Kind::Talk { asked, .. })
                    if same_node && asked.len() == 1 && last.time == item.time =>
                {
                    continue;
                }
                _ => {}
            }
        }
        let told_before = |earlier: &Item| match (&earlier.kind, &item.kind) {
            (Kind::Told { text, .. }, Kind::Told { text: again, convicts: false }) => text == again,
            _ => false,
        };
        // A node that starts reports again what it may not have reported before.
        if !kept.iter().any(|earlier| earlier.node == item.node && told_before(earlier)) || item.is_incident {
            kept.push(item);
        }
    }
    if kept.last().is_some_and(|last| matches!(last.kind, Kind::Aside { .. })) {
        kept.pop();
    }
    kept
}
