//! How a broker stops in an orderly way and comes back (Kafka's controlled shutdown, and KIP-966 for what its return means).
//!
//! ```text
//!  operator    /stops/1 = {life 7}            asks that life to stop, in the coordination service
//!  controller  leads of 1 pass on, at once; then 1 leaves the in-sync sets in which enough others are
//!  broker 1    leads nothing and is in no set, or has waited long enough
//!              takes nothing more, writes and syncs all it has, leaves the mark {life 7} on its disk
//!              ends its session, and its program ends
//!     … down …
//!  broker 1    takes the mark away, and registers: "after 7, which stopped in order"
//!  controller  7 is the life it has taken note of last: nothing was lost since, and who is in a set may stay in it
//! ```
//!
//! A life that was asked to stop and dies before it has done so leaves no mark. Whoever is asked is asked in one life: what
//! comes back is not.

use super::brokers::{BrokerEpoch, BrokerId};
use rehearsal_env::Span;
use serde::{Deserialize, Serialize};

/// What a broker writes when it registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Registration {
    /// Which broker.
    pub broker: BrokerId,
    /// Its life before this one, if that stopped in order: what it ever said that it has is on its disk.
    pub after: Option<BrokerEpoch>,
}

/// A broker is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stop {
    /// In this life, and in no other.
    pub life: BrokerEpoch,
    /// How long it is to stay down.
    pub down: Span,
    /// How long it waits for others to take its place.
    pub limit: Span,
}

/// What a broker that has stopped in order leaves on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// The life that has stopped.
    pub life: BrokerEpoch,
    /// How long the broker is to stay down.
    pub down: Span,
}
