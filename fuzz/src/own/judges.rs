//! Invariants made of closures.

use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_invariants::Monitor;

/// What an invariant says against a run: what was seen, with names and numbers, in one sentence without a full stop. A
/// text is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    message: String,
    because: Vec<u64>,
}

impl Objection {
    /// An objection that rests on nothing but the fact at hand.
    pub fn new(message: impl Into<String>) -> Objection {
        Objection { message: message.into(), because: Vec::new() }
    }

    /// It rests on an earlier fact as well, by the number of its stamp: the story tells what led to both.
    pub fn because(mut self, earlier: u64) -> Objection {
        self.because.push(earlier);
        self
    }
}

impl From<String> for Objection {
    fn from(message: String) -> Objection {
        Objection::new(message)
    }
}

impl From<&str> for Objection {
    fn from(message: &str) -> Objection {
        Objection::new(message)
    }
}

/// Judges every fact as it comes.
pub(super) struct Always<S, J> {
    pub(super) name: &'static str,
    pub(super) state: S,
    pub(super) judge: J,
}

impl<F, S, J: Fn(&mut S, &Stamp, &F) -> Result<(), Objection>> Monitor<F> for Always<S, J> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn witness(&mut self, stamp: &Stamp, fact: &F) -> Result<(), Violation> {
        (self.judge)(&mut self.state, stamp, fact).map_err(|Objection { message, mut because }| {
            because.push(stamp.number);
            Violation::new(self.name, message, because)
        })
    }
}

/// Takes note of every fact, and judges when the calm is over.
pub(super) struct Finally<S, N, J> {
    pub(super) name: &'static str,
    pub(super) state: S,
    pub(super) note: N,
    pub(super) judge: J,
}

impl<F, S, N: Fn(&mut S, &Stamp, &F), J: Fn(&S) -> Result<(), Objection>> Monitor<F> for Finally<S, N, J> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn witness(&mut self, stamp: &Stamp, fact: &F) -> Result<(), Violation> {
        (self.note)(&mut self.state, stamp, fact);
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let objected = (self.judge)(&self.state);
        objected.map_err(|Objection { message, because }| Violation::new(self.name, message, because))
    }
}
