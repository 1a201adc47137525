//! What is told of messages that are lent: by lenders what they remember, by consumers what they were told and what they
//! ask for.

use crate::queue::lending::{Held, LoanNumber};
use crate::queue::offset::Offset;
use crate::queue::partition::Partition;
use rehearsal_env::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One thing that happened to what is lent to a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LendingFact {
    /// A lender has read its partition to the end, and this is what it finds.
    Loaded {
        /// Of which partition it lends.
        partition: Partition,
        /// Below it everything is acknowledged.
        start: Offset,
        /// What is acknowledged from there on.
        acknowledged: BTreeSet<Offset>,
        /// The loans that stand, and have their whole time again.
        standing: BTreeSet<LoanNumber>,
    },
    /// The time of a loan is out, and what is left of it is lent to whoever asks.
    RanOut {
        /// Which loan.
        loan: LoanNumber,
        /// Of which partition.
        partition: Partition,
        /// What is left.
        offsets: BTreeSet<Offset>,
    },
    /// That a message is acknowledged is on the lender's log, in sync.
    Removed(Held),
    /// A consumer is told that messages are lent to it.
    Borrowed {
        /// Under which loan.
        loan: LoanNumber,
        /// Of which partition.
        partition: Partition,
        /// Where they stand.
        offsets: BTreeSet<Offset>,
        /// How long ago it asked.
        waited: Span,
    },
    /// A consumer asks that a message be lent to nobody any more.
    Acknowledges(Held),
    /// A consumer is told what its acknowledgement is worth.
    Told {
        /// Of which message, under which loan.
        held: Held,
        /// Whether it counts; if not, the loan was over.
        counts: bool,
    },
    /// A consumer asks that a message be lent to another.
    GivesBack(Held),
}

impl LendingFact {
    /// Its name among the kinds of facts.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            LendingFact::Loaded { .. } => "LenderLoaded",
            LendingFact::RanOut { .. } => "LoanRanOut",
            LendingFact::Removed(_) => "Removed",
            LendingFact::Borrowed { .. } => "Borrowed",
            LendingFact::Acknowledges(_) => "Acknowledges",
            LendingFact::Told { .. } => "AcknowledgementTold",
            LendingFact::GivesBack(_) => "GivesBack",
        }
    }
}
