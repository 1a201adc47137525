//! Rare branches that a program offers, taken as often as the scenario says.

use crate::stage::{Handle, Seen, Stage, at, crash, note, with_faults};
use rehearsal_env::{Clock, Observer};
use rehearsal_sim::Settings;
use std::time::Duration;

/// Comes to a branch every millisecond, and notes whether it is taken.
async fn branches(env: Handle) {
    loop {
        env.sleep(Duration::from_millis(1)).await;
        note(&env, if env.rarely("branch") { "taken" } else { "passed by" }, 0);
    }
}

fn run(seed: u64, rarely: u32) -> Seen {
    let mut stage = Stage::new(seed, Settings { rarely, ..with_faults(vec![]) });
    stage.start("node", branches);
    stage.run().sound()
}

/// Of the storm's branches, how many were taken.
fn taken(seed: u64, rarely: u32) -> usize {
    run(seed, rarely).noted("taken").len()
}

#[test]
fn a_rare_branch_is_taken_as_often_as_the_scenario_says() {
    assert_eq!(taken(1, 0), 0);
    assert!((60..140).contains(&taken(1, 10_000)), "{}", taken(1, 10_000));
    assert!((450..550).contains(&taken(1, 50_000)), "{}", taken(1, 50_000));
}

#[test]
fn no_rare_branch_is_taken_in_the_calm() {
    let seen = run(1, 100_000);
    assert!((998..=1_000).contains(&seen.noted("taken").len()));
    assert!((998..=1_001).contains(&seen.noted("passed by").len()));
}

#[test]
fn which_branches_are_taken_is_drawn_from_the_seed() {
    let times = |seed| run(seed, 10_000).times("taken");
    assert_eq!(times(1), times(1));
    assert_ne!(times(1), times(2));
}

#[test]
fn where_none_is_taken_nothing_is_asked() {
    let digest = |rarely: u32, asks: bool| {
        let faults = vec![at(300, crash("node", 10))];
        let mut stage = Stage::new(1, Settings { rarely, ..with_faults(faults) });
        stage.start("node", move |env: Handle| async move {
            loop {
                env.sleep(Duration::from_millis(1 + rehearsal_env::Random::below(&env, 3))).await;
                assert!(!(asks && env.rarely("branch")));
            }
        });
        stage.run().sound().outcome.digest
    };
    assert_eq!(
        digest(0, true),
        digest(0, false),
        "what a seed means does not depend on the branches there are"
    );
}
