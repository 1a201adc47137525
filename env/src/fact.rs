//! What systems report, and when and where it happened.

use crate::{EventId, Incarnation, NodeId, Time};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Debug};
use std::hash::Hash;

/// Something a system reports as having happened. Each system has one enum of them.
///
/// `Hash` feeds the digest of a run, so it must cover all that the fact says.
pub trait Fact: Clone + Debug + Hash + Serialize + 'static {
    /// The fact's name in the system's vocabulary, as `"Paid"`: what a fault's trigger
    /// (`on = { fact = "Paid", nth = 3 }`) counts.
    fn kind(&self) -> &'static str;

    /// What happened, as the rest of a sentence that begins with the node's name, with ids and values:
    /// `takes 120.00 for reservation 7`. Stories are told with it; without words of its own a fact is told as
    /// the program spells it.
    fn in_words(&self) -> String {
        format!("reports {self:?}")
    }
}

/// When, where and why a fact was reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamp {
    /// Position in the run's history, from 0.
    pub number: u64,
    /// True time, which no node's clock need agree with.
    pub time: Time,
    /// Who reported it.
    pub node: NodeId,
    /// In which of its lives.
    pub incarnation: Incarnation,
    /// The event that was being handled.
    pub cause: EventId,
}

/// Something that a campaign must have reached at least once, or its silence proves nothing. A marker
/// is never set by hand: it is a predicate over facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Marker(pub &'static str);

impl fmt::Display for Marker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}
