//! The program with these systems: `cargo run -p rehearsal-examples -- fuzz lock`.

use rehearsal::prelude::*;
use rehearsal_examples::{lock, replicas};
use std::process::ExitCode;

fn main() -> ExitCode {
    program(Registry::new().with(lock::system()).with(replicas::system()))
}
