//! What one read finds, and where.

use crate::words::{ONE_SEGMENT, Replica, SEGMENT_EACH, batch};
use proptest::prelude::*;
use rehearsal_model::queue::log::{Found, LogKnobs, ReadError, SegmentName};
use rehearsal_model::queue::offset::Offset;

/// The bases of what one read finds.
fn bases(replica: &Replica, from: u64, up_to: u64, max_bytes: u64) -> Vec<u64> {
    replica.read(Offset(from), Offset(up_to), max_bytes).iter().map(|batch| batch.base.0).collect()
}

#[test]
fn the_first_batch_may_begin_before_and_none_ends_beyond() {
    let replica = Replica::with_batches(ONE_SEGMENT, 4);
    assert_eq!(bases(&replica, 3, 8, u64::MAX), [2, 4, 6]);
    assert_eq!(bases(&replica, 3, 7, u64::MAX), [2, 4]);
    assert_eq!(bases(&replica, 3, 4, u64::MAX), [2]);
    assert!(bases(&replica, 2, 3, u64::MAX).is_empty(), "it ends beyond");
    assert!(bases(&replica, 4, 2, u64::MAX).is_empty());
}

#[test]
fn there_is_one_batch_however_little_may_be_read_and_no_more_than_may() {
    let replica = Replica::with_batches(ONE_SEGMENT, 4);
    let each = replica.disk.bytes(SegmentName(Offset(0))).len() as u64 / 4;
    assert_eq!(bases(&replica, 0, 8, 0), [0]);
    assert_eq!(bases(&replica, 0, 8, 2 * each - 1), [0]);
    assert_eq!(bases(&replica, 0, 8, 2 * each), [0, 2]);
}

#[test]
fn outside_of_the_log_it_is_said_where_the_log_is() {
    let mut replica = Replica::new(ONE_SEGMENT);
    replica.log.reset(Offset(10));
    replica.log.append(batch(10, 2, b"a"), 0);
    let read = |from| replica.log.read(Offset(from), Offset(99), 99);
    assert_eq!(read(9), Err(ReadError::BelowStart { start: Offset(10) }));
    assert_eq!(read(12), Ok(Found::InMemory(Vec::new())), "nothing yet");
    assert_eq!(read(13), Err(ReadError::AboveEnd { end: Offset(12) }));
}

#[test]
fn a_log_without_a_file_has_nothing_to_read_yet() {
    let replica = Replica::new(ONE_SEGMENT);
    assert_eq!(replica.log.read(Offset(0), Offset(9), 9), Ok(Found::InMemory(Vec::new())));
}

#[test]
fn only_the_last_segments_are_kept_in_memory_also_after_a_restart() {
    let mut replica = Replica::with_batches(LogKnobs { cached_segments: 2, ..SEGMENT_EACH }, 5);
    for _ in 0..2 {
        for base in [0, 2, 4] {
            let segment = SegmentName(Offset(base));
            let length = replica.disk.bytes(segment).len() as u64;
            let found = replica.log.read(Offset(base), Offset(99), u64::MAX);
            assert_eq!(found, Ok(Found::OnDisk { segment, position: 0, length }));
        }
        let Ok(Found::InMemory(batches)) = replica.log.read(Offset(6), Offset(99), u64::MAX) else {
            panic!("these are in memory")
        };
        assert_eq!(batches.len(), 2, "from memory a read goes on in the next segment");
        replica.restart(Default::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_what_looking_through_all_of_the_file_finds(
        batches in prop::collection::vec((1..5_u64, 0..60_usize), 1..20), asked in any::<prop::sample::Index>(),
    ) {
        let mut replica = Replica::new(ONE_SEGMENT);
        let mut places = Vec::new();
        for (records, length) in batches {
            let base = replica.log.end();
            let begins = replica.log.due_sync().segment.map_or(0, |segment| replica.disk.bytes(segment).len());
            replica.append(batch(base.0, records, &vec![7; length]));
            places.push((base, base.plus(records), begins as u64));
        }
        let (end, up_to) = (replica.log.end(), replica.disk.bytes(SegmentName(Offset(0))).len() as u64);
        let offset = Offset(asked.index(end.0 as usize) as u64);
        // The next segment closes this one, so that it is on the disk alone.
        let mut closed = replica.clone();
        closed.append(too_old_for_the_segment(end));
        let (_, _, position) = places.into_iter().find(|(base, end, _)| (*base..*end).contains(&offset)).expect("there");
        let found = closed.log.read(offset, end, u64::MAX);
        let segment = SegmentName(Offset(0));
        prop_assert_eq!(found, Ok(Found::OnDisk { segment, position, length: up_to - position }));
    }
}

/// A batch that comes so late that it begins a segment.
fn too_old_for_the_segment(base: Offset) -> std::sync::Arc<rehearsal_model::queue::record::Batch> {
    crate::words::batch_at(base.0, 1, b"late", 0, i64::MAX)
}
