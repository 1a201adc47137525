//! What a lender writes to its partition of the loans topic, and a later one reads.

use super::step::Held;
use crate::queue::offset::Offset;
use crate::queue::partition::Partition;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The number of a loan among those of its group: a later one has a larger number, over crashes of lenders too. No two
/// that anybody was told of have the same, so that it stands for whoever was told it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LoanNumber(pub u64);

/// One write of a lender. That a loan is over is never written: a later lender gives it its whole time once more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LendingEntry {
    /// These messages are lent. Written before the borrower hears of it.
    Lent {
        /// Under this number.
        loan: LoanNumber,
        /// In which partition.
        partition: Partition,
        /// Where they stand.
        offsets: BTreeSet<Offset>,
    },
    /// This one is acknowledged under the loan that stood.
    Acknowledged(Held),
}

impl fmt::Display for LoanNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "loan-{}", self.0)
    }
}
