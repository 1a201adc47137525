//! `rehearsal scenario`: what a seed stands for, as TOML.

use super::options::{Fixed, known, refused};
use crate::campaign::GREATEST_SEED;
use crate::registry::Registry;
use crate::scenario_file;
use crate::verdict::{Outcome, Verdict, print};
use clap::Args;

/// What `scenario` takes.
#[derive(Clone, Debug, Args)]
pub struct ScenarioOptions {
    /// The system.
    #[arg(value_name = "SYSTEM")]
    pub system: String,
    /// The seed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=GREATEST_SEED))]
    pub seed: u64,
    /// What is fixed in the scenario.
    #[command(flatten)]
    pub fixed: Fixed,
}

/// Runs the command.
///
/// # Errors
/// A system, key or defect that is unknown, or a value that cannot be.
pub fn scenario(options: &ScenarioOptions, systems: &Registry) -> Outcome {
    let system = known(systems, &options.system)?;
    options.fixed.check_defects(&*system)?;
    let scenario = system.draw(options.seed, &options.fixed.overrides_for(&*system)).map_err(refused)?;
    system.check(&scenario).map_err(refused)?;
    print(&scenario_file::write(&scenario))?;
    Ok(Verdict::Held)
}
