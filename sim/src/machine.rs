//! What is wrong with the machine of one node. Most nodes of most worlds have none of it.

use crate::local_clock::LocalClock;
use crate::queue::Ticket;
use crate::tasks::TaskId;
use rehearsal_env::{EventId, Time};
use std::collections::VecDeque;
use std::time::Duration;

/// So long after the one before it a task of a slow node has its turn, for every time that it is slow.
const TURN: Duration = Duration::from_micros(100);

/// A fault that stands, by its index, and how bad it is.
type Standing<T> = Vec<(u32, T)>;

/// A task of a slow node that waits for its turn.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) task: TaskId,
    /// The event that made it ready.
    pub(crate) woken_by: EventId,
    /// The event by which its turn comes.
    pub(crate) ticket: Ticket,
}

/// What is wrong, and what follows from it.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) slow_disk: Standing<u32>,
    pub(crate) slow_node: Standing<u32>,
    /// When the last of the turns comes.
    busy_until: Time,
    pub(crate) turns: VecDeque<Turn>,
    pub(crate) failing_reads: u32,
    pub(crate) failing_writes: u32,
    pub(crate) dropping_syncs: u32,
    /// For each rot that is to come whether it lasts.
    pub(crate) rots: VecDeque<bool>,
    pub(crate) clock: LocalClock,
    pub(crate) drifts: Standing<i32>,
    /// By how much the wall clock is ahead, in microseconds.
    pub(crate) steps: Standing<i64>,
    /// What the clock shows while the node is suspended.
    pub(crate) suspended: Option<Time>,
    /// Whether the node never comes back.
    pub(crate) gone: bool,
}

impl Machine {
    /// Whether tasks wait for their turns.
    pub(crate) fn is_slow(&self) -> bool {
        !self.slow_node.is_empty()
    }

    /// When a task that becomes ready now has its turn.
    pub(crate) fn next_turn(&mut self, now: Time) -> Time {
        let times = worst(&self.slow_node).unwrap_or(1);
        self.busy_until = self.busy_until.max(now) + TURN * times;
        self.busy_until
    }

    /// Whether the task waits for its turn already.
    pub(crate) fn has_turn(&self, task: TaskId) -> bool {
        self.turns.iter().any(|turn| turn.task == task)
    }

    /// Those that wait for their turns, who do so no longer.
    pub(crate) fn take_turns(&mut self) -> VecDeque<Turn> {
        self.busy_until = Time::ZERO;
        std::mem::take(&mut self.turns)
    }

    /// How many times as long an operation of the disk takes.
    pub(crate) fn slowness_of_disk(&self) -> u32 {
        worst(&self.slow_disk).max(worst(&self.slow_node)).unwrap_or(1)
    }

    /// By how much the wall clock is ahead, in microseconds.
    pub(crate) fn wall_ahead(&self) -> i64 {
        self.steps.iter().fold(0, |sum, (_, by)| sum.saturating_add(*by))
    }

    /// The fault by which the clock drifts: of several the last.
    pub(crate) fn drift(&self) -> Option<(u32, i32)> {
        self.drifts.last().copied()
    }

    /// The node is suspended no longer, if it was: its clock shows what it showed before.
    pub(crate) fn go_on(&mut self, now: Time) -> Option<()> {
        let shown = self.suspended.take()?;
        self.clock.run_on(now, shown, self.clock.ppm());
        Some(())
    }

    /// The fault of this index is over.
    pub(crate) fn mend(&mut self, fault: u32) {
        self.slow_disk.retain(|(standing, _)| *standing != fault);
        self.slow_node.retain(|(standing, _)| *standing != fault);
        self.drifts.retain(|(standing, _)| *standing != fault);
        self.steps.retain(|(standing, _)| *standing != fault);
    }

    /// All faults that last, by their indices.
    pub(crate) fn standing(&self) -> Vec<u32> {
        let slow = self.slow_disk.iter().chain(&self.slow_node).map(|(fault, _)| *fault);
        let clocks = self.drifts.iter().map(|(fault, _)| *fault);
        slow.chain(clocks).chain(self.steps.iter().map(|(fault, _)| *fault)).collect()
    }

    /// What was to go wrong with the disk and did not come to it, no longer will.
    pub(crate) fn forgive(&mut self) {
        (self.failing_reads, self.failing_writes, self.dropping_syncs) = (0, 0, 0);
        self.rots.clear();
    }
}

/// Of several faults that stand the worst.
fn worst(standing: &Standing<u32>) -> Option<u32> {
    standing.iter().map(|(_, times)| *times).max()
}
