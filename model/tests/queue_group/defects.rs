//! Each planted bug breaks the promise that names it.

use super::properties::run;
use super::stage::{Broken, happenings};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use rehearsal_model::queue::defects::{Defect, Defects};

fn is_convicted(defect: Defect, of: &[Broken]) {
    let config =
        Config { cases: 3000, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let outcome = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)).run(
        &happenings(),
        |happenings| match run(Defects::of([defect]), happenings) {
            Err(broken) if of.contains(&broken) => Err(TestCaseError::fail("convicted")),
            _ => Ok(()),
        },
    );
    assert!(matches!(outcome, Err(TestError::Fail(..))), "{} was not convicted of {of:?}", defect.name());
}

#[test]
fn commits_of_zombies_are_seen() {
    is_convicted(Defect::ZombieCommits, &[Broken::ZombieIsFenced]);
}

#[test]
fn two_owners_are_seen() {
    is_convicted(Defect::TwoOwners, &[Broken::TwoOwners]);
}

#[test]
fn a_group_that_keeps_the_dead_does_not_settle() {
    is_convicted(Defect::ExpiredSessionOwns, &[Broken::Settles]);
}
