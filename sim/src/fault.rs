//! What a scenario does to its world: faults as data.

mod ailment;

pub use ailment::Ailment;

use crate::Span;
use crate::division::Division;
use serde::{Deserialize, Serialize};

mod of_links;

/// When a fault strikes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// At this time of the run.
    At(Span),
    /// After this many events.
    After(u64),
    /// This long after the n-th fact of a kind (the first is 1).
    On {
        /// The fact's kind, as `"Paid"`.
        fact: String,
        /// Which of them, from 1.
        nth: u64,
        /// How long after it.
        delay: Span,
    },
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Blow {
    /// The node loses its memory and, by lottery, its unsynced writes; it starts again after a while.
    Crash {
        /// The node.
        node: String,
        /// How long it stays down.
        restart_after: Span,
    },
    /// The node crashes again and again.
    CrashLoop {
        /// The node.
        node: String,
        /// How often.
        times: u32,
        /// How long it stays down each time.
        restart_after: Span,
        /// How long it is up in between.
        up_for: Span,
    },
    /// The node stands still: its tasks do not run, its timers are late, its clock goes on.
    Pause {
        /// The node.
        node: String,
        /// For how long.
        lasts: Span,
    },
    /// No message gets from the ones to the others.
    Partition {
        /// Names of nodes on one side.
        from: Vec<String>,
        /// Names of nodes on the other.
        to: Vec<String>,
        /// Whether the way back stays open.
        one_way: bool,
        /// After which time it heals.
        heal_after: Span,
    },
    /// The node's next sync fails.
    FailedSync {
        /// The node.
        node: String,
    },
    /// The node's disk takes no more bytes.
    FullDisk {
        /// The node.
        node: String,
        /// For how long.
        lasts: Span,
    },
    /// Something goes wrong with the node's machine.
    Ails {
        /// The node.
        node: String,
        /// What goes wrong.
        ailment: Ailment,
    },
    /// A partition of another shape than two sides, or one that comes again.
    Divide(Division),
    /// Links carry so many messages in a second: one waits for its turn behind the other, and what finds too many
    /// before it is lost. (Messages are moved, not serialized: they have no size that could be counted.)
    SlowLink {
        /// Two nodes: the link between them, both ways; or one: each of its links, both ways.
        ends: Vec<String>,
        /// How many messages each link carries in a second, each way.
        per_second: u32,
        /// For how long.
        lasts: Span,
    },
    /// All that is under way on links is lost at once, both ways, as when a TCP connection is reset (RST, RFC 9293):
    /// the buffers of both ends go with it. Links are no connections, so nobody is told: what stands above them sends
    /// again what is not answered, or gives up.
    ResetLink {
        /// As for a slow link.
        ends: Vec<String>,
    },
    /// A data centre goes: all its nodes crash at one moment, and start again after a while.
    ZoneLost {
        /// Its nodes.
        nodes: Vec<String>,
        /// How long they stay down.
        restart_after: Span,
    },
}

impl Blow {
    /// Its name in scenario files, as `crash_loop`.
    pub fn kind(&self) -> &'static str {
        match self {
            Blow::Crash { .. } => "crash",
            Blow::CrashLoop { .. } => "crash_loop",
            Blow::Pause { .. } => "pause",
            Blow::Partition { .. } => "partition",
            Blow::FailedSync { .. } => "failed_sync",
            Blow::FullDisk { .. } => "full_disk",
            Blow::Ails { ailment, .. } => ailment.kind(),
            Blow::Divide(division) => division.shape.kind(),
            Blow::SlowLink { .. } => "slow_link",
            Blow::ResetLink { .. } => "reset_link",
            Blow::ZoneLost { .. } => "zone_lost",
        }
    }

    /// The names of all nodes it touches.
    pub fn nodes(&self) -> Vec<&str> {
        match self {
            Blow::Crash { node, .. }
            | Blow::CrashLoop { node, .. }
            | Blow::Pause { node, .. }
            | Blow::FailedSync { node }
            | Blow::FullDisk { node, .. }
            | Blow::Ails { node, .. } => vec![node],
            Blow::Partition { from, to, .. } => from.iter().chain(to).map(String::as_str).collect(),
            Blow::Divide(division) => division.shape.nodes(),
            Blow::SlowLink { ends: nodes, .. }
            | Blow::ResetLink { ends: nodes }
            | Blow::ZoneLost { nodes, .. } => nodes.iter().map(String::as_str).collect(),
        }
    }
}

/// One entry of a scenario's `[[fault]]` list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "FaultEntry", into = "FaultEntry")]
pub struct Fault {
    /// When.
    pub trigger: Trigger,
    /// What.
    pub blow: Blow,
}

/// A fault as it is written: every key optional, so that a wrong combination gets a message that
/// says how to mend it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FaultEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<OnFact>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crash_loop: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_after: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    up_for: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_disk: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lasts: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition: Option<Sides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heal_after: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_sync: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slow_disk: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slow_node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_read: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_write: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped_sync: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bit_rot: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_drift: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_step: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspend: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_disk: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lasting: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ppm: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forward: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    back: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bridge: Option<of_links::Halves>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ring: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    isolate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zones_cut: Option<Vec<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slow_link: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_second: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_link: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone_lost: Option<Vec<String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnFact {
    fact: String,
    #[serde(default = "first")]
    nth: u64,
    #[serde(default)]
    delay: Span,
}

fn first() -> u64 {
    1
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sides {
    from: Vec<String>,
    to: Vec<String>,
    #[serde(default)]
    one_way: bool,
}

impl TryFrom<FaultEntry> for Fault {
    type Error = String;

    fn try_from(mut entry: FaultEntry) -> Result<Fault, String> {
        let trigger = entry.trigger()?;
        let blow = entry.blow()?;
        entry.nothing_left(&blow)?;
        Ok(Fault { trigger, blow })
    }
}

impl FaultEntry {
    fn trigger(&mut self) -> Result<Trigger, String> {
        match (self.at.take(), self.after.take(), self.on.take()) {
            (Some(time), None, None) => Ok(Trigger::At(time)),
            (None, Some(0), None) => Err("`after` counts events from 1".to_owned()),
            (None, Some(events), None) => Ok(Trigger::After(events)),
            (None, None, Some(on)) if on.nth == 0 => Err("`nth` counts from 1".to_owned()),
            (None, None, Some(on)) => Ok(Trigger::On { fact: on.fact, nth: on.nth, delay: on.delay }),
            _ => Err(
                "a fault has exactly one trigger: `at` a time, `after` a number of events, or `on` a fact"
                    .to_owned(),
            ),
        }
    }

    fn blow(&mut self) -> Result<Blow, String> {
        let mut blows = Vec::new();
        if let Some(node) = self.crash.take() {
            blows.push(Blow::Crash {
                node,
                restart_after: self.restart_after.take().unwrap_or(Span::seconds(1)),
            });
        }
        if let Some(node) = self.crash_loop.take() {
            let times = self.times.take().unwrap_or(3);
            let restart_after = self.restart_after.take().unwrap_or(Span::seconds(1));
            let up_for = self.up_for.take().unwrap_or(Span::millis(500));
            blows.push(Blow::CrashLoop { node, times, restart_after, up_for });
        }
        if let Some(node) = self.pause.take() {
            blows.push(Blow::Pause { node, lasts: self.lasts.take().unwrap_or(Span::seconds(1)) });
        }
        if let Some(node) = self.full_disk.take() {
            blows.push(Blow::FullDisk { node, lasts: self.lasts.take().unwrap_or(Span::seconds(1)) });
        }
        if let Some(node) = self.failed_sync.take() {
            blows.push(Blow::FailedSync { node });
        }
        blows.extend(self.of_links()?);
        blows.extend(self.ailments()?);
        match blows.len() {
            1 => Ok(blows.remove(0)),
            _ => Err("a fault does exactly one thing: `crash`, `crash_loop`, `pause`, `partition`, `failed_sync`, `full_disk`, \
                      `bridge`, `ring`, `isolate`, `zones_cut`, `slow_link`, `reset_link`, `zone_lost`, `slow_disk`, \
                      `slow_node`, `failed_read`, `failed_write`, `dropped_sync`, `bit_rot`, `clock_drift`, `clock_step`, \
                      `suspend` or `lost_disk`".to_owned()),
        }
    }

    /// Every key that belongs to the blow has been taken by now.
    fn nothing_left(&self, blow: &Blow) -> Result<(), String> {
        let left = [
            ("times", self.times.is_some()),
            ("restart_after", self.restart_after.is_some()),
            ("up_for", self.up_for.is_some()),
            ("lasts", self.lasts.is_some()),
            ("heal_after", self.heal_after.is_some()),
            ("lasting", self.lasting.is_some()),
            ("ppm", self.ppm.is_some()),
            ("forward", self.forward.is_some()),
            ("back", self.back.is_some()),
            ("gone", self.gone.is_some()),
            ("per_second", self.per_second.is_some()),
        ];
        if let Some((key, _)) = left.iter().find(|(_, there)| *there) {
            return Err(format!("`{key}` does not belong to this fault; take it out"));
        }
        match blow {
            Blow::CrashLoop { times: 0, .. } => Err("a crash loop of 0 times; give at least 1".to_owned()),
            _ => Ok(()),
        }
    }
}

impl From<Fault> for FaultEntry {
    fn from(fault: Fault) -> FaultEntry {
        let mut entry = FaultEntry::default();
        match fault.trigger {
            Trigger::At(time) => entry.at = Some(time),
            Trigger::After(events) => entry.after = Some(events),
            Trigger::On { fact, nth, delay } => entry.on = Some(OnFact { fact, nth, delay }),
        }
        match fault.blow {
            Blow::Crash { node, restart_after } => {
                entry.crash = Some(node);
                entry.restart_after = Some(restart_after);
            }
            Blow::CrashLoop { node, times, restart_after, up_for } => {
                entry.crash_loop = Some(node);
                entry.times = Some(times);
                entry.restart_after = Some(restart_after);
                entry.up_for = Some(up_for);
            }
            Blow::Pause { node, lasts } => {
                entry.pause = Some(node);
                entry.lasts = Some(lasts);
            }
            Blow::Partition { from, to, one_way, heal_after } => {
                entry.partition = Some(Sides { from, to, one_way });
                entry.heal_after = Some(heal_after);
            }
            Blow::FailedSync { node } => entry.failed_sync = Some(node),
            Blow::FullDisk { node, lasts } => {
                entry.full_disk = Some(node);
                entry.lasts = Some(lasts);
            }
            Blow::Ails { node, ailment } => entry.write_ailment(node, ailment),
            Blow::Divide(division) => entry.divide(division),
            Blow::SlowLink { ends, per_second, lasts } => {
                entry.slow_link = Some(ends);
                entry.per_second = Some(per_second);
                entry.lasts = Some(lasts);
            }
            Blow::ResetLink { ends } => entry.reset_link = Some(ends),
            Blow::ZoneLost { nodes, restart_after } => {
                entry.zone_lost = Some(nodes);
                entry.restart_after = Some(restart_after);
            }
        }
        entry
    }
}
