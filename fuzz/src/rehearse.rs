//! The glue that builds a world with its monitors from a scenario, and runs it.

use crate::jury::{Findings, Jury, named};
use crate::scenario::{Scenario, ScenarioError};
use crate::system::{Run, Watch};
use rehearsal_env::{Fact, Time};
use rehearsal_sim::{Decider, Deviation, Deviations, Met, Noting, PlainSchedule, World};
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
    if watch.history || watch.trace {
        jury.keep_history();
    }
    if let Some(until) = watch.until {
        jury.stop_at(Time(until.0));
    }
    let jury = Rc::new(RefCell::new(jury));
    let (decider, decisions) = decider(scenario, watch.decisions);
    let mut world = World::new(scenario.settings(), decider, jury.clone());
    let trace = watch.trace.then(|| world.keep_trace());
    if let Some(most) = watch.most_events {
        world.cut_off_after(most);
    }
    deploy(&mut world);
    let names = world.node_names();
    let outcome = world.run(scenario.ends()).map_err(|unknown| {
        let key = format!("fault[{}]", unknown.fault);
        let mend = format!("name one of {}", unknown.known);
        ScenarioError::new(key, format!("there is no node `{}`", unknown.name), mend)
    })?;
    if watch.most_events.is_some_and(|most| outcome.events > most) {
        jury.borrow_mut().cut_off();
    }
    let findings = jury.borrow_mut().verdict(outcome.time, outcome.violation);
    let Findings { markers, faults, violations, remarks, history, not_judged } = findings;
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
        remarks,
        not_judged,
        history: named(history, &names),
        trace: trace.map(|trace| trace.take()).unwrap_or_default(),
        nodes: names,
        deviations: decisions.noted.take(),
        unmet: decisions.unmet(&scenario.schedule.deviations),
    })
}

/// What a run shows of its decisions.
struct Decisions {
    noted: Deviations,
    met: Met,
}

impl Decisions {
    fn unmet(&self, deviations: &[Deviation]) -> Vec<Deviation> {
        let met = self.met.borrow();
        deviations.iter().filter(|deviation| !met.contains(&deviation.question)).copied().collect()
    }
}

/// Who decides, as the scenario says.
fn decider(scenario: &Scenario, note: bool) -> (Box<dyn Decider>, Decisions) {
    let Scenario { seed, schedule, .. } = scenario;
    let (mut noted, mut met) = (Deviations::default(), Met::default());
    let mut decider: Box<dyn Decider> = schedule.search(&scenario.network).decider(*seed);
    if schedule.plain {
        let (plain, asked) = PlainSchedule::new(*seed, schedule.deviations.iter().copied());
        (decider, met) = (Box::new(plain), asked);
    }
    if note {
        let (noting, list) = Noting::new(*seed, decider);
        (decider, noted) = (Box::new(noting), list);
    }
    (decider, Decisions { noted, met })
}
