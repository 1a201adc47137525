//! `rehearsal systems`: what there is to rehearse.

use super::{Format, print_json};
use crate::atlas::{Beyond, Family};
use crate::paint::Paint;
use crate::registry::Registry;
use crate::system::{Invariant, System};
use crate::verdict::{Outcome, Verdict, print};
use clap::Args;
use rehearsal_env::Marker;
use serde::Serialize;
use std::fmt::Write;
use std::io;

/// What `systems` takes.
#[derive(Clone, Debug, Args)]
pub struct SystemsOptions {
    /// For whom to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Serialize)]
struct SystemsJson<'a> {
    command: &'static str,
    systems: Vec<SystemJson<'a>>,
}

#[derive(Serialize)]
struct SystemJson<'a> {
    system: &'static str,
    summary: &'static str,
    invariants: Vec<InvariantJson>,
    markers: &'a [Marker],
    defects: Vec<&'static str>,
    /// The families of faults that it promises to survive.
    survives: Vec<Family>,
    /// Those that it does not.
    beyond: &'static [Beyond],
}

#[derive(Serialize)]
struct InvariantJson {
    #[serde(flatten)]
    invariant: Invariant,
    /// How much of a run it has to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
}

/// Runs the command.
///
/// # Errors
/// Standard output that takes nothing.
pub fn systems(options: &SystemsOptions, systems: &Registry) -> Outcome {
    let told = systems.all().iter().map(|system| SystemJson {
        system: system.name(),
        summary: system.summary(),
        invariants: invariants(&**system),
        markers: system.markers(),
        defects: system.defects().iter().map(|defect| defect.name).collect(),
        survives: survived(&**system),
        beyond: system.beyond(),
    });
    let told: Vec<SystemJson<'_>> = told.collect();
    match options.format {
        Format::Json => print_json(&SystemsJson { command: "systems", systems: told })?,
        Format::Human => print(&words(&told, Paint::of(&io::stdout())))?,
    }
    Ok(Verdict::Held)
}

fn invariants(system: &dyn System) -> Vec<InvariantJson> {
    let scopes = system.scopes();
    let scope = |invariant: &Invariant| scopes.get(invariant.name).map(|scope| scope.name());
    let all = system.invariants().iter();
    all.map(|invariant| InvariantJson { invariant: *invariant, scope: scope(invariant) }).collect()
}

fn survived(system: &dyn System) -> Vec<Family> {
    let is_beyond = |family: &Family| system.beyond().iter().any(|beyond| beyond.family == *family);
    Family::all().filter(|family| !is_beyond(family)).collect()
}

/// The atlas: what the system survives, and what it does not, with the reason.
fn atlas(system: &SystemJson) -> String {
    let mut text = "\n  it promises so whatever strikes of\n".to_owned();
    for family in &system.survives {
        writeln!(text, "    {:<26} {}", family.name(), family.says()).expect("a string");
    }
    for Beyond { family, because, gives_up } in system.beyond {
        let given_up = if gives_up.is_empty() { "nothing".to_owned() } else { gives_up.join(", ") };
        writeln!(text, "  but not of\n    {:<26} {because}; it gives up {given_up}", family.name())
            .expect("a string");
    }
    text
}

fn words(systems: &[SystemJson<'_>], paint: Paint) -> String {
    let mut text = String::new();
    for system in systems {
        write!(text, "{}: {}\n\n  it promises\n", paint.bold(system.system), system.summary)
            .expect("a string");
        for InvariantJson { invariant, scope } in &system.invariants {
            let scope = scope.map(|scope| format!(" ({scope})")).unwrap_or_default();
            writeln!(text, "    {:<26} {}{scope}", invariant.name, invariant.says).expect("a string");
        }
        text.push_str(&atlas(system));
        text.push_str("\n  a campaign must have seen\n");
        for marker in system.markers {
            writeln!(text, "    {marker}").expect("a string");
        }
        write!(text, "\n  known bugs to switch on: {}\n\n", system.defects.join(", ")).expect("a string");
    }
    text
}
