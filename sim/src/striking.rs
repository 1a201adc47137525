//! Faults of the scenario, as they strike and heal.

use crate::audience::Incident;
use crate::fault::{Blow, Fault, Trigger};
use crate::kernel::{Event, Kernel};
use crate::links::message_fates;
use crate::mixing::{SALT, digest_text, mix};
use crate::tally::FaultClass;
use crate::trace::Traced;
use rehearsal_env::{EventId, NodeId, Time};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// What tells faults apart: what they do and to whom, and which of several equal ones they are. When they strike and
/// for how long makes no difference, so a fault that comes earlier or ends sooner is still the same.
pub(crate) fn fault_names(faults: &[Fault]) -> Vec<u64> {
    let mut equal: BTreeMap<u64, u64> = BTreeMap::new();
    let name = |fault: &Fault| {
        let kind = digest_text(fault.blow.kind());
        let blow = fault.blow.nodes().into_iter().fold(kind, |word, node| mix(word, digest_text(node)));
        let number = equal.entry(blow).or_default();
        *number += 1;
        mix(blow, *number)
    };
    faults.iter().map(name).collect()
}

impl Kernel {
    /// The identity of a strike: of the fault alone, so that other faults do not change it, nor whether there are
    /// any.
    pub(crate) fn strike_id(&self, fault: u32, repeat: u32) -> EventId {
        EventId(mix(self.fault_names[fault as usize] ^ SALT[3], u64::from(repeat)))
    }

    /// Puts every fault that has a time into the queue.
    pub(crate) fn schedule_faults(&self) {
        for (index, fault) in self.settings.faults.iter().enumerate() {
            if let Trigger::At(time) = fault.trigger {
                let index = index as u32;
                let event = Event::Strike { fault: index, repeats: 0 };
                self.schedule(Time(time.0), self.strike_id(index, 0), event);
            }
        }
    }

    /// Strikes with the faults that wait for this number of events.
    pub(crate) fn strike_after_events(self: &Rc<Self>, events: u64) {
        for (index, fault) in self.settings.faults.iter().enumerate() {
            if fault.trigger == Trigger::After(events) {
                // It strikes during an event that has nothing to do with it.
                let during = self.event.replace(self.strike_id(index as u32, 0));
                self.strike_with(index as u32, 0);
                self.event.set(during);
            }
        }
    }

    /// The fault strikes, unless the storm is over.
    pub(crate) fn strike_with(self: &Rc<Self>, index: u32, repeats: u32) {
        if !self.stormy.get() {
            return;
        }
        self.trace(None, || Traced::Strikes { fault: index });
        match &self.settings.faults[index as usize].blow {
            Blow::Crash { node, restart_after } => self.crash(self.named(node), restart_after.duration()),
            Blow::CrashLoop { node, times, restart_after, up_for } => {
                self.crash(self.named(node), restart_after.duration());
                if repeats + 1 < *times {
                    let event = Event::Strike { fault: index, repeats: repeats + 1 };
                    let at = self.now.get() + restart_after.duration() + up_for.duration();
                    self.schedule(at, self.strike_id(index, repeats + 1), event);
                }
            }
            Blow::Pause { node, lasts } => self.pause(self.named(node), lasts.duration()),
            Blow::Partition { from, to, one_way, heal_after } => {
                self.partition(index, from, to, *one_way);
                self.heal_later(index, 0, heal_after.duration());
            }
            Blow::FailedSync { node } => {
                self.strike(FaultClass::FailedSync);
                let at = self.named_index(node);
                self.nodes.borrow_mut()[at].failing_syncs += 1;
            }
            Blow::FullDisk { node, lasts } => {
                self.strike(FaultClass::FullDisk);
                let at = self.named_index(node);
                let node = &mut self.nodes.borrow_mut()[at];
                node.filled_by.push(index);
                node.disk.full = true;
                self.heal_later(index, 0, lasts.duration());
            }
            Blow::Divide(division) => self.divide(index, division, repeats),
            Blow::SlowLink { ends, per_second, lasts } => {
                self.slow_down(index, ends, *per_second);
                self.heal_later(index, 0, lasts.duration());
            }
            Blow::ResetLink { ends } => self.reset(index, ends),
            Blow::ZoneLost { nodes, restart_after } => {
                self.lose_zone(index, nodes, restart_after.duration());
            }
            Blow::Ails { node, ailment } => self.ail(index, self.named(node), ailment),
        }
    }

    /// The index of a node whose name was checked when the world was made.
    fn named_index(&self, name: &str) -> usize {
        self.nodes.borrow().iter().position(|node| &*node.name == name).expect("a checked name")
    }

    fn partition(&self, index: u32, from: &[String], to: &[String], one_way: bool) {
        self.strike(FaultClass::Partition);
        let ids = |names: &[String]| names.iter().map(|name| self.named(name)).collect::<Vec<NodeId>>();
        let (from, to) = (ids(from), ids(to));
        let there = from.iter().flat_map(|near| to.iter().map(move |far| (*near, *far)));
        let ways = there.flat_map(|(near, far)| [Some((near, far)), (!one_way).then_some((far, near))]);
        self.cut(index, ways.flatten());
    }

    /// The fault heals after a while; so many strikes of it have been before this one.
    pub(crate) fn heal_later(&self, index: u32, repeats: u32, after: Duration) {
        let id = self.strike_id(index, u32::MAX - repeats);
        self.schedule(self.now.get() + after, id, Event::Heal { fault: index });
    }

    /// Ends what the fault did.
    pub(crate) fn heal(&self, index: u32) {
        if !self.stormy.get() {
            return;
        }
        match &self.settings.faults[index as usize].blow {
            Blow::Partition { .. } | Blow::Divide(_) => {
                self.links.borrow_mut().heal(index);
                self.report(Incident::Healed(index));
            }
            Blow::SlowLink { .. } => {
                self.links.borrow_mut().heal(index);
                self.report(Incident::LinkFast(index));
            }
            Blow::FullDisk { node, .. } => {
                let at = self.named_index(node);
                let node = &mut self.nodes.borrow_mut()[at];
                node.filled_by.retain(|by| *by != index);
                node.disk.full = !node.filled_by.is_empty();
            }
            Blow::Ails { node, .. } => self.mend(index, self.named(node)),
            _ => unreachable!("only links, full disks and ailments heal by themselves"),
        }
    }

    /// The storm is over: everything is healed, everybody is up.
    pub(crate) fn begin_calm(self: &Rc<Self>) {
        self.stormy.set(false);
        // The last event of the storm did not cause what begins here.
        self.event.set(EventId(0));
        self.message_fates.set(message_fates(&self.settings.network, false));
        self.report(Incident::CalmBegan);
        self.links.borrow_mut().heal_all();
        let count = self.nodes.borrow().len();
        for index in 0..count {
            let id = NodeId(index as u32);
            let started = {
                let node = &mut self.nodes.borrow_mut()[index];
                node.filled_by.clear();
                node.disk.full = false;
                node.failing_syncs = 0;
                node.program.is_some()
            };
            self.mend_all(id);
            self.resume(id);
            if started {
                self.start_node(id);
            }
        }
    }
}
