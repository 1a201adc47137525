//! A calm that ends before its time, when everything is at rest.

use crate::stage::{Seen, Stage, millis, note, with_faults};
use rehearsal_env::{Clock, Time};
use rehearsal_sim::{Ends, Settings, Span};
use std::future::pending;
use std::time::Duration;

const REST: Duration = Duration::from_secs(3);

/// A storm of a second and a calm of twenty, in which a node notes these words at these milliseconds.
fn run(words: &[(u64, &'static str)], client_until: u64) -> Seen {
    let settings = Settings { calm: Span::seconds(20), ..with_faults(vec![]) };
    let mut stage = Stage::new(1, settings);
    let words = words.to_vec();
    stage.start("node", move |env| {
        let words = words.clone();
        async move {
            for (at, word) in words {
                env.sleep_until(millis(at)).await;
                note(&env, word, at);
            }
            pending::<()>().await;
        }
    });
    stage.client("client", move |env| async move { env.sleep_until(millis(client_until)).await });
    stage.run_to(Ends::AtRest(REST)).sound()
}

fn ended(words: &[(u64, &'static str)], client_until: u64) -> Time {
    run(words, client_until).outcome.time
}

#[test]
fn the_calm_ends_when_everything_was_at_rest_for_long_enough() {
    assert_eq!(ended(&[(1_500, "at rest")], 0), millis(5_000), "found so at 2 s, and for 3 s more");
}

#[test]
fn what_rests_since_the_storm_is_watched_in_the_calm_all_the_same() {
    assert_eq!(ended(&[(100, "at rest")], 0), millis(5_000));
}

#[test]
fn what_stirs_begins_its_rest_anew() {
    let words = [(1_500, "at rest"), (3_500, "stirs"), (6_200, "at rest")];
    assert_eq!(ended(&words, 0), millis(10_000));
}

#[test]
fn nothing_is_at_rest_while_a_client_is_not_done() {
    assert_eq!(ended(&[(1_500, "at rest")], 9_500), millis(13_000));
}

#[test]
fn a_calm_without_rest_lasts_as_long_as_it_may() {
    assert_eq!(ended(&[(1_500, "at rest"), (2_500, "stirs")], 0), millis(21_000));
    assert_eq!(ended(&[], 0), millis(21_000));
}

#[test]
fn what_happened_until_then_is_what_happens_anyway() {
    let words = [(1_500, "at rest"), (4_000, "note"), (6_000, "late")];
    let short = run(&words, 0);
    assert_eq!(short.noted("note"), [4_000]);
    assert!(short.noted("late").is_empty(), "the run was over");
}
