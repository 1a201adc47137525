//! What programs and invariants may know of a run's scenario.

use super::values::Values;
use crate::scenario::Scenario;
use rehearsal_env::Time;
use std::collections::BTreeMap;
use std::ops::Deref;
use toml::Value;

/// How the knobs of a run stand; beside them the number of nodes, the work, and which known bugs are on.
#[derive(Clone, Debug, PartialEq)]
pub struct Knobs {
    values: Values,
    work: BTreeMap<String, Vec<Values>>,
    counts: BTreeMap<String, u32>,
    defects: Vec<String>,
    calm_begins: Time,
}

/// The knobs themselves are read as [`Values`]: `knobs.span("lease")`.
impl Deref for Knobs {
    type Target = Values;

    fn deref(&self) -> &Values {
        &self.values
    }
}

impl Knobs {
    /// Of a scenario that was checked.
    pub(super) fn of(scenario: &Scenario, counts: BTreeMap<String, u32>) -> Knobs {
        let (name, mut table) = (&scenario.system, scenario.knobs.clone());
        let lists: Vec<String> =
            table.iter().filter(|(_, value)| value.is_array()).map(|(key, _)| key.clone()).collect();
        let mut work = BTreeMap::new();
        for list in lists {
            let Some(Value::Array(items)) = table.remove(&list) else { continue };
            let items = items.into_iter().enumerate().filter_map(|(index, item)| match item {
                Value::Table(item) => Some(Values::new(format!("{name}.{list}[{index}]"), item)),
                _ => None,
            });
            work.insert(list.clone(), items.collect());
        }
        Knobs {
            values: Values::new(name.clone(), table),
            work,
            counts,
            defects: scenario.defects.clone(),
            calm_begins: Time(scenario.storm.0),
        }
    }

    /// How many nodes of a kind there are.
    ///
    /// # Panics
    /// When no such kind was declared.
    pub fn count(&self, kind: &str) -> u32 {
        let known = || self.counts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        *self
            .counts
            .get(kind)
            .unwrap_or_else(|| panic!("there is no kind of node `{kind}`: there are {}", known()))
    }

    /// The items of a list of work, in the scenario's order.
    ///
    /// # Panics
    /// When no such list was declared.
    pub fn work(&self, list: &str) -> &[Values] {
        let known = || self.work.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        self.work.get(list).unwrap_or_else(|| panic!("there is no work `{list}`: there is {}", known()))
    }

    /// Whether a known bug is switched on.
    pub fn has_defect(&self, name: &str) -> bool {
        self.defects.iter().any(|defect| defect == name)
    }

    /// When the storm is over: from then on nothing is lost, everybody is up, and faults are healed.
    pub fn calm_begins(&self) -> Time {
        self.calm_begins
    }
}
