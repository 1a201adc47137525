//! A world in which everything goes on at once, for what must hold of any run.

use crate::stage::{
    Handle, Number, Seen, Stage, ails, at, crash, failed_sync, full_disk, note, partition, pause,
};
use rehearsal_env::{Clock, File, Network, NodeId, Observer, Port, Random, Spawner, Storage};
use rehearsal_sim::{Ailment, Blow, NetworkSettings, Settings, Span};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// Every kind of fault, on links that lose, double and hold back.
pub fn settings() -> Settings {
    let network = NetworkSettings {
        loss: 5_000,
        duplication: 5_000,
        delay: 5_000,
        links_differ: true,
        ..NetworkSettings::default()
    };
    let crash_loop = Blow::CrashLoop {
        node: "node-1".to_owned(),
        times: 3,
        restart_after: Span::millis(20),
        up_for: Span::millis(30),
    };
    let faults = vec![
        at(100, crash("node-0", 50)),
        at(120, pause("node-1", 40)),
        at(150, partition("node-0", "node-2", true, 150)),
        at(200, failed_sync("node-2")),
        at(250, full_disk("node-1", 50)),
        at(300, crash_loop),
        at(400, crash("node-2", 10)),
        // Until the calm.
        at(450, pause("node-0", 10_000)),
        at(460, crash("node-1", 10_000)),
        at(110, ails("node-2", Ailment::SlowNode { times: 5, lasts: Span::millis(80) })),
        at(130, ails("node-1", Ailment::SlowDisk { times: 5, lasts: Span::millis(80) })),
        at(140, ails("node-1", Ailment::ClockDrift { ppm: -50_000, lasts: Span::millis(80) })),
        at(220, ails("node-0", Ailment::BitRot { lasting: true })),
        at(280, ails("node-2", Ailment::Suspend { lasts: Span::millis(30) })),
        at(330, ails("node-0", Ailment::FailedWrite)),
        at(350, ails("node-2", Ailment::DroppedSync)),
        at(420, ails("node-1", Ailment::LostDisk { restart_after: Some(Span::millis(10)) })),
    ];
    Settings {
        storm: Span::millis(500),
        calm: Span::millis(200),
        faults,
        rarely: 5_000,
        ..Settings { network, ..Settings::default() }
    }
}

/// Several tasks that wait for the same thing: when it comes, all of them are ready.
fn crowd(env: &Handle, bell: &Rc<Notify>, port: &Rc<rehearsal_sim::SimPort<Number>>, others: [NodeId; 3]) {
    for member in 0..3 {
        let (env, own, bell, port) = (env.clone(), env.clone(), bell.clone(), port.clone());
        env.spawn(async move {
            loop {
                bell.notified().await;
                note(&own, "rung", member);
                port.send(others[own.below(3) as usize], Number(own.bits()));
                own.sleep(Duration::from_micros(1 + own.below(500))).await;
            }
        });
    }
}

async fn busy(env: Handle, others: [NodeId; 3]) {
    let port = Rc::new(env.bind::<Number>());
    let bell = Rc::new(Notify::new());
    let Ok(file) = env.open("log").await else { return };
    crowd(&env, &bell, &port, others);
    loop {
        let within = Duration::from_micros(1 + env.below(10_000));
        match env.timeout(within, port.recv()).await {
            Ok(received) => {
                bell.notify_waiters();
                note(&env, "heard", received.message.0);
                // Long enough to be torn.
                let written = file.append(&[received.message.0 as u8; 1_500]).await;
                let synced = if env.below(2) == 0 { file.sync().await } else { Ok(()) };
                let read = file.read_at(0, 100).await;
                if written.is_err() || synced.is_err() || read.is_err() {
                    note(&env, "gives up", 0);
                    return;
                }
            }
            Err(_) => port.send(others[env.below(3) as usize], Number(env.bits())),
        }
        if env.rarely("files") {
            let _ = env.open(&format!("file-{}", env.below(100))).await;
        }
    }
}

/// Plays it with three nodes on this stage.
pub fn play(mut stage: Stage) -> Seen {
    let others = [0, 1, 2].map(|number| stage.node(&format!("node-{number}")));
    for number in 0..3 {
        stage.start(&format!("node-{number}"), move |env| busy(env, others));
    }
    let seen = stage.run().sound();
    assert!(seen.facts.len() > 100, "only {} facts", seen.facts.len());
    seen
}
