//! Which epoch wrote which stretch, against a log that is read record by record.

use proptest::prelude::*;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::replica::{EpochEnd, Lineage};

/// A log as the epochs of its records, rising.
fn log() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(0..5_u32, 0..12).prop_map(|mut epochs| {
        epochs.sort_unstable();
        epochs
    })
}

fn lineage_of(log: &[u32]) -> Lineage {
    let mut lineage = Lineage::default();
    for (offset, epoch) in log.iter().enumerate() {
        lineage.appended(LeaderEpoch(*epoch), Offset(offset as u64));
    }
    lineage
}

/// The same by reading all of the log.
fn end_of(log: &[u32], epoch: u32) -> EpochEnd {
    let end = log.iter().position(|known| *known > epoch).unwrap_or(log.len());
    let found = log.iter().rev().find(|known| **known <= epoch);
    EpochEnd { found: found.map(|epoch| LeaderEpoch(*epoch)), end: Offset(end as u64) }
}

proptest! {
    #[test]
    fn an_epoch_ends_where_the_next_larger_one_begins(log in log(), cut in 0..13_usize, asked in 0..6_u32) {
        let mut lineage = lineage_of(&log);
        let end = Offset(log.len() as u64);
        prop_assert_eq!(lineage.end_of(LeaderEpoch(asked), end), end_of(&log, asked));
        let kept = &log[..cut.min(log.len())];
        lineage.truncated(Offset(kept.len() as u64));
        prop_assert_eq!(&lineage, &lineage_of(kept));
        for (offset, epoch) in kept.iter().enumerate() {
            prop_assert_eq!(lineage.epoch_at(Offset(offset as u64)), Some(LeaderEpoch(*epoch)));
        }
        prop_assert_eq!(lineage.last(), kept.last().map(|epoch| LeaderEpoch(*epoch)));
    }

    #[test]
    fn what_was_dropped_from_the_front_wrote_nothing(log in log(), share in 0..100_usize) {
        let start = log.len() * share / 100;
        let mut lineage = lineage_of(&log);
        lineage.expired(Offset(start as u64));
        let mut rest = Lineage::default();
        for (offset, epoch) in log.iter().enumerate().skip(start) {
            rest.appended(LeaderEpoch(*epoch), Offset(offset as u64));
        }
        prop_assert_eq!(lineage, rest);
    }
}
