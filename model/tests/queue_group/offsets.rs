//! Committed offsets: the last write in the order of the log counts, whatever the order in which it is reported.

use super::stage::partition;
use proptest::prelude::*;
use rehearsal_model::queue::group::offsets::Offsets;
use rehearsal_model::queue::group::{RequestId, WriteId};
use rehearsal_model::queue::offset::Offset;
use std::collections::BTreeMap;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_last_write_that_is_on_the_log_counts(
        writes in prop::collection::vec((0..2_u32, 0..9_u64, prop::bool::weighted(0.8)), 0..8),
        order in Just(()).prop_perturb(|(), mut random| random.random::<u64>()),
    ) {
        let mut offsets = Offsets::default();
        let mut expected = BTreeMap::new();
        for (number, (place, offset, succeeds)) in writes.iter().enumerate() {
            let write = WriteId(number as u64 + 1);
            let commit = BTreeMap::from([(partition(0, *place), Offset(*offset))]);
            offsets.begin(write, RequestId(number as u64), commit.clone());
            prop_assert_eq!(offsets.committed(partition(0, 7)), None);
            if *succeeds {
                expected.extend(commit);
            }
        }
        let mut reports: Vec<usize> = (0..writes.len()).collect();
        reports.sort_by_key(|number| (order ^ *number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for number in reports {
            let write = WriteId(number as u64 + 1);
            let waited = if writes[number].2 { offsets.persisted(write) } else { offsets.failed(write) };
            prop_assert_eq!(waited, Some(RequestId(number as u64)));
            prop_assert_eq!(offsets.persisted(write), None, "a second report says nothing");
        }
        let all = (0..2).map(|place| partition(0, place)).collect();
        prop_assert_eq!(offsets.of(&all), expected);
    }
}

#[test]
fn a_commit_is_invisible_until_it_is_on_the_log() {
    let mut offsets = Offsets::default();
    offsets.recover(BTreeMap::from([(partition(0, 0), Offset(3))]));
    offsets.begin(WriteId(1), RequestId(1), BTreeMap::from([(partition(0, 0), Offset(5))]));
    assert_eq!(offsets.committed(partition(0, 0)), Some(Offset(3)));
    offsets.persisted(WriteId(1));
    assert_eq!(offsets.committed(partition(0, 0)), Some(Offset(5)));
}
