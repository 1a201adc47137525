//! What consumers did.

use crate::history::{History, OFFSETS, PARTITION, Who, rules};
use rehearsal_invariants::queue::Rules;
use rehearsal_invariants::queue::rules::Pipe;
use rehearsal_model::coordination::{Change, Entry, Happening, Revision};
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::{Leader, PartitionState};
use rehearsal_model::queue::facts::{Fact, OfGroups};
use rehearsal_model::queue::group::MemberId;
use rehearsal_model::queue::group::keeper::KeptOffsets;
use rehearsal_model::queue::keys;
use rehearsal_model::queue::knobs::{Delivery, StartAt};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::production::Acks;
use std::collections::BTreeMap;
use std::sync::Arc;

const AT_LEAST: &str = "at-least-once";
const AT_MOST: &str = "at-most-once";
const ORDER: &str = "partition-order";
const OWNER: &str = "one-owner";
const FORWARD: &str = "offsets-move-forward";
const SETTLES: &str = "group-settles";

fn at_most_once() -> History {
    let mut history = History::with(Rules { delivery: Delivery::AtMostOnce, ..rules() });
    history.own(0, 1);
    history.position(0, 0, false);
    history
}

#[test]
fn a_message_that_a_group_never_processed_is_convicted() {
    let mut history = History::with_a_group();
    let placed = history.facts.len() as u64 + 1;
    let told = history.write(0);
    history.convicts(AT_LEAST, &[placed, told]);
    history.process(0, 1, 0);
    history.commit(0, 1, 1);
    history.passes();
}

#[test]
fn a_group_that_begins_behind_a_message_is_convicted() {
    let mut history = History::with(rules());
    let placed = history.facts.len() as u64 + 1;
    let told = history.write(0);
    history.own(0, 1);
    history.position(0, 1, false);
    history.convicts(AT_LEAST, &[placed, told]);
}

#[test]
fn what_retention_had_taken_where_a_group_asked_is_passed_over() {
    for taken in [false, true] {
        let mut history = History::with_a_group();
        history.write(0);
        if taken {
            history.expire(1, (0, 1), 0, 0);
        }
        history.position(0, 1, false);
        let convicted = history.verdicts().iter().any(|violation| violation.invariant == AT_LEAST);
        assert_eq!(convicted, !taken);
    }
}

#[test]
fn what_a_pipeline_forgot_that_it_had_written_is_found_at_another_place() {
    let source = Partition { topic: Topic::Named(1), number: 0 };
    let leader = |broker| Some(Leader { broker: BrokerId(broker), life: BrokerEpoch(u64::from(broker) + 1) });
    for lost in [false, true] {
        let mut history = at_most_once();
        history.rules.max_in_flight = 1;
        history.rules.partitions.insert(source);
        history.rules.pipes.insert(Pipe { group: 1, from: source.topic, into: PARTITION.topic });
        let begins = PartitionState { in_sync: Brokers::first(1), ..history.state.clone() };
        let elected = PartitionState {
            version: begins.version + 1,
            epoch: LeaderEpoch(begins.epoch.0 + 1),
            leader: leader(if lost { 1 } else { 0 }),
            in_sync: Brokers::only(BrokerId(if lost { 1 } else { 0 })),
            ..begins.clone()
        };
        for state in [begins, elected] {
            history.say(Who::Coordination, Fact::PartitionChanged { partition: source, state });
        }
        history.process_this(0, 1, 0, 7);
        history.process_this(0, 1, 1, 7);
        let convicted = history.verdicts().iter().any(|violation| violation.invariant == AT_MOST);
        assert_eq!(convicted, !lost);
    }
}

#[test]
fn an_offset_processed_twice_is_convicted_at_most_once() {
    let mut history = at_most_once();
    history.write(0);
    history.commit(0, 1, 1);
    let first = history.process(0, 1, 0);
    history.own(1, 2);
    history.position(1, 0, false);
    let second = history.process(1, 2, 0);
    let mut lenient = history.clone();
    lenient.rules.delivery = Delivery::AtLeastOnce;
    lenient.is_no_matter_of(AT_MOST);
    // That it starts as if nothing were committed is convicted before.
    history.facts.retain(|(_, fact)| !matches!(fact, Fact::Positioned { .. }));
    history.convicts(AT_MOST, &[first, second]);
}

#[test]
fn a_message_processed_at_two_places_is_convicted_at_most_once() {
    let mut history = at_most_once();
    history.rules.max_in_flight = 1;
    let first = history.process_this(0, 1, 0, 7);
    let second = history.process_this(0, 1, 1, 7);
    history.convicts(AT_MOST, &[first, second]);
    history.rules.idempotent = false;
    history.is_no_matter_of(AT_MOST);
}

#[test]
fn a_consumer_that_goes_back_is_convicted() {
    let mut history = History::with_a_group();
    history.write(0);
    let first = history.process(0, 1, 0);
    let again = history.process(0, 1, 0);
    history.convicts(ORDER, &[first, again]);
}

#[test]
fn a_consumer_that_skips_a_message_is_convicted() {
    let mut history = History::with_a_group();
    let start = history.facts.len() as u64 - 1;
    history.write(0);
    history.write(1);
    let skipping = history.process(0, 1, 1);
    history.convicts(ORDER, &[start, skipping]);
}

#[test]
fn a_consumer_that_gets_another_message_is_convicted() {
    let mut history = History::with_a_group();
    let placed = history.facts.len() as u64 + 1;
    history.write(0);
    let processed = history.process_this(0, 1, 0, 5);
    history.convicts(ORDER, &[placed, processed]);
}

#[test]
fn a_message_that_stands_twice_is_convicted_if_it_is_known_again() {
    let mut history = History::begin();
    let first = history.append(0, 0);
    let second = history.append(0, 0);
    history.convicts(ORDER, &[first, second]);
    history.rules.idempotent = false;
    history.is_no_matter_of(ORDER);
}

#[test]
fn a_message_that_overtakes_another_is_convicted() {
    let mut history = History::begin();
    let later = history.append(0, 1);
    let earlier = history.append(0, 0);
    history.convicts(ORDER, &[later, earlier]);
    history.rules.idempotent = false;
    history.is_no_matter_of(ORDER);
    history.rules.max_in_flight = 1;
    history.convicts(ORDER, &[later, earlier]);
    history.rules.acks = Acks::None;
    history.is_no_matter_of(ORDER);
}

#[test]
fn a_repeat_behind_its_successors_is_legal_without_sequences() {
    let mut history = History::begin();
    (history.rules.idempotent, history.rules.max_in_flight) = (false, 1);
    history.append_all(0, &[0, 1, 0, 2]);
    history.is_no_matter_of(ORDER);
}

#[test]
fn a_producer_that_begins_anew_may_write_its_messages_again() {
    let mut history = History::begin();
    history.send(0);
    history.append(0, 0);
    history.crash(Who::Producer);
    history.send(0);
    history.append(0, 0);
    history.is_no_matter_of(ORDER);
}

#[test]
fn two_owners_in_a_generation_are_convicted() {
    let mut history = History::with_a_group();
    let first = history.facts.len() as u64 - 2;
    let second = history.own(1, 1);
    history.convicts(OWNER, &[first, second]);
}

#[test]
fn a_zombies_commit_that_is_taken_is_convicted() {
    let mut history = History::with_a_group();
    history.write(0);
    let begun = history.own(1, 2);
    history.position(1, 0, false);
    let processed = history.process(0, 1, 0);
    let commit = history.commit(0, 1, 1);
    history.convicts(OWNER, &[begun, processed, commit]);
}

#[test]
fn a_start_below_what_was_committed_is_convicted() {
    let mut history = History::with_a_group();
    history.write(0);
    history.process(0, 1, 0);
    let committed = history.commit(0, 1, 1);
    history.let_go(0, 1);
    history.own(0, 2);
    let mut forgotten = history.clone();
    let start = history.position(0, 0, true);
    history.convicts(FORWARD, &[committed, start]);
    let start = forgotten.position(0, 0, false);
    forgotten.convicts(FORWARD, &[committed, start]);
}

#[test]
fn an_answer_that_was_long_on_its_way_is_legal() {
    let mut history = History::with(rules());
    history.own(0, 1);
    history.own(1, 2);
    history.position(1, 0, false);
    history.write(0);
    history.process(1, 2, 0);
    history.commit(1, 2, 1);
    // It asked before anything was committed, and does not know yet that it owns nothing any more.
    history.position(0, 0, false);
    history.is_no_matter_of(FORWARD);
}

#[test]
fn a_commit_that_falls_is_convicted() {
    let mut history = History::with_a_group();
    history.write(0);
    history.write(1);
    history.process(0, 1, 0);
    history.process(0, 1, 1);
    let high = history.commit(0, 1, 2);
    let low = history.commit(0, 1, 1);
    history.convicts(FORWARD, &[high, low]);
}

#[test]
fn a_commit_beyond_what_was_processed_is_convicted() {
    let mut history = History::with_a_group();
    history.write(0);
    history.write(1);
    let processed = history.process(0, 1, 0);
    let commit = history.commit(0, 1, 2);
    history.convicts(FORWARD, &[processed, commit]);
    history.rules.delivery = Delivery::AtMostOnce;
    history.is_no_matter_of(FORWARD);
}

#[test]
fn a_group_whose_offset_is_out_of_range_starts_anew() {
    let mut history = History::with_a_group();
    history.write(0);
    history.process(0, 1, 0);
    history.commit(0, 1, 1);
    let fact =
        Fact::OffsetOutOfRange { group: 0, partition: PARTITION, offset: Offset(1), reset: Some(Offset(0)) };
    history.say(Who::Consumer(0), fact);
    history.position(0, 0, false);
    history.process(0, 1, 0);
    history.commit(0, 1, 1);
    history.passes();
}

#[test]
fn a_partition_that_nobody_owns_is_convicted_at_the_end() {
    let mut history = History::with_a_group();
    history.let_go(0, 1);
    history.convicts(SETTLES, &[]);
}

#[test]
fn a_zombie_that_goes_on_in_the_calm_is_convicted_at_the_end() {
    let mut history = History::with_a_group();
    let first = history.facts.len() as u64 - 2;
    let second = history.own(1, 2);
    history.position(1, 0, false);
    history.is_no_matter_of(SETTLES);
    history.calm();
    history.position(0, 0, false);
    history.convicts(SETTLES, &[first, second]);
}

#[test]
fn a_consumer_that_died_and_said_nothing_more_owns_nothing() {
    let mut history = History::with_a_group();
    history.own(1, 2);
    history.position(1, 0, false);
    history.calm();
    history.passes();
}

#[test]
fn a_lag_is_convicted_at_the_end() {
    let mut history = History::with_a_group();
    let placed = history.facts.len() as u64 + 1;
    history.write(0);
    history.process(0, 1, 0);
    history.convicts(SETTLES, &[placed]);
    let committed = history.commit(0, 1, 1);
    history.passes();
    let placed = history.facts.len() as u64 + 1;
    history.write(1);
    history.process(0, 1, 1);
    history.convicts(SETTLES, &[committed, placed]);
}

#[test]
fn who_goes_back_by_wish_may_commit_less_again_and_skips_nothing() {
    let mut history = History::with_a_group();
    history.write(0);
    let placed = history.facts.len() as u64 + 1;
    history.write(1);
    history.process(0, 1, 0);
    history.process(0, 1, 1);
    history.commit(0, 1, 2);
    let (group, member, partition) = (0, MemberId(0), PARTITION);
    let sought = OfGroups::Sought { group, member, partition, from: Offset(2), to: Offset(0) };
    let back = history.say(Who::Consumer(0), Fact::OfGroups(sought));
    let mut skips = history.clone();
    let second = skips.process(0, 1, 1);
    skips.convicts(ORDER, &[back, second]);
    history.process(0, 1, 0);
    let committed = history.commit(0, 1, 1);
    history.convicts(SETTLES, &[placed, committed]);
    history.process(0, 1, 1);
    history.commit(0, 1, 2);
    history.passes();
}

#[test]
fn a_coordinator_of_an_earlier_epoch_that_writes_on_is_convicted() {
    let mut history = History::with_a_group();
    let mut write = |epoch, revision| {
        let kept =
            KeptOffsets { coordinator: BrokerId(0), epoch: LeaderEpoch(epoch), groups: BTreeMap::new() };
        let (revision, owner) = (Revision(revision), None);
        let entry = Entry { value: keys::encode(&kept).into(), created: revision, modified: revision, owner };
        let change = Change { key: keys::offsets(OFFSETS), revision, entry: Some(entry) };
        history.say(Who::Coordination, Fact::Coordination(Arc::new(Happening::Changed(change))))
    };
    // What is told once more after a restart is no write.
    let (_, later, _, late) = (write(1, 1), write(2, 2), write(1, 1), write(1, 3));
    history.convicts(FORWARD, &[later, late]);
}

#[test]
fn a_group_that_begins_at_the_end_is_to_process_what_comes_after_that_and_nothing_before() {
    let mut history = History::with(Rules { start: StartAt::Latest, ..rules() });
    history.write(0);
    history.own(0, 1);
    history.commit(0, 1, 1);
    history.position(0, 1, false);
    history.is_no_matter_of(AT_LEAST);
    history.write(1);
    let verdicts = history.verdicts();
    assert!(verdicts.iter().any(|violation| violation.invariant == AT_LEAST), "{verdicts:?}");
}
