//! Traces of runs as files: every event, decision, fault and fact, with what caused it.
//!
//! | format | for | has |
//! |---|---|---|
//! | [`jsonl`] | programs, and people with `jq` | everything; `docs/trace.md` is its specification |
//! | [`perfetto`] | ui.perfetto.dev, chrome://tracing | nodes over time: messages as arrows, disks, sleeps, faults |
//! | [`shiviz`] | ShiViz | what happened before what: the nodes' events with vector clocks |
//!
//! Each is a function of the scenario and its run alone: the same scenario gives the same bytes.

mod arrows;
mod chrome_event;
mod foresight;
pub mod jsonl;
pub mod perfetto;
mod reading;
pub mod shiviz;
mod vector_clock;

use crate::scenario::Scenario;
use crate::system::Run;
use crate::whole_file;
use clap::ValueEnum;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How a trace is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// One JSON object per line, with everything (docs/trace.md).
    #[default]
    Jsonl,
    /// Chrome trace events, for ui.perfetto.dev and chrome://tracing.
    Perfetto,
    /// A log with vector clocks, for ShiViz.
    Shiviz,
}

/// A file cannot take a trace.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{} cannot be written", path.display())]
#[diagnostic(
    code(rehearsal::trace),
    help(
        "name a file in a folder that you may write to, on a disk with room, by `--trace FILE`; what was there is as it was"
    )
)]
pub struct TraceFileError {
    /// The file.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: io::Error,
}

/// Writes the trace of a run that was watched with [`Watch::trace`](crate::system::Watch::trace).
///
/// # Errors
/// What `out` says.
pub fn write(format: TraceFormat, scenario: &Scenario, run: &Run, out: &mut dyn Write) -> io::Result<()> {
    match format {
        TraceFormat::Jsonl => jsonl::write(scenario, run, out),
        TraceFormat::Perfetto => perfetto::write(scenario, run, out),
        TraceFormat::Shiviz => shiviz::write(scenario, run, out),
    }
}

/// Writes the trace to a file: whole, or not at all.
///
/// # Errors
/// [`TraceFileError`]; an earlier file of that name is as it was.
pub fn keep(path: &Path, format: TraceFormat, scenario: &Scenario, run: &Run) -> Result<(), TraceFileError> {
    whole_file::write(path, |out| write(format, scenario, run, out))
        .map_err(|source| TraceFileError { path: path.to_owned(), source })
}
