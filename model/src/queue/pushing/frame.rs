//! What travels between the two ends of a subscription.

use crate::queue::offset::Offset;
use crate::queue::partition::Partition;
use crate::queue::protocol::{Fetched, Refusal};
use crate::queue::reading::{Footing, Terms};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A subscription. Its consumer draws it at random, and never begins two under one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubscriptionId(pub u64);

impl fmt::Display for SubscriptionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "subscription {:04x}", self.0 >> 48)
    }
}

/// A frame. Lost and doubled ones do no harm.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PushFrame {
    /// Consumer: push this to me.
    Subscribe {
        /// Under which name.
        subscription: SubscriptionId,
        /// Of which partition.
        partition: Partition,
        /// From where on.
        offset: Offset,
        /// On which terms.
        terms: Terms,
        /// What is known of the log before it.
        footing: Footing,
        /// How many bytes may be pushed that are not worked through.
        credit: u32,
    },
    /// Consumer: these are worked through.
    Credit {
        /// Of which subscription.
        subscription: SubscriptionId,
        /// Up to which number, that one included.
        through: u64,
    },
    /// Consumer: the same, and are you still there?
    Ask {
        /// Which subscription.
        subscription: SubscriptionId,
        /// Up to which number everything is worked through.
        through: u64,
    },
    /// Consumer: no more.
    Unsubscribe {
        /// Of which subscription.
        subscription: SubscriptionId,
    },
    /// Broker: the subscription stands.
    Alive {
        /// Which.
        subscription: SubscriptionId,
        /// The number of its last push, 0 before the first.
        pushed: u64,
    },
    /// Broker: this is the next piece.
    Push {
        /// Of which subscription.
        subscription: SubscriptionId,
        /// 1, 2, 3, … within the subscription.
        number: u64,
        /// What a fetch would have given.
        fetched: Fetched,
    },
    /// Broker: the subscription is over, or was never known.
    Ended {
        /// Which.
        subscription: SubscriptionId,
        /// Why, and about which offset that is said; none when it is not known.
        why: Option<(Refusal, Offset)>,
    },
}
