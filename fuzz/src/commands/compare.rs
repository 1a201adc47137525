//! `rehearsal compare`: the strategies of the reservation system side by side, and the queue's one setting between
//! latency and throughput.

use super::{Format, print_json};
use crate::compare::locking::{self, CONTENDERS, Contender, GUESTS, ROOM_TYPES};
use crate::compare::measure_all;
use crate::compare::queue::{self, wanted};
use crate::report::figures::grouped;
use crate::report::table::table;
use crate::verdict::{Outcome, Verdict, print};
use clap::{Args, Subcommand};
use rehearsal_model::queue::knobs::FetchMode;
use serde::Serialize;
use std::num::NonZeroUsize;
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
    Locking(MeasuringOptions),
    /// What messages a second cost in latency and in syncs, over partitions, copies, sizes and skew
    Queue(MeasuringOptions),
}

/// What a comparison takes.
#[derive(Clone, Debug, Args)]
pub struct MeasuringOptions {
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
struct CompareJson<C> {
    command: &'static str,
    cells: Vec<C>,
}

/// Runs the command.
///
/// # Errors
/// Standard output that takes nothing.
pub fn compare(options: &CompareOptions) -> Outcome {
    match &options.what {
        Comparison::Locking(options) => show(options, measure_strategies(options), strategies_in_words),
        Comparison::Queue(options) => show(options, measure_aims(options), aims_in_words),
    }
}

fn show<C: Serialize>(options: &MeasuringOptions, cells: Vec<C>, words: impl Fn(&[C]) -> String) -> Outcome {
    match options.format {
        Format::Human => print(&words(&cells))?,
        Format::Json => print_json(&CompareJson { command: "compare", cells })?,
    }
    Ok(Verdict::Held)
}

impl MeasuringOptions {
    fn jobs(&self) -> NonZeroUsize {
        self.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }
}

fn measure_strategies(options: &MeasuringOptions) -> Vec<locking::Cell> {
    let mut wanted: Vec<(&Contender, u32, u32)> = Vec::new();
    for room_types in ROOM_TYPES {
        for guests in GUESTS {
            wanted.extend(CONTENDERS.iter().map(|contender| (contender, guests, room_types)));
        }
    }
    let cell = |(contender, guests, room_types): &(&Contender, u32, u32)| {
        locking::measure(contender, *guests, *room_types, options.seeds)
    };
    measure_all(&wanted, options.jobs(), cell)
}

fn measure_aims(options: &MeasuringOptions) -> Vec<queue::Cell> {
    measure_all(&wanted(), options.jobs(), |(aim, load)| queue::measure(*aim, *load, options.seeds))
}

fn aims_in_words(cells: &[queue::Cell]) -> String {
    let header = [
        "aim",
        "partitions",
        "replicas",
        "bytes",
        "zipf",
        "messages/s",
        "p50 ms",
        "p99 ms",
        "processed p50",
        "p99",
        "syncs/message",
    ];
    let row = |cell: &&queue::Cell| {
        let queue::Load { partitions, replicas, bytes, zipf, .. } = cell.load;
        [
            cell.aim.name().to_owned(),
            partitions.to_string(),
            replicas.to_string(),
            grouped(u64::from(bytes)),
            format!("{}.{:02}", zipf / 100, zipf % 100),
            grouped(cell.messages_per_second.round() as u64),
            format!("{:.1}", cell.p50_ms),
            format!("{:.1}", cell.p99_ms),
            format!("{:.1}", cell.processed_p50_ms),
            format!("{:.1}", cell.processed_p99_ms),
            format!("{:.2}", cell.syncs_per_message),
        ]
    };
    let pulled = |cell: &&queue::Cell| (cell.load.fetch, cell.load.work_us) == (FetchMode::Pull, 0);
    let table = table(header, cells.iter().filter(pulled).collect::<Vec<_>>().iter().map(row), 1);
    let times = "Times are virtual: they compare settings, and say nothing of a real disk or network.";
    format!(
        "{table}\nmessages/s: all come at once; the rest: they come steadily, 800 a second. {times}\n\n{}",
        consumers_in_words(cells)
    )
}

/// Pull against push.
fn consumers_in_words(cells: &[queue::Cell]) -> String {
    let header =
        ["aim", "fetch", "work ms", "processed/s", "processed p50", "p99", "network messages/message"];
    let row = |cell: &&queue::Cell| {
        let fetch = match cell.load.fetch {
            FetchMode::Pull => "pull",
            FetchMode::Push => "push",
        };
        [
            cell.aim.name().to_owned(),
            fetch.to_owned(),
            format!("{:.1}", cell.load.work_us as f64 / 1e3),
            grouped(cell.processed_per_second.round() as u64),
            format!("{:.1}", cell.processed_p50_ms),
            format!("{:.1}", cell.processed_p99_ms),
            format!("{:.2}", cell.network_per_message),
        ]
    };
    let about: Vec<&queue::Cell> = cells.iter().filter(|cell| cell.load.is_about_consumers()).collect();
    let table = table(header, about.iter().map(row), 2);
    format!(
        "{table}\nprocessed/s: all come at once; the rest: they come steadily. Network messages are those of replication, \
         coordination and groups as well.\n"
    )
}

fn strategies_in_words(cells: &[locking::Cell]) -> String {
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
    let row = |cell: &locking::Cell| {
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
