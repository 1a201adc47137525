//! A decider that chooses the order: the window says what may go, and an [`Order`] which of it goes.

use super::window::{Candidate, Window};
use crate::decider::{Decider, Frontier, Next, Question, Seeded};

/// Chooses among what may go.
pub trait Order {
    /// The index of the one that goes next; there is at least one.
    fn pick(&mut self, candidates: &[Candidate]) -> usize;
}

/// Chooses by an order during the storm; in the calm it goes by time.
pub struct Searching<O> {
    seeded: Seeded,
    window: Window,
    order: O,
}

impl<O: Order> Searching<O> {
    /// A decider whose values and fates are those of `seeded`.
    pub fn new(seeded: Seeded, window: Window, order: O) -> Searching<O> {
        Searching { seeded, window, order }
    }
}

impl<O: Order> Decider for Searching<O> {
    fn value(&mut self, question: Question, low: u64, high: u64) -> u64 {
        self.seeded.value(question, low, high)
    }

    fn fate(&mut self, question: Question, weights: &[u32]) -> usize {
        self.seeded.fate(question, weights)
    }

    fn next(&mut self, frontier: &Frontier<'_>) -> Next {
        if !frontier.stormy {
            return self.seeded.next(frontier);
        }
        let candidates = self.window.open(frontier);
        let picked = candidates[self.order.pick(candidates)].next;
        self.window.goes(picked);
        picked
    }
}
