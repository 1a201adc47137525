//! The trace of a run: every event, decision, fault and fact, each with the event that caused it.
//!
//! It is kept only when it is asked for ([`World::keep_trace`](crate::World::keep_trace)), and has no effect on the run.
//! Every entry says which event was being handled on which node when it was made. An event that an entry *begins* (a
//! message sent, a sleep, a disk operation) is the cause of what its arrival sets going; so from every entry a chain of
//! causes leads back to the start of some node, and the entries of a chain happened one before the other.

use crate::audience::Incident;
use crate::decider::{Decider, Frontier, Next, Question};
use crate::kernel::Kernel;
use crate::plain::Choices;
use rehearsal_env::{EventId, Incarnation, NodeId, Stamp, Time};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::Waker;

/// A trace, in the order in which things happened; filled while the run goes on.
pub type Trace = Rc<RefCell<Vec<TraceEntry>>>;

/// One line of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceEntry {
    /// When.
    pub time: Time,
    /// On which node; None for decisions, for what the scenario does to the whole world, and for the end of a sleep
    /// whose task is not the one that slept but wakes it.
    pub node: Option<NodeId>,
    /// In which of its lives; while the node is down, the one to come.
    pub incarnation: Incarnation,
    /// The event that was being handled.
    pub cause: EventId,
    /// What happened.
    pub what: Traced,
}

/// Why a message did not arrive as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The network lost it.
    Network,
    /// The partition that is the scenario's fault of this index stopped it.
    Partition(u32),
    /// The link that is slow by the scenario's fault of this index had no room for it.
    SlowLink(u32),
}

/// Why a message that came to its node was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// Nobody listened: the node was down, or had not opened its port.
    NobodyListens,
    /// The link was cut when it arrived.
    Partition,
    /// The link was reset while it was under way.
    Reset,
}

/// What can stand in a trace.
#[derive(Clone, Debug, PartialEq)]
pub enum Traced {
    /// A message was handed to the network, which decided at once what becomes of it.
    Sent {
        /// The message: the event of its arrival has the same name.
        message: EventId,
        /// To whom.
        to: NodeId,
        /// The type of the message, with its path.
        protocol: &'static str,
        /// What it says.
        body: Value,
        /// When it arrives; None when it is lost.
        arrives: Option<Time>,
        /// The second copy, and when that arrives.
        copy: Option<(EventId, Time)>,
        /// Whether it is held back, so that later ones overtake it.
        held_back: bool,
        /// Why it is lost.
        lost: Option<Loss>,
        /// The scenario's fault for which it waits behind others on a slow link.
        slowed_by: Option<u32>,
    },
    /// A message came to its node and lies there.
    Arrived {
        /// The message.
        message: EventId,
    },
    /// A message came to its node and was lost there.
    Missed {
        /// The message.
        message: EventId,
        /// Why.
        why: Missed,
    },
    /// The program took a message: what it does from here on is caused by it.
    Taken {
        /// The message.
        message: EventId,
    },
    /// A sleep began.
    Slept {
        /// The event of its end.
        timer: EventId,
        /// When it ends.
        until: Time,
    },
    /// A sleep ended.
    Woke {
        /// The timer.
        timer: EventId,
    },
    /// A disk operation began.
    DiskBegan {
        /// The event of its end.
        operation: EventId,
        /// What it does, in words.
        does: String,
    },
    /// A disk operation ended.
    DiskEnded {
        /// The operation.
        operation: EventId,
        /// What went wrong, in words.
        error: Option<String>,
    },
    /// A fact was reported; the audience knows it by its number.
    Fact {
        /// Position in the run's history.
        number: u64,
    },
    /// The scenario struck or healed.
    Incident {
        /// Position in the run's history.
        number: u64,
        /// What it did.
        incident: Incident,
    },
    /// A fault of the scenario is about to strike.
    Strikes {
        /// Its index in the scenario.
        fault: u32,
    },
    /// Something that could have gone either way was decided.
    Decided {
        /// What was asked.
        question: Question,
        /// The number, or the index of the fate.
        answer: u64,
        /// How many answers there could have been.
        choices: u64,
    },
}

/// Where the kernel keeps its trace. Whether there is one is looked at on the hot path.
#[derive(Default)]
pub(crate) struct Tracing {
    on: Cell<bool>,
    trace: Trace,
}

impl Kernel {
    /// Keeps a trace from now on.
    pub(crate) fn begin_trace(self: &Rc<Self>) -> Trace {
        if !self.tracing.on.replace(true) {
            let kernel = Rc::downgrade(self);
            self.decider.replace_with(|inner| {
                let inner = std::mem::replace(inner, Box::new(crate::Seeded::new(0)));
                Box::new(TracingDecider { inner, kernel, choices: Choices::default() })
            });
        }
        self.tracing.trace.clone()
    }

    /// Adds what `made` gives to the trace, if there is one; on the node whose event is being handled.
    #[inline(always)]
    pub(crate) fn trace(&self, node: Option<NodeId>, made: impl FnOnce() -> Traced) {
        if self.tracing.on.get() {
            self.keep_traced(node, made());
        }
    }

    /// As [`trace`](Kernel::trace), for what the audience is shown with this stamp.
    #[inline(always)]
    pub(crate) fn trace_stamped(&self, stamp: &Stamp, made: impl FnOnce() -> Traced) {
        if self.tracing.on.get() {
            self.keep_stamped(stamp, made());
        }
    }

    /// The node whose task would be woken; None, too, when there is no trace, since only a trace needs it.
    #[inline(always)]
    pub(crate) fn node_of(&self, waker: &Waker) -> Option<NodeId> {
        if !self.tracing.on.get() {
            return None;
        }
        let slot = self.epoch.task_of(waker)?;
        self.tasks.borrow().slots.get(slot as usize).map(|task| task.node)
    }

    #[cold]
    fn keep_traced(&self, node: Option<NodeId>, what: Traced) {
        let incarnation = node.map_or(Incarnation(0), |node| self.nodes.borrow()[node.index()].incarnation);
        let entry = TraceEntry { time: self.now.get(), node, incarnation, cause: self.event.get(), what };
        self.tracing.trace.borrow_mut().push(entry);
    }

    #[cold]
    fn keep_stamped(&self, stamp: &Stamp, what: Traced) {
        let Stamp { time, incarnation, cause, .. } = *stamp;
        let node = Some(stamp.node).filter(|node| node.0 != u32::MAX);
        self.tracing.trace.borrow_mut().push(TraceEntry { time, node, incarnation, cause, what });
    }
}

impl Tracing {
    /// Whether there is a trace.
    pub(crate) fn is_on(&self) -> bool {
        self.on.get()
    }
}

/// A message or a fact as JSON; what JSON cannot say, as text.
pub(crate) fn as_json(value: &(impl serde::Serialize + std::fmt::Debug)) -> Value {
    serde_json::to_value(value).unwrap_or_else(|_| Value::String(format!("{value:?}")))
}

/// Asks another decider and writes every answer into the trace.
struct TracingDecider {
    inner: Box<dyn Decider>,
    kernel: Weak<Kernel>,
    choices: Choices,
}

impl TracingDecider {
    fn keep(&self, question: Question, answer: u64, choices: u64) {
        if let Some(kernel) = self.kernel.upgrade() {
            let entry = TraceEntry {
                time: kernel.now.get(),
                node: None,
                incarnation: Incarnation(0),
                cause: kernel.event.get(),
                what: Traced::Decided { question, answer, choices },
            };
            kernel.tracing.trace.borrow_mut().push(entry);
        }
    }
}

impl Decider for TracingDecider {
    fn value(&mut self, question: Question, low: u64, high: u64) -> u64 {
        let answer = self.inner.value(question, low, high);
        self.keep(question, answer, (high - low).saturating_add(1));
        answer
    }

    fn fate(&mut self, question: Question, weights: &[u32]) -> usize {
        let answer = self.inner.fate(question, weights);
        self.keep(question, answer as u64, weights.len() as u64);
        answer
    }

    fn next(&mut self, frontier: &Frontier<'_>) -> Next {
        let next = self.inner.next(frontier);
        if let Next::Task(index) = next
            && frontier.ready.len() > 1
        {
            let task = &frontier.ready[index];
            self.keep(self.choices.question(task), index as u64, frontier.ready.len() as u64);
            self.choices.chose(task);
        }
        next
    }

    fn follows_time(&self) -> bool {
        self.inner.follows_time()
    }
}
