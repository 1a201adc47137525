//! The lists of a system's section: fewer items, and plainer ones.
//!
//! Nothing here knows what an item is. Items that share the value of a field have something in common, as the wishes of
//! one guest; a field that stands in several lists means the same in each, as a hotel's number.

use super::super::simpler::simpler;
use super::{Edit, edit, stretches};
use crate::scenario::Scenario;
use crate::system::Plain;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// The lists of tables in the system's section, by name.
fn lists(scenario: &Scenario) -> impl Iterator<Item = (&String, Vec<&Table>)> {
    scenario.knobs.iter().filter_map(|(name, value)| {
        let items: Vec<&Table> = value.as_array()?.iter().filter_map(Value::as_table).collect();
        (!items.is_empty()).then_some((name, items))
    })
}

fn list<'a>(scenario: &'a mut Scenario, name: &str) -> &'a mut Vec<Value> {
    let value = scenario.knobs.get_mut(name).and_then(Value::as_array_mut);
    value.expect("the list that the edit was made for")
}

/// Without all items of a list that share a value: at least two, or it would be [`fewer`] one by one.
pub(super) fn groups(scenario: &Scenario) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (name, items) in lists(scenario) {
        let fields: BTreeSet<&String> = items.iter().flat_map(|item| item.keys()).collect();
        for field in fields {
            let mut shared: BTreeMap<i64, usize> = BTreeMap::new();
            for number in items.iter().filter_map(|item| item.get(field)?.as_integer()) {
                *shared.entry(number).or_default() += 1;
            }
            for (number, _) in shared.into_iter().filter(|(_, count)| *count > 1) {
                let (name, field) = (name.clone(), field.clone());
                edits.push(edit(move |scenario| {
                    let has = |item: &Value| item.get(&field).and_then(Value::as_integer) == Some(number);
                    list(scenario, &name).retain(|item| !has(item));
                }));
            }
        }
    }
    edits
}

/// Without stretches of each list.
pub(super) fn fewer(scenario: &Scenario) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (name, items) in lists(scenario) {
        for part in stretches(items.len()) {
            let name = name.clone();
            edits.push(edit(move |scenario| drop(list(scenario, &name).drain(part.clone()))));
        }
    }
    edits
}

/// A number that stands for something, as guest 7, replaced wherever it stands: by the lowest there is, so that two become
/// one; by one nearer to the plain one that nothing has.
pub(super) fn names(plain: &Plain, scenario: &Scenario) -> Vec<Edit> {
    let all: Vec<&Table> = lists(scenario).flat_map(|(_, items)| items).collect();
    let fields: BTreeSet<&String> = all.iter().flat_map(|item| item.keys()).collect();
    let mut edits = Vec::new();
    for field in fields {
        let plain_items = plain.items.iter().filter_map(|(_, item)| item.get(field)?.as_integer());
        let least = plain_items.min().unwrap_or(0);
        let taken: BTreeSet<i64> = all.iter().filter_map(|item| item.get(field)?.as_integer()).collect();
        for &number in &taken {
            let first = taken.first().copied().filter(|first| *first < number);
            let free = (least..number).find(|free| !taken.contains(free));
            for other in first.into_iter().chain(free) {
                let field = field.clone();
                edits.push(edit(move |scenario| rename(scenario, &field, number, other)));
            }
        }
    }
    edits
}

fn rename(scenario: &mut Scenario, field: &str, from: i64, to: i64) {
    let lists = scenario.knobs.iter_mut().filter_map(|(_, value)| value.as_array_mut());
    for value in lists.flatten().filter_map(|item| item.get_mut(field)) {
        if value.as_integer() == Some(from) {
            *value = Value::Integer(to);
        }
    }
}

/// Each item made plainer, first altogether, then field by field; before that what several items have in common, as
/// the time at which they begin.
pub(super) fn fields(plain: &Plain, scenario: &Scenario) -> Vec<Edit> {
    let mut edits = in_all(plain, scenario);
    edits.extend(shared(plain, scenario));
    for (name, items) in lists(scenario) {
        let plain = plain.items.get(name).and_then(Value::as_table).cloned().unwrap_or_default();
        for (index, item) in items.into_iter().enumerate() {
            let mut replace = |plainer: Table| {
                let name = name.clone();
                edits.push(edit(move |scenario| {
                    list(scenario, &name)[index] = Value::Table(plainer.clone());
                }));
            };
            replace(plain.clone());
            for (field, value) in item {
                let Some(plain) = plain.get(field) else {
                    let mut without = item.clone();
                    without.remove(field);
                    replace(without);
                    simpler(value, &least(value))
                        .into_iter()
                        .for_each(|value| replace(with(item, field, value)));
                    continue;
                };
                simpler(value, plain).into_iter().for_each(|value| replace(with(item, field, value)));
            }
        }
    }
    edits
}

/// A field of all items of a list made plain at once, where there are several.
fn in_all(plain: &Plain, scenario: &Scenario) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (name, items) in lists(scenario).filter(|(_, items)| items.len() > 1) {
        let Some(plain) = plain.items.get(name).and_then(Value::as_table) else { continue };
        let fields: BTreeSet<&String> = items.iter().flat_map(|item| item.keys()).collect();
        for field in fields {
            let (name, field, value) = (name.clone(), field.clone(), plain.get(field).cloned());
            edits.push(edit(move |scenario| {
                for item in list(scenario, &name).iter_mut().filter_map(Value::as_table_mut) {
                    match &value {
                        Some(value) => drop(item.insert(field.clone(), value.clone())),
                        None => drop(item.remove(&field)),
                    }
                }
            }));
        }
    }
    edits
}

/// A text that several items of a list share, made plainer in all of them at once.
fn shared(plain: &Plain, scenario: &Scenario) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (name, items) in lists(scenario) {
        let Some(plain) = plain.items.get(name).and_then(Value::as_table) else { continue };
        for (field, plain) in plain {
            let texts = || items.iter().filter_map(|item| item.get(field)?.as_str());
            let distinct: BTreeSet<&str> = texts().collect();
            for text in distinct.into_iter().filter(|text| texts().filter(|other| other == text).count() > 1)
            {
                let shared = Value::String(text.to_owned());
                for plainer in simpler(&shared, plain) {
                    let (name, field, shared) = (name.clone(), field.clone(), shared.clone());
                    edits.push(edit(move |scenario| {
                        let values = list(scenario, &name).iter_mut().filter_map(|item| item.get_mut(&field));
                        values.filter(|value| **value == shared).for_each(|value| *value = plainer.clone());
                    }));
                }
            }
        }
    }
    edits
}

fn with(item: &Table, field: &str, value: Value) -> Table {
    let mut changed = item.clone();
    changed.insert(field.to_owned(), value);
    changed
}

/// What a field that a plain item does not have heads for when it cannot go.
fn least(value: &Value) -> Value {
    match value {
        Value::Integer(_) => Value::Integer(1),
        Value::String(text) if text.parse::<rehearsal_sim::Span>().is_ok() => {
            Value::String("10ms".to_owned())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::System;
    use crate::systems::queue::Queue;

    fn two_producers() -> Scenario {
        let mut scenario = Queue.plain().scenario;
        scenario.knobs.extend(toml::toml! {
            send = [
                { producer = 2, at = "1s", bytes = 10 },
                { producer = 5, at = "2s", bytes = 20 },
                { producer = 5, at = "3s", bytes = 30 },
            ]
        });
        scenario
    }

    fn values(scenario: &Scenario, field: &str) -> Vec<i64> {
        let items = scenario.knobs["send"].as_array().expect("a list");
        items.iter().filter_map(|item| item.get(field)?.as_integer()).collect()
    }

    /// What becomes of the field under each edit.
    fn all(edits: Vec<Edit>, field: &str) -> Vec<Vec<i64>> {
        let edited = edits.iter().map(|edit| {
            let mut scenario = two_producers();
            edit(&mut scenario);
            values(&scenario, field)
        });
        edited.collect()
    }

    #[test]
    fn two_of_a_kind_become_one() {
        let plain = Queue.plain();
        let renamed = all(names(&plain, &two_producers()), "producer");
        assert!(renamed.contains(&vec![2, 2, 2]), "{renamed:?}");
        assert!(renamed.contains(&vec![0, 5, 5]), "{renamed:?}");
        assert!(!renamed.contains(&vec![5, 5, 5]), "nothing is given a higher number: {renamed:?}");
    }

    #[test]
    fn what_shares_its_value_with_nothing_is_no_group() {
        assert_eq!(all(groups(&two_producers()), "bytes"), [[10]]);
    }

    #[test]
    fn a_field_becomes_plain_in_all_items_at_once() {
        let plain = Queue.plain();
        let made_plain = all(in_all(&plain, &two_producers()), "bytes");
        assert!(made_plain.contains(&vec![100, 100, 100]), "{made_plain:?}");
    }
}
