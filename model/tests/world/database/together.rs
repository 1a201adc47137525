//! Statements that travel together: carried out in their order, and no further than the first error.

use super::{ROW, Remote, Setup, begin, connect, empty_database, key_of, row, start_database};
use crate::stage::{Handle, Seen, Stage, after, at, crash, millis, note, partition, steady, steady_but};
use rehearsal_env::Clock;
use rehearsal_model::database::{
    CommitError, DatabaseError, Expression, Keys, RemoteTransaction, Row, RowLock, Statement, Transaction,
    TransactionError,
};
use rehearsal_sim::Settings;
use std::time::Duration;

fn two_rows() -> Setup {
    Setup { first_rows: vec![(ROW, row(1)), (ROW, row(2))], ..empty_database() }
}

fn cells(row: Row) -> Vec<Expression> {
    row.into_iter().map(Expression::constant).collect()
}

fn insert(key: u64) -> Statement {
    Statement::insert(ROW, cells(row(key)))
}

async fn begun(database: &Remote) -> RemoteTransaction<Handle> {
    begin(database).await.expect("the database is up")
}

async fn keys(database: &Remote) -> Vec<u64> {
    let rows = database.read(ROW, Keys::All, None).await.expect("the database is up");
    rows.iter().map(|row| key_of(row)).collect()
}

/// One client and a database with the rows 1 and 2.
fn alone<T: Future<Output = ()> + 'static>(
    settings: Settings,
    client: impl Fn(Handle, Remote) -> T + Copy + Send + 'static,
) -> Seen {
    let mut stage = Stage::new(1, settings);
    let database = start_database(&mut stage, two_rows());
    stage.client("client", move |env: Handle| async move {
        let database = connect(&env, database);
        env.sleep_until(millis(100)).await;
        client(env, database).await;
    });
    stage.run_until_done()
}

#[test]
fn a_whole_transaction_travels_in_one_message_and_happens_in_its_order() {
    let seen = alone(steady(), |_, database| async move {
        let mut transaction = begun(&database).await;
        transaction.later(insert(3));
        transaction.later(Statement::delete(ROW, Keys::one([1]), None));
        // Before the delete it would be refused.
        transaction.later(insert(1));
        assert_eq!(transaction.commit().await, Ok(()));
    });
    let last = seen.reports().last().expect("a commit");
    assert_eq!((seen.reports().count(), last.changes.len()), (2, 2), "the rows 1 and 3");
    assert_eq!(seen.outcome.messages, 4, "a session is begun, and there is one message and its answer");
}

#[test]
fn what_was_left_for_later_goes_with_the_next_statement() {
    alone(steady(), |_, database| async move {
        let mut transaction = begun(&database).await;
        transaction.later(insert(3));
        let rows = transaction.select(ROW, Keys::All, None, None).await.expect("nothing is wrong with it");
        assert_eq!(rows.len(), 3, "only the last one's answer comes back, and it sees what went before");
        assert_eq!(transaction.delete(ROW, Keys::All, None).await, Ok(3), "what was said is not said again");
        transaction.rollback().await;
        assert_eq!(keys(&database).await, [1, 2]);
    });
}

#[test]
fn the_first_error_is_the_answer_and_the_rest_is_left_out() {
    let seen = alone(steady(), |env, database| async move {
        let mut transaction = begun(&database).await;
        transaction.later(insert(3));
        transaction.later(insert(1));
        transaction.later(Statement::insert(ROW, Vec::new()));
        let refused = TransactionError::Refused(DatabaseError::UniqueViolation);
        assert_eq!(transaction.delete(ROW, Keys::All, None).await, Err(refused), "not of the third's making");
        let aborted = TransactionError::Refused(DatabaseError::TransactionAborted);
        assert_eq!(transaction.select(ROW, Keys::All, None, None).await, Err(aborted));
        assert_eq!(transaction.commit().await, Err(CommitError::RolledBack));
        assert_eq!(keys(&database).await, [1, 2]);
        note(&env, "done", 0);
    });
    assert_eq!((seen.count("done"), seen.reports().count()), (1, 1), "only the first rows");
}

#[test]
fn a_commit_behind_a_refused_statement_surely_did_not_happen() {
    let seen = alone(steady(), |env, database| async move {
        let mut transaction = begun(&database).await;
        transaction.later(insert(3));
        transaction.later(insert(1));
        assert_eq!(transaction.commit().await, Err(CommitError::RolledBack));
        assert_eq!(keys(&database).await, [1, 2]);
        let mut another = begun(&database).await;
        another.later(insert(4));
        assert_eq!(another.commit().await, Ok(()), "the aborted transaction is nobody's any more");
        assert_eq!(keys(&database).await, [1, 2, 4]);
        note(&env, "done", 0);
    });
    assert_eq!((seen.count("done"), seen.count("OldTransactions")), (1, 0));
}

#[test]
fn a_rollback_drops_what_was_left_for_later() {
    alone(steady(), |_, database| async move {
        let mut transaction = begun(&database).await;
        transaction.later(insert(3));
        transaction.rollback().await;
        let mut another = begun(&database).await;
        assert_eq!(another.delete(ROW, Keys::one([3]), None).await, Ok(0));
        assert_eq!(another.commit().await, Ok(()));
        assert_eq!(keys(&database).await, [1, 2]);
    });
}

#[test]
fn one_row_by_itself_is_there_or_refused_or_unknown() {
    let seen = alone(steady_but([at(200, crash(super::DATABASE, 10))]), |env, database| async move {
        assert_eq!(database.insert(ROW, cells(row(3))).await, Ok(()));
        assert_eq!(database.insert(ROW, cells(row(3))).await, Err(CommitError::RolledBack));
        assert_eq!(keys(&database).await, [1, 2, 3]);
        // There when the database crashes, or on its way.
        env.sleep_until(rehearsal_env::Time(199_500_000)).await;
        assert_eq!(database.insert(ROW, cells(row(4))).await, Err(CommitError::Unknown));
        note(&env, "done", 0);
    });
    assert_eq!(seen.count("done"), 1);
}

#[test]
fn a_row_for_a_database_that_cannot_be_reached_is_surely_not_there() {
    let cut = at(50, partition("client", super::DATABASE, 3_000));
    let seen = alone(steady_but([cut]), |env, database| async move {
        assert_eq!(database.insert(ROW, cells(row(3))).await, Err(CommitError::RolledBack));
        env.sleep_until(millis(4_000)).await;
        assert_eq!(keys(&database).await, [1, 2]);
        note(&env, "done", 0);
    });
    assert_eq!(seen.count("done"), 1);
}

/// One locks row 1 at 100 ms and commits at 300 ms. Another comes at 200 ms with an insert, a delete of row 1 and
/// the commit in one message, and waits for the answer for so many milliseconds.
fn behind_a_lock(waits: u64) -> Seen {
    let mut stage = Stage::new(1, steady());
    let database = start_database(&mut stage, two_rows());
    stage.client("holder", move |env: Handle| async move {
        let database = connect(&env, database);
        env.sleep_until(millis(100)).await;
        let mut transaction = begun(&database).await;
        let locked = transaction.select(ROW, Keys::one([1]), None, Some(RowLock::WAIT)).await;
        assert_eq!(locked, Ok(vec![row(1)]));
        env.sleep_until(millis(300)).await;
        transaction.later(insert(4));
        assert_eq!(transaction.commit().await, Ok(()));
    });
    stage.client("waiter", move |env: Handle| async move {
        let database = connect(&env, database);
        env.sleep_until(millis(200)).await;
        let mut transaction = begun(&database).await;
        transaction.later(insert(3));
        transaction.later(Statement::delete(ROW, Keys::one([1]), None));
        if let Ok(answer) = env.timeout(Duration::from_millis(waits), transaction.commit()).await {
            assert_eq!(answer, Ok(()));
            note(&env, "committed", 0);
        }
        env.sleep_until(millis(400)).await;
        for key in keys(&database).await {
            note(&env, "found", key);
        }
    });
    stage.run_until_done()
}

#[test]
fn the_rest_of_a_message_follows_when_its_statement_has_its_lock() {
    let seen = behind_a_lock(1_000);
    assert!(seen.time("committed") > millis(300));
    assert_eq!(seen.noted("found"), [2, 3, 4]);
}

#[test]
fn the_rest_of_a_message_is_dropped_with_its_session() {
    let seen = behind_a_lock(50);
    assert_eq!((seen.count("WaitedForLock"), seen.count("committed")), (1, 0));
    assert_eq!(
        seen.noted("found"),
        [1, 2, 4],
        "the delete got its lock, and the commit behind it never came"
    );
}

#[test]
fn a_message_is_carried_out_wholly_or_not_at_all_whenever_the_database_crashes() {
    let run = |faults| {
        alone(steady_but(faults), |env, database| async move {
            let mut transaction = loop {
                match begin(&database).await {
                    Ok(transaction) => break transaction,
                    Err(_) => env.sleep(Duration::from_millis(10)).await,
                }
            };
            transaction.later(insert(3));
            transaction.later(Statement::delete(ROW, Keys::one([1]), None));
            let committed = transaction.commit().await;
            let word = match committed {
                Ok(()) => "acknowledged",
                Err(CommitError::Unknown) => "unknown",
                Err(CommitError::RolledBack) => panic!("nothing is wrong with it"),
            };
            note(&env, word, 0);
            for key in super::read_keys(&env, &database).await {
                note(&env, "found", key);
            }
        })
    };
    let (mut there, mut not) = (0, 0);
    for event in 1..=run(Vec::new()).outcome.events {
        let seen = run(vec![after(event, crash(super::DATABASE, 20))]);
        match seen.noted("found").as_slice() {
            [2, 3] => there += seen.count("unknown"),
            [1, 2] => {
                assert_eq!(seen.count("acknowledged"), 0, "after event {event}");
                not += 1;
            }
            found => panic!("half a message: {found:?}"),
        }
    }
    assert!(there > 0 && not > 0, "{there} and {not}: a lost answer must mean either");
}
