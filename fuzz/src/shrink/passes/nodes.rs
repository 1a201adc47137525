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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::System;
    use crate::systems::queue::Queue;
    use rehearsal_sim::{Blow, Fault, Span, Trigger};

    fn crash(node: &str) -> Fault {
        let blow = Blow::Crash { node: node.to_owned(), restart_after: Span::seconds(1) };
        Fault { trigger: Trigger::At(Span(0)), blow }
    }

    #[test]
    fn what_named_a_node_that_goes_names_another_of_its_kind() {
        let mut scenario = Queue.plain().scenario;
        scenario.topology.extend(toml::toml! { brokers = 2 factor = 1 });
        scenario.knobs.extend(toml::toml! { operation = [{ wish = "add-broker", at = "1s", broker = 3 }] });
        scenario.faults = ["broker-3", "broker-1", "coordination-0", "movers"].map(crash).to_vec();
        fit(&mut scenario);
        let nodes: Vec<&str> = scenario.faults.iter().flat_map(|fault| fault.blow.nodes()).collect();
        assert_eq!(nodes, ["broker-1", "broker-1", "coordination-0", "movers"]);
        assert_eq!(scenario.knobs["operation"][0]["broker"].as_integer(), Some(1));
    }

    #[test]
    fn a_deployment_of_few_nodes_raises_nothing() {
        let plain = Queue.plain();
        let mut scenario = plain.scenario.clone();
        scenario.topology.extend(toml::toml! { brokers = 2 factor = 1 });
        scenario.knobs.insert("min_insync".to_owned(), Value::Integer(1));
        for deployment in deployments(&plain) {
            let mut smaller = scenario.clone();
            deployment(&mut smaller);
            let numbers = |of: &Scenario| ["brokers", "factor"].map(|key| of.topology[key].as_integer());
            let both = numbers(&smaller).into_iter().zip(numbers(&scenario));
            assert!(both.into_iter().all(|(now, before)| now <= before), "{smaller:?}");
            assert_eq!(smaller.knobs["min_insync"].as_integer(), Some(1));
        }
    }
}
