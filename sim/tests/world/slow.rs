//! Disks and nodes that are slow for a while.

use crate::stage::{Handle, Number, Seen, Stage, ails, at, crash, millis, note, pause, with_faults};
use rehearsal_env::{Clock, File, Network, NodeId, Port, Spawner, Storage, Time};
use rehearsal_sim::{Ailment, DiskSettings, Fault, FaultClass, Incident, Settings, Span};
use std::future::pending;
use std::time::Duration;

const NODE: NodeId = NodeId(0);

fn slow_disk(times: u32, lasts: u64) -> Fault {
    at(100, ails("node", Ailment::SlowDisk { times, lasts: Span::millis(lasts) }))
}

fn slow_node(times: u32, lasts: u64) -> Fault {
    at(100, ails("node", Ailment::SlowNode { times, lasts: Span::millis(lasts) }))
}

/// Every operation takes 1 ms, but a sync takes 3.
fn steady(faults: Vec<Fault>) -> Settings {
    let (access, sync) = (Span::millis(1), Span::millis(3));
    let disk = DiskSettings { access_min: access, access_max: access, sync_min: sync, sync_max: sync };
    Settings { disk, ..with_faults(faults) }
}

/// Opens, appends, syncs, reads, every 50 ms from 10 ms on; notes how many milliseconds each took.
async fn uses_its_disk(env: Handle) {
    let took = |since: Time| env.now().since(since).as_millis() as u64;
    let file = env.open("log").await.expect("healthy");
    for round in 0.. {
        env.sleep_until(millis(10 + 50 * round)).await;
        let begun = env.now();
        file.append(b"line").await.expect("healthy");
        note(&env, "append", took(begun));
        let begun = env.now();
        file.sync().await.expect("healthy");
        note(&env, "sync", took(begun));
        let begun = env.now();
        file.read_at(0, 4).await.expect("healthy");
        note(&env, "read", took(begun));
    }
}

fn used(faults: Vec<Fault>) -> Seen {
    let mut stage = Stage::new(1, steady(faults));
    stage.start("node", uses_its_disk);
    stage.node("other");
    stage.run().sound()
}

#[test]
fn every_operation_of_a_slow_disk_takes_so_many_times_as_long_until_it_heals() {
    let seen = used(vec![slow_disk(4, 100)]);
    // Of the rounds at 10, 60, 110, 160, 210, ... ms those at 110 and 160 are slow.
    assert_eq!(seen.noted("append")[..6], [1, 1, 4, 4, 1, 1]);
    assert_eq!(seen.noted("sync")[..6], [3, 3, 12, 12, 3, 3]);
    assert_eq!(seen.noted("read")[..6], [1, 1, 4, 4, 1, 1]);
    assert_eq!(seen.when(Incident::Ailed(NODE, FaultClass::SlowDisk)), [millis(100)]);
    assert_eq!(seen.when(Incident::Mended(NODE, FaultClass::SlowDisk)), [millis(200)]);
    assert_eq!(seen.outcome.faults.struck(FaultClass::SlowDisk), 1);
    assert_eq!(seen.outcome.faults.effective(FaultClass::SlowDisk), 1, "one fault has one effect");
}

#[test]
fn of_two_faults_that_slow_a_disk_the_worse_counts_and_the_other_stays() {
    let seen = used(vec![slow_disk(2, 200), slow_disk(5, 100)]);
    assert_eq!(seen.noted("append")[..7], [1, 1, 5, 5, 2, 2, 1]);
}

#[test]
fn a_slow_disk_is_fast_in_the_calm_and_after_a_crash_still_slow() {
    let seen = used(vec![slow_disk(4, 100_000), at(250, crash("node", 10))]);
    let took: Vec<(Time, u64)> = seen.times("append").into_iter().zip(seen.noted("append")).collect();
    for (time, took) in &took {
        // What begins in the storm ends as late as it began to.
        let slow = (millis(100)..millis(1_004)).contains(time);
        assert_eq!(*took, if slow { 4 } else { 1 }, "{time}");
    }
    assert!(took.iter().any(|(time, _)| (millis(300)..millis(900)).contains(time)));
    assert!(took.last().is_some_and(|(time, _)| *time > millis(1_900)));
    assert_eq!(seen.when(Incident::Mended(NODE, FaultClass::SlowDisk)), [millis(1_000)]);
}

#[test]
fn a_slow_disk_that_nobody_uses_has_no_effect() {
    let mut stage = Stage::new(1, steady(vec![slow_disk(4, 100), slow_node(4, 100)]));
    stage.start("node", |env: Handle| async move {
        env.open("log").await.expect("healthy");
        pending::<()>().await;
    });
    let faults = stage.run().sound().outcome.faults;
    for class in [FaultClass::SlowDisk, FaultClass::SlowNode] {
        assert_eq!((faults.struck(class), faults.effective(class)), (1, 0), "{class:?}");
    }
}

/// A node that notes each of its ticks, every 30 ms.
async fn ticks(env: Handle) {
    loop {
        env.sleep(Duration::from_millis(30)).await;
        note(&env, "tick", 0);
    }
}

fn micros(count: u64) -> Time {
    Time(count * 1_000)
}

#[test]
fn the_timers_of_a_slow_node_are_late_by_a_turn() {
    let mut stage = Stage::new(1, with_faults(vec![slow_node(20, 60)]));
    stage.start("node", ticks);
    let seen = stage.run().sound();
    let late = [millis(30), millis(60), millis(90), millis(122), millis(154), millis(184), millis(214)];
    assert_eq!(seen.times("tick")[..7], late);
    assert_eq!(seen.outcome.faults.effective(FaultClass::SlowNode), 1);
    assert_eq!(seen.outcome.faults.effective(FaultClass::Pause), 0);
}

#[test]
fn the_tasks_of_a_slow_node_take_turns_in_the_order_in_which_they_became_ready() {
    let mut stage = Stage::new(1, with_faults(vec![slow_node(10, 500)]));
    stage.start("node", |env: Handle| async move {
        for task in 0..4 {
            let own = env.clone();
            env.spawn(async move {
                own.sleep_until(micros(150_000 + task)).await;
                note(&own, "step", task);
            });
        }
        pending::<()>().await;
    });
    let seen = stage.run().sound();
    assert_eq!(seen.noted("step"), [0, 1, 2, 3]);
    let turns = [151_000, 152_000, 153_000, 154_000].map(micros);
    assert_eq!(seen.times("step"), turns, "each 1 ms after the one before it");
}

#[test]
fn messages_to_a_slow_node_are_handled_late_and_none_is_lost() {
    let mut settings = with_faults(vec![slow_node(100, 100)]);
    (settings.network.latency_min, settings.network.latency_max) = (Span::millis(1), Span::millis(1));
    let mut stage = Stage::new(1, settings);
    let node = stage.start("node", |env| async move {
        let port = env.bind::<Number>();
        loop {
            note(&env, "heard", port.recv().await.message.0);
        }
    });
    stage.client("sender", move |env: Handle| async move {
        let port = env.bind::<Number>();
        for number in 0..6 {
            env.sleep(Duration::from_millis(49)).await;
            port.send(node, Number(number));
        }
    });
    let seen = stage.run().sound();
    assert_eq!(seen.noted("heard"), [0, 1, 2, 3, 4, 5]);
    // Sent every 49 ms, 1 ms on the way; a step is 10 ms late while the node is slow.
    let heard = [50, 99, 158, 200, 246, 295].map(millis);
    assert_eq!(seen.times("heard"), heard, "what waits when the node heals goes on at once");
}

#[test]
fn a_slow_node_that_stands_still_goes_on_and_is_slow() {
    let mut stage = Stage::new(1, with_faults(vec![slow_node(20, 300), at(110, pause("node", 50))]));
    stage.start("node", ticks);
    let seen = stage.run().sound();
    assert_eq!(seen.times("tick")[2..5], [millis(90), millis(162), millis(194)]);
}

#[test]
fn a_crash_ends_the_turns_and_the_next_life_is_slow_too() {
    let faults = vec![slow_node(100, 400), at(125, crash("node", 20))];
    let mut stage = Stage::new(1, with_faults(faults));
    stage.start("node", |env: Handle| async move {
        note(&env, "starts", 0);
        ticks(env).await;
    });
    let seen = stage.run().sound();
    assert_eq!(seen.times("starts"), [Time::ZERO, millis(155)]);
    assert_eq!(seen.times("tick")[2..4], [millis(90), millis(195)], "the turn at 130 ms came to nobody");
}

#[test]
fn the_others_are_as_fast_as_ever_while_one_is_slow() {
    let mut stage = Stage::new(1, with_faults(vec![slow_node(1_000, 100_000)]));
    stage.start("node", |_env| pending());
    stage.start("other", ticks);
    let seen = stage.run().sound();
    assert_eq!(seen.times("tick").len(), 2_000 / 30);
    assert_eq!(seen.times("tick")[9], millis(300));
}

#[test]
fn what_a_slow_node_did_not_touch_stays_where_it_was() {
    let ticks_of = |faults| {
        let mut stage = Stage::new(3, with_faults(faults));
        stage.start("node", uses_its_disk);
        stage.start("other", uses_its_disk);
        let seen = stage.run().sound();
        let other: Vec<_> = seen.story().into_iter().filter(|(_, node, ..)| *node != NODE).collect();
        (other, seen.outcome.digest)
    };
    let (plain, without) = ticks_of(vec![]);
    let (struck, with) = ticks_of(vec![slow_disk(7, 300), slow_node(7, 300)]);
    assert_eq!(plain, struck);
    assert_ne!(without, with);
}
