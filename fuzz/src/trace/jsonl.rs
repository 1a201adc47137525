//! A trace as JSON Lines: a header, one object for every entry, the verdict. `docs/trace.md` is the specification;
//! keys may be added, never renamed: otherwise [`VERSION`] goes up.

use super::reading::{Reading, incident};
use crate::scenario::Scenario;
use crate::system::Run;
use rehearsal_env::{EventId, Incarnation, Time, Violation};
use rehearsal_sim::{Digest, FaultClass, Incident, Loss, Missed, Question, TraceEntry, Traced};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::io::{self, Write};

/// The version of the format.
pub const VERSION: u32 = 1;

/// Writes the trace.
///
/// # Errors
/// What `out` says.
pub fn write(scenario: &Scenario, run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let reading = Reading { scenario, run };
    write_line(out, &Header::of(reading))?;
    for (position, entry) in run.trace.iter().enumerate() {
        write_line(out, &Line::of(reading, position, entry))?;
    }
    write_line(out, &End::of(run))
}

fn write_line(out: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// An event's identity, as 16 hexadecimal digits: numbers of that size are not exact in every reader of JSON.
struct Id(EventId);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[derive(Serialize)]
struct Header<'a> {
    trace: &'static str,
    version: u32,
    system: &'a str,
    seed: u64,
    nodes: &'a [String],
    digest: Digest,
}

impl<'a> Header<'a> {
    fn of(Reading { scenario, run }: Reading<'a>) -> Header<'a> {
        Header {
            trace: "rehearsal",
            version: VERSION,
            system: &scenario.system,
            seed: scenario.seed,
            nodes: &run.nodes,
            digest: run.digest,
        }
    }
}

#[derive(Serialize)]
struct End<'a> {
    verdict: &'static str,
    violations: &'a [Violation],
    at: u64,
    events: u64,
    digest: Digest,
}

impl<'a> End<'a> {
    fn of(run: &'a Run) -> End<'a> {
        End {
            verdict: if run.violations.is_empty() { "held" } else { "violated" },
            violations: &run.violations,
            at: run.time.nanos(),
            events: run.events,
            digest: run.digest,
        }
    }
}

/// One entry. The node and its incarnation are absent where the whole world is meant.
#[derive(Serialize)]
struct Line<'a> {
    entry: usize,
    at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incarnation: Option<Incarnation>,
    cause: Id,
    #[serde(flatten)]
    what: What<'a>,
}

impl<'a> Line<'a> {
    fn of(reading: Reading<'a>, entry: usize, traced: &'a TraceEntry) -> Line<'a> {
        Line {
            entry,
            at: traced.time.nanos(),
            node: traced.node.map(|node| reading.name(node)),
            incarnation: traced.node.map(|_| traced.incarnation),
            cause: Id(traced.cause),
            what: What::of(reading, &traced.what),
        }
    }
}

/// What happened: the keys that depend on it. All of them are always there, some with the value null.
#[derive(Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
enum What<'a> {
    Sent(Sent<'a>),
    Arrived {
        message: Id,
    },
    Missed {
        message: Id,
        why: &'static str,
    },
    Taken {
        message: Id,
    },
    Slept {
        timer: Id,
        until: u64,
    },
    Woke {
        timer: Id,
    },
    DiskBegan {
        operation: Id,
        does: &'a str,
    },
    DiskEnded {
        operation: Id,
        error: Option<&'a str>,
    },
    Fact {
        number: u64,
        kind: &'a str,
        fact: &'a Value,
        words: &'a str,
    },
    Incident {
        number: u64,
        incident: &'static str,
        partition: Option<u32>,
        ailment: Option<FaultClass>,
        fault: Option<u32>,
        words: &'a str,
    },
    Strikes {
        index: u32,
        fault: Value,
    },
    Decided(Decided),
}

#[derive(Serialize)]
struct Sent<'a> {
    message: Id,
    to: &'a str,
    protocol: &'a str,
    body: &'a Value,
    arrives: Option<u64>,
    copy: Option<Id>,
    copy_arrives: Option<u64>,
    held_back: bool,
    lost: Option<&'static str>,
    partition: Option<u32>,
    slowed_by: Option<u32>,
}

/// The question keeps the names that it has in a scenario's deviations, but for the one that every entry has.
#[derive(Serialize)]
struct Decided {
    decision: &'static str,
    asked_by: Id,
    about: String,
    ordinal: u32,
    answer: u64,
    choices: u64,
}

impl<'a> What<'a> {
    fn of(reading: Reading<'a>, what: &'a Traced) -> What<'a> {
        match *what {
            Traced::Sent { message, to, protocol, ref body, arrives, copy, held_back, lost, slowed_by } => {
                What::Sent(Sent {
                    message: Id(message),
                    to: reading.name(to),
                    protocol,
                    body,
                    arrives: arrives.map(Time::nanos),
                    copy: copy.map(|(id, _)| Id(id)),
                    copy_arrives: copy.map(|(_, at)| at.nanos()),
                    held_back,
                    lost: lost.map(lost_to),
                    partition: lost.and_then(stopped_by),
                    slowed_by,
                })
            }
            Traced::Arrived { message } => What::Arrived { message: Id(message) },
            Traced::Missed { message, why } => What::Missed { message: Id(message), why: missed(why) },
            Traced::Taken { message } => What::Taken { message: Id(message) },
            Traced::Slept { timer, until } => What::Slept { timer: Id(timer), until: until.nanos() },
            Traced::Woke { timer } => What::Woke { timer: Id(timer) },
            Traced::DiskBegan { operation, ref does } => What::DiskBegan { operation: Id(operation), does },
            Traced::DiskEnded { operation, ref error } => {
                What::DiskEnded { operation: Id(operation), error: error.as_deref() }
            }
            Traced::Fact { number } => What::fact(reading, number),
            Traced::Incident { number, incident: which } => What::Incident {
                number,
                incident: incident(which),
                partition: drawn_or_healed(which),
                ailment: ailment(which),
                fault: done_by(which),
                words: reading.words(number),
            },
            Traced::Strikes { fault } => What::Strikes { index: fault, fault: reading.fault(fault) },
            Traced::Decided { question, answer, choices } => {
                What::Decided(Decided::of(question, answer, choices))
            }
        }
    }

    fn fact(reading: Reading<'a>, number: u64) -> What<'a> {
        match reading.line(number) {
            Some(line) => What::Fact { number, kind: line.kind, fact: &line.fact, words: &line.words },
            None => What::Fact { number, kind: "", fact: &Value::Null, words: "" },
        }
    }
}

impl Decided {
    fn of(question: Question, answer: u64, choices: u64) -> Decided {
        Decided {
            decision: question.site.name(),
            asked_by: Id(EventId(question.cause)),
            about: format!("{:x}", question.entity),
            ordinal: question.ordinal,
            answer,
            choices,
        }
    }
}

fn missed(why: Missed) -> &'static str {
    match why {
        Missed::NobodyListens => "nobody-listens",
        Missed::Partition => "partition",
        Missed::Reset => "reset",
    }
}

fn lost_to(loss: Loss) -> &'static str {
    match loss {
        Loss::Network => "network",
        Loss::Partition(_) => "partition",
        Loss::SlowLink(_) => "slow-link",
    }
}

fn stopped_by(loss: Loss) -> Option<u32> {
    match loss {
        Loss::Network | Loss::SlowLink(_) => None,
        Loss::Partition(index) => Some(index),
    }
}

fn drawn_or_healed(incident: Incident) -> Option<u32> {
    match incident {
        Incident::Cut(index) | Incident::Healed(index) => Some(index),
        _ => None,
    }
}

fn ailment(incident: Incident) -> Option<FaultClass> {
    match incident {
        Incident::Ailed(_, class) | Incident::Mended(_, class) | Incident::Failed(_, class) => Some(class),
        _ => None,
    }
}

/// The fault that did it to links, or to a data centre.
fn done_by(incident: Incident) -> Option<u32> {
    match incident {
        Incident::Cut(index)
        | Incident::Healed(index)
        | Incident::LinkSlowed(index)
        | Incident::LinkFast(index)
        | Incident::LinkReset(index)
        | Incident::ZoneLost(index) => Some(index),
        _ => None,
    }
}
