//! What is dropped, archived and damaged.

use crate::history::{History, PARTITION, Who, rules, stretch};
use rehearsal_invariants::queue::Rules;
use rehearsal_invariants::queue::markers::*;
use rehearsal_model::queue::facts::{Fact, Stretch};
use rehearsal_model::queue::log::Retention;
use rehearsal_model::queue::offset::Offset;
use std::collections::BTreeMap;

const HONEST: &str = "retention-honest";
const INTACT: &str = "bytes-intact";
const BELOW: &str = "start-below-watermark";
const ONCE: &str = "at-least-once";

/// A second, in microseconds.
const SECOND: i64 = 1_000_000;

/// Three messages on all disks, acknowledged, appended at 0 by the wall clock, of which nobody reads anything; they are
/// kept for a second, or a hundred bytes of them.
fn kept(rules: Rules) -> History {
    let retention = Retention { age_micros: Some(SECOND), bytes: Some(100) };
    let mut history = History::with(Rules { retention: BTreeMap::from([(PARTITION, retention)]), ..rules });
    (0..3).for_each(|number| {
        history.write(number);
    });
    history
}

fn nobody_reads() -> Rules {
    Rules { groups: BTreeMap::new(), ..rules() }
}

fn archived() -> Rules {
    Rules { archive: true, ..nobody_reads() }
}

#[test]
fn what_is_old_goes_and_what_is_too_much() {
    let mut history = kept(nobody_reads());
    history.expire(1, (0, 1), 50, SECOND + 1);
    history.expire(1, (1, 2), 100, SECOND);
    history.passes();
    history.expire(0, (0, 2), 0, 2 * SECOND);
    history.passes();
}

#[test]
fn what_is_young_and_not_too_much_stays() {
    let mut history = kept(nobody_reads());
    let newest = history.facts.iter().position(|(_, fact)| matches!(fact, Fact::Replicated { .. }));
    let dropped = history.expire(1, (0, 1), 99, SECOND);
    history.convicts(HONEST, &[newest.expect("it was replicated") as u64, dropped]);
}

#[test]
fn nothing_goes_where_everything_is_kept() {
    let mut history = History::begin();
    history.write(0);
    let dropped = history.expire(0, (0, 1), 0, i64::MAX);
    history.convicts(HONEST, &[dropped]);
}

#[test]
fn nothing_goes_that_is_not_archived_without_a_gap() {
    let mut history = kept(archived());
    history.archive(0, 2);
    let mut gap = history.clone();
    history.archive(2, 3);
    for history in [&mut history, &mut gap] {
        history.expire(0, (0, 2), 0, 2 * SECOND);
        history.passes();
        history.expire(0, (2, 3), 0, 2 * SECOND);
    }
    history.passes();
    assert_eq!(gap.verdicts()[0].invariant, HONEST);
}

#[test]
fn what_is_replayed_is_what_was_appended() {
    let mut history = kept(archived());
    let replayed = |stretch| Fact::Replayed { group: 0, partition: PARTITION, batches: vec![stretch] };
    history.say(Who::Consumer(0), replayed(stretch(1, 0, 1)));
    history.passes();
    for other in [stretch(1, 0, 2), stretch(1, 1, 1), Stretch { appended: 1, ..stretch(1, 0, 1) }] {
        let mut history = history.clone();
        history.say(Who::Consumer(0), replayed(other));
        assert_eq!(history.verdicts()[0].invariant, HONEST);
    }
}

#[test]
fn a_closed_segment_that_is_out_of_retention_is_not_left_for_long() {
    let mut history = kept(nobody_reads());
    let (base, end) = (Offset(0), Offset(2));
    let closed =
        history.say(Who::Broker(2), Fact::SegmentClosed { partition: PARTITION, base, end, bytes: 60 });
    history.calm();
    history.passes();
    history.long_calm();
    let mut gone = history.clone();
    history.convicts(HONEST, &[closed]);
    gone.expire(2, (0, 2), 30, 2 * SECOND);
    gone.passes();
}

#[test]
fn a_closed_segment_waits_for_the_archiver_as_long_as_its_leader_has_not_closed_it() {
    let mut history = kept(archived());
    let partition = PARTITION;
    let (base, end, bytes) = (Offset(0), Offset(2), 60);
    let closed = history.say(Who::Broker(2), Fact::SegmentClosed { partition, base, end, bytes });
    let mut waits = history.clone();
    waits.long_calm();
    waits.is_no_matter_of(HONEST);
    history.say(Who::Broker(0), Fact::SegmentClosed { partition, base, end, bytes });
    history.archive(0, 2);
    history.expire(0, (0, 2), 0, 2 * SECOND);
    history.long_calm();
    history.convicts(HONEST, &[closed]);
}

#[test]
fn a_segment_that_is_written_to_again_is_not_closed() {
    let mut history = kept(nobody_reads());
    let (base, end) = (Offset(0), Offset(3));
    history.say(Who::Broker(2), Fact::SegmentClosed { partition: PARTITION, base, end, bytes: 60 });
    history.crash(Who::Broker(2));
    history.come_up(2, 3);
    history.long_calm();
    history.is_no_matter_of(HONEST);
}

#[test]
fn nothing_is_dropped_beyond_every_watermark() {
    let mut history = kept(nobody_reads());
    history.append(0, 3);
    let watermark = history.facts.iter().rposition(|(_, fact)| matches!(fact, Fact::WatermarkMoved { .. }));
    let dropped = history.expire(0, (0, 4), 0, 2 * SECOND);
    history.convicts(BELOW, &[watermark.expect("it moved") as u64, dropped]);
}

#[test]
fn what_retention_took_is_missed_by_nobody() {
    let mut history = kept(nobody_reads());
    for broker in 0..3 {
        history.expire(broker, (0, 3), 0, 2 * SECOND);
    }
    history.elect(1);
    history.lead(1);
    history.passes();
}

#[test]
fn a_group_need_not_have_read_what_retention_took_unless_it_is_archived() {
    for archive in [false, true] {
        let mut history = kept(Rules { archive, ..rules() });
        history.own(0, 1);
        history.position(0, 0, false);
        history.archive(0, 2);
        (0..3).for_each(|broker| {
            history.expire(broker, (0, 2), 0, 2 * SECOND);
        });
        let silent = history.verdicts().iter().all(|violation| violation.invariant != ONCE);
        assert!(!silent, "what is left is to be read");
        history.process(0, 1, 2);
        let silent = history.verdicts().iter().all(|violation| violation.invariant != ONCE);
        assert_eq!(silent, !archive);
    }
}

#[test]
fn a_member_that_was_replaced_and_begins_behind_what_was_taken_undoes_nobodys_work() {
    let mut history = kept(rules());
    history.own(0, 1);
    history.own(1, 2);
    history.position(1, 0, false);
    history.expire(0, (0, 1), 100, SECOND + 1);
    history.process(1, 2, 1);
    history.position(0, 1, false);
    let mut too_far = history.clone();
    history.commit(1, 2, 2);
    history.is_no_matter_of("offsets-move-forward");
    let (moved, passed) = (too_far.facts.len() as u64 - 1, too_far.commit(1, 2, 3));
    too_far.convicts("offsets-move-forward", &[moved, passed]);
}

#[test]
fn a_log_that_begins_anew_holds_nothing_until_its_disk_says_so() {
    let mut history = kept(nobody_reads());
    history.in_sync(&[0, 1]);
    history.say(Who::Broker(2), Fact::BeganAnew { partition: PARTITION, at: Offset(2) });
    history.fetch_this(2, stretch(2, 0, 2));
    let mut early = history.clone();
    history.sync(2);
    for history in [&mut history, &mut early] {
        history.in_sync(&[0, 1, 2]);
    }
    history.passes();
    assert_eq!(early.verdicts()[0].invariant, "isr-ordering");
}

#[test]
fn what_lost_a_bit_is_neither_written_nor_processed() {
    let mut history = History::with_a_group();
    history.write(0);
    let flipped =
        history.say(Who::Producer, Fact::BitFlipped { partition: PARTITION, checksum: 7, record: Some(8) });
    let mut written = history.clone();
    let appended = written.append_this(0, Stretch { checksum: 7, ..stretch(1, 0, 1) });
    written.convicts(INTACT, &[flipped, appended]);
    let mut damaged = history.clone();
    let processed = damaged.process_bytes(0, 1, (0, 0), 8);
    damaged.convicts(INTACT, &[flipped, processed]);
    let mut processed = history.clone();
    let elsewhere = processed.process_this(0, 1, 0, 7);
    processed.convicts(INTACT, &[elsewhere]);
    history.process(0, 1, 0);
    history.commit(0, 1, 1);
    history.passes();
}

#[test]
fn retention_says_why_it_took_something_and_whether_it_was_read() {
    let reached = |(left, at): (u64, i64), read: bool| {
        let mut history = kept(rules());
        if read {
            history.own(0, 1);
            history.process(0, 1, 0);
        }
        history.expire(0, (0, 1), left, at);
        crate::markers::reached(&history)
    };
    let of = |reached: std::collections::BTreeSet<_>| {
        [DROPPED_BY_TIME, DROPPED_BY_SIZE, TAKEN_UNREAD].map(|marker| reached.contains(&marker))
    };
    assert_eq!(of(reached((0, 2 * SECOND), true)), [true, false, false]);
    assert_eq!(of(reached((100, 0), true)), [false, true, false]);
    assert_eq!(of(reached((0, 2 * SECOND), false)), [true, false, true]);
}

#[test]
fn what_retention_took_and_is_written_again_is_convicted() {
    let mut history = kept(nobody_reads());
    let appended =
        |(_, fact): &(_, Fact)| matches!(fact, Fact::Appended { stretch, .. } if stretch.base == Offset(1));
    let appended = history.facts.iter().position(appended).expect("it was appended") as u64;
    history.expire(0, (0, 2), 0, 2 * SECOND);
    let mut first = history.clone();
    first.expire(0, (2, 3), 0, 2 * SECOND);
    first.append(0, 0);
    first.is_no_matter_of("partition-order");
    let again = history.append(0, 1);
    history.convicts("partition-order", &[appended, again]);
}

#[test]
fn what_a_deposed_leader_appends_to_its_own_log_was_not_written_again() {
    let mut history = kept(nobody_reads());
    history.elect(1);
    history.in_sync(&[1, 2]);
    history.lead(1);
    let appended = history.replicate(1, &[2], 3);
    history.replicate(1, &[2], 4);
    history.expire(1, (0, 4), 0, 2 * SECOND);
    let mut deposed = history.clone();
    deposed.append_this(0, stretch(3, 0, 3));
    deposed.is_no_matter_of("partition-order");
    let again = history.append(1, 3);
    history.convicts("partition-order", &[appended, again]);
}
