//! Facts in, verdicts out: monitors that read the facts of a run as they come.
//!
//! One promise per file; its doc comment is the specification. A monitor reads facts only, so that
//! it cannot know whether they come from a simulated run, a live one or a log.

pub mod counter;
pub mod queue;
pub mod reservation;

mod drift;
mod monitor;

pub use monitor::{MarkerWatch, Monitor, Remark, Scope};
