//! From a text to its scenario, or to what is wrong with it.

use super::place::Places;
use crate::registry::Registry;
use crate::scenario::{Scenario, ScenarioError, VERSION};
use crate::system::System;
use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::de::DeserializeOwned;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// Why a scenario file was not taken.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ScenarioFileError {
    /// The operating system gave no text.
    #[error("{} cannot be read", path.display())]
    #[diagnostic(
        code(scenario::not_readable),
        help(
            "check that it is a text file and that you may read it; `rehearsal scenario SYSTEM --seed N` writes one"
        )
    )]
    NotReadable {
        /// The file, as it was named.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something in it is wrong.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Refused(Box<RefusedScenario>),
}

/// What is wrong in a scenario file, and where.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{reason}")]
#[diagnostic(code(scenario::refused))]
pub struct RefusedScenario {
    /// What is wrong.
    pub reason: String,
    /// How to mend it.
    #[help]
    pub mend: String,
    /// The whole text.
    #[source_code]
    pub text: NamedSource<String>,
    /// Where it is wrong.
    #[label("here")]
    pub place: SourceSpan,
}

/// Reads a scenario file, and sees that its system can run it.
///
/// # Errors
/// [`ScenarioFileError`], at the first place that is wrong.
pub fn load(path: &Path) -> Result<(Arc<dyn System>, Scenario), ScenarioFileError> {
    load_among(&Registry::ours(), path)
}

/// As [`load`], where these are the systems.
///
/// # Errors
/// As [`load`].
pub fn load_among(systems: &Registry, path: &Path) -> Result<(Arc<dyn System>, Scenario), ScenarioFileError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ScenarioFileError::NotReadable { path: path.to_owned(), source })?;
    read_among(systems, &path.display().to_string(), &text)
}

/// As [`load`], from a text that is called `name`.
///
/// # Errors
/// [`ScenarioFileError::Refused`].
pub fn read(name: &str, text: &str) -> Result<(Arc<dyn System>, Scenario), ScenarioFileError> {
    read_among(&Registry::ours(), name, text)
}

/// As [`read`], where these are the systems.
///
/// # Errors
/// As [`read`].
pub fn read_among(
    systems: &Registry,
    name: &str,
    text: &str,
) -> Result<(Arc<dyn System>, Scenario), ScenarioFileError> {
    parse(systems, text).map_err(|refusal| {
        // An error at the end of a text is shown at its last character, so that there is one to show.
        let last = text.trim_end().len().saturating_sub(1);
        let Range { start, end } = refusal.place.unwrap_or(last..last + 1);
        let start = start.min(last);
        ScenarioFileError::Refused(Box::new(RefusedScenario {
            reason: refusal.reason,
            mend: refusal.mend,
            text: NamedSource::new(name, text.to_owned()).with_language("toml"),
            place: (start, end.saturating_sub(start).clamp(1, text.len().saturating_sub(start).max(1)))
                .into(),
        }))
    })
}

struct Refusal {
    reason: String,
    mend: String,
    place: Option<Range<usize>>,
}

fn refusal(reason: impl Into<String>, mend: impl Into<String>, place: Option<Range<usize>>) -> Refusal {
    Refusal { reason: reason.into(), mend: mend.into(), place }
}

/// What the world itself can find broken.
pub(crate) const OF_THE_WORLD: [&str; 4] = ["no-panic", "no-stall", "no-livelock", "clients-finish"];

/// Keys that mean the same in every file.
pub(crate) const SECTIONS: [&str; 15] = [
    "version",
    "system",
    "seed",
    "storm",
    "calm",
    "rest",
    "rarely",
    "beyond_promise",
    "defects",
    "repro",
    "schedule",
    "network",
    "disk",
    "topology",
    "fault",
];

fn parse(systems: &Registry, text: &str) -> Result<(Arc<dyn System>, Scenario), Refusal> {
    let root = DeTable::parse(text).map_err(|error| {
        let mend = "mend the TOML at this place; the file may have been cut off here";
        refusal(error.message(), mend, error.span())
    })?;
    let root = root.get_ref();
    let places = Places::new(root);
    let version: u32 = needed(&places, "version")?;
    let at = |error: ScenarioError| {
        refusal(format!("{}: {}", error.key, error.reason), error.mend, places.find(&error.key))
    };
    if version != VERSION {
        let reason = format!("this program reads version {VERSION}, the scenario is version {version}");
        let mend = "run it with the program that wrote it, or draw the seed again";
        return Err(at(ScenarioError::new("version", reason, mend)));
    }
    let name: String = needed(&places, "system")?;
    let system = systems.named(&name).ok_or_else(|| {
        let mend = format!("the systems are {}", systems.names().join(", "));
        at(ScenarioError::new("system", format!("there is no system `{name}`"), mend))
    })?;
    if let Some((key, _)) =
        root.iter().find(|(key, _)| !SECTIONS.contains(&key.get_ref().as_ref()) && *key.get_ref() != name)
    {
        let mend = format!("keys and sections are {} and {name}", SECTIONS.join(", "));
        return Err(refusal(format!("there is no key `{}`", key.get_ref()), mend, Some(key.span())));
    }
    let plain = system.plain().scenario;
    let scenario = Scenario {
        version,
        system: name.clone(),
        seed: needed(&places, "seed")?,
        storm: given(&places, "storm", plain.storm)?,
        calm: given(&places, "calm", plain.calm)?,
        rest: given(&places, "rest", plain.rest)?,
        rarely: given(&places, "rarely", plain.rarely)?,
        beyond_promise: given(&places, "beyond_promise", false)?,
        defects: given(&places, "defects", Vec::new())?,
        network: given(&places, "network", plain.network)?,
        disk: given(&places, "disk", plain.disk)?,
        schedule: given(&places, "schedule", plain.schedule)?,
        repro: places.value("repro").map(|value| typed("repro", value)).transpose()?,
        topology: filled(&places, "topology", plain.topology)?,
        knobs: filled(&places, &name, plain.knobs)?,
        faults: faults(&places)?,
    };
    check_repro(&*system, &scenario).map_err(at)?;
    system.check(&scenario).map_err(at)?;
    Ok((system, scenario))
}

/// Whether what the scenario is said to break is something that can be broken.
fn check_repro(system: &dyn System, scenario: &Scenario) -> Result<(), ScenarioError> {
    let Some(repro) = &scenario.repro else { return Ok(()) };
    let mut names: Vec<&str> = system.invariants().iter().map(|invariant| invariant.name).collect();
    names.extend(OF_THE_WORLD);
    if names.contains(&repro.breaks.as_str()) {
        return Ok(());
    }
    let reason = format!("there is no invariant `{}`", repro.breaks);
    Err(ScenarioError::new("repro.breaks", reason, format!("there are {}", names.join(", "))))
}

fn needed<T: DeserializeOwned>(places: &Places<'_>, key: &str) -> Result<T, Refusal> {
    let value = places.value(key).ok_or_else(|| {
        let mend =
            format!("write a line `{key} = …`; `rehearsal scenario SYSTEM --seed N` shows a whole one");
        refusal(format!("there is no key `{key}`"), mend, None)
    })?;
    typed(key, value)
}

fn given<T: DeserializeOwned>(places: &Places<'_>, key: &str, plain: T) -> Result<T, Refusal> {
    places.value(key).map_or(Ok(plain), |value| typed(key, value))
}

/// A section in which every key that is left out has its plain value.
fn filled(places: &Places<'_>, key: &str, plain: toml::Table) -> Result<toml::Table, Refusal> {
    let mut table = plain;
    table.extend(given(places, key, toml::Table::new())?);
    Ok(table)
}

fn faults<T: DeserializeOwned>(places: &Places<'_>) -> Result<Vec<T>, Refusal> {
    let Some(value) = places.value("fault") else { return Ok(Vec::new()) };
    let array = value.get_ref().as_array().ok_or_else(|| {
        refusal("fault: it is a list", "head every fault with a line `[[fault]]`", Some(value.span()))
    })?;
    let elements = array.iter().enumerate();
    elements.map(|(index, element)| typed(&format!("fault[{index}]"), element)).collect()
}

fn typed<T: DeserializeOwned>(key: &str, value: &Spanned<DeValue<'_>>) -> Result<T, Refusal> {
    T::deserialize(ValueDeserializer::from(value.clone())).map_err(|error| {
        let place = error.span().unwrap_or_else(|| value.span());
        let mend =
            "correct or take out what is marked; `rehearsal scenario SYSTEM --seed N` shows a whole scenario";
        refusal(format!("{key}: {}", error.message().trim()), mend, Some(place))
    })
}
