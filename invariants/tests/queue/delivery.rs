//! What producers were told.

use crate::history::{History, Who, rules};
use rehearsal_invariants::queue::Rules;
use rehearsal_model::queue::brokers::{BrokerId, Brokers};
use rehearsal_model::queue::facts::Fate;
use rehearsal_model::queue::production::Acks;
use rehearsal_model::queue::replica::Flush;
use std::collections::BTreeMap;

const LOST: &str = "acked-not-lost";
const ALLOWED: &str = "lost-only-as-allowed";
const TOLD: &str = "every-message-told";

fn without_groups(rules: Rules) -> History {
    History::with(Rules { groups: BTreeMap::new(), ..rules })
}

#[test]
fn a_new_leader_without_an_acknowledged_message_is_convicted() {
    let mut history = History::begin();
    history.send(0);
    history.append(0, 0);
    history.sync(0);
    let told = history.acknowledge(0, 0);
    history.elect(1);
    let led = history.lead(1);
    history.convicts(LOST, &[told, led]);
}

#[test]
fn an_acknowledgement_of_what_the_leader_lacks_is_convicted() {
    let mut history = History::begin();
    history.send(0);
    history.append(0, 0);
    history.elect(1);
    let led = history.lead(1);
    let told = history.acknowledge(0, 0);
    history.convicts(LOST, &[led, told]);
}

#[test]
fn the_last_member_that_comes_up_without_a_message_is_convicted() {
    let mut history = History::begin();
    let told = history.write(0);
    history.in_sync(&[0]);
    history.crash(Who::Broker(0));
    let found = history.come_up(0, 0);
    history.convicts(LOST, &[told, found]);
}

#[test]
fn a_cut_that_takes_the_last_copy_in_sync_is_convicted() {
    let mut history = History::begin();
    let told = history.write(0);
    history.in_sync(&[0]);
    let cut = history.truncate(0, 0);
    history.convicts(LOST, &[told, cut]);
}

#[test]
fn a_member_that_loses_a_message_which_others_have_is_no_matter() {
    let mut history = History::begin();
    history.write(0);
    history.crash(Who::Broker(2));
    history.come_up(2, 0);
    history.is_no_matter_of(LOST);
}

#[test]
fn in_the_background_what_no_memory_and_no_disk_kept_may_be_lost() {
    let mut history = without_groups(Rules { flush: Flush::Background, ..rules() });
    history.write(0);
    for broker in [1, 2] {
        history.crash(Who::Broker(broker));
        history.come_up(broker, 0);
    }
    history.crash(Who::Broker(0));
    history.come_up(0, 0);
    history.change(|state| {
        state.leader = None;
        state.in_sync = Brokers::NONE;
    });
    history.state.in_sync = Brokers::first(3);
    history.elect(1);
    history.lead(1);
    history.passes();
}

#[test]
fn in_the_background_what_one_member_kept_may_not_be_lost() {
    let mut history = without_groups(Rules { flush: Flush::Background, ..rules() });
    let told = history.write(0);
    history.crash(Who::Broker(1));
    history.come_up(1, 0);
    // It should have left the set.
    history.elect(1);
    let led = history.lead(1);
    history.convicts(LOST, &[told, led]);
}

#[test]
fn an_unclean_election_may_lose_what_was_before_it_and_nothing_after() {
    let mut history = without_groups(Rules { unclean_election: true, ..rules() });
    history.in_sync(&[0, 2]);
    history.send(0);
    history.replicate(0, &[2], 0);
    history.acknowledge(0, 0);
    history.in_sync(&[0]);
    history.state.in_sync = Brokers::only(BrokerId(1));
    history.elect(1);
    history.lead(1);
    history.truncate(0, 0);
    history.truncate(2, 0);
    history.in_sync(&[0, 1, 2]);
    history.passes();
    history.send(1);
    history.replicate(1, &[0, 2], 1);
    let told = history.acknowledge(1, 0);
    history.truncate(0, 0);
    history.elect(0);
    let led = history.lead(0);
    history.convicts(LOST, &[told, led]);
}

#[test]
fn an_election_from_outside_where_it_is_not_allowed_forgives_nothing() {
    let mut history = History::begin();
    history.in_sync(&[0, 1]);
    history.send(0);
    history.replicate(0, &[1], 0);
    let told = history.acknowledge(0, 0);
    history.in_sync(&[0]);
    let led = {
        history.state.in_sync = Brokers::only(BrokerId(2));
        history.state.eligible = Brokers::NONE;
        history.rules.unclean_election = true;
        history.elect(2);
        history.lead(2)
    };
    history.is_no_matter_of(LOST);
    history.rules.unclean_election = false;
    // The election itself is convicted first; without its judge the loss is.
    history.convicts("isr-ordering", &[led - 2, led - 1]);
    assert!(told < led);
}

#[test]
fn a_message_of_which_nothing_is_told_is_convicted() {
    let mut history = History::begin();
    let sent = history.send(0);
    history.convicts(TOLD, &[sent]);
    history.told(0, Fate::Unknown);
    history.passes();
}

#[test]
fn what_is_sent_in_the_calm_is_not_waited_for() {
    let mut history = History::begin();
    history.calm();
    history.send(0);
    history.passes();
}

#[test]
fn what_a_producer_held_when_it_crashed_is_not_waited_for() {
    let mut history = History::begin();
    history.send(0);
    history.crash(Who::Producer);
    history.send(1);
    history.told(1, Fate::Unknown);
    history.passes();
}

#[test]
fn what_was_denied_and_stands_in_the_log_is_convicted() {
    let mut history = History::begin();
    history.send(0);
    let appended = history.replicate(0, &[1, 2], 0);
    let told = history.told(0, Fate::DefinitelyNot);
    history.convicts(TOLD, &[appended, told]);
}

#[test]
fn what_was_denied_and_is_appended_later_is_convicted_at_once() {
    let mut history = History::begin();
    history.send(0);
    let told = history.told(0, Fate::DefinitelyNot);
    history.passes();
    let appended = history.append(0, 0);
    history.convicts(TOLD, &[told, appended]);
    // Whatever comes of it then.
    history.truncate(0, 0);
    history.convicts(TOLD, &[told, appended]);
}

#[test]
fn what_was_denied_and_is_the_next_leaders_is_convicted() {
    let mut history = History::begin();
    history.send(0);
    history.append(0, 0);
    let fetched = history.fetch(1, 0);
    history.truncate(0, 0);
    let told = history.told(0, Fate::DefinitelyNot);
    history.is_no_matter_of(TOLD);
    history.elect(1);
    let led = history.lead(1);
    history.convicts(TOLD, &[fetched, told, led]);
}

#[test]
fn the_leaders_word_alone_may_be_lost_with_the_leader() {
    let mut history = without_groups(Rules { acks: Acks::Leader, idempotent: false, ..rules() });
    history.send(0);
    history.append(0, 0);
    history.sync(0);
    history.acknowledge(0, 0);
    history.elect(1);
    history.lead(1);
    history.truncate(0, 0);
    history.passes();
}

#[test]
fn what_the_same_leader_loses_is_convicted() {
    let mut history = without_groups(Rules { acks: Acks::Leader, idempotent: false, ..rules() });
    history.send(0);
    let appended = history.append(0, 0);
    let told = history.acknowledge(0, 0);
    history.truncate(0, 0);
    history.convicts(ALLOWED, &[appended, told]);
}

#[test]
fn what_came_below_the_watermark_and_is_lost_is_convicted() {
    let mut history = without_groups(Rules { acks: Acks::None, idempotent: false, ..rules() });
    history.send(0);
    let told = history.told(0, Fate::Acknowledged(None));
    history.replicate(0, &[1, 2], 0);
    let settled = history.facts.len() as u64 - 1;
    history.elect(1);
    history.lead(1);
    for broker in [0, 1, 2] {
        history.truncate(broker, 0);
    }
    history.convicts(ALLOWED, &[told, settled]);
}

#[test]
fn an_offset_at_which_nothing_was_appended_is_convicted() {
    let mut history = without_groups(Rules { acks: Acks::Leader, idempotent: false, ..rules() });
    history.send(0);
    let told = history.acknowledge(0, 0);
    history.convicts(ALLOWED, &[told]);
}

#[test]
fn what_was_never_appended_may_be_lost_when_nobody_waits() {
    let mut history = without_groups(Rules { acks: Acks::None, idempotent: false, ..rules() });
    history.send(0);
    history.told(0, Fate::Acknowledged(None));
    history.passes();
}
