//! The data that defines a run.

use crate::bookings::row::BookingRow;
use crate::repro::Repro;
pub use crate::schedule::Schedule;
use crate::system::Defect;
use rehearsal_sim::{DiskSettings, Ends, Fault, NetworkSettings, Settings, Span, Trigger};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The version of the scenario format that this program writes and reads.
pub const VERSION: u32 = 1;

/// Everything that a run depends on. The same scenario always gives the same run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Version of the format.
    pub version: u32,
    /// The system's name.
    pub system: String,
    /// Where every chance comes from.
    pub seed: u64,
    /// How long faults may strike.
    pub storm: Span,
    /// How long the system then has to come to rest.
    pub calm: Span,
    /// If given, the calm ends before its time when everything has been at rest for so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Span>,
    /// Of the rare branches that the system offers, the share that is taken during the storm, out of 100,000.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rarely: u32,
    /// Whether faults may strike that the system does not promise to survive; what it gives up under them is not judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beyond_promise: bool,
    /// Known bugs that are switched on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<String>,
    /// How the links behave.
    #[serde(default)]
    pub network: NetworkSettings,
    /// How the disks behave.
    #[serde(default)]
    pub disk: DiskSettings,
    /// Who decides what the rest of the scenario leaves open.
    #[serde(default, skip_serializing_if = "Schedule::goes_by_time")]
    pub schedule: Schedule,
    /// What is known of it when it is a repro; no part of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repro: Option<Repro>,
    /// How many nodes of each kind there are: a section of the system's own.
    #[serde(default)]
    pub topology: toml::Table,
    /// The system's knobs and workload: in a file, the section with the system's name.
    #[serde(default)]
    pub knobs: toml::Table,
    /// What strikes when.
    #[serde(default, rename = "fault", skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

fn is_zero(share: &u32) -> bool {
    *share == 0
}

/// A key of a scenario that is unknown or has an impossible value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct ScenarioError {
    /// The key with its sections, as `reservation.strategy`.
    pub key: String,
    /// What is wrong with it.
    pub reason: String,
    /// How to mend it.
    pub mend: String,
}

impl ScenarioError {
    /// An error at this key.
    pub fn new(key: impl Into<String>, reason: impl Into<String>, mend: impl Into<String>) -> ScenarioError {
        ScenarioError { key: key.into(), reason: reason.into(), mend: mend.into() }
    }
}

/// Keys fixed from outside (`--set KEY=VALUE`, `--defect NAME`), before a scenario is drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Dotted keys with their values, in the order given.
    pub values: Vec<(String, toml::Value)>,
    /// Defects to switch on.
    pub defects: Vec<String>,
    /// Bookings to replay in place of drawn ones, for the system that has bookings.
    pub bookings: Option<Arc<[BookingRow]>>,
}

impl Overrides {
    /// Puts the values under `section.` into `knobs`, and gives back the typed whole. Every knob must be
    /// present in the serialized form of `knobs`, so that a misspelt one is refused.
    ///
    /// # Errors
    /// An unknown key (with the known ones), or a value of the wrong type.
    pub fn apply<T: Serialize + DeserializeOwned>(
        &self,
        section: &str,
        knobs: T,
    ) -> Result<T, ScenarioError> {
        let mut table = toml::Table::try_from(&knobs).expect("knobs are a table");
        for (key, value) in &self.values {
            let Some(name) = key.strip_prefix(section).and_then(|rest| rest.strip_prefix('.')) else {
                continue;
            };
            let known: Vec<&str> = table.keys().map(String::as_str).collect();
            if !table.contains_key(name) {
                let mend = format!("the keys of [{section}] are {}", known.join(", "));
                return Err(ScenarioError::new(key, "there is no such key", mend));
            }
            table.insert(name.to_owned(), value.clone());
        }
        typed(&table, section)
    }

    /// Puts the values into a scenario that is there already.
    ///
    /// # Errors
    /// As [`apply`](Overrides::apply).
    pub fn amend(&self, scenario: &mut Scenario) -> Result<(), ScenarioError> {
        let system = scenario.system.clone();
        self.refuse_unknown(&["network", "disk", "topology", &system])?;
        scenario.schedule.amend(self)?;
        scenario.storm = self.top_span("storm", scenario.storm)?;
        scenario.calm = self.top_span("calm", scenario.calm)?;
        scenario.rest = self.rest(scenario.rest)?;
        scenario.rarely = self.rarely(scenario.rarely)?;
        scenario.beyond_promise = self.beyond_promise(scenario.beyond_promise)?;
        scenario.network = self.apply("network", scenario.network)?;
        scenario.disk = self.apply("disk", scenario.disk)?;
        scenario.topology = self.apply("topology", std::mem::take(&mut scenario.topology))?;
        scenario.knobs = self.apply(&system, std::mem::take(&mut scenario.knobs))?;
        scenario.defects.extend(self.defects.iter().cloned());
        scenario.defects.dedup();
        Ok(())
    }

    /// The value given for one of the keys outside all sections, as `storm`.
    pub fn top(&self, key: &str) -> Option<&toml::Value> {
        self.values.iter().rev().find(|(given, _)| given == key).map(|(_, value)| value)
    }

    /// As [`apply`](Overrides::apply), for a span outside all sections.
    ///
    /// # Errors
    /// A value that is no span.
    pub fn top_span(&self, key: &str, otherwise: Span) -> Result<Span, ScenarioError> {
        let Some(value) = self.top(key) else { return Ok(otherwise) };
        let mend = "write a number and a unit in quotes, as \"30s\"";
        let text = value.as_str().ok_or_else(|| ScenarioError::new(key, "it is no span of time", mend))?;
        text.parse().map_err(|error| ScenarioError::new(key, format!("{error}"), mend))
    }

    /// The value given for `rest`, if any: one of 0 stands for none.
    ///
    /// # Errors
    /// A value that is no span.
    pub fn rest(&self, otherwise: Option<Span>) -> Result<Option<Span>, ScenarioError> {
        let given = self.top("rest").map(|_| self.top_span("rest", Span(0))).transpose()?;
        Ok(given.map_or(otherwise, |rest| (rest > Span(0)).then_some(rest)))
    }

    /// The value given for `rarely`, if any.
    ///
    /// # Errors
    /// A value that is no share.
    pub fn rarely(&self, otherwise: u32) -> Result<u32, ScenarioError> {
        let Some(value) = self.top("rarely") else { return Ok(otherwise) };
        let share = value.as_integer().and_then(|share| u32::try_from(share).ok());
        let mend = "write a whole number out of 100,000, as 2000";
        share.ok_or_else(|| ScenarioError::new("rarely", format!("`{value}` is no share"), mend))
    }

    /// The value given for `beyond_promise`, if any.
    ///
    /// # Errors
    /// A value that is neither true nor false.
    pub fn beyond_promise(&self, otherwise: bool) -> Result<bool, ScenarioError> {
        let Some(value) = self.top("beyond_promise") else { return Ok(otherwise) };
        value.as_bool().ok_or_else(|| {
            ScenarioError::new("beyond_promise", "it is neither true nor false", "write one of the two")
        })
    }

    /// Refuses keys that belong to no section and are none of the known ones outside all sections.
    ///
    /// # Errors
    /// The first unknown key.
    pub fn refuse_unknown(&self, sections: &[&str]) -> Result<(), ScenarioError> {
        for (key, _) in &self.values {
            let known = match key.split_once('.') {
                Some((section, _)) => section == "schedule" || sections.contains(&section),
                None => ["storm", "calm", "rest", "rarely", "beyond_promise"].contains(&key.as_str()),
            };
            if !known {
                let sections = sections.join(", ");
                let mend = format!(
                    "keys are storm, calm, rest, rarely, beyond_promise, and those of the sections schedule, {sections}"
                );
                return Err(ScenarioError::new(key, "there is no such key", mend));
            }
        }
        Ok(())
    }
}

/// A section of a scenario as the type that the system gives it.
///
/// # Errors
/// What the section's type refuses; `key` says where.
pub fn typed<T: DeserializeOwned>(section: &toml::Table, key: &str) -> Result<T, ScenarioError> {
    section.clone().try_into().map_err(|error: toml::de::Error| {
        // The library tells the key in words alone.
        let told = error.to_string();
        let reason = error.message().trim().to_owned();
        let quoted = |before: &str| {
            told.split_once(before)?.1.split_once('`').map(|(name, _)| format!("{key}.{name}"))
        };
        if let Some(unknown) = quoted("unknown field `") {
            let known = reason.split_once("expected ").map_or("none", |(_, known)| known);
            let mend = format!("it has {}", known.trim_start_matches("one of "));
            return ScenarioError::new(unknown, "there is no such key", mend);
        }
        let place = quoted("\nin `").unwrap_or_else(|| key.to_owned());
        ScenarioError::new(place, reason, "`rehearsal scenario SYSTEM --seed N` shows a whole scenario")
    })
}

/// What stands in a section beside its lists. Serde cannot refuse unknown keys where it flattens, so these are read apart.
///
/// # Errors
/// As [`typed`].
pub fn typed_beside<T: DeserializeOwned>(
    section: &toml::Table,
    key: &str,
    lists: &[&str],
) -> Result<T, ScenarioError> {
    let beside = section.iter().filter(|(key, _)| !lists.contains(&key.as_str()));
    let beside: toml::Table = beside.map(|(key, value)| (key.clone(), value.clone())).collect();
    typed(&beside, key)
}

/// A list in the section of this key; none is an empty one.
///
/// # Errors
/// It is no list of tables, or what an entry's type refuses; the key says which entry.
pub fn list<T: DeserializeOwned>(
    section: &toml::Table,
    key: &str,
    list: &str,
) -> Result<Vec<T>, ScenarioError> {
    let path = format!("{key}.{list}");
    let entries = match section.get(list) {
        None => return Ok(Vec::new()),
        Some(toml::Value::Array(entries)) => entries,
        Some(_) => {
            let mend = "write a list of tables, as [{ … }, { … }]";
            return Err(ScenarioError::new(path, "it is no list", mend));
        }
    };
    let read = |(index, entry): (usize, &toml::Value)| match entry {
        toml::Value::Table(table) => typed(table, &format!("{path}[{index}]")),
        _ => {
            let mend = "write it as a table, as { … }";
            Err(ScenarioError::new(format!("{path}[{index}]"), "it is no table", mend))
        }
    };
    entries.iter().enumerate().map(read).collect()
}

impl Scenario {
    /// The settings of its world.
    pub fn settings(&self) -> Settings {
        Settings {
            storm: self.storm,
            calm: self.calm,
            network: self.network,
            disk: self.disk,
            faults: self.faults.clone(),
            rarely: self.rarely,
            ..Settings::default()
        }
    }

    /// Whether a known bug is switched on.
    pub fn has_defect(&self, name: &str) -> bool {
        self.defects.iter().any(|defect| defect == name)
    }

    /// What is impossible whatever the system: refused with the mend.
    ///
    /// # Errors
    /// The first impossible value.
    pub fn check_world(&self) -> Result<(), ScenarioError> {
        let refuse = |key: &str, reason: &str, mend: &str| Err(ScenarioError::new(key, reason, mend));
        if self.version != VERSION {
            let reason =
                format!("this program reads version {VERSION}, the scenario is version {}", self.version);
            return refuse(
                "version",
                &reason,
                "run it with the program that wrote it, or draw the seed again",
            );
        }
        if self.storm == Span(0) {
            return refuse(
                "storm",
                "a storm of 0 leaves no time for anything",
                "give it some seconds, as \"30s\"",
            );
        }
        if self.calm == Span(0) {
            return refuse(
                "calm",
                "a calm of 0 gives no time to come to rest",
                "give it some seconds, as \"10s\"",
            );
        }
        if self.rest == Some(Span(0)) {
            return refuse(
                "rest",
                "nothing is known to be at rest that was not looked at for some time",
                "give it some seconds, as \"6s\", or leave it out",
            );
        }
        if self.rarely > 100_000 {
            let mend = "it counts rare branches out of 100,000: write at most 100000";
            return refuse("rarely", "more than all rare branches", mend);
        }
        self.schedule.check()?;
        let network = &self.network;
        if network.latency_min > network.latency_max {
            return refuse("network.latency_min", "it is longer than latency_max", "let min be at most max");
        }
        for (key, share) in
            [("loss", network.loss), ("duplication", network.duplication), ("delay", network.delay)]
        {
            if share > 100_000 {
                let mend = "it counts messages out of 100,000: write at most 100000";
                return refuse(&format!("network.{key}"), "more than all messages", mend);
            }
        }
        let disk = &self.disk;
        if disk.access_min > disk.access_max || disk.sync_min > disk.sync_max {
            return refuse(
                "disk",
                "a shortest time is longer than the longest",
                "let each min be at most its max",
            );
        }
        Ok(())
    }

    /// Whether every defect is one of the system's.
    ///
    /// # Errors
    /// The first that is not, with those there are.
    pub fn check_defects(&self, known: &[Defect]) -> Result<(), ScenarioError> {
        let names: Vec<&str> = known.iter().map(|defect| defect.name).collect();
        for (index, name) in self.defects.iter().enumerate() {
            if !names.contains(&name.as_str()) {
                let reason = format!("{} has no defect `{name}`", self.system);
                let mend = format!("its defects are {}", names.join(", "));
                return Err(ScenarioError::new(format!("defects[{index}]"), reason, mend));
            }
        }
        Ok(())
    }

    /// Whether every fault can strike: its nodes exist, and the kind of fact it waits for does.
    ///
    /// # Errors
    /// The first name that nobody has, with those there are.
    pub fn check_faults(&self, nodes: &[String], facts: &[&str]) -> Result<(), ScenarioError> {
        for (index, fault) in self.faults.iter().enumerate() {
            let key = format!("fault[{index}]");
            if let Some(name) =
                fault.blow.nodes().into_iter().find(|name| !nodes.iter().any(|node| node == name))
            {
                let mend = format!("the nodes are {}", nodes.join(", "));
                return Err(ScenarioError::new(key, format!("there is no node `{name}`"), mend));
            }
            if let Trigger::On { fact, .. } = &fault.trigger
                && !facts.contains(&fact.as_str())
            {
                let mend = format!("the facts are {}", facts.join(", "));
                return Err(ScenarioError::new(
                    format!("{key}.on"),
                    format!("there is no fact `{fact}`"),
                    mend,
                ));
            }
        }
        Ok(())
    }

    /// How its run ends.
    pub fn ends(&self) -> Ends {
        self.rest.map_or(Ends::AfterTheCalm, |rest| Ends::AtRest(rest.duration()))
    }
}
