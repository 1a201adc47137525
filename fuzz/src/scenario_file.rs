//! Scenarios as TOML files.
//!
//! ```toml
//! version = 1
//! system = "counter"
//! seed = 7
//! storm = "10s"
//! calm = "10s"
//! rest = "6s"          # if given: the calm is over when everything has been at rest for so long
//! beyond_promise = true   # if given: faults that the system does not promise to survive may strike
//! defects = ["answer-before-sync"]
//!
//! [network]            # the links; likewise [disk]
//! loss = 500
//!
//! [topology]           # how many nodes of each kind, as the system says
//! clients = 3
//!
//! [counter]            # the system's own knobs, under its name
//! requests = 20
//!
//! [[fault]]
//! at = "2.5s"
//! crash = "server"
//! restart_after = "500ms"
//! ```
//!
//! A key that is left out has its plain value: the system's, or the world's own. What is written is read back equal. What is wrong in a file is shown where it stands, with the reason and the
//! mend.

mod place;
mod read;
mod write;

pub(crate) use read::{OF_THE_WORLD, SECTIONS};
pub use read::{RefusedScenario, ScenarioFileError, load, load_among, read, read_among};
pub use write::{write, write_brief, write_repro};
