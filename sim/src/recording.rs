//! A decider that keeps its answers, and one that gives kept answers again.

use crate::{Decider, Frontier, Next, Question};
use rehearsal_env::EventId;
use std::cell::RefCell;
use std::rc::Rc;

/// One answer of a decider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// To [`Decider::value`].
    Value(u64),
    /// To [`Decider::fate`].
    Fate(usize),
    /// To [`Decider::next`]: a ready task, by the identity of its wake.
    Task(EventId),
    /// To [`Decider::next`]: a pending event.
    Event(EventId),
}

/// The answers of a run, in order; shared between the recorder and whoever reads it afterwards.
pub type Recording = Rc<RefCell<Vec<Decision>>>;

/// Asks another decider and keeps every answer.
pub struct Recorder<D> {
    inner: D,
    recording: Recording,
}

impl<D: Decider> Recorder<D> {
    /// A recorder around `inner`, and the list it fills.
    pub fn new(inner: D) -> (Recorder<D>, Recording) {
        let recording = Recording::default();
        (Recorder { inner, recording: recording.clone() }, recording)
    }

    fn keep(&self, decision: Decision) {
        self.recording.borrow_mut().push(decision);
    }
}

impl<D: Decider> Decider for Recorder<D> {
    fn value(&mut self, question: Question, low: u64, high: u64) -> u64 {
        let answer = self.inner.value(question, low, high);
        self.keep(Decision::Value(answer));
        answer
    }

    fn fate(&mut self, question: Question, weights: &[u32]) -> usize {
        let answer = self.inner.fate(question, weights);
        self.keep(Decision::Fate(answer));
        answer
    }

    fn next(&mut self, frontier: &Frontier<'_>) -> Next {
        let answer = self.inner.next(frontier);
        self.keep(match answer {
            Next::Task(index) => Decision::Task(frontier.ready[index].id),
            Next::Event(id) => Decision::Event(id),
            Next::Earliest => Decision::Event(frontier.earliest().expect("something is pending").1),
        });
        answer
    }
}

/// Gives the answers of a list, in order.
///
/// # Panics
/// When the run asks something else than the recorded one did: the scenario or the program differs.
pub struct Replay {
    decisions: std::vec::IntoIter<Decision>,
}

impl Replay {
    /// A decider that answers with `decisions`.
    pub fn new(decisions: Vec<Decision>) -> Replay {
        Replay { decisions: decisions.into_iter() }
    }

    fn following(&mut self) -> Decision {
        self.decisions.next().expect("the recording ends before the run does")
    }
}

impl Decider for Replay {
    fn value(&mut self, question: Question, _low: u64, _high: u64) -> u64 {
        match self.following() {
            Decision::Value(answer) => answer,
            other => panic!("{question:?} asks for a value, the recording has {other:?}"),
        }
    }

    fn fate(&mut self, question: Question, _weights: &[u32]) -> usize {
        match self.following() {
            Decision::Fate(answer) => answer,
            other => panic!("{question:?} asks for a fate, the recording has {other:?}"),
        }
    }

    fn next(&mut self, frontier: &Frontier<'_>) -> Next {
        match self.following() {
            Decision::Task(id) => {
                let index = frontier.ready.iter().position(|task| task.id == id);
                Next::Task(index.expect("the recorded task is ready"))
            }
            Decision::Event(id) => Next::Event(id),
            other => panic!("the world asks what goes next, the recording has {other:?}"),
        }
    }
}
