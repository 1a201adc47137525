//! Two transactions that insert one key.

use rehearsal_model::database::{Keys, RowLock, Statement};

use crate::bench::*;

#[test]
fn an_empty_key_cannot_be_locked_so_the_second_insert_waits_and_fails() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.begin(T2);
    assert_eq!(bench.run(T1, for_update(7, RowLock::WAIT)), found::<2>(&[]));
    assert_eq!(bench.run(T2, for_update(7, RowLock::WAIT)), found::<2>(&[]));
    bench.does(T1, insert(ITEM, [7, 1]));
    bench.waits(T2, insert(ITEM, [7, 2]));
    bench.commit(T1);
    bench.has_failed(T2, "23505");
}

#[test]
fn a_second_insert_fails_when_the_first_commits_and_cannot_read_the_winner() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, insert(ITEM, [7, 1]));
    bench.begin(T2);
    bench.waits(T2, insert(ITEM, [7, 2]));
    bench.commit(T1);
    bench.has_failed(T2, "23505");
    bench.fails(T2, select(ITEM, Keys::one([7])), "25P02");
}

#[test]
fn a_second_insert_succeeds_when_the_first_rolls_back() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, insert(ITEM, [7, 1]));
    bench.waits(T2, insert(ITEM, [7, 2]));
    bench.rollback(T1);
    assert_eq!(bench.answer(T2), affected(1));
    bench.sees_item(T3, 7, 2);
}

#[test]
fn of_three_inserts_one_goes_on_after_the_rollback_and_the_third_waits_for_it() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, insert(ITEM, [7, 1]));
    bench.begin(T2);
    bench.waits(T2, insert(ITEM, [7, 2]));
    bench.waits(T3, insert(ITEM, [7, 3]));
    bench.rollback(T1);
    assert_eq!(bench.answer(T2), affected(1));
    bench.still_waits(T3);
    bench.commit(T2);
    bench.has_failed(T3, "23505");
    bench.sees_item(T1, 7, 2);
}

#[test]
fn an_insert_does_not_wait_for_a_row_that_is_only_locked() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.run(T1, for_update(1, RowLock::WAIT)).unwrap();
    bench.fails(T2, insert(ITEM, [1, 0]), "23505");
}

#[test]
fn an_insert_waits_for_a_row_that_is_being_updated_and_then_fails() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.waits(T2, insert(ITEM, [1, 0]));
    bench.commit(T1);
    bench.has_failed(T2, "23505");
}

#[test]
fn a_secondary_unique_key_is_raced_for_in_the_same_way() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, insert(STAY, [1, 500]));
    bench.begin(T2);
    bench.waits(T2, insert(STAY, [2, 500]));
    bench.waits(T3, insert(STAY, [3, 500]));
    bench.rollback(T1);
    assert_eq!(bench.answer(T2), affected(1));
    bench.still_waits(T3);
    bench.commit(T2);
    bench.has_failed(T3, "23505");
    bench.sees(T1, STAY, &[[2, 500]]);
    bench.is_quiet();
}

#[test]
fn a_unique_key_is_free_once_its_row_is_gone_for_good() {
    let mut bench = Bench::new();
    bench.does(T1, insert(STAY, [1, 500]));
    bench.begin(T1);
    let gone = Statement::Delete { table: STAY, keys: Keys::one([1]), filter: None };
    bench.does(T1, gone);
    bench.waits(T2, insert(STAY, [2, 500]));
    bench.commit(T1);
    assert_eq!(bench.answer(T2), affected(1));
    let by_guest = Keys::Index { index: 0, key: vec![500.into()] };
    assert_eq!(bench.run(T3, select(STAY, by_guest)), found(&[[2, 500]]));
}

#[test]
fn who_waited_for_another_row_to_get_out_of_the_way_does_not_keep_that_row_locked() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, insert(STAY, [1, 500]));
    bench.begin(T2);
    bench.waits(T2, insert(STAY, [2, 500]));
    bench.rollback(T1);
    assert_eq!(bench.answer(T2), affected(1));
    bench.does(T3, insert(STAY, [1, 501]));
}
