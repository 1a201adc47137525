//! Deadlocks and lock timeouts.

use std::time::Duration;

use rehearsal_model::database::{Action, Answer, Input, Keys, Knobs, Output, SessionId};

use crate::bench::*;

/// T1 and T2 each hold an item; `first` then waits for the other's, and `second` after so many milliseconds.
fn circle(first: (SessionId, i64), after: u64, second: (SessionId, i64)) -> Bench {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.begin(T2);
    bench.does(T2, set(2, 22));
    bench.waits(first.0, set(first.1, 0));
    bench.wait(after);
    bench.waits(second.0, set(second.1, 0));
    bench
}

#[test]
fn the_waiter_whose_own_timer_fires_in_the_circle_is_the_victim() {
    let mut bench = circle((T1, 2), 400, (T2, 1));
    bench.wait(599);
    bench.still_waits(T1);
    bench.wait(1);
    bench.has_failed(T1, "40P01");
    assert_eq!(bench.answer(T2), affected(1), "the other goes on");
    assert!(bench.reports.contains(&Output::DeadlockBroken { victim: T1 }));
}

#[test]
fn a_waiter_whose_timer_fired_before_the_circle_closed_is_spared() {
    let mut bench = circle((T1, 2), 1600, (T2, 1));
    bench.wait(999);
    bench.still_waits(T2);
    bench.wait(1);
    bench.has_failed(T2, "40P01");
    assert_eq!(bench.answer(T1), affected(1));
    bench.commit(T1);
    bench.sees(T3, ITEM, &[[1, 11], [2, 0]]);
}

#[test]
fn after_a_deadlock_everything_is_refused_and_commit_answers_rollback() {
    let mut bench = circle((T1, 2), 0, (T2, 1));
    bench.wait(1000);
    bench.has_failed(T1, "40P01");
    bench.fails(T1, select(ITEM, Keys::All), "25P02");
    bench.fails(T1, savepoint(), "25P02");
    bench.ask(T1, Action::Commit);
    assert_eq!(bench.answer(T1), Ok(Answer::RolledBack));
    bench.answer(T2).unwrap();
    bench.commit(T2);
    bench.sees(T3, ITEM, &[[1, 0], [2, 22]]);
    bench.is_quiet();
}

#[test]
fn a_circle_may_run_through_the_queue_of_one_row() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.begin(T2);
    bench.does(T2, set(2, 22));
    bench.waits(T3, set(2, 0));
    bench.wait(500);
    bench.waits(T1, set(2, 0));
    bench.wait(200);
    bench.waits(T2, set(1, 0));
    bench.wait(300);
    bench.has_failed(T3, "40P01");
    // T1 came to the front of the queue and began a new wait, so T2 is the next to look, not T1.
    bench.wait(700);
    bench.has_failed(T2, "40P01");
    assert_eq!(bench.answer(T1), affected(1));
}

#[test]
fn without_a_lock_timeout_a_waiter_waits_for_ever() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.waits(T2, set(1, 0));
    bench.wait(100_000_000);
    bench.still_waits(T2);
}

#[test]
fn a_lock_timeout_aborts_the_transaction() {
    let mut bench = Bench::with(Knobs { lock_timeout: Some(Duration::from_secs(2)), ..Knobs::default() });
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.begin(T2);
    bench.does(T2, set(2, 22));
    bench.waits(T2, set(1, 0));
    bench.wait(1999);
    bench.still_waits(T2);
    bench.wait(1);
    bench.has_failed(T2, "55P03");
    assert!(bench.reports.contains(&Output::LockTimedOut { session: T2 }));
    bench.ask(T2, Action::Commit);
    assert_eq!(bench.answer(T2), Ok(Answer::RolledBack));
    bench.commit(T1);
    bench.sees(T3, ITEM, &[[1, 11], [2, 20]]);
    bench.is_quiet();
}

#[test]
fn whoever_comes_first_in_the_queue_begins_a_new_wait() {
    let mut bench = Bench::with(Knobs { lock_timeout: Some(Duration::from_secs(2)), ..Knobs::default() });
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.begin(T2);
    bench.waits(T2, set(1, 12));
    bench.waits(T3, set(1, 13));
    bench.wait(1500);
    bench.commit(T1);
    bench.answer(T2).unwrap();
    bench.wait(1999);
    bench.still_waits(T3);
    bench.wait(1);
    bench.has_failed(T3, "55P03");
}

#[test]
fn a_timer_of_an_earlier_wait_does_nothing() {
    let mut bench = circle((T1, 2), 400, (T2, 1));
    let stale = *bench.timers.keys().next().unwrap();
    bench.wait(600);
    bench.has_failed(T1, "40P01");
    let before = bench.engine.clone();
    bench.step(Input::TimerFired(stale));
    assert_eq!(bench.engine, before);
}
