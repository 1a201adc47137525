//! What is lost that nobody had promised to keep, and why.

use crate::history::{History, Who, rules};
use rehearsal_env::Marker;
use rehearsal_invariants::queue::markers::{
    LOST_IN_UNCLEAN_ELECTION, LOST_SINCE_REFUSED, LOST_WITH_ITS_LEADER, LOST_WITH_ITS_REQUEST,
};
use rehearsal_invariants::queue::{Rules, monitors};
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::Leader;
use rehearsal_model::queue::facts::{Fact, Fate};
use rehearsal_model::queue::offset::LeaderEpoch;
use rehearsal_model::queue::production::Acks;
use std::collections::BTreeMap;

const NAME: &str = "lost-only-as-allowed";

fn with(acks: Acks) -> History {
    History::with(Rules { acks, idempotent: false, groups: BTreeMap::new(), ..rules() })
}

/// What the invariants remark of a history in which all held.
fn remarked(history: &History) -> Vec<Marker> {
    let mut monitors = monitors(history.rules.clone());
    for (stamp, fact) in &history.facts {
        monitors.iter_mut().for_each(|monitor| monitor.witness(stamp, fact).expect("it holds"));
    }
    let remarks = monitors.iter().flat_map(|monitor| monitor.remarks());
    remarks.map(|remark| remark.marker).collect()
}

/// A message that its leader alone has is acknowledged.
fn one_on_the_leader() -> History {
    let mut history = with(Acks::Leader);
    history.send(0);
    history.append(0, 0);
    history.sync(0);
    history.acknowledge(0, 0);
    history
}

#[test]
fn what_the_next_leader_had_not_fetched_is_lost_with_its_leader() {
    let mut history = one_on_the_leader();
    assert_eq!(remarked(&history), []);
    history.elect(1);
    history.lead(1);
    history.truncate(0, 0);
    assert_eq!(remarked(&history), [LOST_WITH_ITS_LEADER]);
    history.passes();
}

#[test]
fn what_the_next_leader_had_fetched_and_cut_off_is_convicted() {
    let mut history = one_on_the_leader();
    let acknowledged = history.facts.len() as u64 - 1;
    history.fetch(1, 0);
    history.elect(1);
    let cut = history.truncate(1, 0);
    let led = history.lead(1);
    history.truncate(0, 0);
    history.convicts(NAME, &[acknowledged, cut, led]);
}

#[test]
fn what_the_next_leader_had_in_memory_alone_may_go_with_that() {
    let mut history = one_on_the_leader();
    history.fetch(1, 0);
    history.crash(Who::Broker(1));
    history.recover(1, 0);
    history.elect(1);
    history.lead(1);
    history.truncate(0, 0);
    assert_eq!(remarked(&history), [LOST_WITH_ITS_LEADER]);
    history.passes();
}

#[test]
fn what_the_next_leader_had_on_its_disk_may_not() {
    let mut history = one_on_the_leader();
    let acknowledged = history.facts.len() as u64 - 1;
    history.fetch(1, 0);
    history.sync(1);
    history.crash(Who::Broker(1));
    let up = history.recover(1, 0);
    history.elect(1);
    let led = history.lead(1);
    history.truncate(0, 0);
    history.convicts(NAME, &[acknowledged, up, led]);
}

#[test]
fn what_a_leader_between_had_not_is_cut_off_by_right() {
    let mut history = one_on_the_leader();
    history.fetch(1, 0);
    history.elect(2);
    history.lead(2);
    history.truncate(1, 0);
    history.truncate(0, 0);
    history.elect(1);
    history.lead(1);
    assert_eq!(remarked(&history), [LOST_WITH_ITS_LEADER]);
    history.passes();
}

#[test]
fn who_comes_from_outside_of_the_set_loses_in_an_unclean_election() {
    let mut history = one_on_the_leader();
    history.rules.unclean_election = true;
    history.in_sync(&[0]);
    history.change(|state| {
        state.leader = Some(Leader { broker: BrokerId(1), life: BrokerEpoch(1) });
        state.epoch = LeaderEpoch(state.epoch.0 + 1);
        state.in_sync = Brokers::only(BrokerId(1));
    });
    history.lead(1);
    history.truncate(0, 0);
    assert_eq!(remarked(&history), [LOST_IN_UNCLEAN_ELECTION]);
}

#[test]
fn what_nobody_waits_to_hear_of_is_lost_with_its_request_or_since_it_was_refused() {
    let mut history = with(Acks::None);
    history.send(0);
    history.told(0, Fate::Acknowledged(None));
    assert_eq!(remarked(&history), [LOST_WITH_ITS_REQUEST]);
    let (partition, why) = (crate::history::PARTITION, "it does not lead".to_owned());
    history.say(Who::Broker(1), Fact::Refused { partition, why, messages: vec![crate::history::message(0)] });
    assert_eq!(remarked(&history), [LOST_SINCE_REFUSED]);
    history.passes();
}

#[test]
fn where_nothing_goes_wrong_nothing_is_lost() {
    let mut history = with(Acks::None);
    history.rules = history.rules.without_faults();
    history.send(0);
    let told = history.told(0, Fate::Acknowledged(None));
    history.convicts(NAME, &[told]);
    history.replicate(0, &[1, 2], 0);
    history.passes();
}
