//! Which of those that ever wrote under one producer id is meant.

use super::record::ProducerStamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A producer id with its epoch. Of two with the same id, the one with the larger epoch has replaced the other
/// (KIP-98); every transaction ends with a larger epoch, so that an epoch names one transaction (KIP-890).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProducerIdentity {
    /// The producer id.
    pub id: u64,
    /// The epoch.
    pub epoch: u16,
}

impl ProducerIdentity {
    /// The first of a producer id.
    pub fn first(id: u64) -> ProducerIdentity {
        ProducerIdentity { id, epoch: 0 }
    }

    /// Whether it may not begin a transaction any more: the marker that ends one has a larger epoch, and there is none.
    pub fn is_used_up(self) -> bool {
        self.epoch == u16::MAX
    }

    /// The identity after its transaction, and of the markers that end it.
    ///
    /// # Panics
    /// When it [is used up](ProducerIdentity::is_used_up).
    #[must_use]
    pub fn next(self) -> ProducerIdentity {
        ProducerIdentity { id: self.id, epoch: self.epoch.checked_add(1).expect("an epoch is left") }
    }

    /// The stamp of its batch whose first record has this sequence.
    pub fn stamp(self, sequence: u32) -> ProducerStamp {
        ProducerStamp { id: self.id, epoch: self.epoch, sequence }
    }

    /// Who replaces it: the next epoch, or, where that could not begin a transaction, the fresh producer id.
    #[must_use]
    pub fn successor(self, fresh_producer_id: u64) -> ProducerIdentity {
        match self.epoch {
            0..=65_533 => self.next(),
            _ => ProducerIdentity::first(fresh_producer_id),
        }
    }
}

impl From<ProducerStamp> for ProducerIdentity {
    fn from(stamp: ProducerStamp) -> ProducerIdentity {
        ProducerIdentity { id: stamp.id, epoch: stamp.epoch }
    }
}

impl fmt::Display for ProducerIdentity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "producer-{}@{}", self.id, self.epoch)
    }
}
