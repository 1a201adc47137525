//! Scenarios as values of property tests.

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use rehearsal::property::{holds, scenarios};
use rehearsal::scenario::Scenario;
use rehearsal::systems::counter::Counter;
use rehearsal::systems::reservation::Reservation;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn no_add_is_ever_lost(scenario in scenarios(&Counter)) {
        holds(&Counter, &scenario)?;
    }

    #[test]
    fn the_chain_keeps_its_promises_with_any_strategy(scenario in scenarios(&Reservation).set("workload.wishes", 6)) {
        holds(&Reservation, &scenario)?;
    }
}

/// A runner that draws the same cases every time and shrinks as long as it can.
fn runner() -> TestRunner {
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: u32::MAX,
        ..ProptestConfig::with_cases(500)
    };
    TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    )
}

fn smallest_failure(defect: &str) -> (Scenario, String) {
    let found = runner().run(&scenarios(&Counter).set("counter.requests", 6).defect(defect), |scenario| {
        holds(&Counter, &scenario)
    });
    match found {
        Err(TestError::Fail(reason, scenario)) => (scenario, reason.message().to_owned()),
        other => panic!("{defect} is not found: {other:?}"),
    }
}

#[test]
fn a_failing_scenario_shrinks_to_a_few_requests() {
    let (scenario, told) = smallest_failure("forgets-duplicates");
    assert!(scenario.faults.len() <= 1, "{scenario:?}");
    assert_eq!(scenario.topology["clients"].as_integer(), Some(1), "{scenario:?}");
    assert!(scenario.knobs["requests"].as_integer().is_some_and(|requests| requests <= 3), "{scenario:?}");
    assert!(holds(&Counter, &scenario).is_err(), "the value that is shown fails");
    assert!(told.contains("count-is-exact is broken"), "{told}");
    assert!(told.contains("What happened"), "{told}");
    assert!(told.contains("defects = [\"forgets-duplicates\"]"), "{told}");
}

#[test]
fn an_unknown_key_is_told_and_not_run() {
    let found = runner().run(&scenarios(&Counter).set("counter.request", 3), |_| Ok(()));
    assert!(
        matches!(&found, Err(TestError::Abort(reason)) if reason.message().contains("there is no such key")),
        "{found:?}"
    );
}
