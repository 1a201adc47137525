//! Fewer nodes.

use super::super::simpler::integers;
use super::{Edit, edit, faults};
use crate::scenario::Scenario;
use crate::system::Plain;
use std::collections::BTreeMap;
use toml::{Table, Value};

/// The deployments that the system has for few nodes, the smallest first; then every number of nodes by itself, down to the
/// plain one. Whatever named a node that is not there any more names another one of its kind.
pub(super) fn fewer(plain: &Plain, scenario: &Scenario) -> Vec<Edit> {
    let mut edits: Vec<Edit> = deployments(plain).collect();
    for (key, plain) in &plain.scenario.topology {
        let (Some(plain), Some(present)) =
            (plain.as_integer(), scenario.topology.get(key).and_then(Value::as_integer))
        else {
            continue;
        };
        for count in integers(present, plain.min(present)) {
            let key = key.clone();
            edits.push(edit(move |scenario| {
                scenario.topology.insert(key.clone(), Value::Integer(count));
                fit(scenario);
            }));
        }
    }
    edits
}

/// The deployments that the system has for few nodes.
fn deployments(plain: &Plain) -> impl Iterator<Item = Edit> {
    plain.fewer.clone().into_iter().map(|deployment| {
        edit(move |scenario| {
            deployment.iter().for_each(|(key, most)| lower(scenario, key, most));
            fit(scenario);
        })
    })
}

/// Lets a number of the topology, or of the system's section, be at most this one.
fn lower(scenario: &mut Scenario, key: &str, most: &Value) {
    let Scenario { topology, knobs, .. } = scenario;
    for value in [topology, knobs].into_iter().filter_map(|table| table.get_mut(key)) {
        if value.as_integer() > most.as_integer() {
            *value = most.clone();
        }
    }
}

/// A topology says how many there are of a kind, as `brokers = 2`: node `broker-3` becomes `broker-1`, and so does what
/// says `broker = 3`.
fn fit(scenario: &mut Scenario) {
    let counts = scenario.topology.iter().filter_map(|(key, count)| {
        let count = count.as_integer().filter(|count| *count > 0)?;
        Some((key.strip_suffix('s').unwrap_or(key).to_owned(), count))
    });
    let counts: BTreeMap<String, i64> = counts.collect();
    let among = |kind: &str, number: i64| counts.get(kind).map(|count| number % count);
    let mut moved: Vec<(String, String)> = Vec::new();
    for name in scenario.faults.iter().flat_map(|fault| fault.blow.nodes()) {
        let Some((kind, number)) = name.rsplit_once('-') else { continue };
        let Some(other) = number.parse().ok().and_then(|number| among(kind, number)) else { continue };
        let other = format!("{kind}-{other}");
        if other != name {
            moved.push((name.to_owned(), other));
        }
    }
    moved.iter().for_each(|(from, to)| faults::rename(scenario, from, to));
    let lists = scenario.knobs.iter_mut().filter_map(|(_, value)| value.as_array_mut());
    for item in lists.flatten().filter_map(Value::as_table_mut) {
        fit_item(item, &among);
    }
}

fn fit_item(item: &mut Table, among: &impl Fn(&str, i64) -> Option<i64>) {
    for (key, value) in item.iter_mut() {
        if let Some(other) = value.as_integer().and_then(|number| among(key, number)) {
            *value = Value::Integer(other);
        }
    }
}
