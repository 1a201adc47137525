//! When the server syncs, and what it does about a disk that fails.

use super::{DATABASE, ROW, Written, begin, connect, empty_database, put, reported_keys, start_database};
use crate::stage::{Handle, Seen, Stage, at, failed_sync, full_disk, millis, note, steady_but};
use rehearsal_env::{Clock, NodeId};
use rehearsal_model::database::{Keys, Transaction};
use rehearsal_sim::{Fault, Incident, Settings, Span};

/// A disk that takes 50 ms for a sync and next to nothing for everything else.
fn slow_sync(faults: impl Into<Vec<Fault>>) -> Settings {
    let mut settings = steady_but(faults);
    (settings.disk.sync_min, settings.disk.sync_max) = (Span::millis(50), Span::millis(50));
    settings
}

/// Writes one key at the given time, and notes how it ended.
fn writes_at(stage: &mut Stage, name: &str, database: NodeId, milliseconds: u64, key: u64) {
    stage.client(name, move |env: Handle| async move {
        let database = connect(&env, database);
        env.sleep_until(millis(milliseconds)).await;
        match put(&database, key).await {
            Written::Acknowledged => note(&env, "acknowledged", key),
            Written::Unknown => note(&env, "unknown", key),
            Written::SurelyNot => note(&env, "surely not", key),
        }
    });
}

fn run(settings: Settings, times: &[u64]) -> Seen {
    let mut stage = Stage::new(1, settings);
    let database = start_database(&mut stage, empty_database());
    for (index, time) in times.iter().enumerate() {
        writes_at(&mut stage, &format!("client-{index}"), database, *time, index as u64 + 1);
    }
    stage.run()
}

#[test]
fn a_commit_is_answered_after_its_sync_and_not_before() {
    let seen = run(slow_sync([]), &[1_000]);
    let answered = seen.time("acknowledged");
    // Four round trips of 2 ms: to open, two inserts, and the commit, which waits for the sync.
    assert!((millis(1_058)..=millis(1_060)).contains(&answered), "{answered}");
    assert_eq!(seen.noted("Synced"), [1]);
}

#[test]
fn two_commits_that_come_during_a_sync_share_the_next_one() {
    let seen = run(slow_sync([]), &[1_000, 1_010, 1_020]);
    assert_eq!((seen.noted("Written"), seen.noted("Synced")), (vec![1, 2], vec![1, 2]));
    assert_eq!(seen.count("acknowledged"), 3);
    assert_eq!(reported_keys(&seen), [1, 2, 3, 1_001, 1_002, 1_003].into());
}

#[test]
fn many_clients_share_few_syncs() {
    let seen = run(slow_sync([]), &[1_000; 40]);
    assert_eq!(seen.count("acknowledged"), 40);
    assert_eq!(seen.noted("Synced").iter().sum::<u64>(), 40);
    assert!(seen.count("Synced") <= 2, "{:?}", seen.noted("Synced"));
}

#[test]
fn a_failed_sync_makes_the_server_start_again_and_its_commit_unknown() {
    let seen = run(slow_sync([at(990, failed_sync(DATABASE))]), &[1_000, 3_000]);
    assert_eq!(seen.incidents(Incident::Exited(NodeId(0))), 1);
    assert_eq!((seen.noted("unknown"), seen.noted("acknowledged")), (vec![1], vec![2]));
    assert_eq!(seen.count("Recovered"), 2);
    assert!(reported_keys(&seen).contains(&2));
}

#[test]
fn a_full_disk_makes_the_server_start_again_and_serve_when_there_is_room() {
    let seen = run(steady_but([at(990, full_disk(DATABASE, 5_000))]), &[500, 1_000, 8_000]);
    assert_eq!((seen.noted("unknown"), seen.noted("acknowledged")), (vec![2], vec![1, 3]));
    assert!(seen.incidents(Incident::Exited(NodeId(0))) >= 1);
    assert_eq!(reported_keys(&seen), [1, 3, 1_001, 1_003].into(), "what found no room is not there");
}

#[test]
fn a_transaction_that_only_read_needs_no_disk() {
    let mut stage = Stage::new(1, steady_but([at(990, full_disk(DATABASE, 5_000))]));
    let database = start_database(&mut stage, empty_database());
    stage.client("client", move |env: Handle| async move {
        let database = connect(&env, database);
        env.sleep_until(millis(1_000)).await;
        let mut transaction = begin(&database).await.expect("the database is up");
        assert_eq!(transaction.select(ROW, Keys::All, None, None).await, Ok(Vec::new()));
        assert_eq!(transaction.commit().await, Ok(()));
    });
    let seen = stage.run();
    assert_eq!((seen.count("Written"), seen.count("Recovered")), (0, 1));
}
