//! Nodes that lose their disks for good.

use crate::stage::{Handle, Seen, Stage, ails, at, crash, full_disk, millis, note, with_faults};
use rehearsal_env::{Clock, File, NodeId, Storage, Time};
use rehearsal_sim::{Ailment, Fault, FaultClass, Incident, Span};
use std::future::pending;
use std::time::Duration;

const NODE: NodeId = NodeId(0);

fn lost_disk(restart_after: Option<u64>) -> Fault {
    at(100, ails("node", Ailment::LostDisk { restart_after: restart_after.map(Span::millis) }))
}

/// Notes what it finds, makes a file, and writes to it all the time.
async fn writes(env: Handle) {
    note(&env, "finds", env.list().await.expect("healthy").len() as u64);
    let file = env.open("log").await.expect("healthy");
    note(&env, "finds bytes", file.len().await.expect("healthy"));
    env.sync_dir().await.expect("healthy");
    loop {
        file.append(&[7; 600]).await.expect("healthy");
        file.sync().await.expect("healthy");
    }
}

fn lost(faults: Vec<Fault>) -> Seen {
    let mut stage = Stage::new(1, with_faults(faults));
    stage.start("node", writes);
    stage.run().sound()
}

#[test]
fn the_node_crashes_and_comes_back_with_an_empty_disk() {
    let seen = lost(vec![lost_disk(Some(50))]);
    assert_eq!((seen.noted("finds"), seen.noted("finds bytes")), (vec![0, 0], vec![0, 0]));
    assert_eq!(seen.when(Incident::Failed(NODE, FaultClass::LostDisk)), [millis(100)]);
    assert_eq!(seen.when(Incident::Crashed(NODE)), [millis(100)]);
    assert_eq!(seen.when(Incident::Started(NODE)), [Time::ZERO, millis(150)]);
    assert_eq!(seen.when(Incident::WriteSpoiled(NODE)), [], "nothing is left that could be torn");
    for class in [FaultClass::LostDisk, FaultClass::Crash] {
        let faults = &seen.outcome.faults;
        assert_eq!((faults.struck(class), faults.effective(class)), (1, 1), "{class:?}");
    }
}

#[test]
fn what_it_writes_then_survives_the_next_crash() {
    let seen = lost(vec![lost_disk(Some(50)), at(400, crash("node", 10))]);
    assert_eq!(seen.noted("finds"), [0, 0, 1]);
    assert!(seen.noted("finds bytes")[2] > 0);
}

#[test]
fn a_node_that_is_gone_is_gone_in_the_calm_too() {
    let seen = lost(vec![lost_disk(None), at(300, crash("node", 10))]);
    assert_eq!(seen.when(Incident::Started(NODE)), [Time::ZERO]);
    assert_eq!(seen.when(Incident::Crashed(NODE)), [millis(100)], "who is down cannot crash");
}

#[test]
fn a_node_that_is_down_loses_its_disk_all_the_same() {
    let seen = lost(vec![at(90, crash("node", 100)), lost_disk(Some(500))]);
    assert_eq!(seen.noted("finds"), [0, 0]);
    assert_eq!(
        seen.when(Incident::Started(NODE)),
        [Time::ZERO, millis(190)],
        "it is up when it would have been"
    );
    assert_eq!(seen.outcome.faults.effective(FaultClass::LostDisk), 1);
}

#[test]
fn an_empty_disk_that_is_lost_is_no_loss() {
    let mut stage = Stage::new(1, with_faults(vec![lost_disk(Some(50)), at(10, full_disk("node", 500))]));
    stage.start("node", |env: Handle| async move {
        env.sleep_until(millis(50)).await;
        note(&env, "room", u64::from(env.open("log").await.is_ok()));
        pending::<()>().await;
    });
    let seen = stage.run().sound();
    assert_eq!(seen.outcome.faults.effective(FaultClass::LostDisk), 0);
    assert_eq!(seen.noted("room"), [0, 0], "what fills the disk fills the next one");
}

#[test]
fn nobody_waits_for_a_client_that_is_gone() {
    let mut stage = Stage::new(1, with_faults(vec![lost_disk(None)]));
    stage.client("node", |env: Handle| async move {
        loop {
            env.sleep(Duration::from_millis(10)).await;
            note(&env, "tick", 0);
        }
    });
    let seen = stage.run_to(rehearsal_sim::Ends::WithTheClients).sound();
    assert_eq!(seen.outcome.time, millis(100));
    assert!(seen.noted("tick").len() >= 9);
}
