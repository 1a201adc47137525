//! What goes into the lender and what comes out.

use super::entry::{LendingEntry, LoanNumber};
use crate::queue::offset::Offset;
use crate::queue::partition::Partition;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use thiserror::Error;

/// A request, as the shell numbers them: no two at a time have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// The persisting of one entry: the how-many-th of this lender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// A message that somebody says to hold, and under which loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Held {
    /// In which partition it stands.
    pub partition: Partition,
    /// Where.
    pub offset: Offset,
    /// The loan.
    pub loan: LoanNumber,
}

/// What may happen to a lender.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A consumer wants messages of a partition.
    Borrow {
        /// Which request.
        request: RequestId,
        /// Which partition.
        partition: Partition,
        /// Where its readable part ends, as far as the consumer knows. The lender asks nobody else.
        end: Offset,
        /// How many it takes at most.
        most: u32,
    },
    /// A consumer is done with a message, which is to be lent to nobody any more.
    Acknowledge {
        /// Which request.
        request: RequestId,
        /// Which message.
        held: Held,
    },
    /// A consumer does not want a message any longer: another may have it at once.
    GiveBack {
        /// Which request.
        request: RequestId,
        /// Which message.
        held: Held,
    },
    /// An entry is on the log for sure.
    Persisted(WriteId),
    /// An entry is not on the log, or nobody knows.
    NotPersisted(WriteId),
    /// The time of a loan is out.
    RanOut(LoanNumber),
}

/// What is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Answer a request.
    Answer {
        /// Which.
        request: RequestId,
        /// With what.
        result: Result<Answer, Refusal>,
    },
    /// Append this to the lender's partition, behind what was given to it before.
    Persist {
        /// How to call it.
        write: WriteId,
        /// What.
        entry: LendingEntry,
    },
    /// Say when so much time is over.
    SetTimer(LoanNumber, Duration),
    /// Nobody needs to know any more.
    CancelTimer(LoanNumber),
    /// To be told: these may be lent again, for the time of their loan is out.
    Returned {
        /// Which loan.
        loan: LoanNumber,
        /// Of which partition.
        partition: Partition,
        /// Which messages.
        offsets: BTreeSet<Offset>,
    },
    /// To be told: that it is acknowledged is on the log.
    Removed(Held),
}

/// What a lender answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// To `Borrow`: these are the asker's until it acknowledges them, gives them back, or the loan runs out.
    Lent {
        /// Under this number.
        loan: LoanNumber,
        /// Which, and how often each was lent before.
        messages: BTreeMap<Offset, u32>,
    },
    /// To `Borrow`: there is nothing to be lent.
    Nothing,
    /// To `Acknowledge`: it is on the log, and the message is lent to nobody any more.
    Acknowledged,
    /// To `GiveBack`: another may have it.
    GivenBack,
}

/// Why a lender refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Error)]
pub enum Refusal {
    /// What has to be remembered could not be, or nobody knows.
    #[error("it could not be remembered")]
    NotPersisted,
    /// The loan stands no more: it ran out, or the message was given back. Nothing was done.
    #[error("the loan is over")]
    LoanOver,
    /// The message was acknowledged before. Nothing was done.
    #[error("it was acknowledged before")]
    AcknowledgedBefore,
}
