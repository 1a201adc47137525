//! Ids are unique over crashes of the service and of those who ask it.

use crate::stage::{
    Handle, Seen, Stage, at, crash, crash_loop, failed_sync, full_disk, millis, note, rough, steady,
};
use rehearsal_env::{Clock, NodeId, Random, Spawner};
use rehearsal_model::reservation::ids::{self, IdSupply};
use rehearsal_sim::{Fault, FaultClass, FaultTally, Settings, Span};
use std::collections::BTreeSet;
use std::future::pending;
use std::time::Duration;

/// Takes ids in three tasks at once, at irregular times, and notes each.
async fn takes(env: Handle, service: NodeId) {
    // What is asked before the service has read its file is lost.
    env.sleep(Duration::from_millis(20)).await;
    let supply = IdSupply::new(&env, service);
    for _ in 0..3 {
        let (taking, supply) = (env.clone(), supply.clone());
        env.spawn(async move {
            loop {
                taking.sleep(Duration::from_millis(taking.below(100))).await;
                match supply.take(Duration::from_millis(300)).await {
                    Some(id) => note(&taking, "id", id as u64),
                    None => note(&taking, "none", 0),
                }
            }
        });
    }
    pending::<()>().await;
}

fn run(seed: u64, settings: Settings) -> Seen {
    let mut stage =
        Stage::new(seed, Settings { storm: Span::seconds(10), calm: Span::seconds(2), ..settings });
    let service = stage.start("ids", ids::serve);
    for name in ["one", "two", "three"] {
        stage.start(name, move |env| takes(env, service));
    }
    stage.run()
}

#[track_caller]
fn assert_unique(seen: &Seen) {
    let ids = seen.noted("id");
    let unique: BTreeSet<u64> = ids.iter().copied().collect();
    assert_eq!(unique.len(), ids.len(), "an id was given out twice");
    assert!(ids.len() > 200 && !unique.contains(&0), "{} ids", ids.len());
}

fn service_trouble() -> Vec<Fault> {
    let mut faults = vec![
        at(500, crash_loop("ids", 20, 20, 80)),
        at(3_000, failed_sync("ids")),
        at(5_000, failed_sync("ids")),
        at(4_000, full_disk("ids", 500)),
        at(6_000, crash_loop("ids", 10, 100, 150)),
    ];
    // Whatever a crash between write and sync leaves must not come back as a fresh id.
    faults.extend((0..100).map(|strike| at(8_500 + strike * 7, crash("ids", 5))));
    faults
}

#[test]
fn ids_are_unique_and_without_waste_where_nothing_fails() {
    let seen = run(1, steady());
    assert_unique(&seen);
    let highest = seen.noted("id").into_iter().max().expect("there are ids");
    assert!(highest < seen.count("id") as u64 * 4, "three tasks may each waste a block, not more");
    assert_eq!(seen.count("none"), 0);
}

#[test]
fn ids_are_unique_whatever_happens_to_their_service() {
    let (mut faults, mut none) = (FaultTally::default(), 0);
    for seed in 0..150 {
        let seen = run(seed, Settings { faults: service_trouble(), ..rough() });
        assert_unique(&seen);
        faults.add(&seen.outcome.faults);
        none += seen.count("none");
    }
    for class in [FaultClass::Crash, FaultClass::LostWrite, FaultClass::FailedSync, FaultClass::FullDisk] {
        assert!(faults.effective(class) > 0, "{class:?} never had an effect");
    }
    assert!(none > 0, "nobody was ever left without an id");
}

#[test]
fn ids_are_unique_whatever_happens_to_those_who_take_them() {
    for seed in 0..100 {
        let clients = ["one", "two", "three"].map(|name| at(200 + seed, crash_loop(name, 60, 10, 120)));
        assert_unique(&run(seed, Settings { faults: clients.to_vec(), ..rough() }));
        let everybody = service_trouble().into_iter().chain(clients).collect();
        assert_unique(&run(seed, Settings { faults: everybody, ..rough() }));
    }
}

#[test]
fn a_torn_end_of_a_block_is_forgotten() {
    let mut torn = 0;
    for seed in 0..60 {
        // Every 42nd or 43rd record of 12 bytes lies across a sector's border.
        let crashes = (0..400).map(|strike| at(100 + strike * 23, crash("ids", 3))).collect();
        let seen = run(seed, Settings { faults: crashes, ..steady() });
        assert_unique(&seen);
        torn += seen.outcome.faults.effective(FaultClass::TornWrite);
    }
    assert!(torn > 0, "no record was ever torn");
}

#[test]
fn a_service_that_is_back_gives_ids_again() {
    let seen = run(3, Settings { faults: vec![at(1_000, crash("ids", 4_000))], ..steady() });
    let last = seen.facts.last().expect("there are facts").0.time;
    assert!(seen.count("none") > 0 && last > millis(11_500), "ids until the end, {last}");
    assert_unique(&seen);
}
