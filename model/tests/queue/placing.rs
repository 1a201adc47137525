//! Messages that go anywhere, or where their producer's own rule says.

use crate::stage::{at, crash, every_seed, plan};
use rehearsal_env::Stamp;
use rehearsal_model::queue::facts::{Fact, Fate, OfTopics};
use rehearsal_model::queue::knobs::Knobs;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::operation::Operation;
use rehearsal_model::queue::partition::Topic;
use rehearsal_model::queue::plan::{Plan, Sending};
use rehearsal_sim::Span;
use std::collections::{BTreeMap, BTreeSet};

fn each(amend: impl Fn(&mut Sending)) -> Plan {
    let mut plan = plan(40);
    plan.sendings.iter_mut().for_each(amend);
    plan
}

/// In which partitions of the topic each message was appended by anybody.
fn places(facts: &[(Stamp, Fact)]) -> BTreeMap<MessageId, BTreeSet<u32>> {
    let mut places: BTreeMap<MessageId, BTreeSet<u32>> = BTreeMap::new();
    for (_, fact) in facts {
        let Fact::Appended { partition, stretch } = fact else { continue };
        if partition.topic == Topic::Named(0) {
            stretch.messages.iter().for_each(|message| {
                places.entry(*message).or_default().insert(partition.number);
            });
        }
    }
    places
}

#[test]
fn messages_without_a_key_go_everywhere_and_each_stays_where_it_went() {
    let plan = each(|sending| sending.key = None);
    let runs = every_seed(&plan, |seed| vec![at(1_000 + 30 * (seed % 60), crash("broker-0", 400))]);
    runs.each_processed_what_was_acknowledged(40);
    for (seed, facts) in runs.runs() {
        let places = places(facts);
        assert!(places.values().all(|partitions| partitions.len() == 1), "seed {seed}: {places:?}");
        let all: BTreeSet<u32> = places.values().flatten().copied().collect();
        assert_eq!(all, BTreeSet::from([0, 1]), "seed {seed}");
    }
}

#[test]
fn a_delayed_message_without_a_key_is_moved_to_one_partition() {
    let plan = each(|sending| (sending.key, sending.delay) = (None, Some(Span::millis(300))));
    let runs = every_seed(&plan, |seed| vec![at(1_000 + 30 * (seed % 60), crash("delay-0", 400))]);
    for (seed, facts) in runs.runs() {
        let places = places(facts);
        assert_eq!(places.len(), 40, "seed {seed}");
        assert!(places.values().all(|partitions| partitions.len() == 1), "seed {seed}: {places:?}");
    }
}

#[test]
fn a_message_goes_where_its_producers_own_rule_says_until_nothing_is_taken_there() {
    let named = each(|sending| sending.partition = Some(1));
    let retire = Operation::RetirePartition { at: Span::millis(2_000), topic: 0, number: 1 };
    let plan = Plan { operations: vec![retire], ..named };
    for (seed, facts) in every_seed(&plan, |_| Vec::new()).runs() {
        let places = places(facts);
        assert!(places.values().flatten().all(|partition| *partition == 1), "seed {seed}: {places:?}");
        let mut told: BTreeMap<MessageId, Fate> = BTreeMap::new();
        let mut unplaced = BTreeSet::new();
        for (_, fact) in facts {
            match fact {
                Fact::Told { message, fate, .. } => drop(told.insert(*message, *fate)),
                Fact::OfTopics(OfTopics::Unplaced { message, .. }) => drop(unplaced.insert(*message)),
                _ => {}
            }
        }
        assert_eq!(told.len(), 40, "seed {seed}");
        assert!(!places.is_empty() && !unplaced.is_empty(), "seed {seed}");
        for (message, fate) in told {
            let refused = fate == Fate::DefinitelyNot;
            assert_eq!(refused, unplaced.contains(&message), "seed {seed}: {message} is {fate:?}");
            assert_eq!(refused, !places.contains_key(&message), "seed {seed}: {message} is {fate:?}");
        }
    }
}

#[test]
fn in_little_room_messages_wait_and_all_of_them_are_written() {
    let mut together = each(|sending| sending.at = Span::millis(1_000));
    together.knobs = Knobs { buffer_bytes: 500, ..together.knobs };
    let runs = every_seed(&together, |_| Vec::new());
    runs.each_processed_what_was_acknowledged(40);
    for (seed, facts) in runs.runs() {
        let waited = facts.iter().filter(|(_, fact)| matches!(fact, Fact::WaitsForRoom { .. })).count();
        assert!(waited > 30, "seed {seed}: {waited} waited");
    }
}
