//! The `rehearsal` program: its body is the table of commands.

use clap::{Parser, Subcommand};
use rehearsal::commands::bookings::{BookingsOptions, bookings};
use rehearsal::commands::compare::{CompareOptions, compare};
use rehearsal::commands::explore::{ExploreOptions, explore};
use rehearsal::program::Command as AnySystems;
use rehearsal::registry::Registry;
use rehearsal::verdict::exit_code;
use std::process::ExitCode;

/// A run makes and drops some ten thousand small things: the system's own allocator takes a tenth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXAMPLES: &str = "\
How it works:
  A seed stands for a scenario: nodes, work, and the faults that strike them. A run of a
  scenario is always the same, so a failure that was seen once can be seen again. `fuzz` runs
  many seeds and watches invariants; when one breaks, it shrinks the scenario to what matters,
  tells what happened in numbered sentences, and keeps both.

Examples:
  rehearsal                                       every system, 10,000 seeds each
  rehearsal fuzz counter --seeds 500              500 seeds of one system
  rehearsal fuzz --defect limit-rounds-up         a known bug switched on: see it caught
  rehearsal compare locking                       the strategies side by side
  rehearsal compare queue                         what messages a second cost in latency and syncs
  rehearsal run rehearsal-out/FILE.toml           a kept scenario, fact by fact
  rehearsal run FILE.toml --trace run.jsonl       every event of it, with its cause
  rehearsal shrink FILE.toml                      a failing scenario of yours, made small
  rehearsal defects --shrink                      how small every known bug becomes
  rehearsal explore queue-replica                 a core, every order of events within bounds
  rehearsal run counter --seed 7 --until 3s       the first three seconds of seed 7
  rehearsal scenario counter --seed 7             what seed 7 stands for, to be changed and run
  rehearsal bookings FILE.csv.gz --sequential     real bookings, one after the other

Exit codes:
  0    every invariant held
  1    an invariant was broken
  2    wrong usage, or an input that cannot be read
  3    the world around failed: disk full, no permission
  4    inconclusive: nothing broke, but a marker was not reached (see --require-markers), or a
       search was cut short
  130  stopped by Ctrl-C; what was done by then is reported

Progress goes to standard error, results to standard output. NO_COLOR=1 turns off colours.";

/// Puts a back end through crashes, partitions and double clicks, and shows every failure again from one seed.
///
/// Without a command it fuzzes every system.
#[derive(Parser)]
#[command(name = "rehearsal", version, after_long_help = EXAMPLES, after_help = "`--help` says more: examples, exit codes.")]
struct Program {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    AnySystems(AnySystems),
    /// Send a file of real bookings through the reservation system, without faults
    Bookings(BookingsOptions),
    /// Measure alternatives side by side
    Compare(CompareOptions),
    /// Search a core exhaustively: every order in which things can happen, within bounds
    Explore(ExploreOptions),
}

fn main() -> ExitCode {
    let main_job = || Program::parse_from(["rehearsal", "fuzz"]).command;
    exit_code(match Program::parse().command.or_else(main_job) {
        Some(Command::AnySystems(command)) => command.perform(&Registry::ours()),
        Some(Command::Bookings(options)) => bookings(&options),
        Some(Command::Compare(options)) => compare(&options),
        Some(Command::Explore(options)) => explore(&options),
        None => unreachable!("the main job is a command"),
    })
}
