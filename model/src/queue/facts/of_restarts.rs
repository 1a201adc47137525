//! What comes of a wish that a broker stops in order.

use crate::queue::brokers::{BrokerEpoch, BrokerId};
use serde::{Deserialize, Serialize};

/// One thing that happened when a broker was to stop in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OfRestarts {
    /// A broker is asked to stop: durable in the coordination service.
    Asked {
        /// Which.
        broker: BrokerId,
        /// In which life.
        life: BrokerEpoch,
    },
    /// A broker has stopped, and has left a mark of that on its disk.
    Stopped {
        /// Which.
        broker: BrokerId,
        /// Which life of it is over.
        life: BrokerEpoch,
        /// Whether others led in its place before, and were in sync without it, or it had waited for that long enough.
        handed_over: bool,
    },
}

impl OfRestarts {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            OfRestarts::Asked { .. } => "StopAsked",
            OfRestarts::Stopped { .. } => "StoppedInOrder",
        }
    }
}
