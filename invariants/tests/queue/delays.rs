//! Delayed messages, messages that fail, and dead letters.

use crate::history::{History, PARTITION, Who, message, rules, stretch};
use rehearsal_env::{Span, WallTime};
use rehearsal_invariants::queue::Rules;
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId};
use rehearsal_model::queue::controller::{Leader, PartitionState};
use rehearsal_model::queue::delay::Due;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::group::MemberId;
use rehearsal_model::queue::knobs::Retry;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::{Partition, Topic};
use std::collections::BTreeMap;

const EARLY: &str = "not-before-due";
const ONCE: &str = "moved-once";
const DEAD: &str = "retried-or-dead";
const ORDER: &str = "partition-order";
const HELD: Partition = Partition { topic: Topic::Delayed, number: 0 };
const MOVER: Who = Who::Consumer(9);
const SECOND: Due = Due::After(Span::seconds(1));

impl History {
    fn postpone(&mut self, due: Due) -> u64 {
        let (message, target, wall) = (message(0), PARTITION, WallTime(0));
        self.say(Who::Producer, Fact::Postponed { message, target, due, wall })
    }

    /// The delayed topic gets message 0, at this offset.
    fn hold(&mut self, offset: u64) -> u64 {
        self.say(Who::Broker(0), Fact::Appended { partition: HELD, stretch: stretch(offset, 0, 0) })
    }

    /// A mover finds what stands at this offset of the delayed topic due.
    fn release(&mut self, offset: u64, wall: i64) -> u64 {
        let (partition, epoch, offset) = (HELD, LeaderEpoch(0), Offset(offset));
        let (message, target, wall) = (message(0), PARTITION, WallTime(wall));
        self.say(MOVER, Fact::Released { partition, epoch, offset, message, target, wall })
    }

    fn fail(&mut self, offset: u64, number: u32) -> u64 {
        let (group, member, partition) = (0, MemberId(0), PARTITION);
        let (offset, message) = (Offset(offset), message(number));
        self.say(Who::Consumer(0), Fact::Failed { group, member, partition, offset, message, tries: 1 })
    }

    fn park(&mut self, offset: u64, number: u32) -> u64 {
        let (group, partition, offset, message) = (0, PARTITION, Offset(offset), message(number));
        self.say(Who::Consumer(0), Fact::Parked { group, partition, offset, message })
    }
}

fn with_a_delayed_topic() -> History {
    let mut history = History::begin();
    let state = history.state.clone();
    history.say(Who::Coordination, Fact::PartitionChanged { partition: HELD, state });
    history
}

#[test]
fn a_message_that_stands_in_its_target_too_soon_is_convicted() {
    let mut history = with_a_delayed_topic();
    history.postpone(SECOND);
    let held = history.hold(0);
    history.release(0, 0);
    let mut late = history.clone();
    history.wait(900);
    let early = history.append(0, 0);
    history.convicts(EARLY, &[held, early]);
    late.wait(1_000);
    late.append(0, 0);
    late.is_no_matter_of(EARLY);
}

#[test]
fn an_appointment_is_kept_by_the_movers_wall_clock() {
    let mut history = with_a_delayed_topic();
    history.postpone(Due::At(WallTime(5_000)));
    history.hold(0);
    let mut in_time = history.clone();
    let early = history.release(0, 4_999);
    history.convicts(EARLY, &[early]);
    in_time.release(0, 5_000);
    in_time.append(0, 0);
    in_time.is_no_matter_of(EARLY);
}

#[test]
fn a_message_that_stands_in_its_target_twice_is_convicted() {
    let mut history = with_a_delayed_topic();
    history.postpone(Due::After(Span(0)));
    history.hold(0);
    let released = history.release(0, 0);
    let first = history.append(0, 0);
    // Another mover finds the same.
    history.release(0, 0);
    let mut sent_twice = history.clone();
    let second = history.append(0, 0);
    history.convicts(ONCE, &[released, first, second]);
    sent_twice.hold(1);
    sent_twice.release(1, 0);
    sent_twice.append(0, 0);
    sent_twice.is_no_matter_of(ONCE);
}

#[test]
fn a_message_that_never_comes_is_convicted() {
    let mut history = with_a_delayed_topic();
    let postponed = history.postpone(SECOND);
    let held = history.hold(0);
    history.calm();
    history.convicts(ONCE, &[postponed, held]);
}

#[test]
fn a_message_that_failed_and_is_nowhere_is_convicted() {
    let mut history = History::with(Rules { retry: Retry::Topic, ..rules() });
    let dead = Partition { topic: Topic::Dead(0), number: 0 };
    let leader = Some(Leader { broker: BrokerId(1), life: BrokerEpoch(2) });
    let state = PartitionState { leader, ..history.state.clone() };
    history.say(Who::Coordination, Fact::PartitionChanged { partition: dead, state });
    history.say(Who::Broker(1), Fact::Appended { partition: dead, stretch: stretch(0, 0, 7) });
    history.own(0, 1);
    history.position(0, 0, false);
    history.write(0);
    let failed = history.fail(0, 0);
    let mut given_up = history.clone();
    history.commit(0, 1, 1);
    history.convicts(DEAD, &[failed]);
    given_up.say(Who::Broker(1), Fact::Appended { partition: dead, stretch: stretch(1, 0, 0) });
    given_up.commit(0, 1, 1);
    given_up.passes();
}

/// Messages 0 and 2 have one key, message 1 another.
fn parking() -> History {
    let keys = BTreeMap::from([(message(0), 0), (message(1), 1), (message(2), 0)]);
    let mut history = History::with(Rules { retry: Retry::ParkKey, keys, ..rules() });
    history.own(0, 1);
    history.position(0, 0, false);
    (0..3).for_each(|number| {
        history.write(number);
    });
    history
}

#[test]
fn a_later_record_of_a_parked_key_is_convicted_when_it_is_processed_first() {
    let mut history = parking();
    let failed = history.fail(0, 0);
    history.process(0, 1, 1);
    let overtook = history.process(0, 1, 2);
    history.convicts(ORDER, &[failed, overtook]);
}

#[test]
fn what_has_no_key_waits_for_nothing() {
    let mut history = parking();
    history.rules.keys.clear();
    history.fail(0, 0);
    history.process(0, 1, 1);
    history.process(0, 1, 2);
    history.process(0, 1, 0);
    history.is_no_matter_of(ORDER);
}

#[test]
fn a_later_record_that_waits_is_legal_and_so_is_another_key() {
    let mut history = parking();
    history.fail(0, 0);
    history.process(0, 1, 1);
    history.park(2, 2);
    history.process(0, 1, 0);
    history.process(0, 1, 2);
    history.commit(0, 1, 3);
    history.passes();
}

#[test]
fn a_parked_record_that_is_committed_is_convicted() {
    let mut history = parking();
    history.fail(0, 0);
    history.process(0, 1, 1);
    history.park(2, 2);
    history.commit(0, 1, 2);
    assert!(history.verdicts().iter().any(|violation| violation.invariant == "offsets-move-forward"));
}
