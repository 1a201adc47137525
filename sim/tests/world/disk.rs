//! Disks that fail and fill up.

use crate::stage::{Handle, Stage, at, crash, failed_sync, full_disk, millis, note, with_faults};
use rehearsal_env::{Clock, File, NodeId, Storage, StorageError};
use rehearsal_sim::{FaultClass, Incident};
use std::future::pending;
use std::time::Duration;

const NODE: NodeId = NodeId(0);

#[test]
fn a_failed_sync_poisons_the_file_until_the_program_exits() {
    let mut left = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let mut stage = Stage::new(seed, with_faults(vec![at(50, failed_sync("node"))]));
        stage.start("node", |env: Handle| async move {
            let (file, other) =
                (env.open("log").await.expect("healthy"), env.open("other").await.expect("healthy"));
            note(&env, "length", file.len().await.expect("a restart heals"));
            if env.now() > millis(100) {
                file.append(b"again").await.expect("a restart heals");
                file.sync().await.expect("a restart heals");
                pending::<()>().await;
            }
            env.sleep_until(millis(60)).await;
            file.append(b"unsure").await.expect("healthy");
            assert_eq!(file.sync().await, Err(StorageError::Device));
            assert_eq!(file.sync().await, Err(StorageError::Poisoned));
            assert_eq!(file.append(b"more").await, Err(StorageError::Poisoned));
            assert_eq!(file.read_at(0, 1).await, Err(StorageError::Poisoned));
            assert_eq!(file.len().await, Err(StorageError::Poisoned));
            assert_eq!(file.truncate(0).await, Err(StorageError::Poisoned));
            let reopened = env.open("log").await.expect("its name is sound");
            assert_eq!(reopened.append(b"more").await, Err(StorageError::Poisoned));
            other.append(b"fine").await.expect("another file is not poisoned");
            other.sync().await.expect("one sync fails, not all");
        });
        let seen = stage.run().sound();
        left.insert(seen.noted("length")[1]);
        assert_eq!(seen.when(Incident::SyncFailed(NODE)).len(), 1);
        assert_eq!(seen.outcome.faults.effective(FaultClass::FailedSync), 1);
    }
    assert_eq!(left.into_iter().collect::<Vec<_>>(), [0, 6], "what a failed sync leaves is unknown");
}

/// Appends a byte every 10 ms and notes what came of it.
async fn fills_up(env: Handle) {
    let file = env.open("data").await.expect("room at the start");
    loop {
        env.sleep(Duration::from_millis(10)).await;
        match file.append(b".").await {
            Ok(_) => note(&env, "written", 0),
            Err(StorageError::NoSpace) => note(&env, "refused", 0),
            Err(other) => panic!("a full disk says {other}"),
        }
    }
}

#[test]
fn a_full_disk_refuses_writes_for_a_while_and_loses_nothing() {
    let mut stage = Stage::new(1, with_faults(vec![at(100, full_disk("node", 200))]));
    stage.start("node", |env: Handle| async move {
        env.sleep_until(millis(95)).await;
        let file = env.open("data").await.expect("room");
        file.append(b"kept").await.expect("room");
        env.sleep_until(millis(110)).await;
        assert_eq!(file.append(b"!").await, Err(StorageError::NoSpace));
        assert!(matches!(env.open("new").await, Err(StorageError::NoSpace)));
        assert_eq!(env.list().await, Ok(vec!["data".to_owned()]));
        assert_eq!(file.read_at(0, 9).await, Ok(b"kept".to_vec()));
        file.sync().await.expect("what is there can be synced");
        env.sleep_until(millis(310)).await;
        assert_eq!(file.append(b"!").await, Ok(4));
        env.open("new").await.expect("room again");
        note(&env, "done", 0);
        pending::<()>().await;
    });
    let seen = stage.run().sound();
    assert_eq!(seen.noted("done").len(), 1);
    assert_eq!(seen.when(Incident::NoSpace(NODE)).len(), 2);
    assert_eq!(seen.outcome.faults.effective(FaultClass::FullDisk), 1, "one fault has one effect");
}

#[test]
fn a_full_disk_recovers_in_the_calm() {
    let mut stage = Stage::new(1, with_faults(vec![at(500, full_disk("node", 100_000))]));
    stage.start("node", fills_up);
    let seen = stage.run().sound();
    let (written, refused) = (seen.times("written"), seen.times("refused"));
    assert!(refused.iter().all(|time| (millis(500)..=millis(1_001)).contains(time)));
    assert!(written.iter().all(|time| *time <= millis(500) || *time >= millis(1_000)));
    assert!(refused.len() > 40 && written.iter().any(|time| *time > millis(1_900)));
}

#[test]
fn a_disk_that_two_faults_fill_is_full_until_both_are_over() {
    let faults = vec![at(100, full_disk("node", 300)), at(200, full_disk("node", 50))];
    let mut stage = Stage::new(1, with_faults(faults));
    stage.start("node", fills_up);
    let refused = stage.run().sound().times("refused");
    assert!(refused[0] > millis(100) && refused[0] < millis(120));
    assert!(refused.last().is_some_and(|last| *last > millis(380) && *last < millis(402)), "{refused:?}");
}

#[test]
fn a_full_disk_stays_full_across_a_crash() {
    let faults = vec![at(100, full_disk("node", 300)), at(200, crash("node", 10))];
    let mut stage = Stage::new(1, with_faults(faults));
    stage.start("node", |env: Handle| async move {
        note(&env, if env.open("new").await.is_ok() { "room" } else { "no room" }, 0);
        pending::<()>().await;
    });
    // The name that the first life made may be lost, and then there is no room for it.
    let seen = stage.run().sound();
    assert_eq!(seen.noted("room").len() + seen.noted("no room").len(), 2);
}

#[test]
fn an_operation_under_way_at_a_crash_happened_or_did_not() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..100 {
        let mut settings = with_faults(vec![at(100, crash("node", 10))]);
        (settings.disk.access_min, settings.disk.access_max) =
            (rehearsal_sim::Span::millis(5), rehearsal_sim::Span::millis(5));
        let mut stage = Stage::new(seed, settings);
        stage.start("node", |env: Handle| async move {
            if env.now() < millis(100) {
                env.open("old").await.expect("healthy");
                env.sync_dir().await.expect("healthy");
                env.sleep_until(millis(98)).await;
                env.rename("old", "new").await.expect("it is there");
                note(&env, "renamed", 0);
            } else {
                let names = env.list().await.expect("healthy");
                assert_eq!(names.len(), 1);
                note(&env, "new", u64::from(names[0] == "new"));
            }
            pending::<()>().await;
        });
        let seen = stage.run().sound();
        assert!(seen.noted("renamed").is_empty(), "nobody is told");
        outcomes.extend(seen.noted("new"));
    }
    assert_eq!(outcomes.len(), 2);
}
