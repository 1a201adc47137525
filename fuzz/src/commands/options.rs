//! What several commands take: `--set KEY=VALUE` and `--defect NAME`.

use crate::registry::Registry;
use crate::scenario::{Overrides, ScenarioError};
use crate::system::{Defect, System};
use crate::verdict::Failure;
use clap::Args;
use std::str::FromStr;
use std::sync::Arc;

/// What is fixed in the scenarios.
#[derive(Clone, Debug, Default, Args)]
pub struct Fixed {
    /// Fix a key of the scenario, as `network.loss=500`, `storm=5s` or `counter.requests=20`; `rehearsal scenario`
    /// shows the keys. May be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<Setting>,
    /// Switch on a known bug; `rehearsal defects` lists them. May be given several times.
    #[arg(long, value_name = "NAME")]
    pub defect: Vec<String>,
}

/// A key and the value it gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// With its section, as `network.loss`.
    pub key: String,
    /// As TOML has it; a bare word is a string.
    pub value: toml::Value,
}

/// A text that is no setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no setting: write KEY=VALUE, as `network.loss=500` or `storm=5s`")]
pub struct NoSetting(String);

impl FromStr for Setting {
    type Err = NoSetting;

    fn from_str(text: &str) -> Result<Setting, NoSetting> {
        let (key, value) = text.split_once('=').ok_or_else(|| NoSetting(text.to_owned()))?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() || value.is_empty() || value.contains('\n') {
            return Err(NoSetting(text.to_owned()));
        }
        let parsed = toml::from_str::<toml::Table>(&format!("value = {value}"));
        let parsed = parsed.ok().and_then(|mut table| table.remove("value"));
        let value = parsed.unwrap_or_else(|| toml::Value::String(value.to_owned()));
        Ok(Setting { key: key.to_owned(), value })
    }
}

/// A system, and what is fixed in its scenarios.
pub struct Chosen {
    /// The system.
    pub system: Arc<dyn System>,
    /// What is fixed.
    pub overrides: Overrides,
}

impl Fixed {
    /// The systems of these names, or all, each with what is fixed for it. A setting in the section of one system
    /// is no matter to the others, and a defect leaves out the systems that do not have it unless they are named.
    ///
    /// # Errors
    /// A system or a defect that is unknown.
    pub fn choose(&self, systems: &Registry, names: &[String]) -> Result<Vec<Chosen>, Failure> {
        let chosen = if names.is_empty() { systems.all().to_vec() } else { named(systems, names)? };
        let all_names: Vec<&str> = chosen.iter().map(|system| system.name()).collect();
        let borrowed: Vec<&dyn System> = chosen.iter().map(|system| &**system).collect();
        for name in &self.defect {
            if !borrowed.iter().any(|system| find(*system, name).is_some()) {
                return Err(unknown_defect(name, &borrowed));
            }
        }
        if !names.is_empty() {
            borrowed.iter().try_for_each(|system| self.check_defects(*system))?;
        }
        let has_all = |system: &dyn System| self.defect.iter().all(|name| find(system, name).is_some());
        let concerned = |system: &dyn System, key: &str| {
            let section = key.split('.').next().unwrap_or(key);
            section == system.name() || !all_names.contains(&section)
        };
        let mut fixed = Vec::new();
        for system in chosen.iter().filter(|system| has_all(&***system)) {
            let mut overrides = self.overrides_for(&**system);
            overrides.values.retain(|(key, _)| concerned(&**system, key));
            fixed.push(overrides);
        }
        let systems = chosen.into_iter().filter(|system| has_all(&**system));
        Ok(systems.zip(fixed).map(|(system, overrides)| Chosen { system, overrides }).collect())
    }

    /// Whether a system has all the defects that are asked for.
    ///
    /// # Errors
    /// The first that it does not have.
    pub fn check_defects(&self, system: &dyn System) -> Result<(), Failure> {
        match self.defect.iter().find(|name| find(system, name).is_none()) {
            Some(name) => Err(unknown_defect(name, &[system])),
            None => Ok(()),
        }
    }

    /// What is fixed for one system: first what its defects need, then what was asked for, which wins.
    pub fn overrides_for(&self, system: &dyn System) -> Overrides {
        let needs = self.defect.iter().filter_map(|name| find(system, name)).flat_map(|defect| defect.needs);
        let needs = needs.map(|need| need.parse::<Setting>().expect("a defect needs KEY=VALUE"));
        let values = needs.chain(self.set.iter().cloned()).map(|setting| (setting.key, setting.value));
        Overrides { values: values.collect(), defects: self.defect.clone(), ..Overrides::default() }
    }
}

fn find<'a>(system: &'a dyn System, name: &str) -> Option<&'a Defect> {
    system.defects().iter().find(|defect| defect.name == name)
}

fn named(systems: &Registry, names: &[String]) -> Result<Vec<Arc<dyn System>>, Failure> {
    let mut chosen: Vec<Arc<dyn System>> = Vec::new();
    for name in names {
        if !chosen.iter().any(|system| system.name() == name) {
            chosen.push(known(systems, name)?);
        }
    }
    Ok(chosen)
}

/// The system of this name.
///
/// # Errors
/// There is none.
pub fn known(systems: &Registry, name: &str) -> Result<Arc<dyn System>, Failure> {
    systems.named(name).ok_or_else(|| {
        let mend = format!("the systems are {}; `rehearsal systems` says more", systems.names().join(", "));
        Failure::misuse(format!("there is no system `{name}`"), mend)
    })
}

fn unknown_defect(name: &str, systems: &[&dyn System]) -> Failure {
    let names: Vec<&str> = systems.iter().map(|system| system.name()).collect();
    let known = systems.iter().flat_map(|system| system.defects());
    let known: Vec<&str> = known.map(|defect| defect.name).collect();
    let what = format!("there is no defect `{name}` in {}", names.join(", "));
    Failure::misuse(what, format!("there are {}; `rehearsal defects` says more", known.join(", ")))
}

/// A key that cannot be, as the command line gave it.
pub fn refused(error: ScenarioError) -> Failure {
    Failure::misuse(error.to_string(), error.mend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::Value;

    #[test]
    fn a_setting_is_a_value_of_toml_and_a_bare_word_is_text() {
        let value = |text: &str| text.parse::<Setting>().map(|setting| setting.value);
        assert_eq!(value("a.b=5"), Ok(Value::Integer(5)));
        assert_eq!(value("a.b=true"), Ok(Value::Boolean(true)));
        assert_eq!(value("a.b=5s"), Ok(Value::String("5s".to_owned())));
        assert_eq!(value("a.b=optimistic"), Ok(Value::String("optimistic".to_owned())));
        assert_eq!(value("a.b=\"5\""), Ok(Value::String("5".to_owned())));
        assert_eq!(value("a.b=x=y"), Ok(Value::String("x=y".to_owned())));
    }

    #[test]
    fn what_has_no_key_or_no_value_is_no_setting() {
        for text in ["", "a", "=5", "a=", "a=1\nb=2"] {
            assert_eq!(text.parse::<Setting>(), Err(NoSetting(text.to_owned())));
        }
    }
}
