//! Everything that could go either way is asked of one [`Decider`].
//!
//! A question is known by its *cause*: the identity of the event or task step that asks. So an
//! answer stays the same when something that did not cause the question is added to or taken
//! out of the scenario.

use crate::mixing::{SALT, fold, scale};
use crate::upcoming::{Subject, Upcoming};
use rehearsal_env::{EventId, NodeId, Time};

/// What is being asked; two questions of one cause differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Site {
    /// How long a message takes.
    Latency = 1,
    /// Whether a message arrives, is lost, or arrives twice.
    Message,
    /// How long the second copy takes.
    DuplicateLatency,
    /// Whether a message is held back.
    Delay,
    /// For how long it is held back.
    DelayLength,
    /// The share of the latency range that belongs to one link.
    LinkLatency,
    /// The seed of a node's own random numbers.
    NodeSeed,
    /// How long a disk operation takes.
    DiskLatency,
    /// What a crash leaves of an unsynced write.
    CrashedWrite,
    /// Where a torn write tears.
    TornSector,
    /// How many unsynced directory changes survive a crash.
    CrashedNames,
    /// Whether an operation under way at a crash or failure took effect.
    UnderWay,
    /// Whether a node takes a rare branch.
    Rarely,
    /// Which of several ready tasks goes next.
    ReadyTask,
    /// Something that a scenario is drawn from, before there is a world.
    Scenario,
    /// Which byte of a read is rotten, and which bit of it.
    RottenByte,
    /// After which other one an event or a ready task goes that would plainly have gone before it.
    After,
}

/// One question: who asks what, because of which event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// The event, or the step of a task, that asks.
    pub cause: u64,
    /// Node, link, file or point that the question is about.
    pub entity: u64,
    /// What is asked.
    pub site: Site,
    /// Which of several equal questions of one cause.
    pub ordinal: u32,
}

/// A task that could run now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyTask {
    /// Identifies this wake of this task, by its cause.
    pub id: EventId,
    pub(crate) slot: u32,
}

/// What could go next: tasks that are ready now, and the pending events.
pub struct Frontier<'a> {
    /// The present.
    pub now: Time,
    /// Tasks that can run now, in the order in which they woke.
    pub ready: &'a [ReadyTask],
    /// Events due from then on cannot go yet: the present part of the run ends before.
    pub until: Time,
    /// Whether faults may strike; in the calm nothing is late by choice.
    pub stormy: bool,
    pub(crate) pending: &'a dyn Pending,
}

impl Frontier<'_> {
    /// When the earliest pending event is due, and its id.
    pub fn earliest(&self) -> Option<(Time, EventId)> {
        self.pending.earliest()
    }

    /// Every pending event, in no particular order.
    pub fn pending(&self) -> Vec<(Time, EventId)> {
        self.pending.all()
    }

    /// Shows every pending event that is due by `time`, in no particular order.
    pub fn due_until(&self, time: Time, see: &mut dyn FnMut(Upcoming)) {
        self.pending.due_until(time, see);
    }

    /// What a ready task is known by, and its node.
    pub fn owner(&self, task: &ReadyTask) -> (Subject, Option<NodeId>) {
        self.pending.owner(task)
    }
}

/// The pending events, as a decider may look at them.
pub(crate) trait Pending {
    fn earliest(&self) -> Option<(Time, EventId)>;
    fn all(&self) -> Vec<(Time, EventId)>;
    fn due_until(&self, time: Time, see: &mut dyn FnMut(Upcoming));
    fn owner(&self, task: &ReadyTask) -> (Subject, Option<NodeId>);
}

/// What goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The ready task at this index of the frontier.
    Task(usize),
    /// The earliest pending event.
    Earliest,
    /// The pending event with this id; time becomes the later of now and its due time.
    Event(EventId),
}

/// Owns all nondeterminism of a run.
pub trait Decider {
    /// A number of `low..=high`.
    fn value(&mut self, question: Question, low: u64, high: u64) -> u64;

    /// The index of one of `weights`; one of weight 0 is never chosen unless all are.
    fn fate(&mut self, question: Question, weights: &[u32]) -> usize;

    /// Which task or event goes next. Asked only when the frontier is not empty.
    fn next(&mut self, frontier: &Frontier<'_>) -> Next;

    /// Whether [`next`](Decider::next) need be asked only when several tasks are ready, since otherwise
    /// its answer is always the one ready task or the earliest event.
    fn follows_time(&self) -> bool {
        false
    }
}

impl<D: Decider + ?Sized> Decider for Box<D> {
    fn value(&mut self, question: Question, low: u64, high: u64) -> u64 {
        (**self).value(question, low, high)
    }

    fn fate(&mut self, question: Question, weights: &[u32]) -> usize {
        (**self).fate(question, weights)
    }

    fn next(&mut self, frontier: &Frontier<'_>) -> Next {
        (**self).next(frontier)
    }

    fn follows_time(&self) -> bool {
        (**self).follows_time()
    }
}

/// Answers by a keyed draw from the seed; what is earliest goes next, ties by key.
#[derive(Clone, Copy, Debug)]
pub struct Seeded {
    seed: u64,
}

impl Seeded {
    /// The decider of this seed.
    pub fn new(seed: u64) -> Seeded {
        Seeded { seed: fold(seed ^ SALT[2], SALT[4]) ^ seed }
    }

    #[inline]
    fn draw(&self, question: Question) -> u64 {
        let place = u64::from(question.ordinal) << 8 | question.site as u64;
        let first = fold(question.cause ^ self.seed, SALT[0] ^ place);
        fold(first ^ question.entity.rotate_left(32) ^ SALT[1], SALT[3] ^ place.rotate_left(40))
    }
}

impl Decider for Seeded {
    #[inline]
    fn value(&mut self, question: Question, low: u64, high: u64) -> u64 {
        debug_assert!(low <= high, "an empty range has no value");
        low + scale(self.draw(question), (high - low).saturating_add(1))
    }

    #[inline]
    fn fate(&mut self, question: Question, weights: &[u32]) -> usize {
        if let [stays, turns] = *weights {
            let drawn = scale(self.draw(question), u64::from(stays) + u64::from(turns));
            return usize::from(drawn >= u64::from(stays));
        }
        if let [first, second, third] = *weights {
            let second = u64::from(first) + u64::from(second);
            let drawn = scale(self.draw(question), second + u64::from(third));
            return usize::from(drawn >= u64::from(first)) + usize::from(drawn >= second);
        }
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        let mut drawn = scale(self.draw(question), total);
        for (index, &weight) in weights.iter().enumerate() {
            if drawn < u64::from(weight) {
                return index;
            }
            drawn -= u64::from(weight);
        }
        0
    }

    #[inline]
    fn next(&mut self, frontier: &Frontier<'_>) -> Next {
        match frontier.ready {
            [] => Next::Earliest,
            [_] => Next::Task(0),
            several => {
                let draw = |task: &ReadyTask| {
                    self.draw(Question { cause: task.id.0, entity: 0, site: Site::ReadyTask, ordinal: 0 })
                };
                let least = (0..several.len()).min_by_key(|&index| draw(&several[index]));
                Next::Task(least.expect("several tasks have a least"))
            }
        }
    }

    fn follows_time(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(ordinal: u32) -> Question {
        Question { cause: 77, entity: 3, site: Site::Latency, ordinal }
    }

    #[test]
    fn an_answer_depends_on_the_question_alone() {
        let mut one = Seeded::new(9);
        let mut other = Seeded::new(9);
        let first = one.value(question(0), 0, 1_000_000);
        for ordinal in 1..50 {
            other.value(question(ordinal), 0, 1_000_000);
        }
        assert_eq!(other.value(question(0), 0, 1_000_000), first);
    }

    #[test]
    fn values_cover_their_range_evenly() {
        let mut decider = Seeded::new(4);
        let mut counts = [0u32; 10];
        for ordinal in 0..10_000 {
            counts[(decider.value(question(ordinal), 100, 109) - 100) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (850..1150).contains(&count)), "{counts:?}");
    }

    #[test]
    fn fates_keep_to_their_weights() {
        let mut decider = Seeded::new(4);
        let mut counts = [0u32; 3];
        for ordinal in 0..10_000 {
            counts[decider.fate(question(ordinal), &[900, 0, 100])] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((850..1150).contains(&counts[2]), "{counts:?}");
    }
}
