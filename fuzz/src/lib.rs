//! The library of the `rehearsal` program: scenarios, systems, the glue that runs them, campaigns.
//!
//! For a system of your own begin at [`declare`], [`check`](check()) and [`program`](program()); what they need stands in
//! the [`prelude`]. The rest is the program's own, is public for tests and benchmarks, and may change from one version to
//! the next.

mod ailments;
pub mod atlas;
pub mod bookings;
pub mod campaign;
pub mod check;
pub mod commands;
pub mod compare;
pub mod draws;
pub mod explore;
pub mod interrupt;
pub mod jury;
pub mod links_in_words;
pub mod own;
pub mod paint;
pub mod prelude;
pub mod program;
mod program_name;
pub mod progress;
pub mod property;
pub mod registry;
pub mod rehearse;
pub mod report;
pub mod repro;
pub mod scenario;
pub mod scenario_file;
pub mod schedule;
pub mod shrink;
pub mod story;
pub mod swarm;
pub mod system;
pub mod systems;
pub mod trace;
pub mod verdict;
pub mod whole_file;

pub use check::check;
pub use own::{Declaration, DeclarationError, Knobs, Objection, OwnSystem, Place, Vocabulary, Work, declare};
pub use program::program;
pub use registry::{IntoSystem, Registry};
pub use rehearsal_env::Fact;
pub use serde;
