//! What the chain has promised, in figures.

use rehearsal_model::reservation::stay;
use std::time::Duration;

/// The figures that the invariants judge by; a scenario's, not a system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// How many rooms may be sold beyond those there are, in percent.
    pub overbooking_percent: i64,
    /// How long a reservation may be pending.
    pub hold: Duration,
    /// How long the sweeper may take to notice that a hold ran out.
    pub round: Duration,
}

impl Rules {
    /// How many rooms of a night may be sold.
    pub fn limit(&self, total_inventory: i64) -> i64 {
        stay::limit(total_inventory, self.overbooking_percent)
    }
}
