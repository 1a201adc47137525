//! What a coordinator remembers of a transactional id, whole in each entry of its log: the last one counts.

use super::super::identity::ProducerIdentity;
use super::super::partition::Partition;
use super::super::record::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// The name under which one producer after another does transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransactionalId(pub u64);

/// One transactional id, as it is persisted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Which.
    pub id: TransactionalId,
    /// Who may go on with it; while it is prepared, who may afterwards. All others are fenced.
    pub producer: ProducerIdentity,
    /// How old a transaction may become.
    pub timeout: Duration,
    /// Where its transaction is.
    pub state: State,
}

/// Where the transaction of an id is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// None is open: the producer was initialised last.
    Empty {
        /// The identity that it said it had, so that it is known again when it asks again (KIP-360).
        known: Option<ProducerIdentity>,
    },
    /// One is open.
    Ongoing {
        /// Those that it may have written to.
        partitions: BTreeSet<Partition>,
    },
    /// One is ending: its verdict is decided, and its markers are being written.
    Prepare(Prepared),
    /// None is open: one has ended last.
    Complete {
        /// Whose.
        ended: ProducerIdentity,
        /// How.
        verdict: Verdict,
    },
}

/// A transaction whose end is decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Prepared {
    /// Whose it was.
    pub ended: ProducerIdentity,
    /// How it ends.
    pub verdict: Verdict,
    /// Those that must have its marker.
    pub partitions: BTreeSet<Partition>,
    /// What follows.
    pub after: After,
}

/// What follows when a transaction has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum After {
    /// Its own producer goes on, under the next epoch.
    Complete,
    /// The one that initialises, and for whose sake it was aborted.
    Initialised {
        /// The identity that this one said it had.
        known: Option<ProducerIdentity>,
    },
}

impl Prepared {
    /// The entry that says that every marker is written.
    pub(super) fn concluded(&self, entry: &Entry) -> Entry {
        let state = match self.after {
            After::Complete => State::Complete { ended: self.ended, verdict: self.verdict },
            After::Initialised { known } => State::Empty { known },
        };
        Entry { state, ..entry.clone() }
    }
}
