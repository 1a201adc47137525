//! `CHECK` constraints, aborted transactions and savepoints.

use rehearsal_model::database::{Action, Answer, Keys, RowLock};

use crate::bench::*;

#[test]
fn a_check_violation_aborts_the_transaction_and_commit_keeps_nothing() {
    let mut bench = Bench::with_nights();
    bench.begin(T1);
    bench.does(T1, book(Keys::one([1]), None));
    bench.does(T1, book(Keys::one([2]), None));
    bench.fails(T1, book(Keys::one([2]), None), "23514");
    bench.fails(T1, book(Keys::one([3]), None), "25P02");
    bench.ask(T1, Action::Commit);
    assert_eq!(bench.answer(T1), Ok(Answer::RolledBack));
    bench.sees(T2, NIGHT, &[[1, 2, 0], [2, 2, 1], [3, 2, 0]]);
}

#[test]
fn a_waiter_is_checked_against_the_new_value() {
    let mut bench = Bench::with_nights();
    bench.begin(T1);
    bench.does(T1, book(Keys::one([2]), None));
    bench.waits(T2, book(Keys::one([2]), None));
    bench.commit(T1);
    bench.has_failed(T2, "23514");
    bench.is_quiet();
}

#[test]
fn one_update_over_all_nights_is_undone_whole_when_one_is_full() {
    let mut bench = Bench::with_nights();
    bench.does(T1, book(Keys::one([2]), None));
    bench.fails(T1, book(Keys::All, None), "23514");
    bench.sees(T2, NIGHT, &[[1, 2, 0], [2, 2, 2], [3, 2, 0]]);
}

#[test]
fn a_guarded_update_over_all_nights_leaves_the_full_one_out_without_an_error() {
    let mut bench = Bench::with_nights();
    bench.does(T1, book(Keys::one([2]), None));
    assert_eq!(bench.run(T1, book(Keys::All, Some(room_left()))), affected(2));
    bench.sees(T2, NIGHT, &[[1, 2, 1], [2, 2, 2], [3, 2, 1]]);
}

#[test]
fn a_savepoint_clears_the_abort_and_the_rest_commits() {
    let mut bench = Bench::with_nights();
    bench.does(T2, book(Keys::one([2]), None));
    bench.begin(T1);
    bench.does(T1, book(Keys::one([1]), None));
    bench.run(T1, savepoint()).unwrap();
    bench.does(T1, book(Keys::one([3]), None));
    bench.fails(T1, book(Keys::one([2]), None), "23514");
    assert_eq!(bench.run(T1, back_to_savepoint()), Ok(Answer::Done));
    bench.does(T2, book(Keys::one([3]), None));
    bench.commit(T1);
    bench.sees(T2, NIGHT, &[[1, 2, 1], [2, 2, 2], [3, 2, 1]]);
    bench.is_quiet();
}

#[test]
fn a_row_changed_again_after_the_savepoint_goes_back_to_what_it_was_there() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.run(T1, savepoint()).unwrap();
    bench.does(T1, set(1, 12));
    bench.does(T1, insert(ITEM, [3, 30]));
    bench.run(T1, back_to_savepoint()).unwrap();
    bench.sees(T1, ITEM, &[[1, 11], [2, 20]]);
    bench.fails(T2, for_update(1, RowLock::NO_WAIT), "55P03");
    bench.does(T2, insert(ITEM, [3, 31]));
    bench.commit(T1);
    bench.sees(T2, ITEM, &[[1, 11], [2, 20], [3, 31]]);
}
