//! What a search says of itself.

use rehearsal::explore::explorable::Replayed;
use rehearsal::explore::{Choice, Explorable, Found, Limits, Order, Shortfall, Verdict, named};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub fn core() -> Box<dyn Explorable> {
    named("queue-replica").expect("the replication core")
}

/// The plain choice with these values, without these rules.
pub fn chosen(bounds: &str, defects: &[&str]) -> Choice {
    let core = core();
    let mut choice = Choice::plain(core.knobs());
    for bound in bounds.split_whitespace() {
        let (name, value) = bound.split_once('=').expect("a bound");
        choice.set(core.knobs(), name, value).expect("it can be chosen");
    }
    choice.defects = defects.iter().map(|name| (*name).to_owned()).collect();
    choice
}

pub fn search(choice: &Choice, limits: &Limits) -> Found {
    core().search(choice, limits, &AtomicBool::new(false), &mut |_| {}).expect("it can be searched")
}

pub const SMALL: &str = "slots=1 records=2 epochs=2 crashes=1 changes=2 messages=1";

#[test]
fn a_small_world_is_searched_to_its_end_and_found_sound() {
    let found = search(&chosen(SMALL, &[]), &Limits::default());
    assert!(matches!(found.verdict, Verdict::Verified), "{:?}", found.verdict);
    assert_eq!(found.never, Vec::<&str>::new());
    assert!(found.reached.contains(&"a fetch was late"), "{:?}", found.reached);
    assert!(found.unique > 1_000 && found.states > found.unique, "{} of {}", found.unique, found.states);
}

#[test]
fn the_same_states_are_found_in_any_order_and_with_any_number_of_threads() {
    let choice = chosen(SMALL, &[]);
    let plain = search(&choice, &Limits::default());
    for (jobs, order) in [(1, Order::Depth), (2, Order::Breadth), (2, Order::Depth)] {
        let found = search(&choice, &Limits { jobs, order, ..Limits::default() });
        assert_eq!((found.unique, found.states), (plain.unique, plain.states), "{jobs} threads, {order:?}");
    }
}

#[test]
fn a_search_that_runs_out_of_states_knows_nothing() {
    let whole = search(&chosen(SMALL, &[]), &Limits::default());
    for states in [1, 100, whole.unique - 1] {
        for order in [Order::Breadth, Order::Depth] {
            let found =
                search(&chosen(SMALL, &[]), &Limits { states: Some(states), order, ..Limits::default() });
            assert!(matches!(found.verdict, Verdict::Inconclusive(Shortfall::States)), "{:?}", found.verdict);
        }
    }
    let enough = Limits { states: Some(whole.unique), ..Limits::default() };
    assert!(matches!(search(&chosen(SMALL, &[]), &enough).verdict, Verdict::Verified));
}

#[test]
fn a_search_that_runs_out_of_time_knows_nothing_however_many_threads_it_has() {
    for jobs in [1, 2] {
        let limits = Limits { time: Some(Duration::from_millis(50)), jobs, ..Limits::default() };
        let found = search(&chosen("", &[]), &limits);
        assert!(matches!(found.verdict, Verdict::Inconclusive(Shortfall::Time)), "{:?}", found.verdict);
        assert!(found.elapsed < Duration::from_secs(20), "{:?}", found.elapsed);
    }
}

#[test]
fn a_search_that_is_interrupted_knows_nothing() {
    let found = core().search(&chosen("", &[]), &Limits::default(), &AtomicBool::new(true), &mut |_| {});
    let verdict = found.expect("it can be searched").verdict;
    assert!(matches!(verdict, Verdict::Inconclusive(Shortfall::Interrupted)), "{verdict:?}");
}

#[test]
fn a_counterexample_is_as_short_as_can_be_and_can_be_walked_again() {
    let choice = chosen("slots=1 records=1", &["acknowledges-before-replication"]);
    let found = search(&choice, &Limits::default());
    let Verdict::Refuted(violation) = found.verdict else { panic!("{:?}", found.verdict) };
    assert_eq!(violation.promise, "acked-not-lost");
    assert!(violation.shortest);
    assert_eq!(violation.steps, ["broker-0 appends a record", "the disk of broker-0 has its log up to 1"]);
    let Replayed::Walked(again) = core().replay(&choice, &violation.steps).expect("it fits") else {
        panic!("it cannot be walked")
    };
    assert!(matches!(again.verdict, Verdict::Refuted(again) if again.promise == "acked-not-lost"));
    let Replayed::Walked(half) = core().replay(&choice, &violation.steps[..1]).expect("it fits") else {
        panic!("it cannot be walked")
    };
    assert!(matches!(half.verdict, Verdict::Inconclusive(Shortfall::OnePath)));
    let sound = chosen("slots=1 records=1", &[]);
    let other = ["broker-1 appends a record".to_owned()];
    assert!(matches!(core().replay(&sound, &other), Ok(Replayed::Impossible(0))));
}

#[test]
fn with_more_threads_or_depth_first_a_path_is_not_called_the_shortest() {
    let choice = chosen("slots=2 records=2", &["never-truncates"]);
    for (jobs, order) in [(2, Order::Breadth), (1, Order::Depth)] {
        let found = search(&choice, &Limits { jobs, order, ..Limits::default() });
        assert!(matches!(found.verdict, Verdict::Refuted(violation) if !violation.shortest));
    }
}
