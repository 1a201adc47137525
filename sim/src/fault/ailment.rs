//! What can go wrong with one node's machine: its disk, its clock, its speed.

use super::{Blow, FaultEntry};
use crate::Span;
use crate::tally::FaultClass;

/// The smallest factor by which anything can be slow.
const SLOW: u32 = 2;
/// The largest: who is slower than that stands still.
const SLOWEST: u32 = 1_000;
/// The fastest drift of a clock, in parts per million either way: a tenth, as far as Linux lets a clock be set off
/// (`adjtimex(2)`, `tick` from 9,000 to 11,000).
const FASTEST_DRIFT: i32 = 100_000;
/// The furthest that a wall clock is set off: ten years.
const FURTHEST: Span = Span::seconds(10 * 365 * 24 * 3_600);

/// Something that goes wrong with a node's machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ailment {
    /// Every operation of the disk that begins meanwhile takes so many times as long.
    SlowDisk {
        /// How many times, 2 to 1,000.
        times: u32,
        /// For how long.
        lasts: Span,
    },
    /// The node has too little of its processor. Its tasks take turns, one after the other in the order in which they
    /// became ready, and each has its turn so many times 100 µs after the one before it: on a healthy node a step
    /// takes no time. So messages and timers are late, and later the more there is to do. Its disk takes so many
    /// times as long, too.
    SlowNode {
        /// How many times, 2 to 1,000.
        times: u32,
        /// For how long.
        lasts: Span,
    },
    /// The next read of a file fails. Nothing is poisoned by that.
    FailedRead,
    /// The next write, append or cut of a file fails; it happened or did not, and the file is poisoned.
    FailedWrite,
    /// The next sync of a file fails, and what it was to make sure of is lost at once: the system takes the pages for
    /// clean although they were never written, so whoever opens the file again reads what was there before.
    /// (Rebello et al., Can Applications Recover from fsync Failures?, USENIX ATC 2020.)
    DroppedSync,
    /// One bit of what the next read gives is turned round. The read is of the medium: one of a file of which
    /// something is not yet synced is served from memory, and passed over.
    BitRot {
        /// Whether the medium has it so from now on, until it is written again; otherwise this read alone.
        lasting: bool,
    },
    /// The node's monotonic clock runs faster or slower than time.
    ClockDrift {
        /// By how much, in parts per million: −100,000 to 100,000.
        ppm: i32,
        /// For how long; what it is off by then stays.
        lasts: Span,
    },
    /// The node's wall clock is wrong.
    ClockStep {
        /// Whether it is ahead of time; otherwise it is behind.
        forward: bool,
        /// By how much.
        by: Span,
        /// For how long; then it is set right again.
        lasts: Span,
    },
    /// The node stands still and its monotonic clock with it, as a virtual machine that is suspended: when it goes on it
    /// does not know that it stood still, but by its wall clock, which has jumped.
    Suspend {
        /// For how long.
        lasts: Span,
    },
    /// The node crashes and its disk is lost for good.
    LostDisk {
        /// How long it stays down before it starts with an empty disk; None when it never comes back, not even for
        /// the calm.
        restart_after: Option<Span>,
    },
}

impl Ailment {
    /// Its name in scenario files, as `slow_disk`.
    pub fn kind(&self) -> &'static str {
        match self {
            Ailment::SlowDisk { .. } => "slow_disk",
            Ailment::SlowNode { .. } => "slow_node",
            Ailment::FailedRead => "failed_read",
            Ailment::FailedWrite => "failed_write",
            Ailment::DroppedSync => "dropped_sync",
            Ailment::BitRot { .. } => "bit_rot",
            Ailment::ClockDrift { .. } => "clock_drift",
            Ailment::ClockStep { .. } => "clock_step",
            Ailment::Suspend { .. } => "suspend",
            Ailment::LostDisk { .. } => "lost_disk",
        }
    }

    /// The class it is counted in.
    pub fn class(&self) -> FaultClass {
        match self {
            Ailment::SlowDisk { .. } => FaultClass::SlowDisk,
            Ailment::SlowNode { .. } => FaultClass::SlowNode,
            Ailment::FailedRead => FaultClass::FailedRead,
            Ailment::FailedWrite => FaultClass::FailedWrite,
            Ailment::DroppedSync => FaultClass::DroppedSync,
            Ailment::BitRot { .. } => FaultClass::BitRot,
            Ailment::ClockDrift { .. } => FaultClass::ClockDrift,
            Ailment::ClockStep { .. } => FaultClass::ClockStep,
            Ailment::Suspend { .. } => FaultClass::Suspend,
            Ailment::LostDisk { .. } => FaultClass::LostDisk,
        }
    }

    /// For how long it lasts or the node stays down, where that can be said.
    pub fn span(&mut self) -> Option<&mut Span> {
        match self {
            Ailment::SlowDisk { lasts, .. }
            | Ailment::SlowNode { lasts, .. }
            | Ailment::ClockDrift { lasts, .. }
            | Ailment::ClockStep { lasts, .. }
            | Ailment::Suspend { lasts } => Some(lasts),
            Ailment::LostDisk { restart_after } => restart_after.as_mut(),
            Ailment::FailedRead | Ailment::FailedWrite | Ailment::DroppedSync | Ailment::BitRot { .. } => {
                None
            }
        }
    }
}

impl FaultEntry {
    /// The ailments that the entry names, with the keys that belong to them.
    pub(super) fn ailments(&mut self) -> Result<Vec<Blow>, String> {
        let mut blows = Vec::new();
        let mut found = |node, ailment| blows.push(Blow::Ails { node, ailment });
        if let Some(node) = self.slow_disk.take() {
            found(node, Ailment::SlowDisk { times: self.slowness()?, lasts: self.lasting() });
        }
        if let Some(node) = self.slow_node.take() {
            found(node, Ailment::SlowNode { times: self.slowness()?, lasts: self.lasting() });
        }
        if let Some(node) = self.failed_read.take() {
            found(node, Ailment::FailedRead);
        }
        if let Some(node) = self.failed_write.take() {
            found(node, Ailment::FailedWrite);
        }
        if let Some(node) = self.dropped_sync.take() {
            found(node, Ailment::DroppedSync);
        }
        if let Some(node) = self.bit_rot.take() {
            found(node, Ailment::BitRot { lasting: self.lasting.take().unwrap_or(false) });
        }
        if let Some(node) = self.clock_drift.take() {
            found(node, Ailment::ClockDrift { ppm: self.drift()?, lasts: self.lasting() });
        }
        if let Some(node) = self.clock_step.take() {
            let (forward, by) = self.step()?;
            found(node, Ailment::ClockStep { forward, by, lasts: self.lasting() });
        }
        if let Some(node) = self.suspend.take() {
            found(node, Ailment::Suspend { lasts: self.lasting() });
        }
        if let Some(node) = self.lost_disk.take() {
            found(node, Ailment::LostDisk { restart_after: self.return_of_node()? });
        }
        Ok(blows)
    }

    fn lasting(&mut self) -> Span {
        self.lasts.take().unwrap_or(Span::seconds(1))
    }

    fn slowness(&mut self) -> Result<u32, String> {
        match self.times.take().unwrap_or(10) {
            times if times < SLOW => {
                Err(format!("{times} times as long is not slow; let `times` be at least {SLOW}"))
            }
            times if times > SLOWEST => Err(format!(
                "{times} times as long is as good as never; let `times` be at most {SLOWEST}, or write `pause`"
            )),
            times => Ok(times),
        }
    }

    fn drift(&mut self) -> Result<i32, String> {
        let missing = "how fast does the clock drift? write `ppm`, in parts per million, as `ppm = 200`";
        match self.ppm.take().ok_or(missing)? {
            0 => Err("a drift of 0 parts per million is none; write another `ppm`, or take the fault out"
                .to_owned()),
            ppm if ppm.unsigned_abs() > FASTEST_DRIFT.unsigned_abs() => Err(format!(
                "no clock drifts by {ppm} parts per million; let `ppm` be from -{FASTEST_DRIFT} to {FASTEST_DRIFT}"
            )),
            ppm => Ok(ppm),
        }
    }

    fn step(&mut self) -> Result<(bool, Span), String> {
        let (forward, by) = match (self.forward.take(), self.back.take()) {
            (Some(by), None) => (true, by),
            (None, Some(by)) => (false, by),
            _ => {
                return Err(
                    "a clock is set off one way: write `forward` or `back`, as `back = \"2s\"`".to_owned()
                );
            }
        };
        match by {
            Span(0) => Err("a clock that is set off by 0 is right; write a longer time".to_owned()),
            by if by > FURTHEST => {
                Err(format!("{by} is further than any clock is set off; write at most 87600h"))
            }
            by => Ok((forward, by)),
        }
    }

    fn return_of_node(&mut self) -> Result<Option<Span>, String> {
        match (self.gone.take().unwrap_or(false), self.restart_after.take()) {
            (true, Some(_)) => {
                Err("a node that is gone for good does not restart; take out `gone` or `restart_after`"
                    .to_owned())
            }
            (true, None) => Ok(None),
            (false, after) => Ok(Some(after.unwrap_or(Span::seconds(1)))),
        }
    }

    /// As it is written.
    pub(super) fn write_ailment(&mut self, node: String, ailment: Ailment) {
        match ailment {
            Ailment::SlowDisk { times, lasts } => {
                (self.slow_disk, self.times, self.lasts) = (Some(node), Some(times), Some(lasts));
            }
            Ailment::SlowNode { times, lasts } => {
                (self.slow_node, self.times, self.lasts) = (Some(node), Some(times), Some(lasts));
            }
            Ailment::FailedRead => self.failed_read = Some(node),
            Ailment::FailedWrite => self.failed_write = Some(node),
            Ailment::DroppedSync => self.dropped_sync = Some(node),
            Ailment::BitRot { lasting } => {
                (self.bit_rot, self.lasting) = (Some(node), Some(lasting));
            }
            Ailment::ClockDrift { ppm, lasts } => {
                (self.clock_drift, self.ppm, self.lasts) = (Some(node), Some(ppm), Some(lasts));
            }
            Ailment::ClockStep { forward, by, lasts } => {
                (self.clock_step, self.lasts) = (Some(node), Some(lasts));
                *(if forward { &mut self.forward } else { &mut self.back }) = Some(by);
            }
            Ailment::Suspend { lasts } => (self.suspend, self.lasts) = (Some(node), Some(lasts)),
            Ailment::LostDisk { restart_after } => {
                (self.lost_disk, self.restart_after) = (Some(node), restart_after);
                self.gone = restart_after.is_none().then_some(true);
            }
        }
    }
}
