//! A crash at any moment whatever: what was answered is there, what was not is wholly there or not.

use super::{
    DATABASE, Seen, Setup, assert_sound, empty_database, lost, reported_keys, row, run, start_database,
};
use crate::stage::{
    Stage, after, at, crash, crash_loop, failed_sync, full_disk, partition, rough, steady, steady_but,
};
use rehearsal_env::NodeId;
use rehearsal_model::database::Knobs;
use rehearsal_sim::{Blow, Fault, FaultClass, FaultTally, Incident, Settings, Span};
use std::collections::BTreeMap;

/// What was seen in all runs of a sweep.
#[derive(Default)]
struct Sweep {
    faults: FaultTally,
    words: BTreeMap<&'static str, u64>,
    unknown_and_there: usize,
    unknown_and_not: usize,
}

impl Sweep {
    fn add(&mut self, seen: &Seen) {
        self.faults.add(&seen.outcome.faults);
        for word in ["TornTailCut", "unknown", "again", "SessionEndedBySilence"] {
            *self.words.entry(word).or_default() += seen.count(word) as u64;
        }
        let (unknown, found) = (seen.noted("unknown"), seen.noted("found"));
        let there = unknown.iter().filter(|key| found.contains(key)).count();
        self.unknown_and_there += there;
        self.unknown_and_not += unknown.len() - there;
    }
}

/// Lets `blow` strike after every single event of a run that nothing disturbs, one run each.
fn sweep(seeds: u64, setup: &Setup, blow: &Blow) -> Sweep {
    let mut sweep = Sweep::default();
    for seed in 0..seeds {
        for event in 1..=undisturbed(seed, setup) {
            let seen = run(seed, setup.clone(), steady_but([after(event, blow.clone())]));
            assert_sound(&seen);
            sweep.add(&seen);
        }
    }
    sweep
}

/// How many events a run has that nothing disturbs.
fn undisturbed(seed: u64, setup: &Setup) -> u64 {
    let seen = run(seed, setup.clone(), steady());
    assert_sound(&seen);
    assert_eq!((seen.count("acknowledged"), seen.count("found")), (12, 24));
    assert_eq!(seen.count("Committed"), 0, "commits are told apart from words");
    assert_eq!(seen.reports().count(), 12, "without a crash no commit is reported twice");
    seen.outcome.events
}

#[test]
fn an_answered_commit_survives_a_crash_at_any_moment() {
    let sweep = sweep(4, &empty_database(), &crash(DATABASE, 20));
    assert!(sweep.unknown_and_there > 0 && sweep.unknown_and_not > 0, "a lost answer must mean either");
    assert!(sweep.words["TornTailCut"] > 0 && sweep.words["again"] > 0);
    for class in [FaultClass::TornWrite, FaultClass::LostWrite] {
        assert!(sweep.faults.effective(class) > 0, "{class:?} never had an effect");
    }
}

#[test]
fn an_answered_commit_survives_crashes_during_recovery() {
    let mut cut = 0;
    for seed in 0..20 {
        for event in (30..undisturbed(seed, &empty_database())).step_by(29) {
            for again in 1..20 {
                let crashes = [after(event, crash(DATABASE, 0)), after(event + again, crash(DATABASE, 0))];
                let seen = run(seed, empty_database(), steady_but(crashes));
                assert_sound(&seen);
                cut += seen.count("TornTailCut");
            }
        }
    }
    assert!(cut > 0, "no torn tail was ever cut");
}

#[test]
fn a_failed_sync_at_any_moment_loses_nothing_acknowledged() {
    let sweep = sweep(4, &empty_database(), &failed_sync(DATABASE));
    assert!(sweep.faults.effective(FaultClass::FailedSync) > 0);
    assert!(sweep.unknown_and_there > 0 && sweep.unknown_and_not > 0, "what it leaves is unknown");
}

#[test]
fn a_full_disk_at_any_moment_loses_nothing_acknowledged() {
    let sweep = sweep(4, &empty_database(), &full_disk(DATABASE, 30));
    assert!(sweep.faults.effective(FaultClass::FullDisk) > 0);
    assert!(sweep.words["unknown"] > 0, "a commit that found no room was never answered");
}

#[test]
fn a_connection_cut_at_any_moment_loses_nothing_acknowledged() {
    let sweep = sweep(2, &empty_database(), &partition("client", DATABASE, 800));
    assert!(sweep.unknown_and_there > 0, "the answer to a commit was lost");
    assert!(sweep.unknown_and_not > 0, "the commit itself was lost");
    assert!(sweep.words["SessionEndedBySilence"] > 0);
}

#[test]
fn nothing_acknowledged_is_lost_where_everything_fails_at_once() {
    let mut sweep = Sweep::default();
    for seed in 0..200 {
        let mut faults = vec![
            at(seed % 40, crash_loop(DATABASE, 60, 10, 60 + seed)),
            at(seed * 5, full_disk(DATABASE, 200)),
            at(seed * 7, partition("other", DATABASE, 900)),
        ];
        faults.extend((1..20).map(|strike| at(strike * 177, failed_sync(DATABASE))));
        let seen =
            run(seed, empty_database(), Settings { faults, exit_restart: Span::millis(10), ..rough() });
        assert_sound(&seen);
        sweep.add(&seen);
    }
    assert!(sweep.unknown_and_there > 20 && sweep.unknown_and_not > 20);
    assert!(sweep.words["TornTailCut"] > 0);
}

#[test]
fn the_first_rows_are_there_once_whatever_crashes() {
    let first_rows = || (1..=20).map(|key| (super::ROW, row(key))).collect();
    for seed in 0..20 {
        for event in 1..40 {
            let faults: [Fault; 2] = [after(event, crash(DATABASE, 0)), after(event + 3, crash(DATABASE, 0))];
            let mut stage = Stage::new(seed, steady_but(faults));
            start_database(&mut stage, Setup { first_rows: first_rows(), ..empty_database() });
            let seen = stage.run();
            assert_eq!(reported_keys(&seen), (1..=20).collect());
            assert!(seen.reports().all(|commit| commit.position.0 == 1));
            assert_eq!(
                seen.incidents(Incident::Crashed(NodeId(0))),
                2 - usize::from(event + 3 > seen.outcome.events)
            );
        }
    }
}

// What follows shows that the tests above can fail.

#[test]
fn a_commit_answered_before_the_sync_is_lost_by_some_crash() {
    let knobs = Knobs { answer_before_sync: true, ..Knobs::default() };
    let hasty = Setup { knobs, ..empty_database() };
    let events = run(1, hasty.clone(), steady()).outcome.events;
    let loses = |event: &u64| {
        !lost(&run(1, hasty.clone(), steady_but([after(*event, crash(DATABASE, 20))]))).is_empty()
    };
    assert!(
        (1..=events).any(|event| loses(&event)),
        "answered before the sync, and yet it survived every crash"
    );
}

#[test]
fn a_torn_tail_that_is_kept_costs_a_later_commit() {
    let careless = Setup { keeps_torn_tail: true, ..empty_database() };
    let loses = |seed: u64| {
        let faults = [at(40 + seed % 20, crash(DATABASE, 5)), at(130, crash(DATABASE, 5))];
        !lost(&run(seed, careless.clone(), steady_but(faults))).is_empty()
    };
    assert!((0..300).any(loses), "the torn tail was kept, and yet nothing was lost");
}
