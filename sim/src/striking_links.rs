//! What faults do to links and to zones: divisions, slow links, resets, data centres that go.

use crate::audience::Incident;
use crate::division::{Division, Shape};
use crate::fault::Blow;
use crate::kernel::{Event, Kernel};
use crate::tally::FaultClass;
use rehearsal_env::NodeId;
use std::rc::Rc;
use std::time::Duration;

impl Kernel {
    /// The division is drawn; for the time after its first, so many have been before.
    pub(crate) fn divide(&self, index: u32, division: &Division, repeats: u32) {
        if repeats == 0 {
            self.strike(class_of(division));
        }
        let everybody = self.everybody();
        let links = division.shape.links(&everybody);
        let links: Vec<_> = links.into_iter().map(|(from, to)| (self.named(from), self.named(to))).collect();
        self.cut(index, links);
        self.heal_later(index, repeats, division.heal_after.duration());
        if repeats + 1 < division.times {
            let event = Event::Strike { fault: index, repeats: repeats + 1 };
            let at = self.now.get() + division.heal_after.duration() + division.up_for.duration();
            self.schedule(at, self.strike_id(index, repeats + 1), event);
        }
    }

    /// Cuts links, each from whom to whom, until the fault heals.
    pub(crate) fn cut(&self, index: u32, links: impl IntoIterator<Item = (NodeId, NodeId)>) {
        self.links_matter.set(true);
        let mut cut = self.links.borrow_mut();
        cut.draw(index);
        links.into_iter().for_each(|(from, to)| cut.cut(from, to, index));
        drop(cut);
        self.report(Incident::Cut(index));
    }

    /// This fault stopped a message. One that flaps has shown what it is when it did so in two of its cuts.
    pub(crate) fn cut_stopped(&self, index: u32) {
        match &self.settings.faults[index as usize].blow {
            Blow::Divide(division) if !division.flaps() || self.links.borrow_mut().stopped_again(index) => {
                self.fault_had_effect(index, class_of(division));
            }
            Blow::Divide(_) => {}
            _ => self.fault_had_effect(index, FaultClass::Partition),
        }
    }

    /// Each of these links carries so many messages in a second, until the fault heals.
    pub(crate) fn slow_down(&self, index: u32, ends: &[String], per_second: u32) {
        self.strike(FaultClass::SlowLink);
        self.links_matter.set(true);
        let apart = Duration::from_secs(1) / per_second;
        let links = self.links_of(ends);
        let mut slowed = self.links.borrow_mut();
        links.into_iter().for_each(|(from, to)| slowed.slow_down(from, to, index, apart));
        drop(slowed);
        self.report(Incident::LinkSlowed(index));
    }

    /// What is under way on these links is lost.
    pub(crate) fn reset(&self, index: u32, ends: &[String]) {
        self.strike(FaultClass::LinkReset);
        self.report(Incident::LinkReset(index));
        let links = self.links_of(ends);
        let wires = self.wires.borrow();
        let is_under_way = |event: &Event| match event {
            Event::Deliver { wire, slot, to } => links.contains(&(wires[*wire as usize].sender(*slot), *to)),
            _ => false,
        };
        let lost = self.queue.borrow_mut().take_all(is_under_way);
        for event in lost {
            if let Event::Deliver { wire, slot, to } = event
                && wires[wire as usize].lose(self, slot, to)
            {
                self.fault_had_effect(index, FaultClass::LinkReset);
            }
        }
    }

    /// All these nodes crash at once.
    pub(crate) fn lose_zone(self: &Rc<Self>, index: u32, nodes: &[String], restart_after: Duration) {
        self.strike(FaultClass::ZoneLost);
        let nodes: Vec<NodeId> = nodes.iter().map(|name| self.named(name)).collect();
        if nodes.iter().any(|node| self.is_up(*node) && self.crash_matters(*node)) {
            self.fault_had_effect(index, FaultClass::ZoneLost);
        }
        self.report(Incident::ZoneLost(index));
        nodes.into_iter().for_each(|node| self.crash(node, restart_after));
    }

    /// The link between two nodes, both ways; or all links of one.
    fn links_of(&self, ends: &[String]) -> Vec<(NodeId, NodeId)> {
        let end = self.named(&ends[0]);
        let others: Vec<NodeId> = match ends.get(1) {
            Some(other) => vec![self.named(other)],
            None => (0..self.nodes.borrow().len() as u32).map(NodeId).filter(|node| *node != end).collect(),
        };
        others.into_iter().flat_map(|other| [(end, other), (other, end)]).collect()
    }

    fn everybody(&self) -> Vec<String> {
        self.nodes.borrow().iter().map(|node| node.name.to_string()).collect()
    }

    fn is_up(&self, node: NodeId) -> bool {
        self.nodes.borrow()[node.index()].life.is_some()
    }
}

/// What a division counts as: what flaps does so whatever its shape.
fn class_of(division: &Division) -> FaultClass {
    match division.shape {
        _ if division.flaps() => FaultClass::Flapping,
        Shape::Sides { .. } => FaultClass::Partition,
        Shape::Bridge { .. } => FaultClass::Bridge,
        Shape::Ring(_) => FaultClass::Ring,
        Shape::Isolate(_) => FaultClass::Isolation,
        Shape::Zones(_) => FaultClass::ZonesCut,
    }
}
