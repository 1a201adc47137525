//! Topics whose partitions change while messages are under way.

use crate::stage::{at, crash, every_seed, plan};
use rehearsal_env::Stamp;
use rehearsal_model::queue::facts::{Fact, OfTopics};
use rehearsal_model::queue::knobs::Knobs;
use rehearsal_model::queue::operation::Operation;
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::plan::Plan;
use rehearsal_model::queue::topics::KeyOrder;
use rehearsal_sim::Span;
use std::collections::BTreeSet;

fn partition(number: u32) -> Partition {
    Partition { topic: Topic::Named(0), number }
}

fn grows(order: KeyOrder) -> Plan {
    let plan = plan(60);
    let operations = vec![Operation::AddPartitions { at: Span::millis(2_000), topic: 0, partitions: 4 }];
    Plan { knobs: Knobs { key_order: order, ..plan.knobs }, operations, ..plan }
}

/// The partitions in which anything was processed.
fn read(facts: &[(Stamp, Fact)]) -> BTreeSet<Partition> {
    let read = facts.iter().filter_map(|(_, fact)| match fact {
        Fact::Processed { partition, .. } => Some(*partition),
        _ => None,
    });
    read.collect()
}

#[test]
fn messages_go_to_partitions_that_were_added_and_are_processed_there() {
    for order in [KeyOrder::Announced, KeyOrder::Kept] {
        let runs =
            every_seed(&grows(order), |seed| vec![at(1_900 + 10 * (seed % 40), crash("broker-1", 400))]);
        runs.each_processed_what_was_acknowledged(60);
        for (seed, facts) in runs.runs() {
            assert!([2, 3].iter().all(|number| read(facts).contains(&partition(*number))), "seed {seed}");
        }
    }
}

#[test]
fn a_partition_that_is_retired_takes_nothing_more_and_is_given_to_nobody_when_it_is_empty() {
    let plan = plan(60);
    let retire = Operation::RetirePartition { at: Span::millis(2_000), topic: 0, number: 0 };
    let knobs =
        Knobs { retention_age: Span::millis(2_000), retention_check: Span::millis(200), ..plan.knobs };
    let runs = every_seed(&Plan { knobs, operations: vec![retire], ..plan }, |_| Vec::new());
    runs.each_processed_what_was_acknowledged(60);
    for (seed, facts) in runs.runs() {
        let retired = |fact: &Fact| matches!(fact, Fact::OfTopics(OfTopics::Retired { .. }));
        let known = facts.iter().position(|(_, fact)| retired(fact)).expect("its leader hears of it");
        let appended =
            |fact: &Fact| matches!(fact, Fact::Appended { partition: to, .. } if *to == partition(0));
        assert!(facts[..known].iter().any(|(_, fact)| appended(fact)), "seed {seed}");
        assert!(!facts[known..].iter().any(|(_, fact)| appended(fact)), "seed {seed}");
        let owned = facts.iter().rev().find_map(|(_, fact)| match fact {
            Fact::Assigned { partitions, .. } => Some(partitions.clone()),
            _ => None,
        });
        assert!(owned.is_some_and(|owned| !owned.contains(&partition(0))), "seed {seed}");
    }
}
