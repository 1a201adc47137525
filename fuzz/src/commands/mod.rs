//! The commands, one per file.

pub mod bookings;
pub mod compare;
pub mod defects;
pub mod explore;
pub mod fuzz;
pub mod options;
pub mod run;
pub mod scenario;
pub mod shrink;
pub mod systems;

use crate::verdict::{Failure, print};
use clap::ValueEnum;
use serde::Serialize;

/// For whom a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Words and tables.
    #[default]
    Human,
    /// One JSON object on standard output, and nothing else there.
    Json,
}

/// Prints one JSON object.
fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).expect("keys are strings and numbers are finite");
    print(&format!("{text}\n"))
}
