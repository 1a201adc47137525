//! Sums over the runs of a campaign.

use crate::system::Run;
use rehearsal_env::Marker;
use rehearsal_sim::FaultTally;
use rehearsal_sim::search::Strategy;
use std::collections::{BTreeMap, BTreeSet};

/// Sums over runs; the same whatever the order in which they are added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many runs.
    pub runs: u64,
    /// Events handled.
    pub events: u64,
    /// Messages delivered.
    pub messages: u64,
    /// Nanoseconds of virtual time.
    pub simulated_nanos: u128,
    /// Faults, those of clients included.
    pub faults: FaultTally,
    /// Markers reached at least once.
    pub markers: BTreeSet<Marker>,
    /// How many seeds failed.
    pub failing_seeds: u64,
    /// In how many runs each of these invariants was not judged, since the faults went beyond the promise.
    pub not_judged: BTreeMap<&'static str, u64>,
    /// How many runs there were of each strategy, and how many of them failed.
    pub strategies: BTreeMap<Strategy, (u64, u64)>,
}

impl Totals {
    /// Adds a run, without a word on whether it failed.
    pub fn add(&mut self, run: &Run) {
        self.runs += 1;
        self.events += run.events;
        self.messages += run.messages;
        self.simulated_nanos += u128::from(run.time.nanos());
        self.faults.add(&run.faults);
        self.markers.extend(&run.markers);
        run.not_judged.iter().for_each(|name| *self.not_judged.entry(name).or_default() += 1);
    }

    /// Adds a run to those of its strategy.
    pub fn add_strategy(&mut self, strategy: Strategy, failed: bool) {
        let (runs, failing) = self.strategies.entry(strategy).or_default();
        (*runs, *failing) = (*runs + 1, *failing + u64::from(failed));
    }

    /// Seconds of virtual time.
    pub fn simulated_seconds(&self) -> f64 {
        self.simulated_nanos as f64 / 1e9
    }
}
