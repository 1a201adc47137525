//! The program, for whatever systems: `rehearsal` itself, or one of your own with your systems registered.

use crate::commands::defects::{DefectsOptions, defects};
use crate::commands::fuzz::{FuzzOptions, fuzz};
use crate::commands::run::{RunOptions, run};
use crate::commands::scenario::{ScenarioOptions, scenario};
use crate::commands::shrink::{ShrinkOptions, shrink};
use crate::commands::systems::{SystemsOptions, systems};
use crate::program_name;
use crate::registry::Registry;
use crate::verdict::{Failure, Outcome, exit_code};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::env;
use std::path::Path;
use std::process::ExitCode;

/// The commands that work for any system.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run many seeds until an invariant breaks
    Fuzz(FuzzOptions),
    /// Run one scenario and tell what happens
    Run(RunOptions),
    /// Make a failing scenario small
    Shrink(ShrinkOptions),
    /// Print the scenario that a seed stands for
    Scenario(ScenarioOptions),
    /// List the systems, what they promise, and what a campaign must have seen
    Systems(SystemsOptions),
    /// List the known bugs that can be switched on
    Defects(DefectsOptions),
}

impl Command {
    /// Runs the command on these systems.
    ///
    /// # Errors
    /// Wrong options, systems that cannot be, or a world around that fails.
    pub fn perform(&self, among: &Registry) -> Outcome {
        among.check().map_err(Failure::usage)?;
        if among.all().is_empty() {
            return Err(Failure::misuse(
                "this program has no systems",
                "add some by `Registry::new().with(…)`",
            ));
        }
        match self {
            Command::Fuzz(options) => fuzz(options, among),
            Command::Run(options) => run(options, among),
            Command::Shrink(options) => shrink(options, among),
            Command::Scenario(options) => scenario(options, among),
            Command::Systems(options) => systems(options, among),
            Command::Defects(options) => defects(options, among),
        }
    }
}

const EXIT_CODES: &str = "\
Exit codes:
  0    every invariant held
  1    an invariant was broken
  2    wrong usage, or an input that cannot be read
  3    the world around failed: disk full, no permission
  4    inconclusive: nothing broke, but a marker was not reached (see --require-markers)
  130  stopped by Ctrl-C; what was done by then is reported

Where `rehearsal` is named, this program is meant. Without a command it fuzzes every system.";

/// Puts systems through crashes, pauses, partitions and lost messages, and shows every failure again from one seed.
#[derive(Parser)]
#[command(after_long_help = EXIT_CODES, after_help = "`--help` says more: exit codes.")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The whole `main` of a program that rehearses these systems: campaigns, runs, shrinking, as in `rehearsal` itself.
/// Reads the command line, does what it says, prints, and gives the [exit code](crate::verdict).
///
/// ```no_run
/// # use rehearsal::prelude::*;
/// # rehearsal::facts! { enum LockFact { Granted } }
/// # fn lock() -> Declaration<LockFact> { declare("lock", "") }
/// fn main() -> std::process::ExitCode {
///     rehearsal::program(Registry::new().with(lock()))
/// }
/// ```
pub fn program(systems: Registry) -> ExitCode {
    let called =
        env::args_os().next().and_then(|path| Some(Path::new(&path).file_stem()?.to_str()?.to_owned()));
    let called = called.unwrap_or_else(|| program_name::get().to_owned());
    program_name::set(called.clone());
    let matches = Arguments::command().bin_name(called.clone()).get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let main_job = || Arguments::parse_from([called.as_str(), "fuzz"]).command;
    let command = arguments.command.or_else(main_job);
    exit_code(
        command
            .map_or_else(|| unreachable!("the main job is a command"), |command| command.perform(&systems)),
    )
}
