//! The markers that lenders and borrowers reach.

use super::{
    LATE_ACKNOWLEDGEMENT_REFUSED, LENT_AGAIN_WHEN_TIME_WAS_OUT, LOAN_SURVIVED_FAILOVER, MESSAGE_GIVEN_BACK,
};
use rehearsal_env::Marker;
use rehearsal_model::queue::facts::{Fact, LendingFact};
use rehearsal_model::queue::lending::LoanNumber;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeSet;

/// What is remembered of loans.
#[derive(Debug, Default)]
pub(super) struct LoanMarkers {
    ran_out: BTreeSet<(u32, Partition, Offset)>,
    /// What a new lender found standing.
    taken_over: BTreeSet<(u32, LoanNumber)>,
}

impl LoanMarkers {
    pub(super) fn witness(&mut self, fact: &Fact, reached: &mut dyn FnMut(Marker)) {
        let Fact::Lending { group, what } = fact else { return };
        match what {
            LendingFact::Loaded { standing, .. } => {
                self.taken_over.extend(standing.iter().map(|loan| (*group, *loan)));
            }
            LendingFact::RanOut { partition, offsets, .. } => {
                self.ran_out.extend(offsets.iter().map(|offset| (*group, *partition, *offset)));
            }
            LendingFact::Borrowed { partition, offsets, .. } => {
                let ran_out = |offset: &Offset| self.ran_out.contains(&(*group, *partition, *offset));
                if offsets.iter().any(ran_out) {
                    reached(LENT_AGAIN_WHEN_TIME_WAS_OUT);
                }
            }
            LendingFact::Removed(held) if self.taken_over.contains(&(*group, held.loan)) => {
                reached(LOAN_SURVIVED_FAILOVER);
            }
            LendingFact::Told { counts: false, .. } => reached(LATE_ACKNOWLEDGEMENT_REFUSED),
            LendingFact::GivesBack(_) => reached(MESSAGE_GIVEN_BACK),
            _ => {}
        }
    }
}
