//! What comes only after the violation, and so has no part in it.

use super::triggers::{strikes, traced};
use super::{Edit, edit};
use crate::scenario::Scenario;
use crate::system::System;
use rehearsal_env::Time;
use rehearsal_sim::Span;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Without the faults that did not strike by then, and without the items whose time had not come: all of them, then of
/// either kind.
pub(super) fn without(system: &dyn System, scenario: &Scenario, fails_at: Time) -> Vec<Edit> {
    let Some(run) = traced(system, scenario) else { return Vec::new() };
    let struck: BTreeSet<usize> = strikes(&run).into_keys().collect();
    let kept = struck.clone();
    vec![
        edit(move |scenario| {
            keep_faults(scenario, &kept);
            keep_items(scenario, fails_at);
        }),
        edit(move |scenario| keep_faults(scenario, &struck)),
        edit(move |scenario| keep_items(scenario, fails_at)),
    ]
}

fn keep_faults(scenario: &mut Scenario, struck: &BTreeSet<usize>) {
    let faults = std::mem::take(&mut scenario.faults).into_iter().enumerate();
    scenario.faults = faults.filter(|(index, _)| struck.contains(index)).map(|(_, fault)| fault).collect();
}

fn keep_items(scenario: &mut Scenario, fails_at: Time) {
    let lists = scenario.knobs.iter_mut().filter_map(|(_, value)| value.as_array_mut());
    lists
        .for_each(|items| items.retain(|item| !item.as_table().is_some_and(|item| is_later(item, fails_at))));
}

fn is_later(item: &Table, fails_at: Time) -> bool {
    let at = item.get("at").and_then(Value::as_str).and_then(|text| text.parse::<Span>().ok());
    at.is_some_and(|at| at.0 > fails_at.nanos())
}
