//! What can have happened.

use super::entry::Entry;
use super::messages::{Added, Request};
use rehearsal_env::Fact;
use serde::Serialize;

/// A fact of the counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum CounterFact {
    /// A client sent a request, for the first time (attempt 0) or again.
    Asked {
        /// Which request.
        request: Request,
        /// How often it was sent before.
        attempt: u32,
        /// What to add.
        amount: u32,
    },
    /// The server counted a request.
    Counted(Entry),
    /// The server met a request that it had counted before, and only answered it.
    Absorbed {
        /// Which request.
        request: Request,
        /// As the client numbered the sending.
        attempt: u32,
    },
    /// A client got its answer.
    Acknowledged {
        /// The answer.
        added: Added,
        /// How often the request had been sent again by then.
        retries: u32,
    },
    /// The server started and read its file.
    Recovered {
        /// What it found, in the order in which it was counted.
        entries: Vec<Entry>,
        /// Bytes of a torn entry that it cut off.
        cut: u64,
    },
}

/// The kinds of facts, for triggers.
pub const KINDS: &[&str] = &["Asked", "Counted", "Absorbed", "Acknowledged", "Recovered"];

impl Fact for CounterFact {
    fn kind(&self) -> &'static str {
        match self {
            CounterFact::Asked { .. } => "Asked",
            CounterFact::Counted(_) => "Counted",
            CounterFact::Absorbed { .. } => "Absorbed",
            CounterFact::Acknowledged { .. } => "Acknowledged",
            CounterFact::Recovered { .. } => "Recovered",
        }
    }

    fn in_words(&self) -> String {
        super::words::of(self)
    }
}
