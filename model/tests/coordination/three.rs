//! Three who agree are one service, whatever becomes of one of them, and come back when all were gone.

use crate::crashes::busy;
use crate::honesty::assert_honest;
use crate::stage::{
    Handle, Seen, Stage, THREE, after, at, crash, crash_loop, failed_sync, millis, note, partition, rough,
    steady, steady_but, vanish,
};
use crate::transactions::adds;
use rehearsal_env::Clock;
use rehearsal_model::coordination::{Coordination, CoordinationError, Edit, Happening};
use rehearsal_sim::{Blow, FaultClass, FaultTally, Settings, Span};
use std::time::Duration;

fn run(seed: u64, settings: Settings) -> Seen {
    busy(Stage::of_three(seed, settings))
}

fn is_elected(happening: &Happening) -> bool {
    matches!(happening, Happening::Led { .. })
}

/// What came of many runs, so that their silence means something.
#[derive(Debug, Default)]
struct Tally {
    faults: FaultTally,
    elected: usize,
    unknown: usize,
    torn: usize,
    caught_up: usize,
    refused: usize,
    renewed: usize,
}

impl Tally {
    fn add(&mut self, seen: &Seen) {
        self.faults.add(&seen.outcome.faults);
        self.elected += seen.count(is_elected);
        self.unknown += seen.noted("unknown").len();
        self.torn += seen.count(|happening| *happening == Happening::TornTailCut);
        self.caught_up += seen.count(|happening| matches!(happening, Happening::SnapshotInstalled { .. }));
        self.refused += seen.count(|happening| matches!(happening, Happening::ReadsRefused { .. }));
        self.renewed += seen.count(|happening| matches!(happening, Happening::WatchRenewed { .. }));
    }
}

/// Lets a blow strike each of them at many moments.
fn sweep(seeds: u64, moments: impl Iterator<Item = u64> + Clone, blow: impl Fn(&str) -> Blow) -> Tally {
    let mut tally = Tally::default();
    for seed in 0..seeds {
        for event in moments.clone() {
            for member in THREE {
                let seen = run(seed, steady_but([after(event, blow(member))]));
                assert!(!seen.noted("heard").is_empty() && !seen.noted("read").is_empty());
                tally.add(&seen);
            }
        }
    }
    tally
}

#[test]
fn where_nothing_fails_one_is_elected_and_stays() {
    for seed in 0..10 {
        let seen = run(seed, steady());
        assert_eq!(seen.count(is_elected), 1, "seed {seed}");
        assert_eq!(seen.noted("unknown").len(), 0);
    }
}

#[test]
fn the_leader_dies_and_nothing_that_was_answered_is_lost() {
    let runs = sweep(2, (100..1_000).step_by(11), |member| crash(member, 60));
    assert!(runs.elected > 600 && runs.unknown > 0 && runs.renewed > 0, "{runs:?}");
    assert!(runs.torn > 0 && runs.faults.effective(FaultClass::LostWrite) > 0, "{runs:?}");
}

#[test]
fn a_leader_that_is_cut_off_shows_nobody_the_past() {
    let cut_off = |member: &str| {
        let mut others = vec!["adder-0", "adder-1", "putter", "later"];
        others.extend(THREE.iter().filter(|other| **other != member));
        // Those who read and listen stay with it.
        let to = others.into_iter().map(str::to_owned).collect();
        Blow::Partition { from: vec![member.to_owned()], to, one_way: false, heal_after: Span::millis(600) }
    };
    let runs = sweep(2, (100..1_000).step_by(17), cut_off);
    assert!(runs.elected > 400 && runs.refused > 0, "{runs:?}");
}

#[test]
fn two_who_do_not_hear_each_other_go_on_through_the_third() {
    let runs = sweep(2, (100..1_000).step_by(37), |member| partition(member, THREE[0], 500));
    assert!(runs.elected > 100, "{runs:?}");
}

#[test]
fn a_disk_that_fails_takes_nothing_back() {
    let runs = sweep(2, (100..1_000).step_by(19), failed_sync);
    assert!(runs.faults.effective(FaultClass::FailedSync) > 100, "{runs:?}");
}

#[test]
fn all_crash_at_once_and_come_back_with_everything() {
    let mut all = Tally::default();
    for seed in 0..2 {
        for event in (50..1_000).step_by(7) {
            let faults = THREE.map(|member| after(event, crash(member, 30)));
            all.add(&run(seed, steady_but(faults)));
        }
    }
    assert!(all.elected > 400 && all.torn > 0 && all.unknown > 0, "{all:?}");
}

#[test]
fn nothing_is_taken_back_where_everything_fails_at_once() {
    let mut all = Tally::default();
    for seed in 0..60 {
        let mut faults = vec![
            at(seed % 40, crash_loop(THREE[0], 10, 20, 100 + seed)),
            at(300 + seed * 7, partition(THREE[1], THREE[2], 900)),
            at(seed * 5, partition("adder-0", THREE[1], 900)),
            at(500, crash(THREE[1], 400)),
        ];
        faults.extend((1..10).map(|strike| at(strike * 177, failed_sync(THREE[strike as usize % 3]))));
        all.add(&run(seed, Settings { faults, exit_restart: Span::millis(10), ..rough() }));
    }
    assert!(all.elected > 200 && all.unknown > 20 && all.refused > 0, "{all:?}");
}

#[test]
fn one_who_was_away_for_long_is_sent_a_snapshot() {
    let mut caught_up = 0;
    for (seed, member) in [(0, THREE[0]), (2, THREE[1]), (4, THREE[2])] {
        let mut stage = Stage::of_three(seed, steady_but([at(1, crash(member, 3_000))]));
        stage.client("adder", |env, coordination| adds(env, coordination, 12));
        let seen = stage.run();
        assert_honest(&seen);
        caught_up += seen.count(|happening| matches!(happening, Happening::SnapshotInstalled { .. }));
    }
    assert!(caught_up >= 3, "{caught_up}");
}

/// Puts until it is refused; what it was told of a change that it could not know to be done.
async fn puts_alone(env: Handle, coordination: Coordination<Handle>) {
    env.sleep(Duration::from_millis(1_000)).await;
    let put = coordination.transact(Vec::new(), vec![Edit::put("/alone", *b"alone")]).await;
    match put {
        Ok(_) => note(&env, "done", 0),
        Err(CoordinationError::Unknown | CoordinationError::Unreachable) => note(&env, "not told", 0),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn one_alone_does_nothing() {
    for seed in 0..10 {
        let two = [THREE[seed as usize % 3], THREE[(seed as usize + 1) % 3]];
        let mut stage = Stage::of_three(seed, steady_but(two.map(|member| at(500, vanish(member)))));
        stage.client("putter", puts_alone);
        let seen = stage.run_until_done();
        assert_honest(&seen);
        assert_eq!((seen.noted("done").len(), seen.noted("not told").len()), (0, 1), "seed {seed}");
    }
}

#[test]
fn a_session_outlives_the_leader_and_not_its_client() {
    for seed in 0..12 {
        let mut faults = vec![at(2_000, vanish("worker"))];
        // Whoever leads, it dies.
        faults.extend((0..3).map(|number| at(600 + 400 * number, crash(THREE[number as usize], 200))));
        let mut stage = Stage::of_three(seed, steady_but(faults));
        stage.node("worker", |env: Handle, coordination: Coordination<Handle>| async move {
            let session = coordination.open_session(Duration::from_millis(700)).await.expect("all are there");
            let put = Edit::put_ephemeral("/worker", *b"here");
            session.transact(Vec::new(), vec![put]).await.expect("nobody else writes");
            session.lost().await;
            note(&env, "lost", 0);
        });
        let seen = stage.run();
        assert_honest(&seen);
        assert!(seen.noted("lost").is_empty(), "seed {seed}");
        let gone = seen.deleted("/worker").expect("its client is gone");
        // A new leader may have given it its whole time anew, no later than when the last of them was elected.
        assert!(gone > millis(2_000) && gone < millis(3_500), "seed {seed}: {gone}");
    }
}

#[test]
fn one_run_is_the_same_again() {
    let settings = || Settings { faults: vec![at(300, crash_loop(THREE[1], 5, 10, 60))], ..rough() };
    assert_eq!(run(7, settings()).outcome.digest, run(7, settings()).outcome.digest);
}
