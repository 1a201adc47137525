//! Brokers that push.

use crate::stage::{at, crash, every_seed, pipeline, plan};
use rehearsal_model::queue::facts::{Fact, PushFact};
use rehearsal_model::queue::knobs::{FetchMode, Knobs};
use rehearsal_model::queue::plan::Plan;
use rehearsal_sim::{Blow, Span};

/// The same, with consumers that are pushed to and have credit for two messages or three.
fn pushing(plan: Plan) -> Plan {
    Plan { knobs: Knobs { fetch: FetchMode::Push, credit: 300, ..plan.knobs }, ..plan }
}

#[test]
fn every_message_is_pushed_and_processed_when_nothing_goes_wrong() {
    let seen = every_seed(&pushing(plan(20)), |_| Vec::new());
    seen.each_processed_what_was_acknowledged(20);
    for (seed, facts) in seen.runs() {
        let came = |(_, fact): &&(_, Fact)| matches!(fact, Fact::Pushing(PushFact::Came { .. }));
        assert!(facts.iter().any(|fact| came(&fact)), "nothing was pushed with seed {seed}");
    }
}

#[test]
fn consumers_go_on_where_they_were_when_the_broker_that_pushed_is_gone() {
    let seen = every_seed(&pushing(plan(40)), |seed| {
        vec![at(1_000 + 31 * (seed % 60), crash(&format!("broker-{}", seed % 3), 1_000))]
    });
    seen.each_processed_what_was_acknowledged(40);
}

#[test]
fn what_was_pushed_to_a_consumer_that_dies_is_pushed_to_the_other() {
    let dies = |seed: u64| vec![at(1_000 + 40 * (seed % 60), crash("consumer-0", 8_000))];
    every_seed(&pushing(plan(40)), dies).each_processed_what_was_acknowledged(40);
}

#[test]
fn a_pipeline_that_is_pushed_to_has_each_effect_once_though_brokers_and_the_pipeline_crash() {
    let seen = every_seed(&pushing(pipeline(30)), |seed| {
        let first = 1_200 + 53 * (seed % 60);
        vec![
            at(first, crash(&format!("broker-{}", seed % 3), 900)),
            at(first + 700, crash("consumer-0", 300)),
        ]
    });
    seen.each_is_committed_once(30);
}

#[test]
fn a_consumer_that_is_cut_off_from_one_broker_misses_nothing() {
    let seen = every_seed(&pushing(plan(40)), |seed| {
        let (from, to) = (vec![format!("broker-{}", seed % 3)], vec!["consumer-0".to_owned()]);
        vec![at(1_500, Blow::Partition { from, to, one_way: seed % 2 == 0, heal_after: Span::seconds(6) })]
    });
    seen.each_processed_what_was_acknowledged(40);
}
