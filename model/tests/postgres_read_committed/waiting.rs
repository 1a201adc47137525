//! Waiting for a row that another transaction has written or locked.

use rehearsal_model::database::{Expression, Keys, Output, RowLock, Statement};

use crate::bench::*;

#[test]
fn a_guarded_update_looks_again_at_the_row_it_waited_for() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.waits(T2, set_where(Keys::one([1]), value().equals(10), 99));
    bench.commit(T1);
    assert_eq!(bench.answer(T2), affected(0));
    assert!(bench.reports.contains(&Output::RecheckedAfterWait { matched: false }));
    bench.sees_item(T3, 1, 11);
    bench.is_quiet();
}

#[test]
fn an_update_that_still_matches_after_the_wait_builds_on_the_new_version() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, value() + 1));
    bench.waits(T2, set(1, value() + 5));
    bench.commit(T1);
    assert_eq!(bench.answer(T2), affected(1));
    bench.sees_item(T3, 1, 16);
}

#[test]
fn when_the_first_writer_rolls_back_the_waiter_goes_on_with_the_old_version() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.waits(T2, set_where(Keys::one([1]), value().equals(10), 99));
    bench.rollback(T1);
    assert_eq!(bench.answer(T2), affected(1));
    assert!(!bench.reports.iter().any(|report| matches!(report, Output::RecheckedAfterWait { .. })));
    bench.sees_item(T3, 1, 99);
}

#[test]
fn a_sub_select_in_the_guard_keeps_the_statements_snapshot() {
    let mut bench = Bench::new();
    bench.run(T1, set_all(0)).unwrap();
    let increment =
        || set_where(Keys::one([1]), Expression::sum(ITEM, Keys::All, 1).less_than(1), value() + 1);
    bench.begin(T1);
    bench.does(T1, increment());
    bench.waits(T2, increment());
    bench.commit(T1);
    assert_eq!(bench.answer(T2), affected(1), "it passed a guard that was no longer true");
    bench.sees_item(T3, 1, 2);
}

#[test]
fn a_row_that_comes_to_match_during_the_wait_is_missed() {
    let mut bench = Bench::new();
    bench.begin(T1);
    assert_eq!(bench.run(T1, set_all(value() + 10)), affected(2));
    bench.waits(T2, delete_where(value().equals(20)));
    bench.commit(T1);
    assert_eq!(bench.answer(T2), affected(0));
    bench.sees(T3, ITEM, &[[1, 20], [2, 30]]);
}

#[test]
fn select_for_update_returns_the_new_version_after_a_wait() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.begin(T2);
    bench.waits(T2, for_update(1, RowLock::WAIT));
    bench.commit(T1);
    assert_eq!(bench.answer(T2), found(&[[1, 11]]));
    bench.commit(T2);
    bench.is_quiet();
}

#[test]
fn a_row_deleted_during_the_wait_is_skipped_even_when_another_took_its_key() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, delete(1));
    bench.does(T1, insert(ITEM, [1, 100]));
    bench.waits(T2, set(1, value() + 1));
    bench.commit(T1);
    assert_eq!(bench.answer(T2), affected(0));
    bench.sees_item(T3, 1, 100);
}

#[test]
fn a_row_that_no_longer_matches_stays_locked_to_the_end_of_the_transaction() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.begin(T2);
    bench.waits(T2, set_where(Keys::one([1]), value().equals(10), 99));
    bench.commit(T1);
    assert_eq!(bench.answer(T2), affected(0));
    bench.fails(T3, for_update(1, RowLock::NO_WAIT), "55P03");
    bench.commit(T2);
    assert_eq!(bench.run(T3, for_update(1, RowLock::NO_WAIT)), found(&[[1, 11]]));
}

#[test]
fn a_version_miss_can_be_retried_inside_the_same_transaction() {
    let mut bench = Bench::new();
    bench.begin(T2);
    bench.sees_item(T2, 1, 10);
    bench.does(T1, set(1, 11));
    assert_eq!(bench.run(T2, set_where(Keys::one([1]), value().equals(10), 12)), affected(0));
    bench.sees_item(T2, 1, 11);
    bench.does(T2, set_where(Keys::one([1]), value().equals(11), 12));
    bench.commit(T2);
    bench.sees_item(T3, 1, 12);
}

#[test]
fn an_update_by_an_unindexed_predicate_locks_only_the_rows_that_match() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set_where(Keys::All, value().equals(10), 11));
    bench.does(T2, set(2, 21));
    bench.fails(T2, for_update(1, RowLock::NO_WAIT), "55P03");
}

#[test]
fn waiters_are_served_in_the_order_in_which_they_came() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, value() + 1));
    bench.begin(T2);
    bench.waits(T2, set(1, value() * 2));
    bench.waits(T3, set(1, value() + 100));
    bench.commit(T1);
    assert_eq!(bench.answer(T2), affected(1));
    bench.still_waits(T3);
    bench.commit(T2);
    assert_eq!(bench.answer(T3), affected(1));
    bench.sees_item(T1, 1, (10 + 1) * 2 + 100);
}

#[test]
fn nowait_fails_at_once_and_skip_locked_leaves_the_row_out() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.fails(T2, for_update(1, RowLock::NO_WAIT), "55P03");
    let lock = Some(RowLock::SKIP_LOCKED);
    let rest = Statement::Select { table: ITEM, keys: Keys::All, filter: None, lock };
    assert_eq!(bench.run(T2, rest), found(&[[2, 20]]));
}

#[test]
fn there_are_no_gap_locks() {
    let mut bench = Bench::new();
    bench.begin(T1);
    let range = Keys::Range { prefix: vec![], from: 1.into(), to: 10.into() };
    let locked = Statement::Select { table: ITEM, keys: range, filter: None, lock: Some(RowLock::WAIT) };
    assert_eq!(bench.run(T1, locked), found(&[[1, 10], [2, 20]]));
    bench.does(T2, insert(ITEM, [5, 50]));
}
