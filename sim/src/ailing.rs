//! What goes wrong with single machines: how it strikes, and how it heals.

use crate::audience::Incident;
use crate::fault::{Ailment, Blow};
use crate::kernel::{Event, Kernel, Node};
use crate::machine::{Machine, Turn};
use crate::mixing::{SALT, fold};
use crate::tally::FaultClass;
use crate::tasks::Tasks;
use rehearsal_env::{EventId, NodeId, Span, Time, WallTime};
use std::time::Duration;

/// What the wall clock shows when a world begins: 2025-01-01 in microseconds since the Unix epoch.
const WALL_ORIGIN: i64 = 1_735_689_600_000_000;

impl Node {
    /// What is wrong with it, to add something.
    fn ailing(&mut self) -> &mut Machine {
        self.machine.get_or_insert_default()
    }
}

/// When a sleep ends.
pub(crate) struct Due {
    /// By the node's own clock.
    pub(crate) at: Time,
    /// The fault that moves it from where it would be.
    pub(crate) moved_by: Option<u32>,
}

impl Kernel {
    /// The ailment that is the fault of this index strikes the node.
    pub(crate) fn ail(&self, index: u32, id: NodeId, ailment: &Ailment) {
        if !matches!(ailment, Ailment::LostDisk { .. }) {
            self.strike(ailment.class());
        }
        match *ailment {
            Ailment::SlowDisk { times, .. } => {
                self.with_machine(id, |machine| machine.slow_disk.push((index, times)));
            }
            Ailment::SlowNode { times, .. } => self.hinder(index, id, times),
            Ailment::FailedRead => self.with_machine(id, |machine| machine.failing_reads += 1),
            Ailment::FailedWrite => self.with_machine(id, |machine| machine.failing_writes += 1),
            Ailment::DroppedSync => self.with_machine(id, |machine| machine.dropping_syncs += 1),
            Ailment::BitRot { lasting } => self.with_machine(id, |machine| machine.rots.push_back(lasting)),
            Ailment::ClockDrift { ppm, .. } => self.drift(index, id, ppm),
            Ailment::ClockStep { forward, by, .. } => {
                self.clocks_agree.set(false);
                let micros = (by.0 / 1_000) as i64;
                let ahead = if forward { micros } else { -micros };
                self.with_machine(id, |machine| machine.steps.push((index, ahead)));
            }
            Ailment::Suspend { lasts } => self.suspend(id, lasts.duration()),
            Ailment::LostDisk { restart_after } => self.lose_disk(id, restart_after),
        }
        if let Ailment::SlowDisk { lasts, .. }
        | Ailment::SlowNode { lasts, .. }
        | Ailment::ClockDrift { lasts, .. }
        | Ailment::ClockStep { lasts, .. } = ailment
        {
            self.report(Incident::Ailed(id, ailment.class()));
            self.heal_later(index, 0, lasts.duration());
        }
    }

    fn with_machine(&self, id: NodeId, change: impl FnOnce(&mut Machine)) {
        change(self.nodes.borrow_mut()[id.index()].ailing());
    }

    fn hinder(&self, index: u32, id: NodeId, times: u32) {
        let mut nodes = self.nodes.borrow_mut();
        let machine = nodes[id.index()].ailing();
        if !machine.is_slow() {
            self.hindered_nodes.set(self.hindered_nodes.get() + 1);
        }
        machine.slow_node.push((index, times));
    }

    fn drift(&self, index: u32, id: NodeId, ppm: i32) {
        self.clocks_agree.set(false);
        let now = self.now.get();
        self.with_machine(id, |machine| {
            machine.drifts.push((index, ppm));
            machine.clock.drift(now, ppm);
        });
    }

    fn suspend(&self, id: NodeId, lasts: Duration) {
        if !self.stand_still(id, lasts) {
            return;
        }
        self.clocks_agree.set(false);
        let now = self.now.get();
        self.with_machine(id, |machine| machine.suspended = Some(machine.clock.read(now)));
        self.report(Incident::Ailed(id, FaultClass::Suspend));
    }

    /// The node crashes, and nothing is left of its disk.
    fn lose_disk(&self, id: NodeId, restart_after: Option<Span>) {
        self.strike(FaultClass::LostDisk);
        {
            let mut nodes = self.nodes.borrow_mut();
            let node = &mut nodes[id.index()];
            if node.disk.lose() {
                self.effect(FaultClass::LostDisk);
            }
            if restart_after.is_none() && !std::mem::replace(&mut node.ailing().gone, true) {
                let waits = node.client && !node.done;
                self.clients_waiting.set(self.clients_waiting.get() - u32::from(waits));
            }
        }
        self.forget_operations(id);
        self.report(Incident::Failed(id, FaultClass::LostDisk));
        self.crash(id, restart_after.unwrap_or_default().duration());
    }

    /// Ends what the fault did to the node.
    pub(crate) fn mend(&self, index: u32, id: NodeId) {
        let Blow::Ails { ailment, .. } = &self.settings.faults[index as usize].blow else { return };
        let now = self.now.get();
        let mut turns = None;
        self.with_machine(id, |machine| {
            let was_slow = machine.is_slow();
            machine.mend(index);
            let ppm = machine.drift().map_or(0, |(_, ppm)| ppm);
            if ppm != machine.clock.ppm() {
                machine.clock.drift(now, ppm);
            }
            turns = (was_slow && !machine.is_slow()).then(|| machine.take_turns());
        });
        if let Some(turns) = turns {
            self.hindered_nodes.set(self.hindered_nodes.get() - 1);
            for turn in turns {
                self.queue.borrow_mut().remove(turn.ticket);
                self.wake_in_turn(id, &turn);
            }
        }
        self.report(Incident::Mended(id, ailment.class()));
    }

    /// Ends all that is wrong with the node, but for what is lost.
    pub(crate) fn mend_all(&self, id: NodeId) {
        let standing = {
            let mut nodes = self.nodes.borrow_mut();
            let Some(machine) = &mut nodes[id.index()].machine else { return };
            machine.forgive();
            machine.standing()
        };
        for fault in standing {
            self.mend(fault, id);
        }
    }

    /// A task of a slow node became ready: it waits for its turn.
    pub(crate) fn wait_for_turn(&self, node: NodeId, machine: &mut Machine, tasks: &Tasks, slot: u32) {
        let task = tasks.id_of(slot);
        if tasks.slots[slot as usize].ready || machine.has_turn(task) {
            return;
        }
        let wake = tasks.slots[slot as usize].context.step_id();
        let id = EventId(fold(wake.0 ^ SALT[4], u64::from(node.0) ^ SALT[5]));
        let at = machine.next_turn(self.now.get());
        let ticket = self.schedule(at, id, Event::Turn(node));
        machine.turns.push_back(Turn { task, woken_by: self.event.get(), ticket });
        for (fault, _) in &machine.slow_node {
            self.fault_had_effect(*fault, FaultClass::SlowNode);
        }
    }

    /// The next task of a slow node has its turn.
    pub(crate) fn take_turn(&self, id: NodeId) {
        let turn = {
            let mut nodes = self.nodes.borrow_mut();
            nodes[id.index()].machine.as_mut().and_then(|machine| machine.turns.pop_front())
        };
        if let Some(turn) = turn {
            self.wake_in_turn(id, &turn);
        }
    }

    fn wake_in_turn(&self, id: NodeId, turn: &Turn) {
        let mut tasks = self.tasks.borrow_mut();
        if !tasks.lives(turn.task) {
            return;
        }
        let node = &mut self.nodes.borrow_mut()[id.index()];
        if !node.paused {
            tasks.wake(turn.task.slot, turn.woken_by);
        } else if !node.held.contains(&turn.task.slot) {
            node.held.push(turn.task.slot);
        }
    }

    /// The node's tasks are gone: nobody waits for a turn.
    pub(crate) fn forget_turns(&self, node: &mut Node) {
        let turns = node.machine.as_mut().map(|machine| machine.take_turns()).unwrap_or_default();
        let mut queue = self.queue.borrow_mut();
        for turn in turns {
            queue.remove(turn.ticket);
        }
    }

    /// How long an operation takes that the node's disk begins now, and that would take so long if all were well.
    pub(crate) fn takes_on_disk(&self, node: &Node, takes: Duration) -> Duration {
        let Some(machine) = node.machine.as_ref().filter(|_| takes > Duration::ZERO) else { return takes };
        for (fault, _) in &machine.slow_disk {
            self.fault_had_effect(*fault, FaultClass::SlowDisk);
        }
        for (fault, _) in &machine.slow_node {
            self.fault_had_effect(*fault, FaultClass::SlowNode);
        }
        takes.saturating_mul(machine.slowness_of_disk())
    }

    /// What the node's monotonic clock shows.
    #[inline]
    pub(crate) fn clock_of(&self, id: NodeId) -> Time {
        if self.clocks_agree.get() { self.now.get() } else { self.own_clock_of(id) }
    }

    #[cold]
    fn own_clock_of(&self, id: NodeId) -> Time {
        let now = self.now.get();
        let nodes = self.nodes.borrow();
        nodes[id.index()].machine.as_ref().map_or(now, |machine| machine.clock.read(now))
    }

    /// When the node's clock shows `until`, as it runs now.
    #[cold]
    pub(crate) fn due(&self, id: NodeId, until: Time) -> Due {
        let nodes = self.nodes.borrow();
        let Some(machine) = &nodes[id.index()].machine else { return Due { at: until, moved_by: None } };
        let now = self.now.get();
        let at = machine.clock.shows(until);
        let undrifted = now + until.since(machine.clock.read(now));
        let moved_by = machine.drift().filter(|_| at != undrifted).map(|(fault, _)| fault);
        Due { at, moved_by }
    }

    /// What the node's wall clock shows: true time, which it is set by, unless it is set off.
    pub(crate) fn wall_of(&self, id: NodeId) -> WallTime {
        let right = WALL_ORIGIN + (self.now.get().0 / 1_000) as i64;
        if self.clocks_agree.get() {
            return WallTime(right);
        }
        let nodes = self.nodes.borrow();
        let Some(machine) = &nodes[id.index()].machine else { return WallTime(right) };
        for (fault, _) in &machine.steps {
            self.fault_had_effect(*fault, FaultClass::ClockStep);
        }
        WallTime(right.saturating_add(machine.wall_ahead()))
    }
}
