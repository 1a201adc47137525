//! Watches: whoever goes on from where the last one ended misses nothing.

use crate::honesty::assert_honest;
use crate::stage::{
    Handle, PATIENCE, SERVICE, Seen, Stage, TICK, at, crash_loop, note, partition, rough, steady, steady_but,
};
use crate::transactions::still_early;
use rehearsal_env::Clock;
use rehearsal_model::coordination::server::Setup;
use rehearsal_model::coordination::service::Knobs;
use rehearsal_model::coordination::{
    ClientSetup, Coordination, CoordinationError, Edit, Happening, Revision,
};
use rehearsal_sim::Settings;
use std::collections::BTreeSet;
use std::time::Duration;

const LAST: u64 = 40;

/// Puts 1, 2, 3, … into two keys in turn, and then says that this was all.
async fn writes(env: Handle, coordination: Coordination<Handle>) {
    for number in 1..=LAST {
        loop {
            still_early(&env);
            let key = if number % 3 == 0 { "/other" } else { "/watched/key" };
            let done = coordination.transact(Vec::new(), vec![Edit::put(key, [number as u8])]).await;
            match done {
                Ok(_) | Err(CoordinationError::Unknown) => break,
                Err(_) => {}
            }
        }
        env.sleep(Duration::from_millis(60)).await;
    }
    while coordination.transact(Vec::new(), vec![Edit::put("/watched/end", *b"")]).await.is_err() {}
}

/// Notes every number put under `/watched/`, until all is said.
async fn watches(env: Handle, coordination: Coordination<Handle>) {
    let mut since = Revision(0);
    loop {
        still_early(&env);
        let watched = coordination.watch("/watched/", since).await.expect("nothing is forgotten");
        let view = loop {
            if let Ok(view) = coordination.read_prefix("/watched/").await {
                break view;
            }
        };
        assert!(view.revision >= watched.through, "a reader saw less than a watcher before");
        since = watched.through;
        for change in &watched.changes {
            let value = change.entry.as_ref().expect("nothing is deleted").value.first().copied();
            note(&env, "heard", value.unwrap_or(0).into());
        }
        if watched.changes.iter().any(|change| change.key == "/watched/end") {
            return;
        }
    }
}

fn run(seed: u64, settings: Settings, watch_lost_on_reconnect: bool) -> Seen {
    let mut stage = Stage::new(seed, settings);
    stage.client("writer", writes);
    stage.client_with("watcher", ClientSetup { patience: PATIENCE, watch_lost_on_reconnect }, watches);
    let seen = stage.run_until_done();
    if !watch_lost_on_reconnect {
        assert_honest(&seen);
    }
    seen
}

/// What was put and never heard of.
fn missed(seen: &Seen) -> usize {
    let watched = seen.changes().filter(|(_, change)| change.key.starts_with("/watched/"));
    let put: BTreeSet<Revision> = watched.map(|(_, change)| change.revision).collect();
    put.len() - seen.noted("heard").len()
}

fn cut_off(seed: u64) -> Settings {
    steady_but([at(500 + seed * 37, partition("watcher", SERVICE, 800))])
}

fn all_at_once(seed: u64) -> Settings {
    let faults =
        vec![at(seed * 13, crash_loop(SERVICE, 10, 20, 150)), at(900, partition("watcher", SERVICE, 700))];
    Settings { faults, ..rough() }
}

#[test]
fn a_watcher_that_was_cut_off_hears_everything() {
    let mut renewed = 0;
    for seed in 0..20 {
        for settings in [cut_off(seed), all_at_once(seed)] {
            let seen = run(seed, settings, false);
            assert_eq!(missed(&seen), 0);
            renewed += seen.count(|happening| matches!(happening, Happening::WatchRenewed { .. }));
        }
    }
    assert!(renewed > 40, "nobody was ever cut off");
}

#[test]
fn a_watcher_that_goes_on_from_now_misses_something() {
    let most = (0..20).map(|seed| missed(&run(seed, cut_off(seed), true))).max();
    assert!(most > Some(0), "the defect was never seen");
}

#[test]
fn a_watcher_hears_of_each_change_as_soon_as_it_is_there() {
    let seen = run(1, steady(), false);
    let heard = seen.noted("heard");
    let put = seen.changes().filter(|(_, change)| change.key.starts_with("/watched/"));
    for ((stamp, _), (told, _)) in put.zip(heard) {
        assert!(told.since(stamp.time) < Duration::from_millis(10), "{} and {told}", stamp.time);
    }
}

#[test]
fn who_asks_for_what_is_forgotten_is_told_to_read_anew() {
    let knobs = Knobs { remembers: 3, longest_watch: Duration::from_millis(200) };
    let mut stage =
        Stage::with(1, steady(), Setup { knobs, patience: PATIENCE, tick: TICK, ..Setup::default() });
    stage.client("client", |env: Handle, coordination| async move {
        env.sleep(Duration::from_millis(20)).await;
        let put = async |key: &str| {
            coordination.transact(Vec::new(), vec![Edit::put(key, *b"1")]).await.expect("no check")
        };
        for _ in 0..5 {
            put("/a").await;
        }
        let forgotten = CoordinationError::Compacted { horizon: Revision(2) };
        assert_eq!(coordination.watch("/", Revision(1)).await, Err(forgotten));
        let since = coordination.read_prefix("/b").await.expect("it is reachable").revision;
        // One who waits all the while need not read anew, however much happens elsewhere.
        let (watching, watcher) = (coordination.clone(), env.clone());
        rehearsal_env::Spawner::spawn(&env, async move {
            let told = watching.watch("/b", since).await.expect("it was there all the while");
            note(&watcher, "told", told.changes.len() as u64);
        });
        env.sleep(Duration::from_millis(20)).await;
        for _ in 0..5 {
            put("/a").await;
        }
        put("/b").await;
        env.sleep(Duration::from_millis(500)).await;
    });
    let seen = stage.run_until_done();
    assert_eq!(seen.noted("told").iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1]);
}
