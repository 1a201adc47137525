//! What the counter promises.

mod acknowledged_adds_survive;
mod count_is_exact;
mod every_add_answered;
mod markers;

pub use acknowledged_adds_survive::AcknowledgedAddsSurvive;
pub use count_is_exact::CountIsExact;
pub use every_add_answered::EveryAddAnswered;
pub use markers::{CounterMarkers, MARKERS};
