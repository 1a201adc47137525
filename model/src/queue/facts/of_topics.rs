//! What comes of changes of a topic's partitions.

use crate::queue::message::MessageId;
use crate::queue::offset::LeaderEpoch;
use crate::queue::partition::Partition;
use crate::queue::topics::TopicState;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One thing that happened since the partitions of a topic have changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OfTopics {
    /// A topic has other partitions, or a partition of it was retired or is drained: durable in the coordination service.
    Changed {
        /// Which.
        topic: u32,
        /// How it is now.
        state: TopicState,
    },
    /// A leader knows that its partition is retired: from now on it appends nothing.
    Retired {
        /// Which partition.
        partition: Partition,
        /// In which epoch.
        epoch: LeaderEpoch,
    },
    /// A group's coordinator has a generation formed that gets none of these yet: the group is not through with what
    /// their keys had elsewhere.
    Withheld {
        /// Which group.
        group: u32,
        /// Which partitions.
        partitions: BTreeSet<Partition>,
    },
    /// A producer sends a message by a newer state of its topic: it was refused by the older.
    Rerouted {
        /// Which.
        message: MessageId,
        /// Where it goes now.
        partition: Partition,
        /// By which version of the topic's state.
        version: u32,
    },
    /// A producer's own rule names a partition for a message that takes no records: it is refused.
    Unplaced {
        /// Which.
        message: MessageId,
        /// Where it was to go.
        partition: Partition,
    },
}

impl OfTopics {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            OfTopics::Changed { .. } => "TopicChanged",
            OfTopics::Retired { .. } => "Retired",
            OfTopics::Withheld { .. } => "Withheld",
            OfTopics::Rerouted { .. } => "Rerouted",
            OfTopics::Unplaced { .. } => "Unplaced",
        }
    }
}
