//! Copies and leads that pass from broker to broker.

use crate::history::{History, OFFSETS, PARTITION, Who, rules};
use crate::markers::reached;
use rehearsal_env::Marker;
use rehearsal_invariants::queue::{Rules, markers::*};
use rehearsal_model::queue::brokers::{BrokerId, Brokers};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::offset::LeaderEpoch;
use rehearsal_model::queue::replica::Flush;
use std::collections::BTreeMap;

const KEEPS: &str = "reassignment-keeps-copies";
const SPREAD: &str = "placement-spread";

fn those(brokers: &[u8]) -> Brokers {
    brokers.iter().copied().map(BrokerId).collect()
}

/// A fourth broker is there, the partition has a record, and its copy on broker 0 is to go to broker 3.
fn moving() -> (History, u64) {
    let members = Brokers::first(4);
    let mut history = History::with(Rules { brokers: 4, members, groups: BTreeMap::new(), ..rules() });
    history.come_up(3, 0);
    history.replicate(0, &[1, 2], 0);
    history.say(Who::Coordination, Fact::MembersChanged { members: those(&[1, 2, 3]) });
    let begun = history.change(|state| {
        let moved = state.moved_towards(those(&[1, 2, 3]));
        (state.replicas, state.adding, state.removing) = (moved.replicas, moved.adding, moved.removing);
    });
    (history, begun)
}

/// The new copy is in sync, and broker 1 leads.
fn handed_over() -> (History, u64) {
    let (mut history, _) = moving();
    history.fetch(3, 0);
    history.sync(3);
    history.in_sync(&[0, 1, 2, 3]);
    let elected = history.elect(1);
    history.lead(1);
    history.watermark(1, 1);
    (history, elected)
}

fn let_go(history: &mut History, in_sync: &[u8]) -> u64 {
    history.change(|state| {
        state.epoch = LeaderEpoch(state.epoch.0 + 1);
        (state.replicas, state.in_sync) = (those(&[1, 2, 3]), those(in_sync));
        (state.adding, state.removing) = (Brokers::NONE, Brokers::NONE);
    })
}

fn drop_copy(history: &mut History) -> u64 {
    let from = history.end(0);
    history.say(Who::Broker(0), Fact::CopyDropped { partition: PARTITION, from })
}

#[track_caller]
fn marks(history: &History, marker: Marker, is_reached: bool) {
    assert_eq!(reached(history).contains(&marker), is_reached, "{marker}");
}

#[test]
fn an_old_copy_that_goes_before_the_new_one_is_in_sync_is_convicted() {
    let (mut history, begun) = moving();
    let gone = let_go(&mut history, &[1, 2]);
    history.convicts(KEEPS, &[begun, gone]);
}

#[test]
fn an_old_copy_may_go_when_the_new_one_is_in_sync() {
    let (mut history, _) = handed_over();
    let_go(&mut history, &[1, 2, 3]);
    drop_copy(&mut history);
    history.is_no_matter_of(KEEPS);
}

#[test]
fn a_new_copy_that_is_called_in_sync_and_is_not_is_convicted() {
    let (mut history, begun) = moving();
    let told = history.watermark(0, 1);
    assert!(told > begun);
    let joined = history.in_sync(&[0, 1, 2, 3]);
    history.convicts(KEEPS, &[told, joined]);
    history.rules.flush = Flush::Background;
    history.elect(1);
    let gone = let_go(&mut history, &[1, 2, 3]);
    drop_copy(&mut history);
    assert!(joined < gone);
    history.is_no_matter_of(KEEPS);
}

#[test]
fn members_that_lag_are_no_moves_doing() {
    let (mut history, _) = handed_over();
    history.in_sync(&[1, 2]);
    history.in_sync(&[1, 2, 3]);
    let_go(&mut history, &[1, 2, 3]);
    drop_copy(&mut history);
    history.is_no_matter_of(KEEPS);
}

#[test]
fn a_move_that_is_never_done_is_convicted() {
    let (mut history, begun) = moving();
    history.calm();
    history.convicts(KEEPS, &[begun]);
}

#[test]
fn a_copy_that_is_kept_is_convicted() {
    let (mut history, _) = handed_over();
    let_go(&mut history, &[1, 2, 3]);
    let appended = history.facts.iter().find(|(_, fact)| matches!(fact, Fact::Appended { .. }));
    let appended = appended.map(|(stamp, _)| stamp.number).expect("broker 0 appended it");
    history.convicts(KEEPS, &[appended]);
}

#[test]
fn a_member_of_the_set_that_drops_its_copy_is_convicted() {
    let mut history = History::begin();
    let told = history.write(0);
    history.in_sync(&[0]);
    let dropped = drop_copy(&mut history);
    history.convicts("acked-not-lost", &[told, dropped]);
}

#[test]
fn more_copies_than_were_asked_for_are_convicted_unless_it_moves() {
    let (mut history, _) = moving();
    let more = history.change(|state| (state.adding, state.removing) = (Brokers::NONE, Brokers::NONE));
    history.convicts(SPREAD, &[more]);
}

#[test]
fn a_copy_on_a_broker_that_was_removed_is_convicted() {
    let (mut history, begun) = handed_over();
    let gone = let_go(&mut history, &[1, 2, 3]);
    let of_offsets = history
        .facts
        .iter()
        .find(|(_, fact)| matches!(fact, Fact::PartitionChanged { partition, .. } if *partition == OFFSETS));
    let of_offsets = of_offsets.map(|(stamp, _)| stamp.number).expect("it was created");
    assert!(of_offsets < begun && begun < gone);
    history.convicts(SPREAD, &[of_offsets]);
}

#[test]
fn a_broker_that_leads_everything_is_convicted() {
    let mut history = History::begin();
    let begun = history.facts.iter().filter(|(_, fact)| matches!(fact, Fact::PartitionChanged { .. }));
    let of_offsets = begun.map(|(stamp, _)| stamp.number).next().expect("it was created");
    let elected = history.elect(2);
    history.lead(2);
    history.convicts(SPREAD, &[of_offsets, elected]);
}

#[test]
fn a_new_copy_has_caught_up_when_it_is_in_sync_and_there_are_records() {
    let (mut history, _) = moving();
    marks(&history, NEW_COPY_CAUGHT_UP, false);
    history.fetch(3, 0);
    history.in_sync(&[0, 1, 2, 3]);
    marks(&history, NEW_COPY_CAUGHT_UP, true);
}

#[test]
fn a_leader_that_lives_hands_over_if_it_is_to_go_and_else_for_the_sake_of_balance() {
    let (history, _) = handed_over();
    marks(&history, LEADER_HANDED_OVER, true);
    marks(&history, LEADERS_BALANCED, false);
    let mut history = History::begin();
    history.elect(1);
    marks(&history, LEADER_HANDED_OVER, false);
    marks(&history, LEADERS_BALANCED, true);
    let mut history = History::begin();
    history.gone(0);
    history.elect(1);
    marks(&history, LEADERS_BALANCED, false);
}

#[test]
fn a_move_outlives_its_controller_when_another_is_there_at_its_end() {
    let done = |another: bool| {
        let (mut history, _) = handed_over();
        if another {
            history.say(Who::Coordination, Fact::ControllerChanged { broker: Some(BrokerId(1)), epoch: 9 });
        }
        let_go(&mut history, &[1, 2, 3]);
        history
    };
    marks(&done(false), MOVE_OUTLIVED_CONTROLLER, false);
    marks(&done(true), MOVE_OUTLIVED_CONTROLLER, true);
}

#[test]
fn a_broker_is_left_empty_when_its_last_copy_is_gone() {
    let (mut history, _) = handed_over();
    let_go(&mut history, &[1, 2, 3]);
    marks(&history, BROKER_LEFT_EMPTY, false);
    let (mut history, _) = handed_over();
    let mut state = history.state.clone();
    (state.version, state.replicas, state.in_sync) = (1, those(&[1, 2, 3]), those(&[1, 2, 3]));
    history.say(Who::Coordination, Fact::PartitionChanged { partition: OFFSETS, state });
    let_go(&mut history, &[1, 2, 3]);
    marks(&history, BROKER_LEFT_EMPTY, true);
}
