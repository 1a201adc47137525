//! Whole sections and single keys, back to plain.

use super::super::search::patience;
use super::super::simpler::{simpler, two_digits};
use super::{Edit, edit};
use crate::scenario::Scenario;
use crate::system::Plain;
use rehearsal_env::Time;
use rehearsal_sim::{DiskSettings, NetworkSettings, Span};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// The shortest storm and calm: long enough for a few requests.
const SHORTEST: Span = Span::seconds(1);
/// The shortest time that a knob is given to make things happen sooner.
const SHORTEST_KNOB: Span = Span::millis(10);
const MILLI: u64 = Span::millis(1).0;

/// The system's knobs, all at once and then one by one. Its lists are no knobs, and what goes with the number of nodes is
/// not raised again.
pub(super) fn knobs(plain: &Plain, scenario: &Scenario) -> Vec<Edit> {
    let is_lowered = |key: &str, plain_value: &Value| {
        let goes_with_nodes = plain.fewer.iter().any(|fewer| fewer.contains_key(key));
        goes_with_nodes && scenario.knobs.get(key).and_then(Value::as_integer) < plain_value.as_integer()
    };
    let knobs =
        plain.scenario.knobs.iter().filter(|(key, value)| !value.is_array() && !is_lowered(key, value));
    let all: Table = knobs.map(|(key, value)| (key.clone(), value.clone())).collect();
    let mut edits = Vec::new();
    for (key, plain) in &all {
        for value in scenario.knobs.get(key).map(|value| simpler(value, plain)).unwrap_or_default() {
            let key = key.clone();
            edits.push(edit(move |scenario| drop(scenario.knobs.insert(key.clone(), value.clone()))));
        }
    }
    let at_once = edit(move |scenario| scenario.knobs.extend(all.clone()));
    [at_once].into_iter().chain(edits).collect()
}

/// Each span among the knobs a tenth or half as long, by itself and, where it fails in the calm, with half of that: what is
/// judged at the end comes no sooner otherwise.
pub(super) fn sooner(scenario: &Scenario, fails_at: Time) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut calms = vec![scenario.calm];
    if !scenario.defects.is_empty() && fails_at.nanos() > scenario.storm.0 {
        // Only a run without the defects can show that half of it is enough.
        calms.push(Span(scenario.calm.0 / 2 / MILLI * MILLI));
    }
    for (key, value) in &scenario.knobs {
        let Some(span) = value.as_str().and_then(|text| text.parse::<Span>().ok()) else { continue };
        for shorter in [span.0 / 10, span.0 / 2].map(|nanos| Span(nanos / MILLI * MILLI)) {
            if shorter < SHORTEST_KNOB {
                continue;
            }
            for calm in calms.iter().copied() {
                let (key, value) = (key.clone(), Value::String(shorter.to_string()));
                edits.push(edit(move |scenario| {
                    scenario.calm = calm;
                    scenario.knobs.insert(key.clone(), value.clone());
                }));
            }
        }
    }
    edits
}

/// Links and disks: as the world has them when nothing is said, or with constant times; then key by key.
pub(super) fn world(plain: &Plain, scenario: &Scenario) -> Vec<Edit> {
    let (network, disk) = (plain.scenario.network, plain.scenario.disk);
    let mut edits = vec![
        edit(move |scenario| (scenario.network, scenario.disk) = (network, disk)),
        edit(move |scenario| scenario.network = network),
        edit(move |scenario| scenario.disk = disk),
    ];
    if scenario.schedule.is_drawn() {
        edits.push(edit(|scenario| {
            let NetworkSettings { latency_min, latency_max, links_differ, .. } = &mut scenario.network;
            (*latency_max, *links_differ) = (*latency_min, false);
        }));
        edits.push(edit(|scenario| {
            let DiskSettings { access_min, access_max, sync_min, sync_max } = &mut scenario.disk;
            (*access_max, *sync_max) = (*access_min, *sync_min);
        }));
    }
    edits.extend(settings(&network, &scenario.network, |scenario, network| scenario.network = network));
    edits.extend(settings(&disk, &scenario.disk, |scenario, disk| scenario.disk = disk));
    edits
}

/// Single keys of a section that has a type of its own.
fn settings<T: Serialize + DeserializeOwned + Copy + 'static>(
    plain: &T,
    present: &T,
    put: fn(&mut Scenario, T),
) -> Vec<Edit> {
    let table = |settings: &T| Table::try_from(settings).expect("settings are a table");
    let (plain, present) = (table(plain), table(present));
    let mut edits = Vec::new();
    for (key, value) in &present {
        let simpler = simpler(value, &plain[key]);
        // A fault that is rarer is harder to find again, and no plainer.
        let kept = if value.is_integer() { 1 } else { simpler.len() };
        for value in simpler.into_iter().take(kept) {
            let mut changed = present.clone();
            changed.insert(key.clone(), value);
            if let Ok(settings) = Value::Table(changed).try_into::<T>() {
                edits.push(edit(move |scenario| put(scenario, settings)));
            }
        }
    }
    edits
}

/// A storm that is not longer than proposals are waited for, and a shorter calm. The storm is not made shorter than that as long
/// as anything else can be left out, since chances to fail go with it.
pub(super) fn afterwards(scenario: &Scenario, fails_at: Time) -> Vec<Edit> {
    if scenario.defects.is_empty() {
        return Vec::new();
    }
    let until = patience(fails_at);
    let storms = shorter(scenario.storm, &[until]).into_iter();
    let calms = shorter(scenario.calm, &[part(scenario.calm, 2), part(scenario.calm, 4)]).into_iter();
    let storms = storms.map(|storm| edit(move |scenario| scenario.storm = storm));
    storms.chain(calms.map(|calm| edit(move |scenario| scenario.calm = calm))).collect()
}

/// So many eighths of a span.
fn part(span: Span, eighths: u64) -> Span {
    Span(span.0 / 8 * eighths)
}

/// Those of the spans that are shorter than this one, in two digits.
fn shorter(span: Span, parts: &[Span]) -> Vec<Span> {
    let parts = parts.iter().map(|part| two_digits((*part).max(SHORTEST)));
    parts.filter(|part| *part < span).collect()
}

/// Both shorter. Any system fails that is given too little time, so they are made shorter only where a run without the
/// defects can show that there is enough; elsewhere they become plain if that gives more.
pub(super) fn storm(plain: &Plain, scenario: &Scenario) -> Vec<Edit> {
    let Scenario { storm, calm, rest, .. } = *scenario;
    let (plain_storm, plain_calm) = (plain.scenario.storm, plain.scenario.calm);
    if scenario.defects.is_empty() {
        let gives_more = storm <= plain_storm && calm <= plain_calm;
        let to_plain = edit(move |scenario| (scenario.storm, scenario.calm) = (plain_storm, plain_calm));
        return if gives_more { vec![to_plain] } else { Vec::new() };
    }
    let storms = [SHORTEST, part(storm, 1), part(storm, 2), part(storm, 4), part(storm, 6)];
    let calms = [SHORTEST, part(calm, 1), part(calm, 2), part(calm, 4), part(calm, 6)];
    let storms =
        shorter(storm, &storms).into_iter().map(|storm| edit(move |scenario| scenario.storm = storm));
    let calms = shorter(calm, &calms).into_iter().map(|calm| edit(move |scenario| scenario.calm = calm));
    let restless = rest.map(|_| edit(move |scenario| scenario.rest = None));
    storms.chain(calms).chain(restless).collect()
}
