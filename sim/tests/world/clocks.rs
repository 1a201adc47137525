//! Clocks that drift, are set off, and stand still with their nodes.

use crate::stage::{Handle, Seen, Stage, ails, at, crash, millis, note, with_faults};
use rehearsal_env::{Clock, NodeId, Time};
use rehearsal_sim::{Ailment, Fault, FaultClass, Incident, Settings, Span};
use std::future::{Future, pending};
use std::time::Duration;

const NODE: NodeId = NodeId(0);

fn drift(from: u64, ppm: i32, lasts: u64) -> Fault {
    at(from, ails("node", Ailment::ClockDrift { ppm, lasts: Span::millis(lasts) }))
}

fn step(forward: bool, by: u64, lasts: u64) -> Fault {
    at(100, ails("node", Ailment::ClockStep { forward, by: Span::millis(by), lasts: Span::millis(lasts) }))
}

fn suspend(lasts: u64) -> Fault {
    at(100, ails("node", Ailment::Suspend { lasts: Span::millis(lasts) }))
}

fn run<T: Future<Output = ()> + 'static>(
    faults: Vec<Fault>,
    program: impl Fn(Handle) -> T + Send + 'static,
) -> Seen {
    let mut stage = Stage::new(1, with_faults(faults));
    stage.start("node", program);
    stage.run().sound()
}

/// Sleeps 100 ms by its own clock again and again; notes by how many microseconds that was too little.
async fn sleeps(env: Handle) {
    loop {
        let begun = env.now();
        env.sleep(Duration::from_millis(100)).await;
        let took = env.now().since(begun);
        note(&env, "too early", Duration::from_millis(100).saturating_sub(took).as_micros() as u64);
    }
}

#[test]
fn the_sleeps_of_a_node_whose_clock_is_slow_take_longer_and_never_too_little_by_its_clock() {
    let seen = run(vec![drift(0, -100_000, 100_000)], sleeps);
    let ended = seen.times("too early");
    assert!(seen.noted("too early").iter().all(|by| *by == 0));
    // 100 ms at nine tenths; right again in the calm.
    let apart: Vec<u64> = ended.windows(2).map(|pair| pair[1].since(pair[0]).as_millis() as u64).collect();
    assert_eq!((apart[5], apart[apart.len() - 1]), (111, 100), "{apart:?}");
    assert_eq!(seen.when(Incident::Mended(NODE, FaultClass::ClockDrift)), [millis(1_000)]);
    assert_eq!(seen.outcome.faults.effective(FaultClass::ClockDrift), 1);
}

#[test]
fn the_sleeps_of_a_node_whose_clock_is_fast_are_short_for_everybody_else() {
    let seen = run(vec![drift(0, 100_000, 100_000)], sleeps);
    let ended = seen.times("too early");
    assert_eq!(ended[2].since(ended[1]).as_millis(), 90);
    assert!(seen.noted("too early").iter().all(|by| *by == 0));
}

#[test]
fn a_sleep_that_began_before_the_clock_became_slow_lasts_until_the_clock_gets_there() {
    let seen = run(vec![drift(50, -100_000, 100_000)], |env: Handle| async move {
        env.sleep_until(millis(950)).await;
        assert!(env.now() >= millis(950));
        note(&env, "ends", 0);
        pending::<()>().await;
    });
    // 50 ms, and 900 ms at nine tenths.
    assert_eq!(seen.times("ends"), [millis(1_050)]);
    assert_eq!(seen.outcome.faults.effective(FaultClass::ClockDrift), 1);
}

#[test]
fn a_drift_that_moves_no_sleep_has_no_effect() {
    let seen = run(vec![drift(100, 500, 50)], |env: Handle| async move {
        env.sleep_until(millis(500)).await;
        note(&env, "ends", env.now().since(millis(500)).as_micros() as u64);
        pending::<()>().await;
    });
    assert_eq!(seen.noted("ends"), [25], "it ends late by its own clock");
    let faults = seen.outcome.faults;
    let drifts = (faults.struck(FaultClass::ClockDrift), faults.effective(FaultClass::ClockDrift));
    assert_eq!(drifts, (1, 0));
}

#[test]
fn what_a_clock_is_off_by_stays_and_no_clock_goes_back() {
    let faults = vec![drift(100, 10_000, 100), drift(150, -10_000, 100), at(400, crash("node", 10))];
    let seen = run(faults, |env: Handle| async move {
        let mut last = Time::ZERO;
        loop {
            env.sleep(Duration::from_millis(1)).await;
            assert!(env.now() > last);
            last = env.now();
            note(&env, "shows", last.nanos());
        }
    });
    let ahead: Vec<i64> = seen
        .times("shows")
        .iter()
        .zip(seen.noted("shows"))
        .map(|(time, shown)| shown as i64 - time.nanos() as i64)
        .collect();
    assert_eq!(ahead[50], 0);
    // 50 ms at a hundredth fast, then 100 ms at a hundredth slow: of two drifts the last one counts.
    assert_eq!(ahead.last(), Some(&-500_000));
}

#[test]
fn timeouts_go_by_the_nodes_own_clock() {
    let seen = run(vec![drift(0, 100_000, 100_000)], |env: Handle| async move {
        env.sleep(Duration::from_millis(11)).await;
        let within = Duration::from_millis(110);
        env.timeout(within, pending::<()>()).await.expect_err("nothing comes");
        note(&env, "elapsed", 0);
        pending::<()>().await;
    });
    // The first sleep began before the drift and ends late by the node's clock, at 12.1 ms.
    assert_eq!(seen.times("elapsed"), [millis(111)]);
}

/// Notes every 50 ms by how many milliseconds the wall clock and the monotonic clock have drawn apart since the start.
async fn looks_at_the_wall(env: Handle) {
    let (wall, now) = (env.wall(), env.now());
    loop {
        env.sleep(Duration::from_millis(50)).await;
        let apart = (env.wall().micros() - wall.micros()) / 1_000 - env.now().since(now).as_millis() as i64;
        note(&env, if apart < 0 { "behind" } else { "ahead" }, apart.unsigned_abs());
    }
}

#[test]
fn a_wall_clock_jumps_ahead_and_is_set_right_again() {
    let seen = run(vec![step(true, 5_000, 120)], looks_at_the_wall);
    assert_eq!(seen.noted("ahead")[..6], [0, 5_000, 5_000, 5_000, 0, 0]);
    assert_eq!(seen.times("ahead")[2], millis(150), "sleeps do not go by it");
    assert_eq!(seen.outcome.faults.effective(FaultClass::ClockStep), 1);
}

#[test]
fn a_wall_clock_jumps_back_until_the_calm() {
    let seen = run(vec![step(false, 5_000, 100_000)], looks_at_the_wall);
    let behind = seen.times("behind");
    assert_eq!((behind[0], *behind.last().expect("some")), (millis(100), millis(950)));
    assert!(seen.noted("behind").iter().all(|by| *by == 5_000));
}

#[test]
fn a_wall_clock_that_nobody_looks_at_may_be_wrong() {
    let seen = run(vec![step(true, 5_000, 100)], sleeps);
    let faults = seen.outcome.faults;
    assert_eq!((faults.struck(FaultClass::ClockStep), faults.effective(FaultClass::ClockStep)), (1, 0));
}

#[test]
fn a_suspended_node_does_not_know_that_it_stood_still_but_by_its_wall_clock() {
    let seen = run(vec![suspend(300)], looks_at_the_wall);
    let at = [50, 400, 450, 500].map(millis);
    assert_eq!(seen.times("ahead")[..1], at[..1]);
    // Two sleeps end at 100 ms, in which the node stands still already: it goes on at 400 ms.
    assert_eq!(seen.times("ahead")[1..4], at[1..4]);
    assert_eq!(seen.noted("ahead")[..4], [0, 300, 300, 300]);
    assert_eq!(seen.when(Incident::Paused(NODE)), [millis(100)]);
    assert_eq!(seen.when(Incident::Resumed(NODE)), [millis(400)]);
    assert_eq!(seen.when(Incident::Mended(NODE, FaultClass::Suspend)), [millis(400)]);
    let faults = seen.outcome.faults;
    assert_eq!((faults.struck(FaultClass::Suspend), faults.effective(FaultClass::Suspend)), (1, 1));
    assert_eq!(faults.struck(FaultClass::Pause), 0);
}

#[test]
fn the_timers_of_a_suspended_node_have_as_long_to_go_as_before() {
    let seen = run(vec![suspend(300)], |env: Handle| async move {
        env.sleep_until(millis(150)).await;
        assert_eq!(env.now(), millis(150));
        note(&env, "ends", 0);
        pending::<()>().await;
    });
    assert_eq!(seen.times("ends"), [millis(450)]);
}

#[test]
fn the_others_clocks_are_right_while_one_is_wrong() {
    let faults = vec![drift(100, 100_000, 500), step(true, 5_000, 500), suspend(100)];
    let mut stage = Stage::new(1, Settings { ..with_faults(faults) });
    stage.start("node", sleeps);
    stage.start("other", looks_at_the_wall);
    let seen = stage.run().sound();
    assert!(seen.noted("ahead").iter().all(|by| *by == 0) && seen.noted("behind").is_empty());
    assert_eq!(seen.times("ahead")[9], millis(500));
}
