//! The pending events and ready tasks as a decider may look at them: whose each is, and what kind of thing.
//!
//! Nothing here is worked out unless a decider asks, and one that follows time never does.

use crate::decider::{Pending, ReadyTask};
use crate::kernel::{Event, Kernel};
use crate::mixing::mix;
use crate::queue::Queue;
use crate::tasks::Tasks;
use rehearsal_env::{EventId, NodeId, Time};

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A message reaches another node.
    Delivery,
    /// A message of a node to itself arrives: those stay in their order.
    DeliveryToItself,
    /// A sleep ends.
    Timer,
    /// A disk operation completes.
    Disk,
    /// A node that went down is started again.
    Restart,
    /// A node that stood still goes on.
    Resume,
    /// A fault strikes.
    Strike,
    /// A fault heals.
    Heal,
}

impl Kind {
    /// Whether it may happen later than it is due, as a slow link, disk or processor makes things late. What the scenario
    /// does keeps its time.
    pub fn may_be_late(self) -> bool {
        matches!(self, Kind::Delivery | Kind::Timer | Kind::Disk)
    }
}

/// Whose an event or a step is: what has a pace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The link from a node to another.
    Link(NodeId, NodeId),
    /// A task, by its place and by how many tasks had that place before: its steps and its timers.
    Task(u32, u32),
    /// The disk of a node.
    Disk(NodeId),
    /// The node itself: its starts.
    Node(NodeId),
    /// The scenario.
    World,
}

impl Subject {
    /// A word for it; different subjects have different words, but for a chance of one in 2⁶⁴.
    pub fn word(self) -> u64 {
        let pair = |first: u32, second: u32| u64::from(first) << 32 | u64::from(second);
        match self {
            Subject::Link(from, to) => mix(pair(from.0, to.0), 1),
            Subject::Task(slot, generation) => mix(pair(slot, generation), 2),
            Subject::Disk(node) => mix(u64::from(node.0), 3),
            Subject::Node(node) => mix(u64::from(node.0), 4),
            Subject::World => mix(0, 5),
        }
    }
}

/// An event that is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// When it happens, unless something is late.
    pub due: Time,
    /// Its identity.
    pub id: EventId,
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub subject: Subject,
    /// Where it happens; None for what the scenario does.
    pub node: Option<NodeId>,
}

/// The queue and the tasks of a world, for one question.
pub(crate) struct View<'a> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) queue: &'a Queue<Event>,
    pub(crate) tasks: &'a Tasks,
}

impl View<'_> {
    fn task(&self, slot: u32) -> (Subject, Option<NodeId>) {
        let task = &self.tasks.slots[slot as usize];
        (Subject::Task(slot, task.generation), Some(task.node))
    }

    fn look_at(&self, due: Time, id: EventId, event: &Event) -> Upcoming {
        let (kind, subject, node) = match event {
            Event::Deliver { wire, slot, to } => {
                let from = self.kernel.wires.borrow()[*wire as usize].sender(*slot);
                let kind = if from == *to { Kind::DeliveryToItself } else { Kind::Delivery };
                (kind, Subject::Link(from, *to), Some(*to))
            }
            Event::Timer(waker) => {
                let slot = self.kernel.epoch.task_of(waker);
                // A timer behind a waker of somebody else's making is nobody's.
                let (subject, node) = slot.map_or((Subject::World, None), |slot| self.task(slot));
                (Kind::Timer, subject, node)
            }
            Event::Disk(operation) => {
                let node = self.kernel.operations.borrow().get(*operation).node();
                (Kind::Disk, Subject::Disk(node), Some(node))
            }
            Event::Restart(node, _) => (Kind::Restart, Subject::Node(*node), Some(*node)),
            // Whose turn it is follows from when it is, as it does when a node goes on.
            Event::Resume(node) | Event::Turn(node) => (Kind::Resume, Subject::Node(*node), Some(*node)),
            Event::Strike { .. } => (Kind::Strike, Subject::World, None),
            Event::Heal { .. } => (Kind::Heal, Subject::World, None),
        };
        Upcoming { due, id, kind, subject, node }
    }
}

impl Pending for View<'_> {
    fn earliest(&self) -> Option<(Time, EventId)> {
        self.queue.earliest()
    }

    fn all(&self) -> Vec<(Time, EventId)> {
        self.queue.pending().map(|(time, id, _)| (time, id)).collect()
    }

    fn due_until(&self, time: Time, see: &mut dyn FnMut(Upcoming)) {
        self.queue.due_until(time, &mut |due, id, event| see(self.look_at(due, id, event)));
    }

    fn owner(&self, task: &ReadyTask) -> (Subject, Option<NodeId>) {
        self.task(task.slot)
    }
}
