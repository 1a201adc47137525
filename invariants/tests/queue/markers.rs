//! Each marker is reached by what it names, and not by what is merely like it.

use crate::history::{History, PARTITION, Who, message, rules, stretch};
use rehearsal_env::{Marker, WallTime};
use rehearsal_invariants::MarkerWatch;
use rehearsal_invariants::queue::{MARKERS, Markers, Rules, markers::*};
use rehearsal_model::coordination::{Happening, Refusal as VoteRefusal, Revision, SessionId};
use rehearsal_model::queue::brokers::BrokerId;
use rehearsal_model::queue::facts::{Fact, Fate, OfTopics, Stretch, Within};
use rehearsal_model::queue::group::{Generation, MemberId};
use rehearsal_model::queue::identity::ProducerIdentity;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::protocol::Refusal;
use rehearsal_model::queue::record::Verdict;
use rehearsal_model::queue::tags::Tags;
use rehearsal_model::queue::transactions::TransactionalId;
use std::collections::BTreeSet;
use std::sync::Arc;

pub fn reached(history: &History) -> BTreeSet<Marker> {
    let mut markers = Markers::new(history.rules.clone());
    let mut reached = BTreeSet::new();
    for (stamp, fact) in &history.facts {
        markers.witness(stamp, fact, &mut |marker| {
            reached.insert(marker);
        });
    }
    assert!(reached.iter().all(|marker| MARKERS.contains(marker)));
    reached
}

#[track_caller]
fn reaches(marker: Marker, history: &History) {
    assert!(reached(history).contains(&marker), "{marker} is not reached");
}

#[track_caller]
fn misses(marker: Marker, history: &History) {
    assert!(!reached(history).contains(&marker), "{marker} is reached");
}

/// What one fact of its own reaches.
#[track_caller]
fn alone(marker: Marker, fact: Fact, like_it: Fact) {
    let mut history = History::begin();
    history.say(Who::Broker(0), like_it);
    misses(marker, &history);
    history.say(Who::Broker(0), fact);
    reaches(marker, &history);
}

#[test]
fn markers_have_names_of_their_own() {
    let names: BTreeSet<_> = MARKERS.iter().map(|marker| marker.0).collect();
    assert_eq!(names.len(), MARKERS.len());
    assert!(names.iter().all(|name| name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-')));
}

#[test]
fn the_ends_of_transactions_are_markers_by_themselves() {
    let (id, producer) = (TransactionalId(0), ProducerIdentity::first(7));
    let ending = |verdict, fenced| Fact::TransactionEnding { id, producer, verdict, fenced };
    let taken_up = Fact::TransactionTakenUp { id, producer };
    alone(TRANSACTION_COMMITTED, ending(Verdict::Commit, false), ending(Verdict::Abort, false));
    alone(TRANSACTION_ABORTED_BY_FENCING, ending(Verdict::Abort, true), ending(Verdict::Abort, false));
    alone(TRANSACTION_TAKEN_UP, taken_up, ending(Verdict::Commit, false));
}

#[test]
fn a_follower_serves_and_says_wait_where_the_leader_has_more() {
    let (partition, offset) = (PARTITION, Offset(0));
    let served = Fact::FollowerServed { partition, served: vec![stretch(0, 0, 0)] };
    alone(FOLLOWER_SERVED, served, Fact::FollowerSaidWait { partition, offset });
    let mut history = History::begin();
    history.say(Who::Broker(1), Fact::FollowerSaidWait { partition, offset });
    misses(FOLLOWER_SAID_WAIT, &history);
    history.replicate(0, &[1, 2], 0);
    history.say(Who::Broker(1), Fact::FollowerSaidWait { partition, offset });
    reaches(FOLLOWER_SAID_WAIT, &history);
}

#[test]
fn a_consumer_passes_what_has_another_tag() {
    let passes = |tag| {
        let (tags, wanted) = ([(message(0), tag), (message(1), 1)], [(0, 1)].into());
        let tags = tags.map(|(message, tag)| (message, Tags::from_iter([tag]))).into();
        let mut history = History::with(Rules { tags, wanted, ..rules() });
        history.own(0, 1);
        history.position(0, 0, false);
        history.append_all(0, &[0, 1]);
        history.process(0, 1, 1);
        history
    };
    reaches(OTHER_TAG_PASSED, &passes(2));
    misses(OTHER_TAG_PASSED, &passes(1));
}

#[test]
fn a_consumer_is_shown_what_has_the_tag_that_it_wants_and_another() {
    let shown = |all: &[u16]| {
        let (tags, wanted) = ([(message(0), Tags::from_iter(all.iter().copied()))].into(), [(0, 1)].into());
        let mut history = History::with(Rules { tags, wanted, ..rules() });
        history.own(0, 1);
        history.position(0, 0, false);
        history.append(0, 0);
        history.process(0, 1, 0);
        history
    };
    reaches(SHOWN_BY_ONE_OF_TAGS, &shown(&[0, 1]));
    misses(SHOWN_BY_ONE_OF_TAGS, &shown(&[1]));
}

#[test]
fn records_stand_in_another_order_than_they_were_sent_in() {
    let stand = |(idempotent, max_in_flight): (bool, u32), numbers: &[u32]| {
        let mut history = History::with(Rules { idempotent, max_in_flight, ..rules() });
        history.append_all(0, numbers);
        history
    };
    reaches(RECORDS_REORDERED, &stand((false, 5), &[1, 0]));
    misses(RECORDS_REORDERED, &stand((false, 5), &[0, 1, 0]));
    misses(RECORDS_REORDERED, &stand((false, 1), &[1, 0]));
    misses(RECORDS_REORDERED, &stand((true, 5), &[1, 0]));
    let mut late = stand((false, 5), &[1]);
    late.told(0, Fate::Unknown);
    late.append(0, 0);
    misses(RECORDS_REORDERED, &late);
}

#[test]
fn a_record_that_could_have_gone_anywhere_is_sent_again() {
    let mut history = History::begin();
    history.rules.keys.insert(message(0), 5);
    history.rules.named.insert(message(1));
    let again = |messages: Vec<_>| Fact::SentAgain { partition: PARTITION, messages };
    history.say(Who::Producer, again(vec![message(0), message(1)]));
    misses(KEYLESS_SENT_AGAIN, &history);
    history.say(Who::Producer, again(vec![message(0), message(2)]));
    reaches(KEYLESS_SENT_AGAIN, &history);
}

#[test]
fn a_producer_has_no_room_or_a_rule_that_leads_nowhere() {
    let (message, partition) = (message(0), PARTITION);
    let told = Fact::Told { message, partition, fate: Fate::DefinitelyNot };
    alone(PRODUCER_BUFFER_FULL, Fact::WaitsForRoom { message, partition }, told.clone());
    alone(REFUSED_FOR_ROOM, Fact::RefusedForRoom { message, partition }, told.clone());
    let unplaced = Fact::OfTopics(OfTopics::Unplaced { message, partition });
    alone(REFUSED_WHERE_RETIRED, unplaced, told);
}

#[test]
fn a_consumer_passes_records_that_were_aborted() {
    let passes = |verdict| {
        let mut history = History::with_a_group();
        let producer = ProducerIdentity::first(7);
        history.append_this(0, Stretch { within: Some(Within::Records(producer)), ..stretch(0, 0, 0) });
        let within = Some(Within::Marker(producer.next(), verdict));
        history.append_this(0, Stretch { within, messages: vec![], ..stretch(1, 0, 0) });
        history.append(0, 2);
        history.process(0, 1, 2);
        history
    };
    reaches(ABORTED_RECORDS_PASSED, &passes(Verdict::Abort));
    misses(ABORTED_RECORDS_PASSED, &passes(Verdict::Commit));
}

#[test]
fn some_facts_are_markers_by_themselves() {
    let (partition, epoch) = (PARTITION, LeaderEpoch(0));
    let messages = vec![message(0)];
    let cut = |to, from| Fact::Truncated { partition, to: Offset(to), from: Offset(from) };
    let recovered =
        |torn| Fact::Recovered { broker: BrokerId(0), partition, start: Offset(0), log: vec![], torn };
    let told = |fate| Fact::Told { message: message(0), partition, fate };
    let sent = Fact::Sent { message: message(0), partition, acks: rules().acks };
    let refused = Fact::Refused { partition, why: "no".to_owned(), messages: messages.clone() };
    let loaded = Fact::CoordinatorLoaded { group: 0, generation: Generation(1) };
    alone(DIVERGENT_TAIL_TRUNCATED, cut(1, 2), cut(2, 2));
    alone(STALE_REQUEST_REFUSED, Fact::StaleRequestRefused { partition, epoch }, refused.clone());
    alone(SET_WRITE_REFUSED, Fact::SetRefused { partition }, Fact::SetShrinks { partition });
    let absorbed = Fact::DuplicateAbsorbed { partition, base: Offset(0), messages: messages.clone() };
    alone(DUPLICATE_ABSORBED, absorbed, refused);
    alone(SENT_AGAIN, Fact::SentAgain { partition, messages }, sent);
    alone(GENERATION_FENCED_A_ZOMBIE, Fact::MemberFenced { group: 0, member: MemberId(0) }, loaded);
    alone(TORN_BATCH_CUT, recovered(true), recovered(false));
    alone(TOLD_UNKNOWN, told(Fate::Unknown), told(Fate::DefinitelyNot));
    let damaged = |why: &str| Fact::Refused { partition, why: why.to_owned(), messages: vec![message(0)] };
    let corrupt = Refusal::Corrupt.to_string();
    alone(CORRUPT_BATCH_REFUSED, damaged(&corrupt), damaged("a record is larger than the limit"));
    let gone = |reset| Fact::OffsetOutOfRange { group: 0, partition, offset: Offset(0), reset };
    alone(OFFSET_RESET, gone(Some(Offset(1))), gone(None));
    alone(OFFSET_ERROR, gone(None), gone(Some(Offset(1))));
    let found = Fact::DamageFound { partition, offset: Offset(0) };
    alone(CORRUPT_BATCH_THROWN_AWAY, found, Fact::BitFlipped { partition, checksum: 0, record: None });
    let replayed = Fact::Replayed { group: 0, partition, batches: vec![] };
    alone(REPLAYED_FROM_ARCHIVE, replayed, gone(None));
    let anew = |at| Fact::BeganAnew { partition, at: Offset(at) };
    alone(FOLLOWER_BEGAN_ANEW, anew(2), anew(0));
}

#[test]
fn some_facts_of_the_coordination_service_are_markers_by_themselves() {
    let said = |happening| Fact::Coordination(Arc::new(happening));
    let refused = |why| said(Happening::VoteRefused { term: 2, why });
    let session = SessionId(1);
    alone(VOTE_REFUSED_BY_TERM, refused(VoteRefusal::OldTerm), refused(VoteRefusal::ShorterLog));
    alone(VOTE_REFUSED_BY_LOG, refused(VoteRefusal::ShorterLog), refused(VoteRefusal::OldTerm));
    let given = said(Happening::VoteGiven { term: 2, candidate: 1 });
    alone(CAUGHT_UP_BY_SNAPSHOT, said(Happening::SnapshotInstalled { revision: Revision(1) }), given.clone());
    alone(DEPOSED_LEADER_REFUSED_A_READ, said(Happening::ReadsRefused { reads: 1 }), given.clone());
    let closed = said(Happening::SessionClosed { session });
    alone(SESSION_EXPIRED, said(Happening::SessionExpired { session }), closed);
    alone(WATCH_RENEWED, said(Happening::WatchRenewed { since: Revision(1) }), given);
}

#[test]
fn another_leader_of_the_coordination_service_is_one_on_another_node() {
    let mut history = History::begin();
    let led = |term| Fact::Coordination(Arc::new(Happening::Led { term }));
    history.say(Who::Broker(0), led(1));
    history.say(Who::Broker(0), led(2));
    misses(COORDINATION_LEADER_CHANGED, &history);
    history.say(Who::Broker(1), led(3));
    reaches(COORDINATION_LEADER_CHANGED, &history);
}

#[test]
fn a_leader_dies_before_replication_only_with_what_nobody_else_has() {
    let mut history = History::begin();
    history.append(0, 0);
    let mut replicated = history.clone();
    replicated.fetch(1, 0);
    replicated.crash(Who::Broker(0));
    replicated.come_up(0, 1);
    misses(LEADER_DIED_BEFORE_REPLICATION, &replicated);

    let mut deposed = history.clone();
    deposed.elect(1);
    misses(LEADER_DIED_BEFORE_REPLICATION, &deposed);
    let mut dead = deposed.clone();
    dead.crash(Who::Broker(0));
    dead.come_up(0, 1);
    reaches(LEADER_DIED_BEFORE_REPLICATION, &dead);

    // It lived on when it was deposed, and dies for another reason.
    let (partition, epoch, leader) = (PARTITION, LeaderEpoch(1), BrokerId(1));
    deposed.say(Who::Broker(0), Fact::Followed { partition, epoch, leader });
    deposed.crash(Who::Broker(0));
    deposed.come_up(0, 1);
    misses(LEADER_DIED_BEFORE_REPLICATION, &deposed);

    history.crash(Who::Broker(0));
    history.come_up(0, 0);
    reaches(LEADER_DIED_BEFORE_REPLICATION, &history);
}

#[test]
fn a_set_shrinks_to_one_and_its_members_join_again() {
    let mut history = History::begin();
    history.in_sync(&[0, 1]);
    misses(SET_SHRANK_TO_ONE, &history);
    history.in_sync(&[0]);
    reaches(SET_SHRANK_TO_ONE, &history);
    misses(MEMBER_JOINED_AGAIN, &history);
    history.in_sync(&[0, 2]);
    reaches(MEMBER_JOINED_AGAIN, &history);
}

#[test]
fn a_group_is_rebalanced_when_two_are_in_a_later_generation() {
    let mut history = History::with(rules());
    history.own(0, 1);
    history.own_these(1, 1, &[]);
    misses(REBALANCED, &history);
    history.own(0, 2);
    misses(REBALANCED, &history);
    history.own_these(1, 2, &[]);
    reaches(REBALANCED, &history);
}

#[test]
fn a_coordinator_fails_over_to_another_broker_and_not_to_its_next_life() {
    let mut history = History::begin();
    let loaded = |generation| Fact::CoordinatorLoaded { group: 0, generation: Generation(generation) };
    history.say(Who::Broker(0), loaded(0));
    history.say(Who::Broker(1), loaded(0));
    history.crash(Who::Broker(1));
    history.say(Who::Broker(1), loaded(2));
    misses(COORDINATOR_FAILED_OVER, &history);
    history.say(Who::Broker(2), loaded(2));
    reaches(COORDINATOR_FAILED_OVER, &history);
}

#[test]
fn a_controller_fails_over_to_another_broker() {
    let mut history = History::begin();
    let controller = |broker, epoch| Fact::ControllerChanged { broker: Some(BrokerId(broker)), epoch };
    history.say(Who::Coordination, controller(0, 2));
    misses(CONTROLLER_FAILED_OVER, &history);
    history.say(Who::Coordination, controller(1, 3));
    reaches(CONTROLLER_FAILED_OVER, &history);
}

#[test]
fn a_new_leader_counts_while_something_is_under_way() {
    let mut history = History::begin();
    history.send(0);
    history.told(0, Fate::Unknown);
    history.elect(1);
    history.send(1);
    history.in_sync(&[0, 1]);
    misses(NEW_LEADER_WHILE_PRODUCERS_WRITE, &history);
    history.elect(0);
    reaches(NEW_LEADER_WHILE_PRODUCERS_WRITE, &history);
}

#[test]
fn a_message_is_processed_twice_by_one_group() {
    let mut history = History::with_a_group();
    history.process(0, 1, 0);
    history.process(0, 1, 1);
    misses(PROCESSED_TWICE, &history);
    history.process(1, 2, 1);
    reaches(PROCESSED_TWICE, &history);
}

#[test]
fn a_consumer_crashes_with_uncommitted_work() {
    let mut history = History::with_a_group();
    history.process(0, 1, 0);
    let mut crashed = history.clone();
    history.commit(0, 1, 1);
    for history in [&mut history, &mut crashed] {
        history.crash(Who::Consumer(0));
        history.own(0, 2);
    }
    misses(CONSUMER_CRASHED_WITH_UNCOMMITTED_WORK, &history);
    reaches(CONSUMER_CRASHED_WITH_UNCOMMITTED_WORK, &crashed);
}

#[test]
fn a_mover_takes_over_from_another_and_not_from_itself() {
    let released = |offset| Fact::Released {
        partition: Partition { topic: Topic::Delayed, number: 0 },
        epoch: LeaderEpoch(0),
        offset: Offset(offset),
        message: message(0),
        target: PARTITION,
        wall: WallTime(0),
    };
    let mut history = History::begin();
    history.say(Who::Consumer(0), released(0));
    history.say(Who::Consumer(0), released(1));
    misses(MOVER_TOOK_OVER, &history);
    history.say(Who::Consumer(1), released(1));
    reaches(MOVER_TOOK_OVER, &history);
}

#[test]
fn a_message_is_held_through_a_failover_until_it_is_moved() {
    let held = Partition { topic: Topic::Delayed, number: 0 };
    let mut history = History::begin();
    let mut state = history.state.clone();
    history.say(Who::Coordination, Fact::PartitionChanged { partition: held, state: state.clone() });
    history.say(Who::Broker(0), Fact::Appended { partition: held, stretch: stretch(0, 0, 0) });
    let mut moved = history.clone();
    let (offset, message, target, place) = (Offset(0), message(0), PARTITION, Offset(0));
    moved.say(Who::Consumer(0), Fact::Moved { partition: held, offset, message, target, place });
    (state.version, state.epoch) = (state.version + 1, LeaderEpoch(1));
    for history in [&mut history, &mut moved] {
        history.say(Who::Coordination, Fact::PartitionChanged { partition: held, state: state.clone() });
    }
    reaches(HELD_THROUGH_FAILOVER, &history);
    misses(HELD_THROUGH_FAILOVER, &moved);
}

#[test]
fn a_message_is_retried_when_it_failed_before() {
    let mut history = History::with_a_group();
    history.process(0, 1, 0);
    misses(MESSAGE_RETRIED, &history);
    let (group, member, partition) = (0, MemberId(0), PARTITION);
    let (offset, message) = (Offset(1), message(1));
    history.say(Who::Consumer(0), Fact::Failed { group, member, partition, offset, message, tries: 1 });
    misses(MESSAGE_RETRIED, &history);
    history.process(0, 1, 1);
    reaches(MESSAGE_RETRIED, &history);
}

#[test]
fn a_watermark_is_behind_the_start_of_an_epoch() {
    let mut history = History::begin();
    history.replicate(0, &[1, 2], 0);
    let mut behind = history.clone();
    behind.fetch_this(1, stretch(1, 0, 1));
    for history in [&mut history, &mut behind] {
        history.elect(1);
        history.lead(1);
    }
    misses(WATERMARK_BEHIND_EPOCH_START, &history);
    reaches(WATERMARK_BEHIND_EPOCH_START, &behind);
}
