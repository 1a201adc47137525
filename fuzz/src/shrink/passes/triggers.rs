//! Triggers of faults, from one form to another that strikes at the same moment.

use super::{Edit, edit};
use crate::scenario::Scenario;
use crate::system::{Run, System, Watch};
use rehearsal_sim::{Span, Traced, Trigger};
use std::collections::BTreeMap;

/// How long before a strike a fact is still worth naming in place of the time.
const NEAR: u64 = Span::millis(50).0;
/// How soon after a fact a fault may strike to be right at it.
const AT_ONCE: [Span; 3] = [Span(0), Span::micros(100), Span::millis(1)];
/// Facts within so many nanoseconds come together.
const TOGETHER: u64 = Span::millis(1).0;
/// How often a fact may have happened for its number to say anything.
const COUNTABLE: u64 = 9;

/// Each trigger that counts, as the time at which it struck.
pub(super) fn to_times(system: &dyn System, scenario: &Scenario) -> Vec<Edit> {
    if scenario.faults.iter().all(|fault| matches!(fault.trigger, Trigger::At(_))) {
        return Vec::new();
    }
    let Some(run) = traced(system, scenario) else { return Vec::new() };
    let mut edits = Vec::new();
    for (index, at) in strikes(&run) {
        if !matches!(scenario.faults[index].trigger, Trigger::At(_)) {
            edits.push(edit(move |scenario| scenario.faults[index].trigger = Trigger::At(Span(at))));
        }
    }
    edits
}

/// Each time, as the fact that came shortly before: a fact says why it was then.
pub(super) fn to_facts(system: &dyn System, scenario: &Scenario) -> Vec<Edit> {
    if !scenario.faults.iter().any(|fault| matches!(fault.trigger, Trigger::At(_))) {
        return Vec::new();
    }
    let Some(run) = traced(system, scenario) else { return Vec::new() };
    let mut edits = Vec::new();
    for (index, at) in strikes(&run) {
        if !matches!(scenario.faults[index].trigger, Trigger::At(_)) {
            continue;
        }
        for (fact, nth, time) in facts_before(&run, at) {
            // At once if that does it, else exactly then.
            for delay in [0, at - time] {
                let trigger = Trigger::On { fact: fact.to_owned(), nth, delay: Span(delay) };
                edits.push(edit(move |scenario| scenario.faults[index].trigger = trigger.clone()));
            }
        }
    }
    edits
}

/// Each fault, right at one of the first facts of every kind, if that is before it strikes now; of facts that come together
/// one is enough.
pub(super) fn earlier(system: &dyn System, scenario: &Scenario) -> Vec<Edit> {
    if scenario.faults.is_empty() {
        return Vec::new();
    }
    let Some(run) = traced(system, scenario) else { return Vec::new() };
    let firsts = first_facts(&run);
    let mut edits = Vec::new();
    for (index, at) in strikes(&run) {
        for (time, (kind, nth)) in firsts.range(..at / TOGETHER) {
            for delay in AT_ONCE.into_iter().filter(|delay| time * TOGETHER + delay.0 < at) {
                let trigger = Trigger::On { fact: (*kind).to_owned(), nth: *nth, delay };
                edits.push(edit(move |scenario| scenario.faults[index].trigger = trigger.clone()));
            }
        }
    }
    edits
}

/// The first two facts of every kind by the time at which they come, in units of [`TOGETHER`]; of several the first.
fn first_facts(run: &Run) -> BTreeMap<u64, (&'static str, u64)> {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut facts = BTreeMap::new();
    for line in run.history.iter().filter(|line| !line.kind.is_empty()) {
        let nth = counts.entry(line.kind).or_default();
        *nth += 1;
        if *nth <= 2 {
            facts.entry(line.stamp.time.nanos() / TOGETHER).or_insert((line.kind, *nth));
        }
    }
    facts
}

pub(super) fn traced(system: &dyn System, scenario: &Scenario) -> Option<Run> {
    let watch = Watch { history: true, trace: true, ..Watch::default() };
    system.run(scenario, watch).ok()
}

/// When each fault struck first, by its index.
pub(super) fn strikes(run: &Run) -> BTreeMap<usize, u64> {
    let mut first = BTreeMap::new();
    for entry in &run.trace {
        if let Traced::Strikes { fault } = entry.what {
            first.entry(fault as usize).or_insert(entry.time.nanos());
        }
    }
    first
}

/// Facts shortly before a time, the last first: kind, which of its kind, when.
fn facts_before(run: &Run, at: u64) -> Vec<(&'static str, u64, u64)> {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut facts = Vec::new();
    for line in run.history.iter().filter(|line| !line.kind.is_empty()) {
        let time = line.stamp.time.nanos();
        if time > at {
            break;
        }
        let nth = counts.entry(line.kind).or_default();
        *nth += 1;
        if at - time <= NEAR && *nth <= COUNTABLE {
            facts.push((line.kind, *nth, time));
        }
    }
    facts.reverse();
    facts.truncate(4);
    facts
}
