//! What every engine is measured on and how, so that none is measured otherwise than its neighbours.

mod deliveries;
mod engine;
mod workload;

pub use deliveries::Deliveries;
pub use engine::{Engine, Measured};
pub use workload::Workload;
