//! All that a system of one's own is written with: `use rehearsal::prelude::*;`.

pub use crate::own::{Choices, Declaration, Knobs, Objection, Place, Values, Vocabulary, Work, declare};
pub use crate::registry::{IntoSystem, Registry};
pub use crate::{check, facts, program};
pub use rehearsal_env::{
    Clock, Elapsed, Env, Fact, File, Marker, Network, NodeId, Observer, Port, Random, Received, Span,
    Spawner, Stamp, Storage, StorageError, TaskHandle, Time, Violation,
};
pub use rehearsal_invariants::Monitor;
pub use rehearsal_sim::SimEnv;
pub use serde::{Deserialize, Serialize};
pub use std::time::Duration;
