//! From a scenario to its text.

use crate::scenario::Scenario;
use rehearsal_sim::Fault;
use serde::Serialize;
use std::fmt::Write;

/// What stands above the sections.
#[derive(Serialize)]
struct Head<'a> {
    version: u32,
    system: &'a str,
    seed: u64,
    storm: rehearsal_sim::Span,
    calm: rehearsal_sim::Span,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    defects: &'a [String],
}

/// The keys of a fault that stand first: when, then what; how long and how often come last.
const FIRST: [&str; 9] =
    ["at", "after", "on", "crash", "crash_loop", "pause", "partition", "failed_sync", "full_disk"];

/// The scenario as TOML.
///
/// # Panics
/// When the seed is greater than 2⁶³ − 1, which no whole number of TOML can be.
pub fn write(scenario: &Scenario) -> String {
    let Scenario { version, ref system, seed, storm, calm, ref defects, .. } = *scenario;
    let head = Head { version, system, seed, storm, calm, defects };
    let mut text = toml::to_string(&head).expect("a scenario's head is plain values");
    section(&mut text, "network", &scenario.network);
    section(&mut text, "disk", &scenario.disk);
    section(&mut text, "topology", &scenario.topology);
    section(&mut text, system, &scenario.knobs);
    for fault in &scenario.faults {
        text.push_str("\n[[fault]]\n");
        write_fault(&mut text, fault);
    }
    text
}

fn section(text: &mut String, name: &str, content: &impl Serialize) {
    let value = toml::Value::try_from(content).expect("a section is plain values");
    if value.as_table().is_some_and(toml::Table::is_empty) {
        return;
    }
    write!(text, "\n[{name}]\n").expect("a string takes everything");
    // Through the serializer of the content itself, which keeps the order of its keys. It would head tables inside
    // with sections of their own, which are hard to read where there are many.
    let lines = toml::to_string(content).expect("a section is plain values");
    if !lines.lines().any(|line| line.starts_with('[')) {
        text.push_str(&lines);
        return;
    }
    for (key, value) in value.as_table().into_iter().flatten() {
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

fn write_fault(text: &mut String, fault: &Fault) {
    let table = toml::Table::try_from(fault).expect("a fault is a table");
    let rank = |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
    let mut lines: Vec<_> = table.iter().collect();
    lines.sort_by_key(|(key, _)| rank(key));
    for (key, value) in lines {
        writeln!(text, "{key} = {value}").expect("a string takes everything");
    }
}
