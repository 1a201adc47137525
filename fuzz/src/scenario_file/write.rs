//! From a scenario to its text.

use crate::repro::Repro;
use crate::scenario::Scenario;
use crate::schedule::Schedule;
use crate::system::Plain;
use rehearsal_sim::{Deviation, Fault, Span};
use serde::Serialize;
use std::fmt::Write;

/// What stands above the sections.
#[derive(Serialize)]
struct Head<'a> {
    version: u32,
    system: &'a str,
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    storm: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calm: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rest: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rarely: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    beyond_promise: bool,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    defects: &'a [String],
}

/// The keys of a fault that stand first: when, then what; how long and how often come last.
const FIRST: [&str; 26] = [
    "at",
    "after",
    "on",
    "crash",
    "crash_loop",
    "pause",
    "partition",
    "failed_sync",
    "full_disk",
    "slow_disk",
    "slow_node",
    "failed_read",
    "failed_write",
    "dropped_sync",
    "bit_rot",
    "clock_drift",
    "clock_step",
    "suspend",
    "lost_disk",
    "bridge",
    "ring",
    "isolate",
    "zones_cut",
    "slow_link",
    "reset_link",
    "zone_lost",
];

/// The scenario as TOML, with every key there is.
///
/// # Panics
/// When the seed is greater than 2⁶³ − 1, which no whole number of TOML can be.
pub fn write(scenario: &Scenario) -> String {
    write_without(scenario, None)
}

/// The scenario as TOML, without the keys that have their plain values: reading fills them in again.
///
/// # Panics
/// As [`write()`].
pub fn write_brief(scenario: &Scenario, plain: &Plain) -> String {
    write_without(scenario, Some(&plain.scenario))
}

/// As [`write_brief`], with what each deviation is about beside it as a comment.
///
/// # Panics
/// As [`write()`].
pub fn write_repro(
    scenario: &Scenario,
    plain: &Plain,
    in_words: impl Fn(&Deviation) -> Option<String>,
) -> String {
    let mut text = write_brief(scenario, plain);
    for deviation in &scenario.schedule.deviations {
        let Some(words) = in_words(deviation) else { continue };
        let line =
            format!("    {},\n", toml::Value::try_from(deviation).expect("a deviation is plain values"));
        text = text.replacen(&line, &format!("    # {words}\n{line}"), 1);
    }
    text
}

fn write_without(scenario: &Scenario, plain: Option<&Scenario>) -> String {
    let Scenario {
        version, ref system, seed, storm, calm, rest, rarely, beyond_promise, ref defects, ..
    } = *scenario;
    let unless_plain =
        |span: Span, of: fn(&Scenario) -> Span| plain.is_none_or(|plain| of(plain) != span).then_some(span);
    let storm = unless_plain(storm, |plain| plain.storm);
    let calm = unless_plain(calm, |plain| plain.calm);
    let rarely = (rarely > 0).then_some(rarely);
    let head = Head { version, system, seed, storm, calm, rest, rarely, beyond_promise, defects };
    let mut text = toml::to_string(&head).expect("a scenario's head is plain values");
    if let Some(repro) = &scenario.repro {
        section::<Repro>(&mut text, "repro", repro, None);
    }
    if !scenario.schedule.goes_by_time() {
        section::<Schedule>(&mut text, "schedule", &scenario.schedule, None);
    }
    section(&mut text, "network", &scenario.network, plain.map(|plain| &plain.network));
    section(&mut text, "disk", &scenario.disk, plain.map(|plain| &plain.disk));
    section(&mut text, "topology", &scenario.topology, plain.map(|plain| &plain.topology));
    section(&mut text, system, &scenario.knobs, plain.map(|plain| &plain.knobs));
    for fault in &scenario.faults {
        text.push_str("\n[[fault]]\n");
        write_fault(&mut text, fault);
    }
    text
}

fn table(content: &impl Serialize) -> toml::Table {
    toml::Table::try_from(content).expect("a section is plain values")
}

fn section<T: Serialize>(text: &mut String, name: &str, content: &T, plain: Option<&T>) {
    let plain = plain.map(table).unwrap_or_default();
    let is_plain = |key: &str, value: &toml::Value| match plain.get(key) {
        Some(plain) => plain == value,
        None => value.as_array().is_some_and(Vec::is_empty),
    };
    let table = table(content);
    if table.iter().all(|(key, value)| is_plain(key, value)) {
        return;
    }
    write!(text, "\n[{name}]\n").expect("a string takes everything");
    for key in keys(content, &table) {
        let value = &table[&key];
        if is_plain(&key, value) {
            continue;
        }
        match value.as_array() {
            Some(list) if list.iter().any(toml::Value::is_table) => {
                writeln!(text, "{key} = [").expect("a string takes everything");
                list.iter()
                    .for_each(|entry| writeln!(text, "    {entry},").expect("a string takes everything"));
                text.push_str("]\n");
            }
            _ => writeln!(text, "{key} = {value}").expect("a string takes everything"),
        }
    }
}

/// The keys of a section in the order in which it declares them, as far as its text shows it; the library sorts the
/// keys of a table.
fn keys(content: &impl Serialize, table: &toml::Table) -> Vec<String> {
    let text = toml::to_string(content).expect("a section is plain values");
    let first_words = text.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned());
    let mut keys: Vec<String> = Vec::new();
    for key in first_words.chain(table.keys().cloned()) {
        if table.contains_key(&key) && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn write_fault(text: &mut String, fault: &Fault) {
    let table = toml::Table::try_from(fault).expect("a fault is a table");
    let rank = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
    let mut lines: Vec<_> = table.iter().collect();
    lines.sort_by_key(|(key, _)| rank(key));
    for (key, value) in lines {
        writeln!(text, "{key} = {value}").expect("a string takes everything");
    }
}
