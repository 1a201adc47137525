//! What is dropped, and what is not.

use crate::words::{ONE_SEGMENT, Replica, SEGMENT_EACH, batch_at};
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::log::{ClosedSegment, Retention, SegmentName, Write};
use rehearsal_model::queue::offset::Offset;

const AGE: Retention = Retention { age_micros: Some(100), bytes: None };

/// How retention is asked, for segments of two records each, appended at 0, 10, 20, 30 and (the active one) 40.
struct Asked {
    now: i64,
    retention: Retention,
    archived_up_to: Option<u64>,
    watermark: u64,
    defects: Defects,
}

const PLAIN: Asked =
    Asked { now: 0, retention: AGE, archived_up_to: None, watermark: 10, defects: Defects::NONE };

/// Where the log starts then.
fn start_of(asked: &Asked) -> u64 {
    let mut replica = Replica::with_batches(SEGMENT_EACH, 5);
    let writes = replica.log.expired(
        asked.now,
        asked.retention,
        asked.archived_up_to.map(Offset),
        Offset(asked.watermark),
        asked.defects,
    );
    replica.carry_out(&writes);
    let start = replica.log.start();
    assert_eq!(replica.disk.files()[0].0.base(), start, "the disk has what the log has");
    assert!(!replica.restart(Defects::NONE));
    assert_eq!((replica.log.start(), replica.log.end()), (start, Offset(10)));
    start.0
}

#[test]
fn a_closed_segment_goes_once_its_newest_append_is_too_old() {
    for (now, start) in [(0, 0), (100, 0), (101, 2), (120, 4), (121, 6), (131, 8)] {
        assert_eq!(start_of(&Asked { now, ..PLAIN }), start, "at {now}");
    }
}

#[test]
fn the_newest_append_counts_wherever_in_its_segment_it_is() {
    let mut replica = Replica::new(ONE_SEGMENT);
    for (base, appended) in [(0, 0), (1, 50), (2, 20)] {
        replica.append(batch_at(base, 1, b"message", 0, appended));
    }
    replica.append(batch_at(3, 1, b"begins a segment", 0, i64::MAX));
    assert!(replica.log.expired(150, AGE, None, Offset(4), Defects::NONE).is_empty());
    assert!(!replica.log.expired(151, AGE, None, Offset(4), Defects::NONE).is_empty());
}

#[test]
fn a_closed_segment_goes_while_enough_is_left_without_it() {
    let files = Replica::with_batches(SEGMENT_EACH, 5).disk.files();
    // Of the last so many segments.
    let last = |count: usize| files[5 - count..].iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
    let asked =
        [(last(5), 0), (last(4) + 1, 0), (last(4), 2), (last(3) + 1, 2), (last(2), 6), (1, 8), (0, 8)];
    for (bytes, start) in asked {
        let retention = Retention { age_micros: None, bytes: Some(bytes) };
        assert_eq!(start_of(&Asked { retention, ..PLAIN }), start, "{bytes} bytes");
    }
}

#[test]
fn nothing_goes_where_nothing_is_limited() {
    assert_eq!(start_of(&Asked { now: i64::MAX, retention: Retention::default(), ..PLAIN }), 0);
}

#[test]
fn the_active_segment_stays_however_old_it_is() {
    assert_eq!(start_of(&Asked { now: i64::MAX, ..PLAIN }), 8);
    let defects = Defects::of([Defect::DropsActiveSegment]);
    assert_eq!(start_of(&Asked { now: 131, defects, ..PLAIN }), 10, "what was appended at 40 is gone at 131");
    assert_eq!(start_of(&Asked { now: 130, defects, ..PLAIN }), 6);
}

#[test]
fn nothing_goes_that_is_not_wholly_below_the_watermark() {
    for (watermark, start) in [(0, 0), (1, 0), (2, 2), (5, 4), (10, 8)] {
        assert_eq!(start_of(&Asked { now: 1_000, watermark, ..PLAIN }), start, "watermark {watermark}");
    }
}

#[test]
fn nothing_goes_before_it_is_archived() {
    let overtakes = Defects::of([Defect::RetentionOvertakesArchiver]);
    for (archived, start) in [(0, 0), (3, 2), (4, 4), (8, 8)] {
        let asked = Asked { now: 1_000, archived_up_to: Some(archived), ..PLAIN };
        assert_eq!(start_of(&asked), start, "archived up to {archived}");
        assert_eq!(start_of(&Asked { defects: overtakes, ..asked }), 8);
    }
}

#[test]
fn what_a_producer_claims_makes_nothing_old() {
    // The records are made a thousand microseconds before they are appended.
    assert_eq!(start_of(&PLAIN), 0);
    assert_eq!(start_of(&Asked { defects: Defects::of([Defect::RetentionByProducersTime]), ..PLAIN }), 8);
}

#[test]
fn the_first_segment_goes_first_and_surely() {
    let mut replica = Replica::with_batches(SEGMENT_EACH, 3);
    let writes = replica.log.expired(1_000, AGE, None, Offset(6), Defects::NONE);
    let [first, second] = [0, 2].map(|base| Write::Remove { segment: SegmentName(Offset(base)) });
    assert_eq!(writes, [first, second, Write::SyncDirectory]);
}

#[test]
fn an_archiver_is_told_of_each_closed_segment() {
    let replica = Replica::with_batches(SEGMENT_EACH, 3);
    let told: Vec<ClosedSegment> = replica.log.closed_segments().collect();
    let expected = [(0, 2, 0), (2, 4, 10)].map(|(base, end, newest_append)| {
        let segment = SegmentName(Offset(base));
        let length = replica.disk.bytes(segment).len() as u64;
        ClosedSegment { segment, end: Offset(end), length, newest_append }
    });
    assert_eq!(told, expected);
}
