//! Deciders that look for bugs of order: they let messages, timers, disks and tasks be late, within a bound, and choose what
//! goes next among all that may go.
//!
//! Going by time tries what the drawn latencies say, and a long stall of one party happens by chance only if every one of
//! many draws goes the same way. Each of these strategies makes other orders likely; none is best for every bug, so a
//! campaign draws one of them per seed.
//!
//! ```text
//!   frontier ──▶ window: what may go next, so that nothing is later than the bound ──▶ order: which of these ──▶ next
//! ```
//!
//! What stays true whatever the order: no sleep ends before its time, what the scenario does (strikes, heals, restarts, the
//! beginning of the calm) keeps its time, messages of a node to itself stay in order, and in the calm everything goes by
//! time. All of it follows from the seed.

mod partial_order;
mod priority_changes;
mod random_walk;
mod searching;
mod strategy;
mod uniform;
mod window;

pub use strategy::{Strategy, UnknownStrategy};

use crate::{Decider, Seeded, Span};
use partial_order::PartialOrder;
use priority_changes::PriorityChanges;
use random_walk::RandomWalk;
use searching::Searching;
use uniform::Uniform;
use window::Window;

/// How the order of a run is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Search {
    /// By which strategy.
    pub strategy: Strategy,
    /// How late a message, a timer, a disk operation or a ready task may be at most.
    pub late: Span,
    /// Among how many steps the changes of priority lie.
    pub steps: u64,
}

impl Search {
    /// The decider of this seed: values and fates are drawn as [`Seeded`] draws them, whatever the strategy.
    pub fn decider(self, seed: u64) -> Box<dyn Decider> {
        let seeded = Seeded::new(seed);
        let window = Window::new(self.late);
        match self.strategy {
            Strategy::Time => Box::new(seeded),
            Strategy::Uniform => Box::new(Searching::new(seeded, window, Uniform::new(seed))),
            Strategy::PriorityChanges(depth) => {
                Box::new(Searching::new(seeded, window, PriorityChanges::new(seed, depth, self.steps)))
            }
            Strategy::RandomWalk => Box::new(Searching::new(seeded, window, RandomWalk::new(seed))),
            Strategy::PartialOrder => Box::new(Searching::new(seeded, window, PartialOrder::new(seed))),
        }
    }
}
