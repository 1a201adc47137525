//! The service crashes at any moment whatever, and has still said nothing that it must take back.

use crate::honesty::assert_honest;
use crate::stage::{
    Handle, SERVICE, Seen, Stage, after, at, crash, crash_loop, failed_sync, note, partition, rough, steady,
    steady_but,
};
use crate::transactions::{adds, puts, still_early};
use rehearsal_env::Clock;
use rehearsal_model::coordination::{Coordination, Happening, Revision};
use rehearsal_sim::{Blow, FaultClass, FaultTally, Settings, Span};
use std::time::Duration;

/// Reads again and again, faster than a sync.
async fn reads(env: Handle, coordination: Coordination<Handle>) {
    for number in 0..60 {
        still_early(&env);
        if coordination.read_prefix("/").await.is_ok() {
            note(&env, "read", number);
        }
        env.sleep(Duration::from_micros(300)).await;
    }
}

/// Listens until nothing has happened for a long time.
async fn listens(env: Handle, coordination: Coordination<Handle>) {
    let mut since = Revision(0);
    while let Ok(watched) = env.timeout(Duration::from_secs(3), coordination.watch("/", since)).await {
        still_early(&env);
        since = watched.expect("nothing is forgotten").through;
        note(&env, "heard", since.0);
    }
}

/// Two who add four each, one who puts without checking, one who adds later when all are up again, one who
/// reads and one who listens.
pub fn busy(mut stage: Stage) -> Seen {
    for who in 0..2 {
        stage.client(&format!("adder-{who}"), |env, coordination| adds(env, coordination, 4));
    }
    stage.client("putter", |env, coordination| puts(env, coordination, 0, 12));
    stage.client("reader", reads);
    stage.client("listener", listens);
    stage.client("later", |env: Handle, coordination| async move {
        env.sleep(Duration::from_millis(1_500)).await;
        adds(env, coordination, 2).await;
    });
    let seen = stage.run_until_done();
    assert_honest(&seen);
    seen
}

fn run(seed: u64, settings: Settings) -> Seen {
    busy(Stage::new(seed, settings))
}

/// Lets `blow` strike after every single event of the beginning, and after every fourth of what follows.
fn sweep(seeds: u64, blow: &Blow) -> (FaultTally, usize, [usize; 2]) {
    let (mut faults, mut unknown, mut cut, mut snapshots) = (FaultTally::default(), 0, 0, 0);
    for seed in 0..seeds {
        for event in (1..300).chain((300..900).step_by(4)) {
            let seen = run(seed, steady_but([after(event, blow.clone())]));
            assert!(!seen.noted("heard").is_empty() && !seen.noted("read").is_empty());
            faults.add(&seen.outcome.faults);
            unknown += seen.noted("unknown").len();
            cut += seen.count(|happening| *happening == Happening::TornTailCut);
            snapshots += seen.count(|happening| matches!(happening, Happening::SnapshotTaken { .. }));
        }
    }
    (faults, unknown, [cut, snapshots])
}

#[test]
fn nothing_is_shown_that_a_crash_can_take_back() {
    let (faults, unknown, [cut, snapshots]) = sweep(4, &crash(SERVICE, 20));
    assert!(
        unknown > 0 && cut > 0 && snapshots > 400,
        "{unknown} unknown, {cut} torn, {snapshots} snapshots"
    );
    for class in [FaultClass::TornWrite, FaultClass::LostWrite] {
        assert!(faults.effective(class) > 0, "{class:?} never had an effect");
    }
}

#[test]
fn nothing_is_shown_that_a_failed_sync_can_take_back() {
    let (faults, unknown, _) = sweep(2, &failed_sync(SERVICE));
    assert!(faults.effective(FaultClass::FailedSync) > 0 && unknown > 0);
}

#[test]
fn nothing_is_taken_back_where_everything_fails_at_once() {
    let (mut unknown, mut heard, mut read) = (0, 0, 0);
    for seed in 0..60 {
        let mut faults = vec![
            at(seed % 40, crash_loop(SERVICE, 40, 10, 60 + seed)),
            at(seed * 7, partition("listener", SERVICE, 900)),
            at(seed * 5, partition("adder-0", SERVICE, 900)),
        ];
        faults.extend((1..10).map(|strike| at(strike * 177, failed_sync(SERVICE))));
        let seen = run(seed, Settings { faults, exit_restart: Span::millis(10), ..rough() });
        unknown += seen.noted("unknown").len();
        heard += seen.noted("heard").len();
        read += seen.noted("read").len();
    }
    assert!(unknown > 60 && heard > 100 && read > 1_000, "{unknown} unknown, {heard} heard, {read} read");
}

#[test]
fn one_run_is_the_same_again() {
    let settings = || Settings { faults: vec![at(30, crash_loop(SERVICE, 5, 10, 60))], ..rough() };
    assert_eq!(run(7, settings()).outcome.digest, run(7, settings()).outcome.digest);
    assert_ne!(run(7, settings()).outcome.digest, run(7, steady()).outcome.digest);
}
