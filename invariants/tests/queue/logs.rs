//! Logs that are cut, read from disks, and damaged.

use crate::history::{History, PARTITION, Who};
use crate::markers::reached;
use rehearsal_invariants::queue::markers::*;
use rehearsal_model::queue::facts::{Fact, OfLogs};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};

fn crosses(history: &mut History, last: u32, next: u32) -> u64 {
    let (group, partition, offset) = (0, PARTITION, Offset(1));
    let (last, next) = (LeaderEpoch(last), LeaderEpoch(next));
    history.say(Who::Consumer(0), Fact::OfLogs(OfLogs::EpochCrossed { group, partition, offset, last, next }))
}

/// Message 0 stands at offset 0 in epoch 0, and message 1 behind it in epoch 1.
fn two_epochs() -> History {
    let mut history = History::with_a_group();
    history.replicate(0, &[1, 2], 0);
    history.elect(1);
    history.lead(1);
    history.append(1, 1);
    history
}

#[test]
fn a_consumer_may_go_on_in_another_epoch_behind_what_stands_there() {
    let mut history = two_epochs();
    crosses(&mut history, 0, 1);
    history.is_no_matter_of("partition-order");
}

#[test]
fn a_consumer_that_goes_on_behind_what_stands_there_no_more_is_convicted() {
    let mut history = two_epochs();
    let crossed = crosses(&mut history, 7, 1);
    let verdicts = history.verdicts();
    assert!(
        verdicts
            .iter()
            .any(|verdict| verdict.invariant == "partition-order" && verdict.evidence.contains(&crossed)),
        "{verdicts:?}"
    );
}

#[test]
fn where_nobody_has_what_it_goes_on_with_nothing_is_judged() {
    let mut history = two_epochs();
    crosses(&mut history, 0, 9);
    history.is_no_matter_of("partition-order");
}

#[test]
fn a_broker_that_finds_its_log_damaged_is_convicted() {
    let mut history = History::begin();
    let (partition, segment) = (PARTITION, Offset(0));
    let found =
        history.say(Who::Broker(1), Fact::OfLogs(OfLogs::Damaged { partition, segment, position: 44 }));
    history.convicts("brokers-return", &[found]);
}

#[test]
fn what_is_read_from_a_disk_and_what_was_cut_off_under_a_consumer_is_marked() {
    let mut history = History::with_a_group();
    assert!(!reached(&history).contains(&READ_FROM_DISK));
    let partition = PARTITION;
    let read = OfLogs::ReadFromDisk { partition, from: Offset(0), to: Offset(1) };
    history.say(Who::Broker(0), Fact::OfLogs(read));
    let seen = OfLogs::TruncationSeen { group: 0, partition, offset: Offset(2), to: Offset(1) };
    history.say(Who::Consumer(0), Fact::OfLogs(seen));
    let reached = reached(&history);
    assert!(reached.contains(&READ_FROM_DISK) && reached.contains(&CONSUMER_SAW_TRUNCATION));
}
