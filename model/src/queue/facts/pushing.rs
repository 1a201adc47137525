//! What is told of subscriptions: by consumers all but one, for they know what has come.

use crate::queue::offset::Offset;
use crate::queue::partition::Partition;
use crate::queue::pushing::{Ending, SubscriptionId};
use serde::{Deserialize, Serialize};

/// One thing that happened to a subscription.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PushFact {
    /// A consumer begins one.
    Subscribed {
        /// In which group it is.
        group: u32,
        /// Of which partition.
        partition: Partition,
        /// Under which name.
        subscription: SubscriptionId,
        /// From where on.
        offset: Offset,
        /// For how many bytes.
        credit: u32,
    },
    /// A push has come to its consumer, for the first time.
    Came {
        /// In which subscription.
        subscription: SubscriptionId,
        /// Its number.
        number: u64,
        /// What it costs of the credit.
        bytes: u64,
    },
    /// A consumer gives credit back.
    CreditGiven {
        /// In which subscription.
        subscription: SubscriptionId,
        /// Up to which number everything is worked through.
        through: u64,
    },
    /// A broker has more for a consumer than the credit admits.
    CreditSpent {
        /// In which subscription.
        subscription: SubscriptionId,
        /// Of which partition.
        partition: Partition,
    },
    /// A consumer finds that a subscription is over.
    Over {
        /// Which.
        subscription: SubscriptionId,
        /// Of which partition.
        partition: Partition,
        /// Why.
        ending: Ending,
    },
}

impl PushFact {
    /// Its name among the kinds of facts.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            PushFact::Subscribed { .. } => "Subscribed",
            PushFact::Came { .. } => "PushCame",
            PushFact::CreditGiven { .. } => "CreditGiven",
            PushFact::CreditSpent { .. } => "CreditSpent",
            PushFact::Over { .. } => "SubscriptionOver",
        }
    }
}
