//! Brokers that stop in order and come back.

use crate::history::{History, Who};
use crate::markers::reached;
use rehearsal_env::Marker;
use rehearsal_invariants::queue::markers::*;
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId};
use rehearsal_model::queue::facts::{Fact, OfRestarts};
use rehearsal_model::queue::replica::Flush;

const RETURN: &str = "brokers-return";

fn ask(history: &mut History, broker: u8, life: u64) {
    let (broker, life) = (BrokerId(broker), BrokerEpoch(life));
    history.say(Who::Coordination, Fact::OfRestarts(OfRestarts::Asked { broker, life }));
}

fn stop(history: &mut History, broker: u8, handed_over: bool) -> u64 {
    let (of, life) = (BrokerId(broker), BrokerEpoch(u64::from(broker) + 1));
    history.say(Who::Broker(broker), Fact::OfRestarts(OfRestarts::Stopped { broker: of, life, handed_over }))
}

/// Two messages are everywhere, broker 0 is asked to stop, and leads on; it is led, as it knows, by this fact.
fn asked() -> (History, u64) {
    let mut history = History::begin();
    history.replicate(0, &[1, 2], 0);
    history.replicate(0, &[1, 2], 1);
    let led = |(_, fact): &&(_, Fact)| matches!(fact, Fact::Led { .. });
    let led = history.facts.iter().find(led).map(|(stamp, _)| stamp.number).expect("broker 0 leads");
    ask(&mut history, 0, 1);
    (history, led)
}

fn relieved() -> History {
    let (mut history, _) = asked();
    history.elect(1);
    history.in_sync(&[1, 2]);
    history.lead(1);
    history
}

#[track_caller]
fn marks(history: &History, marker: Marker, is_reached: bool) {
    assert_eq!(reached(history).contains(&marker), is_reached, "{marker}");
}

#[test]
fn who_stops_and_leads_and_says_that_others_do_is_convicted() {
    let (mut history, led) = asked();
    let stopped = stop(&mut history, 0, true);
    history.convicts(RETURN, &[led, stopped]);
}

#[test]
fn who_has_waited_long_enough_may_stop_and_lead() {
    let (mut history, _) = asked();
    stop(&mut history, 0, false);
    history.is_no_matter_of(RETURN);
    marks(&history, STOPPED_WHEN_TIME_WAS_OUT, true);
    marks(&history, LED_BY_ANOTHER_BEFORE_STOP, false);
}

#[test]
fn an_election_that_a_broker_has_not_heard_of_is_not_its_doing() {
    let mut history = relieved();
    history.elect(0);
    stop(&mut history, 0, true);
    history.is_no_matter_of(RETURN);
}

#[test]
fn what_is_not_found_again_after_an_orderly_stop_convicts_whatever_is_synced() {
    for flush in [Flush::BeforeAck, Flush::Background] {
        let mut history = relieved();
        history.rules.flush = flush;
        let stopped = stop(&mut history, 0, true);
        history.gone(0);
        let found = history.come_up(0, 1);
        history.convicts(RETURN, &[stopped, found]);
    }
}

#[test]
fn a_crash_may_lose_what_an_orderly_stop_may_not() {
    let mut history = relieved();
    history.rules.flush = Flush::Background;
    stop(&mut history, 0, true);
    history.come_up(0, 2);
    history.crash(Who::Broker(0));
    history.come_up(0, 1);
    history.is_no_matter_of(RETURN);
}

#[test]
fn a_broker_that_stopped_when_another_led_and_is_in_sync_again_is_marked() {
    let mut history = relieved();
    stop(&mut history, 0, true);
    marks(&history, LED_BY_ANOTHER_BEFORE_STOP, true);
    marks(&history, LEADERS_BALANCED, false);
    marks(&history, STOPPED_AND_TAKEN_BACK, false);
    history.come_up(0, 2);
    history.in_sync(&[0, 1, 2]);
    marks(&history, STOPPED_AND_TAKEN_BACK, true);
    history.is_no_matter_of(RETURN);
}

#[test]
fn a_member_that_is_not_there_in_the_end_is_convicted() {
    let mut history = relieved();
    let gone = history.gone(0);
    history.calm();
    history.convicts(RETURN, &[gone]);
    history.come_up(0, 2);
    history.is_no_matter_of(RETURN);
}

#[test]
fn a_broker_that_registers_over_its_former_life_is_marked() {
    let mut history = relieved();
    history.gone(0);
    history.register(0);
    marks(&history, REGISTERED_OVER_ITSELF, false);
    history.register(0);
    marks(&history, REGISTERED_OVER_ITSELF, true);
}
