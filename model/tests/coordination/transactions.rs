//! Transactions: all or nothing, once, and never against their checks.

use crate::honesty::assert_honest;
use crate::stage::{Handle, Stage, at, crash_loop, millis, note, partition, rough, steady, steady_but};
use crate::stage::{SERVICE, Seen};
use rehearsal_env::{Clock, Random};
use rehearsal_model::coordination::{
    Check, Coordination, CoordinationError, Edit, Happening, Outcome, Revision,
};
use rehearsal_sim::{FaultClass, FaultTally, Settings};
use std::collections::BTreeMap;
use std::time::Duration;

/// No run takes so long unless its service never comes back.
pub fn still_early(env: &Handle) {
    assert!(env.now() < millis(120_000), "the service is gone for good");
}

/// Puts so many values, each its own, into one key without any check, each until the answer is known to be
/// none.
pub async fn puts(env: Handle, coordination: Coordination<Handle>, who: u8, count: u8) {
    for number in 0..count {
        for attempt in 0.. {
            still_early(&env);
            match coordination.transact(Vec::new(), vec![Edit::put("/last", [who, number, attempt])]).await {
                Ok(_) => {
                    note(&env, "put", number.into());
                    break;
                }
                Err(CoordinationError::Unreachable) => {}
                Err(CoordinationError::Unknown) => break,
                Err(other) => panic!("{other}"),
            }
        }
    }
}

/// Adds one to a number in a key so many times, by its version.
pub async fn adds(env: Handle, coordination: Coordination<Handle>, count: u8) {
    let mut added = 0;
    while added < count {
        still_early(&env);
        let Ok(before) = coordination.read("/count").await else { continue };
        let (check, number) = match before {
            Some(entry) => (Check::version("/count", entry.modified), entry.value[0] + 1),
            None => (Check::absent("/count"), 1),
        };
        // The rest of the value tells it from all others, and makes it long enough to be torn.
        let mut value = vec![0; 600];
        value[..8].copy_from_slice(&env.bits().to_le_bytes());
        value[0] = number;
        match coordination.transact(vec![check], vec![Edit::put("/count", value)]).await {
            Ok(_) => added += 1,
            Err(CoordinationError::Unreachable | CoordinationError::Conflict { .. }) => {}
            Err(CoordinationError::Unknown) => {
                note(&env, "unknown", added.into());
                added += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    note(&env, "added", added.into());
}

/// How often each value was put into any key.
fn times_put(seen: &Seen) -> BTreeMap<Vec<u8>, usize> {
    let mut put: BTreeMap<(Revision, Vec<u8>), ()> = BTreeMap::new();
    for (_, change) in seen.changes() {
        let value = change.entry.as_ref().map(|entry| entry.value.to_vec());
        put.extend(value.map(|value| ((change.revision, value), ())));
    }
    let mut times = BTreeMap::new();
    for (_, value) in put.into_keys() {
        *times.entry(value).or_default() += 1;
    }
    times
}

#[test]
fn a_transaction_whose_answer_was_lost_is_not_done_twice() {
    let (mut unknown, mut done, mut faults) = (0, 0, FaultTally::default());
    for seed in 0..60 {
        let mut stage = Stage::new(seed, rough());
        for who in 0..2 {
            stage.client(&format!("client-{who}"), move |env, coordination| puts(env, coordination, who, 20));
        }
        let seen = stage.run_until_done();
        assert_honest(&seen);
        let put = times_put(&seen);
        assert!(put.values().all(|times| *times == 1), "{put:?}");
        let lost = |happening: &Happening| {
            matches!(happening, Happening::Returned { outcome: Outcome::Unknown, .. })
        };
        unknown += seen.count(lost);
        done += seen.noted("put").len();
        faults.add(&seen.outcome.faults);
    }
    assert!(done > 2_000, "{done} done and {unknown} unknown");
    for class in [FaultClass::Loss, FaultClass::Duplication] {
        assert!(faults.effective(class) > 1_000, "{class:?} had no effect");
    }
}

#[test]
fn a_transaction_without_an_answer_was_done_or_not() {
    let (mut there, mut not) = (0, 0);
    for seed in 0..60 {
        let faults =
            [at(20 + seed * 3, crash_loop(SERVICE, 20, 5, 40)), at(700, partition("client", SERVICE, 900))];
        let mut stage = Stage::new(seed, Settings { faults: faults.to_vec(), ..rough() });
        stage.client("client", |env, coordination| puts(env, coordination, 0, 30));
        let seen = stage.run_until_done();
        assert_honest(&seen);
        let put = times_put(&seen);
        assert!(put.values().all(|times| *times == 1), "{put:?}");
        let unknown = 30 - seen.noted("put").len();
        there += put.len() - seen.noted("put").len();
        not += unknown - (put.len() - seen.noted("put").len());
    }
    assert!(there > 10 && not > 10, "{there} there and {not} not: both must be common");
}

#[test]
fn of_two_who_change_the_same_version_one_is_refused() {
    for seed in 0..30 {
        let mut stage = Stage::new(seed, steady());
        for who in 0..4 {
            stage.client(&format!("client-{who}"), |env, coordination| adds(env, coordination, 10));
        }
        let seen = stage.run_until_done();
        assert_honest(&seen);
        let (_, last) = seen.changes().last().expect("there are changes");
        assert_eq!(last.entry.as_ref().expect("nothing is deleted").value[0], 40);
    }
}

#[test]
fn a_conflict_changes_nothing() {
    let mut stage = Stage::new(1, steady_but([]));
    stage.client("client", |env: Handle, coordination| async move {
        env.sleep(Duration::from_millis(20)).await;
        let first = coordination.transact(Vec::new(), vec![Edit::put("/a", *b"1")]).await.expect("no check");
        let before = coordination.read_prefix("/").await.expect("it is there");
        let checks = vec![Check::present("/a"), Check::absent("/a")];
        let writes = vec![Edit::put("/b", *b"2"), Edit::delete("/a"), Edit::put("/a", *b"3")];
        let refused = coordination.transact(checks, writes).await.expect_err("/a is there");
        assert_eq!(refused, CoordinationError::Conflict { key: "/a".to_owned(), found: Some(first) });
        assert!(refused.definitely_did_not_happen());
        assert_eq!(coordination.read_prefix("/").await.expect("it is there"), before);
    });
    let seen = stage.run_until_done();
    assert_honest(&seen);
    assert_eq!(seen.changes().count(), 1);
}
