//! `rehearsal bookings`: a file of real bookings through the whole reservation system, without faults.

use super::{Format, print_json};
use crate::bookings::capacity::CapacityScale;
use crate::bookings::file::read;
use crate::bookings::reference::Replay;
use crate::bookings::replay::{ReplayOptions, Replayed, replay};
use crate::paint::Paint;
use crate::report::figures::{grouped, spell_seconds};
use crate::report::table::table;
use crate::verdict::{Failure, Outcome, Verdict, print};
use clap::Args;
use rehearsal_env::Violation;
use rehearsal_model::reservation::knobs::{Knobs, StrategyName};
use rehearsal_sim::Digest;
use serde::Serialize;
use std::fmt::Write;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What `bookings` takes.
#[derive(Clone, Debug, Args)]
pub struct BookingsOptions {
    /// The bookings: CSV, plain or gzip.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Make every hotel smaller or larger by this factor, as `0.4`.
    #[arg(long, value_name = "X", default_value_t = CapacityScale::ONE)]
    pub capacity_scale: CapacityScale,
    /// How the servers keep two guests from taking one room.
    #[arg(long, value_name = "NAME", default_value = Knobs::default().strategy.text(), value_parser = strategy)]
    pub strategy: StrategyName,
    /// One booking after the other, as in a hotel with one clerk; without it the bookings of a day race each other.
    #[arg(long)]
    pub sequential: bool,
    /// For whom to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// The strategy of this name.
fn strategy(name: &str) -> Result<StrategyName, String> {
    let known: Vec<&str> = StrategyName::ALL.iter().map(|strategy| strategy.text()).collect();
    StrategyName::ALL
        .into_iter()
        .find(|strategy| strategy.text() == name)
        .ok_or_else(|| format!("there is no such strategy; there are {}", known.join(", ")))
}

#[derive(Serialize)]
struct BookingsJson<'a> {
    command: &'static str,
    strategy: &'static str,
    sequential: bool,
    #[serde(flatten)]
    counts: &'a Replay,
    events: u64,
    messages: u64,
    simulated_seconds: f64,
    wall_seconds: f64,
    digest: Digest,
    violations: &'a [Violation],
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read whole.
pub fn bookings(options: &BookingsOptions) -> Outcome {
    let rows = read(&options.file).map_err(Failure::usage)?;
    eprintln!("{} bookings, strategy {}", grouped(rows.len() as u64), options.strategy.text());
    let began = Instant::now();
    let BookingsOptions { strategy, sequential, .. } = *options;
    let replayed = replay(&rows, ReplayOptions { scale: options.capacity_scale, strategy, sequential });
    let wall = began.elapsed();
    match options.format {
        Format::Human => print(&words(&replayed, wall, Paint::of(&io::stdout())))?,
        Format::Json => print_json(&BookingsJson {
            command: "bookings",
            strategy: strategy.text(),
            sequential,
            counts: &replayed.counts,
            events: replayed.events,
            messages: replayed.messages,
            simulated_seconds: replayed.simulated_seconds,
            wall_seconds: wall.as_secs_f64(),
            digest: replayed.digest,
            violations: &replayed.violations,
        })?,
    }
    Ok(if replayed.violations.is_empty() { Verdict::Held } else { Verdict::Violated })
}

fn words(replayed: &Replayed, wall: Duration, paint: Paint) -> String {
    let counts = serde_json::to_value(&replayed.counts).expect("counters are numbers");
    let rows = counts.as_object().into_iter().flatten().map(|(name, count)| {
        [name.replace('_', " "), grouped(count.as_u64().expect("a counter is a number"))]
    });
    let table = table(["of the bookings", "count"], rows, 1);
    let (events, simulated) = (grouped(replayed.events), spell_seconds(replayed.simulated_seconds));
    let took = spell_seconds(wall.as_secs_f64());
    let digest = replayed.digest;
    let mut text = format!("{table}\n{events} events, {simulated} simulated in {took}\ndigest {digest}\n");
    for violation in &replayed.violations {
        let head = paint.red(&format!("{} is broken", violation.invariant));
        writeln!(text, "{head}: {}", violation.message).expect("a string takes everything");
    }
    if replayed.violations.is_empty() {
        writeln!(text, "{}", paint.green("Every invariant held.")).expect("a string takes everything");
    }
    text
}
