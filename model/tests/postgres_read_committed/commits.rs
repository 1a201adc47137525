//! Commit and the disk, restarts, and clients that vanish.

use rehearsal_model::database::{Action, Answer, Engine, Knobs, LogPosition, RowLock, Value};

use crate::bench::*;

#[test]
fn locks_and_data_stay_back_until_the_log_is_on_the_disk() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.waits(T2, set(1, value() + 1));
    bench.disk_is_fast = false;
    bench.ask(T1, Action::Commit);
    bench.still_waits(T1);
    bench.still_waits(T2);
    bench.sees_item(T3, 1, 10);
    bench.sync();
    assert_eq!(bench.answer(T1), Ok(Answer::Committed(LogPosition(3))));
    bench.sees_item(T3, 1, 11);
    bench.still_waits(T2);
    bench.sync();
    assert_eq!(bench.answer(T2), affected(1));
    bench.sees_item(T3, 1, 12);
}

#[test]
fn a_commit_that_wrote_nothing_does_not_wait_for_the_disk() {
    let mut bench = Bench::new();
    bench.disk_is_fast = false;
    bench.begin(T1);
    bench.run(T1, for_update(1, RowLock::WAIT)).unwrap();
    bench.does(T1, insert(ITEM, [7, 70]));
    bench.does(T1, delete(7));
    bench.commit(T1);
    bench.sees(T2, ITEM, &[[1, 10], [2, 20]]);
    bench.is_quiet();
}

#[test]
fn each_commit_is_reported_durable_once_with_what_it_did_to_each_row() {
    let mut bench = Bench::new();
    bench.durable.clear();
    bench.begin(T1);
    bench.does(T1, set(2, 21));
    bench.does(T1, set(1, 11));
    bench.does(T1, set(2, 22));
    bench.commit(T1);
    bench.sync();
    let [commit] = &bench.durable[..] else { panic!("{:?}", bench.durable) };
    let net: Vec<_> =
        commit.changes.iter().map(|change| (change.before.clone(), change.after.clone())).collect();
    let row = |id: i64, value: i64| Some(vec![Value::Int(id), Value::Int(value)]);
    assert_eq!(net, [(row(2, 20), row(2, 22)), (row(1, 10), row(1, 11))]);
}

#[test]
fn a_restart_brings_back_what_is_durable_and_nothing_else() {
    let mut bench = Bench::new();
    bench.does(T1, delete(1));
    bench.begin(T1);
    bench.does(T1, set(2, 21));
    let mut again = Bench::of(Engine::recover(schema(), Knobs::default(), bench.durable));
    again.sees(T1, ITEM, &[[2, 20]]);
    again.does(T1, set(2, 22));
    assert_eq!(again.engine.last_position(), LogPosition(4));
    again.is_quiet();
}

#[test]
fn the_defect_answers_shows_and_unlocks_before_the_sync() {
    let mut bench = Bench::with(Knobs { answer_before_sync: true, ..Knobs::default() });
    bench.disk_is_fast = false;
    bench.durable.clear();
    bench.does(T1, set(1, 11));
    bench.does(T2, set(1, value() + 1));
    bench.sees_item(T3, 1, 12);
    assert!(bench.durable.is_empty());
    bench.sync();
    assert_eq!(bench.durable.len(), 2);
}

#[test]
fn a_client_that_vanishes_idle_in_a_transaction_lets_go_at_once() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.waits(T2, set(1, value() + 1));
    bench.vanishes(T1);
    assert_eq!(bench.answer(T2), affected(1));
    bench.sees_item(T3, 1, 11);
}

#[test]
fn a_statement_by_itself_that_waits_is_applied_after_its_client_is_gone() {
    let mut bench = Bench::new();
    bench.does(T1, set(1, 1));
    bench.begin(T1);
    bench.run(T1, for_update(1, RowLock::WAIT)).unwrap();
    bench.waits(T2, set(1, value() + 5));
    bench.vanishes(T2);
    bench.commit(T1);
    bench.still_waits(T2);
    bench.sees_item(T3, 1, 6);
    bench.is_quiet();
}

#[test]
fn a_transaction_whose_client_vanishes_in_a_wait_is_rolled_back_when_the_wait_ends() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.run(T1, for_update(1, RowLock::WAIT)).unwrap();
    bench.begin(T2);
    bench.does(T2, set(2, 22));
    bench.waits(T2, set(1, value() + 5));
    bench.vanishes(T2);
    bench.fails(T3, for_update(2, RowLock::NO_WAIT), "55P03");
    bench.commit(T1);
    bench.sees(T3, ITEM, &[[1, 10], [2, 20]]);
    bench.is_quiet();
}

#[test]
fn a_transaction_already_committing_outlives_its_client() {
    let mut bench = Bench::new();
    bench.disk_is_fast = false;
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.ask(T1, Action::Commit);
    bench.vanishes(T1);
    bench.sync();
    bench.still_waits(T1);
    bench.sees_item(T3, 1, 11);
    bench.is_quiet();
}
