//! What a restart finds.

use crate::words::{ONE_SEGMENT, Replica, SEGMENT_EACH, batch};
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::log::{CorruptLog, LogKnobs, PartitionLog, SegmentName, Write};
use rehearsal_model::queue::offset::Offset;

const FIRST: SegmentName = SegmentName(Offset::ZERO);

/// Three batches of one segment, and where each frame ends.
fn three(syncs: bool) -> (Replica, [usize; 3]) {
    let mut replica = Replica::new(ONE_SEGMENT);
    let ends = [0, 2, 4].map(|base| {
        replica.append(batch(base, 2, b"message"));
        if syncs {
            replica.sync();
        }
        replica.disk.bytes(FIRST).len()
    });
    (replica, ends)
}

#[test]
fn without_files_there_is_a_new_log() {
    let recovered =
        PartitionLog::recover(ONE_SEGMENT, Vec::new(), Defects::NONE).expect("nothing is damaged");
    assert_eq!(recovered.log, PartitionLog::new(ONE_SEGMENT));
    assert_eq!((recovered.writes, recovered.torn), (Vec::new(), false));
}

#[test]
fn a_log_torn_at_any_byte_keeps_its_whole_batches_and_is_cut_behind_them() {
    let (whole, ends) = three(true);
    for length in 0..ends[2] {
        let mut replica = whole.clone();
        replica.disk.tear(FIRST, length);
        let left = ends.iter().filter(|end| **end <= length).count();
        let recovered = replica.recovered(Defects::NONE).expect("a tear is no damage");
        let end = [0, ends[0], ends[1]][left];
        assert_eq!(recovered.torn, end < length);
        let cut = recovered.torn.then_some(Write::Truncate { segment: FIRST, length: end as u64 });
        let syncs = [Write::Sync { segment: FIRST }, Write::SyncDirectory];
        assert_eq!(recovered.writes, cut.into_iter().chain(syncs).collect::<Vec<_>>());
        assert_eq!(
            (recovered.log.end(), recovered.log.persisted_end()),
            (Offset(2 * left as u64), recovered.log.end())
        );
    }
}

#[test]
fn frames_behind_a_hole_are_torn_off_where_nothing_of_it_was_known_to_be_durable() {
    let (mut replica, ends) = three(false);
    (ends[0]..ends[1]).for_each(|at| {
        let byte = replica.disk.bytes(FIRST)[at];
        replica.disk.rot(FIRST, at, byte);
    });
    assert!(replica.restart(Defects::NONE));
    assert_eq!(replica.batches(), [batch(0, 2, b"message")]);
    assert_eq!(replica.disk.bytes(FIRST).len(), ends[0]);
}

#[test]
fn a_hole_is_damage_where_a_frame_behind_it_knew_that_it_was_durable() {
    let (mut replica, ends) = three(true);
    replica.disk.rot(FIRST, ends[1] - 1, 1);
    assert_eq!(
        replica.recovered(Defects::NONE),
        Err(CorruptLog { segment: FIRST, position: ends[0] as u64 })
    );
    assert_eq!(
        replica.recovered(Defects::NONE).expect_err("it is damaged").to_string(),
        format!("segment 00000000000000000000.log is corrupt at byte {}", ends[0])
    );
}

#[test]
fn a_message_that_holds_a_frame_is_torn_like_any_other() {
    let mut other = Replica::new(ONE_SEGMENT);
    let writes = other.log.reset(Offset(1_000));
    other.carry_out(&writes);
    other.append(batch(1_000, 1, b""));
    let copy = other.disk.bytes(SegmentName(Offset(1_000))).to_vec();
    let mut replica = Replica::new(ONE_SEGMENT);
    replica.append(batch(0, 1, &copy));
    let length = replica.disk.bytes(FIRST).len();
    replica.disk.rot(FIRST, 0, 0xff);
    assert!(replica.restart(Defects::NONE), "what tells of offset 1000 is no frame of this log");
    assert!(length > copy.len() && replica.batches().is_empty());
}

#[test]
fn a_batch_of_another_place_is_damage() {
    let (mut replica, ends) = three(false);
    let bytes = replica.disk.bytes(FIRST).to_vec();
    let doubled = [&bytes[..ends[1]], &bytes[ends[0]..]].concat();
    let recovered = PartitionLog::recover(ONE_SEGMENT, vec![(FIRST, doubled)], Defects::NONE);
    assert_eq!(recovered, Err(CorruptLog { segment: FIRST, position: ends[1] as u64 }));
    replica.disk.tear(FIRST, ends[1]);
    assert!(!replica.restart(Defects::NONE));
}

#[test]
fn a_gap_between_segments_is_damage_and_an_empty_last_one_is_not() {
    let replica = Replica::with_batches(SEGMENT_EACH, 4);
    let mut without_second = replica.clone();
    without_second.disk.lose(SegmentName(Offset(2)));
    let damage = CorruptLog { segment: SegmentName(Offset(4)), position: 0 };
    assert_eq!(without_second.recovered(Defects::NONE), Err(damage));

    let mut before_empty = replica.clone();
    before_empty.disk.tear(SegmentName(Offset(6)), 0);
    before_empty.disk.lose(SegmentName(Offset(4)));
    let damage = CorruptLog { segment: SegmentName(Offset(6)), position: 0 };
    assert_eq!(before_empty.recovered(Defects::NONE), Err(damage));

    let mut without_first = replica.clone();
    without_first.disk.lose(FIRST);
    assert_eq!(without_first.recovered(Defects::NONE).map(|recovered| recovered.log.start()), Ok(Offset(2)));

    let mut empty_last = replica.clone();
    empty_last.disk.tear(SegmentName(Offset(6)), 0);
    let recovered = empty_last.recovered(Defects::NONE).expect("a crash before its first batch leaves that");
    assert_eq!((recovered.log.end(), recovered.torn), (Offset(6), false));

    let mut torn_closed = replica;
    torn_closed.disk.tear(SegmentName(Offset(2)), 10);
    let damage = CorruptLog { segment: SegmentName(Offset(2)), position: 0 };
    assert_eq!(
        torn_closed.recovered(Defects::NONE),
        Err(damage),
        "it was synced before the next was created"
    );
}

#[test]
fn what_is_recovered_is_what_was_there() {
    let knobs = LogKnobs { segment_bytes: 200, ..ONE_SEGMENT };
    let mut replica = Replica::with_batches(knobs, 7);
    let closed: Vec<_> = replica.log.closed_segments().collect();
    assert!(closed.len() > 1);
    replica.restart(Defects::NONE);
    assert_eq!(replica.log.closed_segments().collect::<Vec<_>>(), closed);
    assert_eq!(replica.batches(), Replica::with_batches(knobs, 7).batches());
}

#[test]
fn a_torn_batch_that_is_kept_ends_the_log_at_the_next_restart() {
    let keeps = Defects::of([Defect::KeepsTornBatch]);
    let (mut replica, ends) = three(true);
    replica.disk.tear(FIRST, ends[2] - 1);
    assert!(replica.restart(keeps));
    assert_eq!(replica.disk.bytes(FIRST).len(), ends[2] - 1, "it is still there");
    replica.append(batch(4, 2, b"acknowledged"));
    replica.append(batch(6, 2, b"acknowledged as well"));
    replica.sync();
    assert_eq!(replica.log.persisted_end(), Offset(8));
    replica.restart(keeps);
    assert_eq!(replica.log.end(), Offset(4), "what was durable behind it is lost");
}
