//! One scenario, one run: on this thread, on another, and from a recording.

use crate::stage::{
    Handle, Note, Number, Seen, Stage, at, crash, failed_sync, full_disk, note, partition, pause, with_faults,
};
use rehearsal_env::{Clock, File, Network, NodeId, Observer, Port, Random, Spawner, Stamp, Storage};
use rehearsal_sim::{
    Blow, Decision, Digest, Division, NetworkSettings, Recorder, Replay, Seeded, Settings, Shape, Span,
};
use std::time::Duration;

/// Everything at once: three nodes that talk, write, spawn and draw, under every kind of fault.
fn tumult() -> Settings {
    let network = NetworkSettings {
        loss: 5_000,
        duplication: 5_000,
        delay: 5_000,
        links_differ: true,
        ..NetworkSettings::default()
    };
    let name = |number: u32| format!("node-{number}");
    let flapping = Division {
        shape: Shape::Isolate(name(1)),
        heal_after: Span::millis(20),
        times: 3,
        up_for: Span::millis(30),
    };
    let faults = vec![
        at(100, crash("node-0", 50)),
        at(200, pause("node-1", 100)),
        at(250, partition("node-0", "node-2", true, 300)),
        at(300, failed_sync("node-2")),
        at(400, full_disk("node-1", 100)),
        at(500, Blow::SlowLink { ends: vec![name(0)], per_second: 50, lasts: Span::millis(200) }),
        at(600, Blow::ResetLink { ends: vec![name(1)] }),
        at(650, Blow::ZoneLost { nodes: vec![name(0), name(2)], restart_after: Span::millis(20) }),
        at(700, Blow::Divide(flapping)),
    ];
    Settings { network, rarely: 5_000, ..with_faults(faults) }
}

async fn busy(env: Handle, others: [NodeId; 3]) {
    let port = env.bind::<Number>();
    let Ok(file) = env.open("log").await else { return };
    loop {
        let within = Duration::from_micros(env.below(10_000));
        match env.timeout(within, port.recv()).await {
            Ok(received) => {
                note(&env, "heard", received.message.0);
                if file.append(&received.message.0.to_le_bytes()).await.is_err() || file.sync().await.is_err()
                {
                    note(&env, "gives up", 0);
                    return;
                }
            }
            Err(_) => port.send(others[env.below(3) as usize], Number(env.bits())),
        }
        if env.rarely("spawns") {
            let other = env.clone();
            env.spawn(async move {
                other.sleep(Duration::from_millis(3)).await;
                note(&other, "spawned", other.bits());
            });
        }
    }
}

fn play(mut stage: Stage) -> Seen {
    let others = [0, 1, 2].map(|number| stage.node(&format!("node-{number}")));
    for number in 0..3 {
        stage.start(&format!("node-{number}"), move |env| busy(env, others));
    }
    stage.run().sound()
}

fn run(seed: u64) -> (Digest, Vec<(Stamp, Note)>) {
    let seen = play(Stage::new(seed, tumult()));
    assert!(seen.facts.len() > 100);
    (seen.outcome.digest, seen.facts)
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed));
    }
}

#[test]
fn another_thread_changes_nothing() {
    let here: Vec<_> = (0..8).map(|seed| run(seed).0).collect();
    let there = std::thread::spawn(|| (0..8).rev().map(|seed| run(seed).0).collect::<Vec<_>>());
    let beside = std::thread::spawn(|| (0..8).map(|seed| run(seed).0).collect::<Vec<_>>());
    let mut there = there.join().expect("it runs");
    there.reverse();
    assert_eq!(here, there);
    assert_eq!(here, beside.join().expect("it runs"));
}

#[test]
fn every_seed_has_a_digest_of_its_own() {
    let mut digests: Vec<_> = (0..100).map(|seed| run(seed).0).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 100);
}

#[test]
fn the_digest_sees_every_fact_message_and_fault() {
    let digest = |word: u64, number: u64, faults| {
        let mut stage = Stage::new(1, with_faults(faults));
        let other = stage.start("other", |_env| std::future::pending());
        stage.start("node", move |env: Handle| async move {
            env.observe(Note("word", word));
            env.bind::<Number>().send(other, Number(number));
            std::future::pending::<()>().await;
        });
        stage.run().sound().outcome.digest
    };
    let digests = [
        digest(1, 1, vec![]),
        digest(2, 1, vec![]),
        digest(1, 2, vec![]),
        digest(1, 1, vec![at(5, pause("other", 1))]),
    ];
    for (index, one) in digests.iter().enumerate() {
        assert!(!digests[..index].contains(one), "{index}");
    }
    assert_eq!(digests[0], digest(1, 1, vec![]));
}

#[test]
fn recording_changes_nothing_and_a_replay_is_the_run() {
    for seed in 0..10 {
        let (recorder, recording) = Recorder::new(Seeded::new(seed));
        let recorded = play(Stage::decided_by(recorder, tumult()));
        assert_eq!((recorded.outcome.digest, recorded.facts.clone()), run(seed), "recording changed the run");
        let decisions = recording.take();
        assert!(decisions.iter().any(|decision| matches!(decision, Decision::Task(_))));
        let replayed = play(Stage::decided_by(Replay::new(decisions), tumult()));
        assert_eq!(replayed.outcome.digest, recorded.outcome.digest);
        assert_eq!(replayed.facts, recorded.facts);
        assert_eq!(replayed.incidents, recorded.incidents);
        assert_eq!(replayed.outcome.faults, recorded.outcome.faults);
    }
}

#[test]
fn a_bystander_that_does_nothing_changes_no_fact() {
    let plain = play(Stage::new(1, tumult())).story();
    let mut stage = Stage::new(1, tumult());
    for number in 0..3 {
        stage.node(&format!("node-{number}"));
    }
    stage.start("bystander", |env| async move {
        loop {
            env.sleep(Duration::from_millis(7)).await;
        }
    });
    assert_eq!(play(stage).story(), plain);
}
