//! What is written where, and in which order.

use crate::words::{ONE_SEGMENT, Replica, SEGMENT_EACH, batch, batch_at};
use rehearsal_model::queue::log::{LogKnobs, PartitionLog, SegmentName, Write};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};

fn segment(base: u64) -> SegmentName {
    SegmentName(Offset(base))
}

/// The writes without their bytes.
fn outline(writes: &[Write]) -> String {
    let words = writes.iter().map(|write| match write {
        Write::Create { segment } => format!("create {}", segment.base()),
        Write::Append { segment, .. } => format!("append {}", segment.base()),
        Write::Truncate { segment, length } => format!("truncate {} to {length}", segment.base()),
        Write::Remove { segment } => format!("remove {}", segment.base()),
        Write::Sync { segment } => format!("sync {}", segment.base()),
        Write::SyncDirectory => "sync directory".to_owned(),
    });
    words.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_file_is_named_by_the_offset_of_its_first_record() {
    assert_eq!(segment(812).file_name(), "00000000000000000812.log");
    for base in [0, 812, u64::MAX] {
        assert_eq!(SegmentName::of_file(&segment(base).file_name()), Some(segment(base)));
    }
    for other in
        ["812.log", "00000000000000000812.index", "0000000000000000081x.log", "99999999999999999999.log"]
    {
        assert_eq!(SegmentName::of_file(other), None, "{other}");
    }
}

#[test]
fn a_segment_is_synced_before_the_next_one_is_written() {
    let mut replica = Replica::new(SEGMENT_EACH);
    assert_eq!(outline(&replica.append(batch(0, 2, b"a"))), "create 0, sync directory, append 0");
    assert_eq!(outline(&replica.append(batch(2, 1, b"b"))), "sync 0, create 2, sync directory, append 2");
}

#[test]
fn a_segment_takes_what_fits_in_it_and_no_byte_more() {
    let length = Replica::with_batches(ONE_SEGMENT, 1).disk.bytes(segment(0)).len() as u64;
    for (segment_bytes, files) in [(3 * length, 1), (3 * length - 1, 2), (2 * length - 1, 3), (1, 3)] {
        let replica = Replica::with_batches(LogKnobs { segment_bytes, ..ONE_SEGMENT }, 3);
        assert_eq!(replica.disk.files().len(), files, "{segment_bytes} bytes");
    }
}

#[test]
fn a_segment_takes_nothing_once_its_first_batch_is_too_old() {
    let knobs = LogKnobs { segment_age_micros: 20, ..ONE_SEGMENT };
    let bases: Vec<_> =
        Replica::with_batches(knobs, 5).disk.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(bases, [segment(0), segment(4), segment(8)]);
}

#[test]
fn a_cut_is_sure_before_anything_is_written_behind_it() {
    let mut replica = Replica::with_batches(SEGMENT_EACH, 4);
    assert_eq!(
        outline(&replica.truncate(2)),
        "remove 6, remove 4, sync directory, truncate 2 to 0, sync 2",
        "the last one first, or else a crash might leave a gap"
    );
    assert_eq!(outline(&replica.append(batch(2, 3, b"other"))), "append 2");
    assert_eq!(replica.truncate(5), []);
}

#[test]
fn a_batch_is_cut_off_whole_wherever_the_cut_hits_it() {
    for to in [3, 4, 5] {
        let mut replica = Replica::new(ONE_SEGMENT);
        for (base, value) in [(0, b"a"), (3, b"b"), (6, b"c")] {
            replica.append(batch(base, 3, value));
        }
        replica.truncate(to);
        assert_eq!(replica.log.end(), Offset(3), "cut at {to}");
        assert_eq!(replica.batches(), [batch(0, 3, b"a")]);
    }
}

#[test]
fn a_log_that_is_cut_below_its_start_begins_anew_there() {
    let mut replica = Replica::new(SEGMENT_EACH);
    let writes = replica.log.reset(Offset(100));
    replica.carry_out(&writes);
    replica.append(batch(100, 2, b"a"));
    replica.append(batch(102, 2, b"b"));
    replica.truncate(7);
    assert_eq!((replica.log.start(), replica.log.end()), (Offset(7), Offset(7)));
    assert!(replica.batches().is_empty());
}

#[test]
fn a_log_that_is_reset_goes_on_where_it_was_told_to_also_after_a_restart() {
    let mut replica = Replica::with_batches(SEGMENT_EACH, 2);
    let writes = replica.log.reset(Offset(50));
    assert_eq!(outline(&writes), "remove 2, remove 0, create 50, sync directory");
    replica.carry_out(&writes);
    replica.restart(Default::default());
    assert_eq!((replica.log.start(), replica.log.end()), (Offset(50), Offset(50)));
    assert_eq!(outline(&replica.append(batch(50, 1, b"a"))), "append 50");
}

#[test]
fn the_lineage_is_that_of_the_batches_left() {
    let mut replica = Replica::new(SEGMENT_EACH);
    for (base, epoch) in [(0, 1), (2, 1), (4, 3), (6, 4)] {
        replica.append(batch_at(base, 2, b"message", epoch, 0));
    }
    let first = (LeaderEpoch(1), Offset(0));
    assert_eq!(replica.log.epoch_starts(), [first, (LeaderEpoch(3), Offset(4)), (LeaderEpoch(4), Offset(6))]);
    replica.truncate(6);
    replica.restart(Default::default());
    assert_eq!(replica.log.epoch_starts(), [first, (LeaderEpoch(3), Offset(4))]);
}

#[test]
#[should_panic(expected = "a batch is appended at the end")]
fn a_batch_that_does_not_follow_is_not_appended() {
    PartitionLog::new(ONE_SEGMENT).append(batch(3, 1, b"a"), 0);
}

#[test]
#[should_panic(expected = "a batch takes at least one offset")]
fn a_batch_of_nothing_is_not_appended() {
    PartitionLog::new(ONE_SEGMENT).append(batch(0, 0, b""), 0);
}
