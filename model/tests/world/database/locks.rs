//! Row locks over sessions: who holds one and is gone holds it no longer.

use super::{PATIENCE, ROW, Remote, Setup, begin, connect, empty_database, row, start_database};
use crate::stage::{Handle, Seen, Stage, at, crash, millis, note, partition, steady_but, vanish};
use rehearsal_env::{Clock, Time};
use rehearsal_model::database::{
    CommitError, DatabaseError, Expression, Keys, Knobs, RemoteTransaction, RowLock, Transaction,
    TransactionError,
};
use rehearsal_sim::Fault;
use std::future::pending;
use std::time::Duration;

fn two_rows(knobs: Knobs) -> Setup {
    Setup { first_rows: vec![(ROW, row(1)), (ROW, row(2))], knobs, ..empty_database() }
}

async fn lock(
    transaction: &mut RemoteTransaction<Handle>,
    key: u64,
    how: RowLock,
) -> Result<(), TransactionError> {
    let rows = transaction.select(ROW, Keys::one([key as i64]), None, Some(how)).await?;
    assert_eq!(rows.len(), 1, "the row is there");
    Ok(())
}

async fn set_text(transaction: &mut RemoteTransaction<Handle>, key: u64) -> Result<u64, TransactionError> {
    transaction.update(ROW, Keys::one([key as i64]), None, vec![(1, Expression::constant("new"))]).await
}

async fn begun(database: &Remote) -> RemoteTransaction<Handle> {
    begin(database).await.expect("the database is up")
}

/// The holder locks row 1 at 100 ms and does `then`; another wants the row at 200 ms and notes when it has it.
fn holder_and_waiter<T: Future<Output = ()> + 'static>(
    setup: Setup,
    faults: impl Into<Vec<Fault>>,
    then: impl Fn(Handle, Remote, RemoteTransaction<Handle>) -> T + Copy + Send + 'static,
) -> Seen {
    let mut stage = Stage::new(1, steady_but(faults));
    let database = start_database(&mut stage, setup);
    stage.start("holder", move |env: Handle| async move {
        if env.now() < millis(150) {
            let database = connect(&env, database);
            env.sleep_until(millis(100)).await;
            let mut transaction = begun(&database).await;
            lock(&mut transaction, 1, RowLock::WAIT).await.expect("nobody else wants it");
            set_text(&mut transaction, 1).await.expect("it is locked");
            then(env.clone(), database, transaction).await;
        }
        pending::<()>().await;
    });
    stage.client("waiter", move |env: Handle| async move {
        let database = connect(&env, database);
        env.sleep_until(millis(200)).await;
        let mut transaction = begun(&database).await;
        match lock(&mut transaction, 1, RowLock::WAIT).await {
            Ok(()) => {
                let rows = transaction.select(ROW, Keys::one([1]), None, None).await.expect("it is locked");
                assert_eq!(rows, [row(1)], "the holder's change was rolled back");
                assert_eq!(set_text(&mut transaction, 1).await, Ok(1));
                assert_eq!(transaction.commit().await, Ok(()));
                note(&env, "proceeded", 1);
            }
            Err(refused) => {
                assert_eq!(refused, TransactionError::Refused(DatabaseError::LockNotAvailable));
                note(&env, "refused", 1);
            }
        }
    });
    stage.run()
}

#[test]
fn the_lock_of_a_client_that_vanished_is_released_after_the_silence() {
    let seen =
        holder_and_waiter(two_rows(Knobs::default()), [at(150, vanish("holder"))], |_, _, held| async {
            pending::<()>().await;
            drop(held);
        });
    // The holder was heard last at 105 ms; the server looks twice in every silence.
    let silence = PATIENCE.silence;
    let (heard, proceeded) = (millis(105), seen.time("proceeded"));
    assert!(proceeded > heard + silence && proceeded < heard + silence * 3 / 2 + Duration::from_millis(20));
    assert_eq!((seen.noted("SessionEndedBySilence")[0], seen.count("WaitedForLock")), (1, 1));
}

#[test]
fn the_lock_of_a_client_that_is_cut_off_is_released_and_its_commit_fails() {
    let cut = at(150, partition("holder", super::DATABASE, 3_000));
    let seen = holder_and_waiter(two_rows(Knobs::default()), [cut], |env, _, held| async move {
        env.sleep_until(millis(4_000)).await;
        assert!(held.commit().await.is_err(), "its session is over");
        note(&env, "told of it", 0);
    });
    assert!(seen.time("proceeded") < millis(1_000));
    assert!(seen.time("told of it") < millis(4_010));
    assert_eq!(seen.reports().count(), 2, "the first rows and the waiter's");
}

#[test]
fn a_client_that_only_thinks_for_too_long_loses_its_transaction() {
    let seen = holder_and_waiter(two_rows(Knobs::default()), [], |env, _, mut held| async move {
        env.sleep_until(millis(2_000)).await;
        assert_eq!(set_text(&mut held, 2).await, Err(TransactionError::Lost));
        note(&env, "told of it", 0);
    });
    assert!(seen.time("proceeded") < millis(900) && seen.time("told of it") == millis(2_002));
}

#[test]
fn a_transaction_that_is_dropped_lets_its_lock_go_at_once() {
    let seen = holder_and_waiter(two_rows(Knobs::default()), [], |env, _, held| async move {
        env.sleep_until(millis(300)).await;
        drop(held);
    });
    let proceeded = seen.time("proceeded");
    assert!(proceeded > millis(300) && proceeded < millis(315), "{proceeded}");
    assert_eq!(seen.count("OldTransactions"), 0);
}

#[test]
fn a_server_that_crashed_remembers_no_lock() {
    let faults = [at(250, crash(super::DATABASE, 10))];
    let mut stage = Stage::new(1, steady_but(faults));
    let database = start_database(&mut stage, two_rows(Knobs::default()));
    stage.client("holder", move |env: Handle| async move {
        let database = connect(&env, database);
        env.sleep_until(millis(100)).await;
        let mut held = begun(&database).await;
        set_text(&mut held, 1).await.expect("nobody else wants it");
        env.sleep_until(millis(300)).await;
        let mut other = begun(&database).await;
        assert_eq!(lock(&mut other, 1, RowLock::NO_WAIT).await, Ok(()));
        assert_eq!(held.commit().await, Err(CommitError::Unknown));
    });
    let seen = stage.run();
    assert!(seen.reports().all(|commit| commit.position.0 == 1), "only the first rows were ever committed");
}

#[test]
fn a_server_that_forgives_silence_keeps_the_lock_for_ever() {
    let forgiving =
        Setup { forgives_silence: true, ..two_rows(Knobs { lock_timeout: None, ..Knobs::default() }) };
    let mut stage = Stage::new(1, steady_but([at(150, vanish("holder"))]));
    let database = start_database(&mut stage, forgiving);
    for (name, milliseconds) in [("holder", 100), ("waiter", 200)] {
        stage.start(name, move |env: Handle| async move {
            let database = connect(&env, database);
            env.sleep_until(millis(milliseconds)).await;
            let mut transaction = begun(&database).await;
            if env.now() < millis(300) && lock(&mut transaction, 1, RowLock::WAIT).await.is_ok() {
                note(&env, "locked", milliseconds);
            }
            pending::<()>().await;
        });
    }
    let seen = stage.run();
    assert_eq!(seen.noted("locked"), [100], "the waiter never got it");
    assert!(seen.noted("OldTransactions").last().is_some_and(|count| *count >= 1));
}

#[test]
fn who_waits_too_long_for_a_lock_is_refused() {
    let knobs = Knobs { lock_timeout: Some(Duration::from_millis(120)), ..Knobs::default() };
    let seen = holder_and_waiter(two_rows(knobs), [], |_, _, held| async move {
        pending::<()>().await;
        drop(held);
    });
    // Opened and asked at 202, there at 203, refused 120 ms later.
    assert_eq!(seen.time("refused"), millis(324));
    assert_eq!(seen.count("LockTimedOut"), 1);
}

/// Two clients, each with one row, and then each wants the other's.
fn cross(seed: u64) -> Seen {
    let mut stage = Stage::new(seed, steady_but([]));
    let database = start_database(&mut stage, two_rows(Knobs::default()));
    for (name, first, second) in [("client", 1, 2), ("other", 2, 1)] {
        stage.client(name, move |env: Handle| async move {
            let database = connect(&env, database);
            env.sleep_until(millis(100 + seed % 7)).await;
            let mut transaction = begun(&database).await;
            set_text(&mut transaction, first).await.expect("each begins with a row of its own");
            env.sleep_until(millis(200 + first * (seed % 5))).await;
            match set_text(&mut transaction, second).await {
                Ok(_) => {
                    assert_eq!(transaction.commit().await, Ok(()));
                    note(&env, "committed", first);
                }
                Err(refused) => {
                    let TransactionError::Refused(why) = refused else { panic!("nobody is lost here") };
                    assert_eq!(why.sqlstate(), "40P01");
                    note(&env, "victim", first);
                    assert!(transaction.commit().await.is_err(), "a victim commits nothing");
                }
            }
        });
    }
    stage.run_until_done()
}

#[test]
fn of_two_who_wait_for_each_other_one_is_refused_and_the_other_commits() {
    for seed in 0..100 {
        let seen = cross(seed);
        let (committed, victim) = (seen.noted("committed"), seen.noted("victim"));
        assert_eq!((committed.len(), victim.len(), seen.count("DeadlockBroken")), (1, 1, 1));
        assert_ne!(committed, victim);
        let told: Time = seen.time("victim");
        assert!(told > millis(1_200) && told < millis(1_250), "a second after the wait began: {told}");
        let last = seen.reports().last().expect("a commit");
        assert_eq!((seen.reports().count(), last.changes.len()), (2, 2), "the survivor changed both rows");
    }
}
