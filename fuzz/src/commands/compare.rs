//! `rehearsal compare locking`: the strategies of the reservation system side by side.

use super::{Format, print_json};
use crate::compare::{CONTENDERS, Cell, Contender, GUESTS, ROOM_TYPES, measure};
use crate::report::figures::grouped;
use crate::report::table::table;
use crate::verdict::{Outcome, Verdict, print};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What `compare` takes.
#[derive(Clone, Debug, Args)]
pub struct CompareOptions {
    /// What to compare.
    #[command(subcommand)]
    pub what: Comparison,
}

/// What can be compared.
#[derive(Clone, Debug, Subcommand)]
pub enum Comparison {
    /// How the strategies against double booking fare, with few guests and many
    Locking(LockingOptions),
}

/// What `compare locking` takes.
#[derive(Clone, Debug, Args)]
pub struct LockingOptions {
    /// How many seeds each cell of the table is measured over.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// How many threads; the result is the same with any number. [default: one for each core]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// For whom to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Serialize)]
struct CompareJson {
    command: &'static str,
    cells: Vec<Cell>,
}

/// Runs the command.
///
/// # Errors
/// Standard output that takes nothing.
pub fn compare(options: &CompareOptions) -> Outcome {
    let Comparison::Locking(options) = &options.what;
    let cells = measure_all(options);
    match options.format {
        Format::Human => print(&words(&cells))?,
        Format::Json => print_json(&CompareJson { command: "compare", cells })?,
    }
    Ok(Verdict::Held)
}

/// Every cell, in the order of the table, whichever thread measured it.
fn measure_all(options: &LockingOptions) -> Vec<Cell> {
    let mut wanted: Vec<(&Contender, u32, u32)> = Vec::new();
    for room_types in ROOM_TYPES {
        for guests in GUESTS {
            wanted.extend(CONTENDERS.iter().map(|contender| (contender, guests, room_types)));
        }
    }
    let jobs = options.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let next = AtomicUsize::new(0);
    let measured = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.get() {
            scope.spawn(|| {
                while let Some((contender, guests, room_types)) =
                    wanted.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let cell = measure(contender, *guests, *room_types, options.seeds);
                    measured.lock().expect("no thread panics with it").push(cell);
                }
            });
        }
    });
    let mut cells = measured.into_inner().expect("no thread panics with it");
    cells.sort_by_key(|cell| {
        let of_this = |(contender, guests, room_types): &(&Contender, u32, u32)| {
            (contender.name, *guests, *room_types) == (cell.strategy, cell.guests, cell.room_types)
        };
        wanted.iter().position(of_this)
    });
    cells
}

fn words(cells: &[Cell]) -> String {
    let header = [
        "strategy",
        "guests",
        "room types",
        "bookings/s",
        "tries",
        "p50 ms",
        "p99 ms",
        "deadlocks",
        "oversold nights",
    ];
    let row = |cell: &Cell| {
        [
            cell.strategy.to_owned(),
            cell.guests.to_string(),
            cell.room_types.to_string(),
            format!("{:.1}", cell.bookings_per_second),
            format!("{:.2}", cell.attempts_per_booking),
            format!("{:.1}", cell.p50_ms),
            format!("{:.1}", cell.p99_ms),
            grouped(cell.deadlocks),
            grouped(cell.oversold_nights),
        ]
    };
    let table = table(header, cells.iter().map(row), 1);
    format!("{table}\nTimes are virtual: they compare strategies, and say nothing of a real database.\n")
}
