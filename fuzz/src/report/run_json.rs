//! What `run --format json` prints. Keys may be added, never renamed.

use super::campaign_json::MarkersJson;
use crate::scenario::Scenario;
use crate::system::{HistoryLine, Run, System};
use rehearsal_env::{Marker, Violation};
use rehearsal_invariants::Remark;
use rehearsal_sim::{Digest, FaultClass};
use serde::Serialize;
use std::collections::BTreeMap;

/// The whole object.
#[derive(Serialize)]
pub struct RunJson<'a> {
    command: &'static str,
    system: &'a str,
    seed: u64,
    digest: Digest,
    events: u64,
    messages: u64,
    simulated_seconds: f64,
    faults: BTreeMap<FaultClass, u64>,
    faults_with_effect: BTreeMap<FaultClass, u64>,
    markers: MarkersJson,
    strategy: String,
    violations: Vec<ViolationJson<'a>>,
    remarks: Vec<RemarkJson<'a>>,
    not_judged: &'a [&'static str],
    history: &'a [HistoryLine],
}

/// What an invariant allowed.
#[derive(Serialize)]
struct RemarkJson<'a> {
    marker: Marker,
    message: &'a str,
}

#[derive(Serialize)]
struct ViolationJson<'a> {
    seed: u64,
    at_seconds: f64,
    #[serde(flatten)]
    violation: &'a Violation,
}

impl<'a> RunJson<'a> {
    /// Of this run.
    pub fn of(system: &dyn System, scenario: &'a Scenario, run: &'a Run) -> RunJson<'a> {
        let simulated_seconds = run.time.nanos() as f64 / 1e9;
        let seed = scenario.seed;
        let violations = run.violations.iter();
        RunJson {
            command: "run",
            system: &scenario.system,
            seed,
            digest: run.digest,
            events: run.events,
            messages: run.messages,
            simulated_seconds,
            faults: run.faults.struck_by_class(),
            faults_with_effect: run.faults.effective_by_class(),
            markers: MarkersJson::of(system, &run.markers),
            strategy: scenario.schedule.search.to_string(),
            violations: violations
                .map(|violation| ViolationJson { seed, at_seconds: simulated_seconds, violation })
                .collect(),
            remarks: run.remarks.iter().map(RemarkJson::of).collect(),
            not_judged: &run.not_judged,
            history: &run.history,
        }
    }
}

impl<'a> RemarkJson<'a> {
    fn of(remark: &'a Remark) -> RemarkJson<'a> {
        RemarkJson { marker: remark.marker, message: &remark.message }
    }
}
