//! The whole queue in a world.

mod delay;
mod lending;
mod old_segments;
mod placing;
mod pushing;
mod retention;
mod stage;
mod topics;

use rehearsal_sim::{Blow, Span};
use stage::{at, crash, every_seed, pipeline, plan};

#[test]
fn every_message_is_processed_when_nothing_goes_wrong() {
    every_seed(&plan(20), |_| Vec::new()).each_processed_what_was_acknowledged(20);
}

#[test]
fn a_brokers_crash_loses_nothing_that_was_acknowledged() {
    let seen = every_seed(&plan(40), |seed| {
        vec![at(1_000 + 31 * (seed % 60), crash(&format!("broker-{}", seed % 3), 1_000))]
    });
    seen.each_processed_what_was_acknowledged(40);
}

#[test]
fn the_crash_of_all_brokers_at_once_loses_nothing_that_was_acknowledged() {
    let seen = every_seed(&plan(40), |seed| {
        let crashes = (0..3).map(|broker| crash(&format!("broker-{broker}"), 500 + 400 * broker));
        crashes.map(|crash| at(1_200 + 37 * (seed % 60), crash)).collect()
    });
    seen.each_processed_what_was_acknowledged(40);
}

#[test]
fn a_pipeline_has_each_effect_once_though_brokers_and_the_pipeline_crash() {
    let seen = every_seed(&pipeline(30), |seed| {
        let first = 1_200 + 53 * (seed % 60);
        vec![
            at(first, crash(&format!("broker-{}", seed % 3), 900)),
            at(first + 700, crash("consumer-0", 300)),
        ]
    });
    seen.each_is_committed_once(30);
}

#[test]
fn a_broker_that_is_cut_off_does_not_hold_up_the_others() {
    let seen = every_seed(&plan(40), |seed| {
        let alone = vec![format!("broker-{}", seed % 3)];
        let rest = ["coordination-0", "producer-0", "consumer-0", "consumer-1"];
        let others = (0..3).map(|broker| format!("broker-{broker}")).filter(|other| !alone.contains(other));
        let others = others.chain(rest.map(str::to_owned)).collect();
        let heal_after = Span::seconds(6);
        vec![at(1_500, Blow::Partition { from: alone, to: others, one_way: seed % 2 == 0, heal_after })]
    });
    seen.each_processed_what_was_acknowledged(40);
}

#[test]
fn the_coordination_services_crash_holds_nothing_up_for_long() {
    let seen = every_seed(&plan(40), |seed| vec![at(200 + 40 * (seed % 60), crash("coordination-0", 3_000))]);
    seen.each_processed_what_was_acknowledged(40);
}

#[test]
fn another_consumer_takes_over_from_one_that_dies() {
    let seen = every_seed(&plan(40), |seed| vec![at(1_000 + 40 * (seed % 60), crash("consumer-0", 8_000))]);
    seen.each_processed_what_was_acknowledged(40);
}
