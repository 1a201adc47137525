//! Disks whose reads, writes and syncs fail, and media that rot.

use crate::stage::{Handle, Seen, Stage, ails, at, crash, millis, note, with_faults};
use rehearsal_env::{Clock, File, NodeId, Storage, StorageError};
use rehearsal_sim::{Ailment, FaultClass, Incident};
use std::collections::BTreeSet;
use std::future::{Future, pending};

const NODE: NodeId = NodeId(0);

/// The node runs `program`, and at 50 ms this goes wrong.
fn with<T: Future<Output = ()> + 'static>(
    seed: u64,
    ailment: Ailment,
    program: impl Fn(Handle) -> T + Send + 'static,
) -> Seen {
    let mut stage = Stage::new(seed, with_faults(vec![at(50, ails("node", ailment))]));
    stage.start("node", program);
    stage.run().sound()
}

fn is_counted_once(seen: &Seen, class: FaultClass) {
    assert_eq!(seen.when(Incident::Failed(NODE, class)).len(), 1);
    let faults = &seen.outcome.faults;
    assert_eq!((faults.struck(class), faults.effective(class)), (1, 1));
}

#[test]
fn one_read_fails_and_the_next_has_what_was_written() {
    let seen = with(1, Ailment::FailedRead, |env: Handle| async move {
        let file = env.open("log").await.expect("healthy");
        file.append(b"line").await.expect("healthy");
        env.sleep_until(millis(60)).await;
        file.append(b"more").await.expect("a write is no read");
        assert_eq!(file.len().await, Ok(8), "how long a file is the system knows");
        assert_eq!(file.read_at(0, 8).await, Err(StorageError::Device));
        assert_eq!(file.read_at(0, 8).await, Ok(b"linemore".to_vec()));
        file.sync().await.expect("a failed read poisons nothing");
        note(&env, "done", 0);
        pending::<()>().await;
    });
    assert_eq!(seen.noted("done").len(), 1);
    is_counted_once(&seen, FaultClass::FailedRead);
}

#[test]
fn a_failed_write_poisons_the_file_and_happened_or_did_not() {
    let mut left = BTreeSet::new();
    for seed in 0..60 {
        let faults = vec![at(50, ails("node", Ailment::FailedWrite)), at(80, crash("node", 10))];
        let mut stage = Stage::new(seed, with_faults(faults));
        stage.start("node", |env: Handle| async move {
            let (file, other) =
                (env.open("log").await.expect("healthy"), env.open("other").await.expect("healthy"));
            env.sync_dir().await.expect("healthy");
            if env.now() > millis(80) {
                note(&env, "length", file.len().await.expect("a restart heals"));
                pending::<()>().await;
            }
            file.append(b"sure").await.expect("healthy");
            file.sync().await.expect("healthy");
            env.sleep_until(millis(60)).await;
            file.read_at(0, 4).await.expect("a read is no write");
            assert_eq!(file.append(b"more").await, Err(StorageError::Device));
            assert_eq!(file.append(b"more").await, Err(StorageError::Poisoned));
            assert_eq!(file.read_at(0, 1).await, Err(StorageError::Poisoned));
            assert_eq!(file.sync().await, Err(StorageError::Poisoned));
            other.append(b"fine").await.expect("one write fails, not all");
            pending::<()>().await;
        });
        let seen = stage.run().sound();
        left.extend(seen.noted("length"));
        is_counted_once(&seen, FaultClass::FailedWrite);
    }
    assert_eq!(left.into_iter().collect::<Vec<_>>(), [4, 8], "whether it happened is unknown");
}

#[test]
fn what_a_dropped_sync_was_to_make_sure_of_is_gone_whoever_opens_the_file_again() {
    for crashes in [false, true] {
        for seed in 0..30 {
            let mut faults = vec![at(50, ails("node", Ailment::DroppedSync))];
            faults.extend(crashes.then(|| at(100, crash("node", 10))));
            let mut stage = Stage::new(seed, with_faults(faults));
            stage.start("node", move |env: Handle| async move {
                let file = env.open("log").await.expect("healthy");
                env.sync_dir().await.expect("healthy");
                let length = file.len().await.expect("a restart heals");
                if length > 0 {
                    note(&env, "length", length);
                    assert_eq!(file.read_at(0, 9).await, Ok(b"sure".to_vec()));
                    file.append(b"again").await.expect("a restart heals");
                    file.sync().await.expect("a restart heals");
                    pending::<()>().await;
                }
                file.append(b"sure").await.expect("healthy");
                file.sync().await.expect("healthy");
                env.sleep_until(millis(60)).await;
                file.append(b"lost").await.expect("healthy");
                assert_eq!(file.sync().await, Err(StorageError::Device));
                assert_eq!(file.sync().await, Err(StorageError::Poisoned));
                assert_eq!(file.read_at(0, 1).await, Err(StorageError::Poisoned));
                if crashes {
                    pending::<()>().await;
                }
            });
            let seen = stage.run().sound();
            assert_eq!(seen.noted("length"), [4], "seed {seed}");
            is_counted_once(&seen, FaultClass::DroppedSync);
        }
    }
}

/// A file of a hundred zeros, read three times from 60 ms on, and once more in the next life; notes how many bits
/// were wrong.
async fn reads_zeros(env: Handle) {
    let file = env.open("zeros").await.expect("healthy");
    let wrong = |bytes: Vec<u8>| bytes.iter().map(|byte| u64::from(byte.count_ones())).sum();
    if file.len().await.expect("healthy") == 0 {
        file.append(&[0; 100]).await.expect("healthy");
        file.sync().await.expect("healthy");
        env.sync_dir().await.expect("healthy");
        env.sleep_until(millis(60)).await;
        for _ in 0..3 {
            note(&env, "wrong", wrong(file.read_at(0, 100).await.expect("rot is not told")));
        }
        return;
    }
    note(&env, "wrong later", wrong(file.read_at(0, 100).await.expect("rot is not told")));
    pending::<()>().await;
}

#[test]
fn a_bit_of_one_read_is_wrong_and_the_medium_is_sound() {
    let seen = with(1, Ailment::BitRot { lasting: false }, reads_zeros);
    assert_eq!((seen.noted("wrong"), seen.noted("wrong later")), (vec![1, 0, 0], vec![0]));
    is_counted_once(&seen, FaultClass::BitRot);
}

#[test]
fn a_bit_that_rots_for_good_is_wrong_in_every_read_and_every_life() {
    let seen = with(1, Ailment::BitRot { lasting: true }, reads_zeros);
    assert_eq!((seen.noted("wrong"), seen.noted("wrong later")), (vec![1, 1, 1], vec![1]));
    is_counted_once(&seen, FaultClass::BitRot);
}

#[test]
fn what_is_written_again_rots_no_longer() {
    let seen = with(1, Ailment::BitRot { lasting: true }, |env: Handle| async move {
        let file = env.open("zeros").await.expect("healthy");
        file.append(&[0; 8]).await.expect("healthy");
        file.sync().await.expect("healthy");
        env.sleep_until(millis(60)).await;
        assert_ne!(file.read_at(0, 8).await, Ok(vec![0; 8]));
        file.write_at(0, &[0; 8]).await.expect("healthy");
        file.sync().await.expect("healthy");
        assert_eq!(file.read_at(0, 8).await, Ok(vec![0; 8]));
        note(&env, "done", 0);
        pending::<()>().await;
    });
    assert_eq!(seen.noted("done").len(), 1);
}

#[test]
fn what_is_read_from_memory_does_not_rot() {
    let seen = with(1, Ailment::BitRot { lasting: true }, |env: Handle| async move {
        let file = env.open("zeros").await.expect("healthy");
        file.append(&[0; 8]).await.expect("healthy");
        env.sleep_until(millis(60)).await;
        assert_eq!(file.read_at(0, 8).await, Ok(vec![0; 8]), "it is not on the medium yet");
        file.sync().await.expect("healthy");
        assert_eq!(file.read_at(8, 8).await, Ok(vec![]), "where nothing is nothing rots");
        assert_ne!(file.read_at(0, 8).await, Ok(vec![0; 8]));
        pending::<()>().await;
    });
    is_counted_once(&seen, FaultClass::BitRot);
}

#[test]
fn which_bit_rots_depends_on_the_seed() {
    let rotten = |seed| {
        let seen = with(seed, Ailment::BitRot { lasting: false }, |env: Handle| async move {
            let file = env.open("zeros").await.expect("healthy");
            file.append(&[0; 64]).await.expect("healthy");
            file.sync().await.expect("healthy");
            env.sleep_until(millis(60)).await;
            for (index, byte) in file.read_at(0, 64).await.expect("rot is not told").into_iter().enumerate() {
                if byte != 0 {
                    note(&env, "at", index as u64 * 8 + u64::from(byte.trailing_zeros()));
                }
            }
            pending::<()>().await;
        });
        seen.noted("at")
    };
    let bits: BTreeSet<Vec<u64>> = (0..20).map(rotten).collect();
    assert!(bits.len() > 15 && bits.iter().all(|bits| bits.len() == 1), "{bits:?}");
    assert_eq!(rotten(7), rotten(7));
}

#[test]
fn what_did_not_come_to_fail_in_the_storm_does_not_fail_in_the_calm() {
    let ailments =
        [Ailment::FailedRead, Ailment::FailedWrite, Ailment::DroppedSync, Ailment::BitRot { lasting: true }];
    let faults = ailments.iter().map(|ailment| at(900, ails("node", ailment.clone()))).collect();
    let mut stage = Stage::new(1, with_faults(faults));
    stage.start("node", |env: Handle| async move {
        let file = env.open("log").await.expect("healthy");
        env.sleep_until(millis(1_100)).await;
        file.append(b"line").await.expect("healed");
        file.sync().await.expect("healed");
        assert_eq!(file.read_at(0, 4).await, Ok(b"line".to_vec()));
        note(&env, "done", 0);
        pending::<()>().await;
    });
    let seen = stage.run().sound();
    assert_eq!(seen.noted("done").len(), 1);
    for ailment in ailments {
        let faults = &seen.outcome.faults;
        assert_eq!((faults.struck(ailment.class()), faults.effective(ailment.class())), (1, 0));
    }
}
