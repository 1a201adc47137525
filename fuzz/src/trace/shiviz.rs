//! A trace as a log for ShiViz, which draws the nodes' events as a diagram of what happened before what.
//!
//! ```text
//! (?<host>\S*) (?<clock>{.*})\n(?<event>.*)      the expression that ShiViz reads the rest with
//!                                                no delimiter: the log is one execution
//! client-1 {"client-1":2}                        an event: its node, its vector clock,
//! 0.2s sends Add to server                       and what it is
//! server {"server":3,"client-1":2}
//! 0.204s receives Add from client-1
//! ```
//!
//! ShiViz asks that a node's own component is 1 at its first event and one more at each of the next. So that the
//! diagram can be read, it has the events by which nodes touch each other or that they report: messages sent, taken
//! and missed, disk operations that ended, facts, crashes and the like. A message that is missed is no way from one
//! node to another, and neither are the scenario's faults.

use super::arrows::{Flights, ids};
use super::reading::Reading;
use super::vector_clock::{Clocks, Named};
use crate::scenario::Scenario;
use crate::system::Run;
use rehearsal_env::EventId;
use rehearsal_sim::{Loss, Missed, TraceEntry, Traced};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The expression by which ShiViz finds the node, the clock and the words of an event: its own default.
pub const PARSER: &str = r"(?<host>\S*) (?<clock>{.*})\n(?<event>.*)";

/// Writes the trace.
///
/// # Errors
/// What `out` says.
pub fn write(scenario: &Scenario, run: &Run, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{PARSER}\n\n")?;
    let names: Vec<String> = run.nodes.iter().map(|name| host(name)).collect();
    let mut clocks = Clocks::new(names.len());
    let mut teller = Teller::new(Reading { scenario, run });
    for entry in &run.trace {
        let words = teller.words(entry);
        let (Some(node), Some(words)) = (entry.node, words) else { continue };
        if let Traced::Taken { message } = entry.what {
            clocks.take(node, message);
        }
        let clock = Named { clock: clocks.tick(node), names: &names };
        write!(out, "{} ", names[node.index()])?;
        serde_json::to_writer(&mut *out, &clock)?;
        writeln!(out, "\n{} {}", entry.time, words.replace(['\n', '\r'], " "))?;
        if let Traced::Sent { message, copy, .. } = entry.what {
            clocks.send(node, ids(message, copy));
        }
    }
    Ok(())
}

/// A node's name as one word.
fn host(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join("-")
}

/// Tells entries in words, as rests of sentences that begin with the node's name.
struct Teller<'a> {
    reading: Reading<'a>,
    flights: Flights,
    /// What the disk operations under way do.
    operations: BTreeMap<EventId, &'a str>,
}

impl<'a> Teller<'a> {
    fn new(reading: Reading<'a>) -> Teller<'a> {
        Teller { reading, flights: Flights::default(), operations: BTreeMap::new() }
    }

    /// The next entry of the trace in words; None for one that the log leaves out.
    fn words(&mut self, entry: &'a TraceEntry) -> Option<String> {
        self.flights.see(entry);
        let told = |message| self.flights.told(self.reading, message);
        Some(match &entry.what {
            Traced::Sent { message, to, copy, held_back, lost, .. } => {
                let (title, to) = (told(*message).0, self.reading.name(*to));
                let fate = match (lost, copy, held_back) {
                    (Some(Loss::Network), ..) => ", which the network loses".to_owned(),
                    (Some(Loss::Partition(index)), ..) => format!(", which partition {index} stops"),
                    (Some(Loss::SlowLink(index)), ..) => format!(", for which slow link {index} has no room"),
                    (None, Some(_), _) => ", which arrives twice".to_owned(),
                    (None, None, true) => ", which is held back".to_owned(),
                    (None, None, false) => String::new(),
                };
                format!("sends {title} to {to}{fate}")
            }
            Traced::Taken { message } => {
                let (title, from) = told(*message);
                format!("receives {title} from {from}")
            }
            Traced::Missed { message, why } => {
                let (title, from) = told(*message);
                let why = match why {
                    Missed::NobodyListens => "nobody listens",
                    Missed::Partition => "a partition stops it",
                    Missed::Reset => "its link is reset",
                };
                format!("misses {title} from {from}: {why}")
            }
            Traced::DiskBegan { operation, does } => {
                self.operations.insert(*operation, does);
                return None;
            }
            Traced::DiskEnded { operation, error } => {
                let does = self.operations.remove(operation).unwrap_or("ends a disk operation");
                match error {
                    Some(error) => format!("{does}, in vain: {error}"),
                    None => does.to_owned(),
                }
            }
            Traced::Fact { number } | Traced::Incident { number, .. } => {
                self.reading.words(*number).to_owned()
            }
            Traced::Arrived { .. }
            | Traced::Slept { .. }
            | Traced::Woke { .. }
            | Traced::Strikes { .. }
            | Traced::Decided { .. } => return None,
        })
    }
}
