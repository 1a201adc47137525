//! The anomalies of the Hermitage suite at READ COMMITTED: which are prevented and which happen.

use rehearsal_model::database::Keys;

use crate::bench::*;

#[test]
fn g0_is_prevented_dirty_writes_do_not_interleave() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.begin(T2);
    bench.waits(T2, set(1, 12));
    bench.does(T1, set(2, 21));
    bench.commit(T1);
    bench.answer(T2).unwrap();
    bench.sees(T3, ITEM, &[[1, 11], [2, 21]]);
    bench.does(T2, set(2, 22));
    bench.commit(T2);
    bench.sees(T3, ITEM, &[[1, 12], [2, 22]]);
}

#[test]
fn g1a_is_prevented_what_is_rolled_back_is_never_read() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 101));
    bench.sees_item(T2, 1, 10);
    bench.rollback(T1);
    bench.sees_item(T2, 1, 10);
}

#[test]
fn g1b_is_prevented_intermediate_values_are_never_read() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 101));
    bench.sees_item(T2, 1, 10);
    bench.does(T1, set(1, 11));
    bench.commit(T1);
    bench.sees_item(T2, 1, 11);
}

#[test]
fn g1c_is_prevented_information_does_not_flow_in_a_circle() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.begin(T2);
    bench.does(T1, set(1, 11));
    bench.does(T2, set(2, 22));
    bench.sees_item(T1, 2, 20);
    bench.sees_item(T2, 1, 10);
    bench.commit(T1);
    bench.commit(T2);
}

#[test]
fn otv_is_prevented_an_observed_transaction_does_not_vanish() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.does(T1, set(1, 11));
    bench.does(T1, set(2, 19));
    bench.begin(T2);
    bench.waits(T2, set(1, 12));
    bench.commit(T1);
    bench.answer(T2).unwrap();
    bench.begin(T3);
    bench.sees_item(T3, 1, 11);
    bench.does(T2, set(2, 18));
    bench.sees_item(T3, 2, 19);
    bench.commit(T2);
    bench.sees_item(T3, 2, 18);
    bench.sees_item(T3, 1, 12);
}

#[test]
fn pmp_happens_a_predicate_finds_what_it_did_not_find_before() {
    let mut bench = Bench::new();
    bench.begin(T1);
    assert_eq!(bench.run(T1, select_where(value().equals(30))), found::<2>(&[]));
    bench.does(T2, insert(ITEM, [3, 30]));
    assert_eq!(bench.run(T1, select_where(value().equals(30))), found(&[[3, 30]]));
}

#[test]
fn pmp_for_a_write_happens_the_row_is_left_behind() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.run(T1, set_all(value() + 10)).unwrap();
    bench.begin(T2);
    bench.waits(T2, delete_where(value().equals(20)));
    bench.commit(T1);
    assert_eq!(bench.answer(T2), affected(0));
    assert_eq!(bench.run(T2, select_where(value().equals(20))), found(&[[1, 20]]));
}

#[test]
fn p4_happens_an_update_is_lost() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.begin(T2);
    bench.sees_item(T1, 1, 10);
    bench.sees_item(T2, 1, 10);
    bench.does(T1, set(1, 11));
    bench.waits(T2, set(1, 11));
    bench.commit(T1);
    assert_eq!(bench.answer(T2), affected(1));
    bench.commit(T2);
    bench.sees_item(T3, 1, 11);
}

#[test]
fn g_single_happens_a_transaction_reads_across_a_commit() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.sees_item(T1, 1, 10);
    bench.begin(T2);
    bench.does(T2, set(1, 12));
    bench.does(T2, set(2, 18));
    bench.commit(T2);
    bench.sees_item(T1, 2, 18);
}

#[test]
fn g_single_with_predicates_happens() {
    let mut bench = Bench::new();
    bench.begin(T1);
    assert_eq!(bench.run(T1, select_where(value().at_most(20))), found(&[[1, 10], [2, 20]]));
    bench.does(T2, set_where(Keys::All, value().equals(10), 12));
    assert_eq!(bench.run(T1, select_where(value().equals(12))), found(&[[1, 12]]));
}

#[test]
fn g_single_with_a_write_happens_the_delete_finds_nothing() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.sees_item(T1, 1, 10);
    bench.begin(T2);
    bench.does(T2, set(1, 12));
    bench.does(T2, set(2, 18));
    bench.commit(T2);
    assert_eq!(bench.run(T1, delete_where(value().equals(20))), affected(0), "it read 10 and finds no 20");
}

#[test]
fn g2_item_happens_write_skew_on_two_rows() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.begin(T2);
    bench.sees(T1, ITEM, &[[1, 10], [2, 20]]);
    bench.sees(T2, ITEM, &[[1, 10], [2, 20]]);
    bench.does(T1, set(1, 11));
    bench.does(T2, set(2, 21));
    bench.commit(T1);
    bench.commit(T2);
    bench.sees(T3, ITEM, &[[1, 11], [2, 21]]);
}

#[test]
fn g2_happens_write_skew_on_a_predicate() {
    let mut bench = Bench::new();
    bench.begin(T1);
    bench.begin(T2);
    assert_eq!(bench.run(T1, select_where(value().equals(30))), found::<2>(&[]));
    assert_eq!(bench.run(T2, select_where(value().equals(30))), found::<2>(&[]));
    bench.does(T1, insert(ITEM, [3, 30]));
    bench.does(T2, insert(ITEM, [4, 30]));
    bench.commit(T1);
    bench.commit(T2);
    assert_eq!(bench.run(SOMEBODY, select_where(value().equals(30))), found(&[[3, 30], [4, 30]]));
}
