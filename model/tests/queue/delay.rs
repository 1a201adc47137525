//! Delayed messages, messages that fail, and dead letters, in the whole queue.

use super::stage::{Seen, at, crash, every_seed, plan};
use rehearsal_env::{Span, Time};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::knobs::{Knobs, Retry};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::partition::Topic;
use rehearsal_model::queue::plan::Plan;
use std::collections::BTreeMap;

/// So many messages, each delayed by a second or two.
fn delayed(messages: u32) -> Plan {
    let mut plan = plan(messages);
    for (place, sending) in plan.sendings.iter_mut().enumerate() {
        let span = Span::millis(1_000 + 50 * place as u64);
        match place % 3 {
            0 => sending.appointment = Some(Span(sending.at.0 + span.0)),
            _ => sending.delay = Some(span),
        }
    }
    plan
}

/// So many messages, of which every fourth fails so often.
fn failing(messages: u32, fails: u32, retry: Retry) -> Plan {
    let mut plan = plan(messages);
    plan.knobs = Knobs { retry, ..plan.knobs };
    for sending in plan.sendings.iter_mut().step_by(4) {
        (sending.fails, sending.key) = (fails, sending.key.map(|key| key % 3));
    }
    plan
}

/// When each message was appended to a topic by a leader.
fn appended(seen: &Seen, is_meant: impl Fn(Topic) -> bool) -> Vec<BTreeMap<MessageId, Vec<Time>>> {
    let of_run = |facts: &Vec<(rehearsal_env::Stamp, Fact)>| {
        let mut times: BTreeMap<MessageId, Vec<Time>> = BTreeMap::new();
        for (stamp, fact) in facts {
            if let Fact::Appended { partition, stretch } = fact
                && is_meant(partition.topic)
            {
                let messages = stretch.messages.iter();
                messages.for_each(|message| times.entry(*message).or_default().push(stamp.time));
            }
        }
        times
    };
    seen.runs().iter().map(|(_, facts)| of_run(facts)).collect()
}

/// Every message stands in its target once, and not before its time.
fn each_seen_once_and_not_early(plan: &Plan, seen: &Seen) {
    let held = appended(seen, |topic| topic == Topic::Delayed);
    let moved = appended(seen, |topic| matches!(topic, Topic::Named(_)));
    for (held, moved) in held.iter().zip(&moved) {
        for (message, sending) in plan.messages() {
            let [time] = moved[&message][..] else { panic!("{message} is moved {:?}", moved[&message]) };
            match (sending.delay, sending.appointment) {
                (Some(delay), _) => assert!(time.since(held[&message][0]) >= delay.duration(), "{message}"),
                (None, Some(at)) => assert!(time >= Time(at.0), "{message}"),
                (None, None) => unreachable!("all are delayed"),
            }
        }
    }
}

#[test]
fn a_delayed_message_is_seen_once_and_not_early() {
    let plan = delayed(20);
    let seen = every_seed(&plan, |_| Vec::new());
    each_seen_once_and_not_early(&plan, &seen);
    seen.each_processed_what_was_acknowledged(20);
}

#[test]
fn a_delayed_message_is_seen_once_and_not_early_though_both_movers_crash() {
    let plan = delayed(20);
    let seen = every_seed(&plan, |seed| {
        let crashes = (0..6).map(|time| (1_500 + 37 * (seed % 60) + 900 * time, time % 2));
        crashes.map(|(time, mover)| at(time, crash(&format!("delay-{mover}"), 300))).collect()
    });
    each_seen_once_and_not_early(&plan, &seen);
    seen.each_processed_what_was_acknowledged(20);
}

#[test]
fn a_message_that_fails_at_first_is_processed_though_its_consumer_crashes() {
    for retry in [Retry::Topic, Retry::ParkKey] {
        let seen = every_seed(&failing(24, 2, retry), |seed| {
            let crashes =
                (0..3).map(|time| at(1_100 + 41 * (seed % 60) + 1_500 * time, crash("consumer-0", 400)));
            crashes.collect()
        });
        seen.each_processed_what_was_acknowledged(24);
    }
}

#[test]
fn a_poison_message_ends_among_the_dead_letters() {
    for retry in [Retry::Topic, Retry::ParkKey] {
        let plan = failing(24, 100, retry);
        let seen = every_seed(&plan, |seed| vec![at(1_100 + 41 * (seed % 60), crash("consumer-0", 400))]);
        for dead in appended(&seen, |topic| topic == Topic::Dead(0)) {
            let dead: Vec<MessageId> = dead.into_keys().collect();
            assert_eq!(dead, plan.failing().into_keys().collect::<Vec<_>>(), "{retry:?}");
        }
        assert!(
            seen.runs()
                .iter()
                .flat_map(|(_, facts)| facts)
                .any(|(_, fact)| matches!(fact, Fact::Failed { tries: 3, .. }))
        );
    }
}
