//! Exhaustive search of the cores of the systems: every order in which things can happen, within bounds.
//!
//! ```text
//!  Core ──────▶ search ──────▶ Verdict: verified, refuted (with a story), or inconclusive
//!  states, steps,   stateright,
//!  promises,        breadth first
//!  markers
//! ```
//!
//! A [`Core`] says what there is; [`search`] drives `stateright` over it and never takes a search that was cut for one
//! that found nothing; [`counterexample`] keeps the steps to a broken promise in a file that can be run again; [`table`]
//! removes each rule of a core by itself and says what becomes of it.

pub mod choice;
pub mod consensus;
pub mod core;
pub mod counterexample;
pub mod explorable;
pub mod group;
mod orders;
pub mod progress;
pub mod replication;
pub mod report;
pub mod search;
pub mod story;
pub mod table;

pub use choice::{Choice, Misfit};
pub use core::{Core, Knob, Marker, Promise, Rule, Values};
pub use explorable::{Explorable, cores, named, of};
pub use search::{Found, Limits, Order, Progress, Shortfall, Verdict, Violation};
