//! `rehearsal run`: one run, told at length.

use super::options::{Fixed, known, refused};
use super::{Format, print_json};
use crate::campaign::GREATEST_SEED;
use crate::paint::Paint;
use crate::registry::Registry;
use crate::report::run::whole_run;
use crate::report::run_json::RunJson;
use crate::scenario::Scenario;
use crate::scenario_file;
use crate::system::{System, Watch};
use crate::trace::{self, TraceFormat};
use crate::verdict::{Failure, Outcome, Verdict, print};
use clap::Args;
use rehearsal_sim::Span;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `run` takes.
#[derive(Clone, Debug, Args)]
pub struct RunOptions {
    /// A scenario file, or a system together with --seed.
    #[arg(value_name = "FILE.toml|SYSTEM")]
    pub target: String,
    /// The seed of the system's scenario.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=GREATEST_SEED))]
    pub seed: Option<u64>,
    /// What is fixed in the scenario.
    #[command(flatten)]
    pub fixed: Fixed,
    /// Cut the run off at this virtual time, as `12.5s`; what should be so at the end is not judged then.
    #[arg(long, value_name = "TIME")]
    pub until: Option<Span>,
    /// Write every event, decision, fault and fact of the run, each with its cause, to this file.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// How to write the trace.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, requires = "trace")]
    pub trace_format: TraceFormat,
    /// For whom to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
///
/// # Errors
/// A scenario that cannot be read or run, or a trace that cannot be written.
pub fn run(options: &RunOptions, systems: &Registry) -> Outcome {
    let (system, scenario) = scenario(options, systems)?;
    let watch = Watch { history: true, trace: true, until: options.until, ..Watch::default() };
    let mut run = system.run(&scenario, watch).map_err(refused)?;
    if let Some(path) = &options.trace {
        // A run that is cut off ends at the first fact past that time; what it did on the way there is not shown.
        run.trace.retain(|entry| options.until.is_none_or(|until| entry.time.nanos() <= until.0));
        trace::keep(path, options.trace_format, &scenario, &run).map_err(Failure::world)?;
    }
    match options.format {
        Format::Human => print(&whole_run(&*system, &scenario, &run, Paint::of(&io::stdout())))?,
        Format::Json => print_json(&RunJson::of(&*system, &scenario, &run))?,
    }
    Ok(if run.violations.is_empty() { Verdict::Held } else { Verdict::Violated })
}

fn scenario(options: &RunOptions, systems: &Registry) -> Result<(Arc<dyn System>, Scenario), Failure> {
    let target = &options.target;
    if let Some(seed) = options.seed {
        let system = known(systems, target)?;
        options.fixed.check_defects(&*system)?;
        let scenario = system.draw(seed, &options.fixed.overrides_for(&*system)).map_err(refused)?;
        return Ok((system, scenario));
    }
    if systems.named(target).is_some() {
        let mend = format!("write `rehearsal run {target} --seed N`, or name a scenario file");
        return Err(Failure::misuse(format!("which scenario of `{target}`?"), mend));
    }
    if !target.ends_with(".toml") && !Path::new(target).exists() {
        let mend = format!("name a scenario file, or one of {} with --seed N", systems.names().join(", "));
        return Err(Failure::misuse(format!("`{target}` is neither a file nor a system"), mend));
    }
    let (system, mut scenario) =
        scenario_file::load_among(systems, Path::new(target)).map_err(Failure::usage)?;
    options.fixed.check_defects(&*system)?;
    options.fixed.overrides_for(&*system).amend(&mut scenario).map_err(refused)?;
    system.check(&scenario).map_err(refused)?;
    Ok((system, scenario))
}
