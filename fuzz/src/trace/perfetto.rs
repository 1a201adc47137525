//! A trace in Chrome's Trace Event Format, which ui.perfetto.dev and chrome://tracing open.
//!
//! | in the run | in the viewer |
//! |---|---|
//! | the world, a node | a process |
//! | a node's incarnation | a thread; the first thread of a node is for what happens to it up or down |
//! | a message | a slice where it is sent, one where it is taken, missed or left unread, and an arrow between |
//! | a sleep that ends, a disk operation | a slice of its own track, from beginning to end |
//! | a node that is down or stands still, a partition | likewise |
//! | a fact, an incident, a fault that strikes | an instant |
//!
//! In a world of virtual time, what a program does takes none: the slices of messages are as wide as there is room, up
//! to 50 µs, for the eye. Decisions, and sleeps that were given up, are left out: the JSON Lines have them.

use super::arrows::{Flights, ids};
use super::chrome_event::{ChromeEvent, Phase, Track};
use super::foresight::{Foresight, Thread};
use super::reading::{Reading, incident};
use crate::scenario::Scenario;
use crate::system::Run;
use rehearsal_env::{EventId, NodeId, Time};
use rehearsal_sim::{FaultClass, Incident, TraceEntry, Traced};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// What is not of a node: partitions, faults that strike. Viewers keep process 0 and thread 0 for themselves.
const WORLD: Track = Track { pid: 1, tid: 1 };

/// Writes the trace.
///
/// # Errors
/// What `out` says.
pub fn write(scenario: &Scenario, run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let about = json!({ "system": scenario.system, "seed": scenario.seed, "digest": run.digest });
    write!(out, "{{\"displayTimeUnit\":\"ns\",\"otherData\":{about},\"traceEvents\":[")?;
    let mut drawing = Drawing {
        reading: Reading { scenario, run },
        out: &mut *out,
        separator: "\n",
        foresight: Foresight::of(run),
        flights: Flights::default(),
        threads: BTreeMap::new(),
        open: BTreeMap::new(),
    };
    drawing.name_processes()?;
    for (index, entry) in run.trace.iter().enumerate() {
        drawing.draw(index, entry)?;
    }
    drawing.close_where(run.time, |_, _| true)?;
    out.write_all(b"\n]}\n")
}

/// A slice that has begun, by its category and its id there.
type OpenSlices = BTreeMap<(&'static str, EventId), (String, Track)>;

struct Drawing<'a> {
    reading: Reading<'a>,
    out: &'a mut dyn Write,
    /// What stands before the next event.
    separator: &'static str,
    foresight: Foresight,
    flights: Flights,
    /// The numbers of the incarnations' threads; no two processes have one alike, or viewers would mix up their names.
    threads: BTreeMap<Thread, u64>,
    open: OpenSlices,
}

impl<'a> Drawing<'a> {
    fn put(&mut self, event: &ChromeEvent<'_>) -> io::Result<()> {
        self.out.write_all(self.separator.as_bytes())?;
        self.separator = ",\n";
        Ok(serde_json::to_writer(&mut *self.out, event)?)
    }

    fn name_processes(&mut self) -> io::Result<()> {
        self.put(&metadata("process_name", WORLD, json!({ "name": "the world" })))?;
        self.put(&metadata("process_sort_index", WORLD, json!({ "sort_index": 0 })))?;
        self.put(&metadata("thread_name", WORLD, json!({ "name": "faults" })))?;
        for (index, name) in self.reading.run.nodes.iter().enumerate() {
            let track = node_track(NodeId(index as u32));
            self.put(&metadata("process_name", track, json!({ "name": name })))?;
            self.put(&metadata("process_sort_index", track, json!({ "sort_index": index + 1 })))?;
            self.put(&metadata("thread_name", track, json!({ "name": "up and down" })))?;
        }
        Ok(())
    }

    /// The thread's track; the first time, it is given its name.
    fn track(&mut self, thread: Thread) -> io::Result<Track> {
        let (node, Some(incarnation)) = thread else { return Ok(node_track(thread.0)) };
        let pid = node_track(node).pid;
        if let Some(tid) = self.threads.get(&thread) {
            return Ok(Track { pid, tid: *tid });
        }
        let tid = node_track(NodeId(self.reading.run.nodes.len() as u32)).tid + self.threads.len() as u64;
        self.threads.insert(thread, tid);
        let name = format!("incarnation {}", incarnation.0);
        self.put(&metadata("thread_name", Track { pid, tid }, json!({ "name": name })))?;
        Ok(Track { pid, tid })
    }

    fn draw(&mut self, index: usize, entry: &'a TraceEntry) -> io::Result<()> {
        self.flights.see(entry);
        let at = entry.time;
        match (&entry.what, entry.node) {
            (Traced::Strikes { fault }, _) => {
                let kind =
                    self.reading.scenario.faults.get(*fault as usize).map_or("", |one| one.blow.kind());
                let name = format!("fault {fault}: {kind}");
                let event = ChromeEvent::new(Phase::Instant, "fault", &name, at, WORLD).scope("p");
                self.put(&event.args(json!({ "fault": self.reading.fault(*fault) })))
            }
            (Traced::Incident { number, incident }, node) => {
                self.incident(index, *number, *incident, at, node)
            }
            (_, None) => Ok(()),
            (what, Some(node)) => match what {
                Traced::Sent { .. }
                | Traced::Arrived { .. }
                | Traced::Missed { .. }
                | Traced::Taken { .. } => self.message(index, entry),
                _ => {
                    let track = self.track((node, Some(entry.incarnation)))?;
                    self.own(what, at, track)
                }
            },
        }
    }

    /// What a node does by itself.
    fn own(&mut self, what: &Traced, at: Time, track: Track) -> io::Result<()> {
        match what {
            Traced::Slept { timer, until } if self.foresight.wakes(*timer) => {
                self.open(("sleep", *timer), "sleeps", at, track, json!({ "until": until.to_string() }))
            }
            Traced::Woke { timer } => self.close(("sleep", *timer), at, json!({})),
            Traced::DiskBegan { operation, does } => {
                // Viewers show slices of one name together: the first word is what the disk does.
                let name = does.split(' ').next().unwrap_or(does);
                self.open(("disk", *operation), name, at, track, json!({ "does": does }))
            }
            Traced::DiskEnded { operation, error } => {
                let error = error.as_ref().map_or(json!({}), |error| json!({ "error": error }));
                self.close(("disk", *operation), at, error)
            }
            Traced::Fact { number } => {
                let Some(line) = self.reading.line(*number) else { return Ok(()) };
                let event = ChromeEvent::new(Phase::Instant, "fact", line.kind, at, track).scope("t");
                let args = json!({ "number": number, "words": line.words, "fact": line.fact });
                self.put(&event.args(args))
            }
            _ => Ok(()),
        }
    }

    fn message(&mut self, index: usize, entry: &TraceEntry) -> io::Result<()> {
        let Some((thread, width)) = self.foresight.drawn(index, entry) else { return Ok(()) };
        let (track, at) = (self.track(thread)?, entry.time);
        let slice = |name| ChromeEvent::new(Phase::Complete, "message", name, at, track).lasting(width);
        let (message, does) = match &entry.what {
            Traced::Sent { message, to, body, lost, copy, .. } => {
                let title = self.flights.told(self.reading, *message).0.to_owned();
                let lost = lost.map(|loss| format!("{loss:?}"));
                let args = json!({ "to": self.reading.name(*to), "body": body, "lost": lost });
                self.put(&slice(&format!("sends {title}")).args(args))?;
                for id in ids(*message, *copy).filter(|id| self.foresight.lands(*id)).collect::<Vec<_>>() {
                    self.put(&ChromeEvent::new(Phase::FlowBegin, "message", &title, at, track).id(id))?;
                }
                return Ok(());
            }
            Traced::Taken { message } => (*message, "receives"),
            Traced::Missed { message, .. } => (*message, "misses"),
            Traced::Arrived { message } => (*message, "leaves unread"),
            _ => return Ok(()),
        };
        let (title, from) = self.flights.told(self.reading, message);
        let (title, from) = (title.to_owned(), json!({ "from": from }));
        self.put(&slice(&format!("{does} {title}")).args(from))?;
        self.put(&ChromeEvent::new(Phase::FlowEnd, "message", &title, at, track).id(message))
    }

    fn incident(
        &mut self,
        index: usize,
        number: u64,
        which: Incident,
        at: Time,
        node: Option<NodeId>,
    ) -> io::Result<()> {
        let (track, scope) = node.map_or((WORLD, "g"), |node| (node_track(node), "p"));
        let event = ChromeEvent::new(Phase::Instant, "incident", incident(which), at, track).scope(scope);
        self.put(&event.args(json!({ "number": number, "words": self.reading.words(number) })))?;
        let of = |node: NodeId| EventId(node_track(node).pid);
        match which {
            Incident::Crashed(node) | Incident::Exited(node) => {
                self.close(("pause", of(node)), at, json!({}))?;
                if matches!(which, Incident::Crashed(_)) {
                    self.close_where(at, |category, other| category == "disk" && other.pid == track.pid)?;
                }
                if matches!(which, Incident::Crashed(_)) || self.foresight.starts_again(node, index) {
                    self.open(("down", of(node)), "down", at, track, json!({}))?;
                }
                Ok(())
            }
            Incident::Started(node) => self.close(("down", of(node)), at, json!({})),
            Incident::Paused(node) => self.open(("pause", of(node)), "stands still", at, track, json!({})),
            Incident::Resumed(node) => self.close(("pause", of(node)), at, json!({})),
            Incident::Cut(fault) => {
                let name = self.reading.partition(fault);
                self.open(("partition", EventId(u64::from(fault))), &name, at, WORLD, json!({}))
            }
            Incident::Healed(fault) => self.close(("partition", EventId(u64::from(fault))), at, json!({})),
            Incident::CalmBegan => {
                self.close_where(at, |category, _| category == "partition" || category == "slow link")
            }
            Incident::LinkSlowed(fault) => {
                let name = self.reading.slow_link(fault);
                self.open(("slow link", EventId(u64::from(fault))), &name, at, WORLD, json!({}))
            }
            Incident::LinkFast(fault) => self.close(("slow link", EventId(u64::from(fault))), at, json!({})),
            Incident::Ailed(node, class) => {
                let key = (ailment(class), of(node));
                if self.open.contains_key(&key) {
                    // Two faults do the same to one node: the slice of the first stands for both.
                    return Ok(());
                }
                self.open(key, self.reading.words(number), at, track, json!({}))
            }
            Incident::Mended(node, class) => self.close((ailment(class), of(node)), at, json!({})),
            Incident::SyncFailed(_)
            | Incident::WriteSpoiled(_)
            | Incident::NoSpace(_)
            | Incident::Failed(..)
            | Incident::LinkReset(_)
            | Incident::ZoneLost(_) => Ok(()),
        }
    }

    fn open(
        &mut self,
        (category, id): (&'static str, EventId),
        name: &str,
        at: Time,
        track: Track,
        args: Value,
    ) -> io::Result<()> {
        self.open.insert((category, id), (name.to_owned(), track));
        self.put(&ChromeEvent::new(Phase::AsyncBegin, category, name, at, track).id(id).args(args))
    }

    fn close(&mut self, key: (&'static str, EventId), at: Time, args: Value) -> io::Result<()> {
        let Some((name, track)) = self.open.remove(&key) else { return Ok(()) };
        let (category, id) = key;
        self.put(&ChromeEvent::new(Phase::AsyncEnd, category, &name, at, track).id(id).args(args))
    }

    /// Closes every slice of which this is so, by category and track.
    fn close_where(&mut self, at: Time, so: impl Fn(&'static str, Track) -> bool) -> io::Result<()> {
        let keys: Vec<_> = self
            .open
            .iter()
            .filter(|((category, _), (_, track))| so(category, *track))
            .map(|(key, _)| *key)
            .collect();
        keys.into_iter().try_for_each(|key| self.close(key, at, json!({})))
    }
}

/// The category of what is wrong with a machine for a while.
fn ailment(class: FaultClass) -> &'static str {
    match class {
        FaultClass::SlowDisk => "slow disk",
        FaultClass::SlowNode => "slow node",
        FaultClass::ClockDrift => "clock drift",
        FaultClass::ClockStep => "wall clock",
        _ => "ailment",
    }
}

/// The thread of a node that is there whether the node is up or not.
fn node_track(node: NodeId) -> Track {
    let number = WORLD.pid + 1 + u64::from(node.0);
    Track { pid: number, tid: number }
}

fn metadata(name: &'static str, track: Track, args: Value) -> ChromeEvent<'static> {
    ChromeEvent::new(Phase::Metadata, "__metadata", name, Time::ZERO, track).args(args)
}
