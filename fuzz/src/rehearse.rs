//! The glue that builds a world with its monitors from a scenario, and runs it.

use crate::jury::{Findings, Jury, named};
use crate::scenario::{Scenario, ScenarioError};
use crate::system::{Run, Watch};
use rehearsal_env::{Fact, Time};
use rehearsal_sim::World;
use std::cell::RefCell;
use std::rc::Rc;

/// Runs the scenario once: `deploy` starts the nodes, `jury` watches.
///
/// # Errors
/// A fault that names a node which `deploy` did not start.
pub fn rehearse<F: Fact>(
    scenario: &Scenario,
    watch: Watch,
    mut jury: Jury<F>,
    deploy: impl FnOnce(&mut World<F>),
) -> Result<Run, ScenarioError> {
    if watch.history {
        jury.keep_history();
    }
    if let Some(until) = watch.until {
        jury.stop_at(Time(until.0));
    }
    let jury = Rc::new(RefCell::new(jury));
    let mut world = World::seeded(scenario.seed, scenario.settings(), jury.clone());
    deploy(&mut world);
    let names = world.node_names();
    let outcome = world.run(scenario.ends()).map_err(|unknown| {
        let key = format!("fault[{}]", unknown.fault);
        let mend = format!("name one of {}", unknown.known);
        ScenarioError::new(key, format!("there is no node `{}`", unknown.name), mend)
    })?;
    let findings = jury.borrow_mut().verdict(outcome.time, outcome.violation);
    let Findings { markers, faults, violations, history } = findings;
    let mut all_faults = outcome.faults;
    all_faults.add(&faults);
    Ok(Run {
        digest: outcome.digest,
        time: outcome.time,
        events: outcome.events,
        messages: outcome.messages,
        faults: all_faults,
        markers,
        violations,
        history: named(history, &names),
    })
}
