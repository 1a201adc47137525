//! How large a scenario and its failure are.

use crate::scenario::Scenario;
use crate::system::{Run, System};
use serde::Serialize;

/// What a reader of a repro has to take in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Size {
    /// Entries of the scenario's list of faults.
    pub faults: usize,
    /// What clients asked before the violation.
    pub requests: usize,
    /// Events handled before the violation.
    pub events: u64,
    /// Seconds of virtual time before the violation.
    pub seconds: f64,
    /// Decisions that are not plain; None when all are drawn from the seed.
    pub deviations: Option<usize>,
}

impl Size {
    /// Of a scenario and its run, which kept its history.
    pub fn of(system: &dyn System, scenario: &Scenario, run: &Run) -> Size {
        let request = system.request();
        let asked = run.history.iter().filter(|line| !request.is_empty() && line.kind == request);
        Size {
            faults: scenario.faults.len(),
            requests: asked.count(),
            events: run.events,
            seconds: run.time.nanos() as f64 / 1e9,
            deviations: scenario.schedule.plain.then_some(scenario.schedule.deviations.len()),
        }
    }
}
