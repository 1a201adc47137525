//! Consumers that read a log together, over lost answers, silences and crashes of coordinators: what each record gets.

mod alone;
mod happening;
mod reading;

use happening::{Happening, happenings};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use reading::{Broken, Stage};
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::group::CommitRule;

fn run(rule: CommitRule, defects: Defects, happenings: Vec<Happening>) -> Result<Stage, Broken> {
    let mut stage = Stage::new(rule, defects);
    for happening in happenings {
        stage.happen(happening)?;
    }
    stage.calm()?;
    Ok(stage)
}

/// A coordinator that does not know whether a write is on the log goes on without it; a later one finds it there. Only
/// where this does not happen can it be asked that no committed offset ever falls.
fn writes_are_known(mut happenings: Vec<Happening>) -> Vec<Happening> {
    for happening in &mut happenings {
        if let Happening::Write { known } = happening {
            *known = true;
        }
    }
    happenings
}

fn holds(outcome: Result<Stage, Broken>) -> Result<(), TestCaseError> {
    match outcome.err() {
        None | Some(Broken::OffsetFell) => Ok(()),
        Some(broken) => Err(TestCaseError::fail(format!("{broken:?}"))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn committed_before_processing_no_record_is_processed_twice(happenings in happenings()) {
        holds(run(CommitRule::BeforeProcessing, Defects::NONE, happenings))?;
    }

    #[test]
    fn committed_after_processing_every_record_is_processed(happenings in happenings()) {
        holds(run(CommitRule::AfterProcessing, Defects::NONE, happenings))?;
    }

    #[test]
    fn no_committed_offset_falls(happenings in happenings(), before in any::<bool>()) {
        let rule = if before { CommitRule::BeforeProcessing } else { CommitRule::AfterProcessing };
        let outcome = run(rule, Defects::NONE, writes_are_known(happenings));
        prop_assert!(outcome.is_ok(), "{:?}", outcome.err());
    }
}

fn is_convicted(defect: Defect, rule: CommitRule, of: Broken) {
    let config =
        Config { cases: 2000, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let outcome = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)).run(
        &happenings(),
        |happenings| match run(rule, Defects::of([defect]), writes_are_known(happenings)) {
            Err(broken) if broken == of => Err(TestCaseError::fail("convicted")),
            _ => Ok(()),
        },
    );
    assert!(matches!(outcome, Err(TestError::Fail(..))), "{} was not convicted of {of:?}", defect.name());
}

#[test]
fn a_commit_of_what_was_only_fetched_is_seen() {
    is_convicted(Defect::CommitsBeforeProcessing, CommitRule::AfterProcessing, Broken::CommittedUnprocessed);
}

#[test]
fn a_commit_of_a_zombie_makes_an_offset_fall() {
    is_convicted(Defect::ZombieCommits, CommitRule::AfterProcessing, Broken::OffsetFell);
}

#[test]
fn a_commit_of_a_zombie_has_records_processed_twice() {
    is_convicted(Defect::ZombieCommits, CommitRule::BeforeProcessing, Broken::ProcessedTwice);
}

#[test]
fn the_generated_consumers_share_and_repeat_work() {
    let mut runner = TestRunner::deterministic();
    let mut twice = 0;
    for _ in 0..100 {
        let happenings = happenings().new_tree(&mut runner).expect("it can be generated").current();
        let stage = run(CommitRule::AfterProcessing, Defects::NONE, writes_are_known(happenings));
        let processed = stage.unwrap_or_else(|broken| panic!("{broken:?}")).processed;
        twice += usize::from(processed.values().any(|times| *times > 1));
    }
    assert!((20..100).contains(&twice), "in {twice} of 100 runs a record was processed twice");
}
