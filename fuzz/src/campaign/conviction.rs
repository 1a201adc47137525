//! A failing seed, looked at closely: run again with its history, so that the facts that convict can be shown.

use crate::scenario::{Overrides, Scenario, ScenarioError};
use crate::system::{HistoryLine, Run, System, Watch};
use rehearsal_env::{Time, Violation};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A failing seed and what convicts it.
#[derive(Clone, Debug)]
pub struct Conviction {
    /// The seed.
    pub seed: u64,
    /// The scenario it stands for.
    pub scenario: Scenario,
    /// Everything that fired, at least one.
    pub violations: Vec<Violation>,
    /// When the run ended with it.
    pub at: Time,
    /// The lines of the history that convict.
    pub evidence: Vec<HistoryLine>,
    /// Where the scenario was kept, once it was.
    pub repro: Option<PathBuf>,
}

/// Runs a failing seed again, with its history.
///
/// # Errors
/// As [`System::run`].
pub fn convict(system: &dyn System, seed: u64, overrides: &Overrides) -> Result<Conviction, ScenarioError> {
    let scenario = system.draw(seed, overrides)?;
    let watch = Watch { history: true, ..Watch::default() };
    let run = system.run(&scenario, watch)?;
    let mut violations = run.violations.clone();
    if violations.is_empty() {
        // It failed only because its runs differ, or it differs now.
        violations.push(parting(&run, &system.run(&scenario, watch)?));
    }
    let evidence = evidence(&run, &violations);
    Ok(Conviction { seed, scenario, violations, at: run.time, evidence, repro: None })
}

/// The lines that the violations name.
pub fn evidence(run: &Run, violations: &[Violation]) -> Vec<HistoryLine> {
    let numbers: BTreeSet<u64> =
        violations.iter().flat_map(|violation| violation.evidence.iter().copied()).collect();
    run.history.iter().filter(|line| numbers.contains(&line.stamp.number)).cloned().collect()
}

/// Where two runs of one scenario part.
fn parting(first: &Run, second: &Run) -> Violation {
    let lines = first.history.iter().zip(&second.history);
    let (message, number) = match lines.enumerate().find(|(_, (one, other))| one != other) {
        Some((_, (one, other))) => (
            format!(
                "two runs of this seed part at event {} ({}, {}): `{}` in one, `{}` at {} on {} in the other",
                one.stamp.cause, one.stamp.time, one.node, one.text, other.text, other.stamp.time, other.node
            ),
            one.stamp.number,
        ),
        None => {
            let (one, other) = (first.history.len(), second.history.len());
            let last = first.history.last().map_or(0, |line| line.stamp.number);
            let message = format!(
                "two runs of this seed differ and their histories do not say where: {one} and {other} lines, digests {} and {}",
                first.digest, second.digest
            );
            (message, last)
        }
    };
    Violation::new("determinism", message, [number])
}
