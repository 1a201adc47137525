//! How far a partition is archived.

use super::super::offset::{LeaderEpoch, Offset};
use super::super::replica::Lineage;
use serde::{Deserialize, Serialize};

/// Everything before `through` is archived, of which the last batch is of this epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Archived {
    /// The first offset that is not.
    pub through: Offset,
    /// The epoch of the last batch that is.
    pub epoch: LeaderEpoch,
}

impl Archived {
    /// How much of a log that is: up to where the log parts from what was archived. They part where an unclean election
    /// has given offsets out anew; that is found as a follower finds where its log parts from its leader's (KIP-101).
    pub fn of_log(self, lineage: &Lineage, log_end: Offset) -> Offset {
        self.through.min(lineage.end_of(self.epoch, log_end).end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_out_anew_is_not_archived() {
        let archived = Archived { through: Offset(8), epoch: LeaderEpoch(1) };
        let lineage = |second| Lineage::of([(LeaderEpoch(0), Offset(0)), (LeaderEpoch(2), Offset(second))]);
        assert_eq!(archived.of_log(&lineage(9), Offset(12)), Offset(8));
        assert_eq!(archived.of_log(&lineage(5), Offset(12)), Offset(5));
        assert_eq!(archived.of_log(&Lineage::default(), Offset(3)), Offset(3));
    }
}
