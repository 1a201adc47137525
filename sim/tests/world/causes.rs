//! What a removed request or fault did not cause stays as it was.

use crate::stage::{Handle, Note, Number, Stage, at, crash, millis, note, partition, pause, with_faults};
use rehearsal_env::{Clock, Cluster, EventId, File, Network, NodeId, Port, Spawner, Storage, Time};
use rehearsal_sim::{Fault, NetworkSettings, Settings, Span};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

const CLIENTS: u64 = 101;

/// How the shared server treats a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Serving {
    AtOnce,
    /// In a task of its own, which sleeps a little.
    InATask,
    /// In a task of its own, which writes and syncs.
    InATaskWithTheDisk,
    /// In the one loop, after a sync.
    AfterASync,
}

async fn serve(env: Handle, serving: Serving) {
    let port = Rc::new(env.bind::<Number>());
    let file = Rc::new(env.open("log").await.expect("healthy"));
    loop {
        let asked = port.recv().await;
        let (answer, back) = (Number(asked.message.0 * 2), asked.from);
        let (own, port, file) = (env.clone(), port.clone(), file.clone());
        match serving {
            Serving::AtOnce => port.send(back, answer),
            Serving::InATask => drop(env.spawn(async move {
                own.sleep(Duration::from_micros(answer.0)).await;
                port.send(back, answer);
            })),
            Serving::InATaskWithTheDisk => drop(env.spawn(async move {
                file.append(&answer.0.to_le_bytes()).await.expect("healthy");
                file.sync().await.expect("healthy");
                port.send(back, answer);
            })),
            Serving::AfterASync => {
                file.sync().await.expect("healthy");
                port.send(back, answer);
            }
        }
    }
}

/// Asks until an answer comes.
async fn ask(env: Handle, server: NodeId, number: u64) {
    let port = env.bind::<Number>();
    loop {
        port.send(server, Number(number));
        if let Ok(answer) = env.timeout(Duration::from_millis(25), port.recv()).await {
            note(&env, "answer", answer.message.0);
            return;
        }
    }
}

type Answers = BTreeMap<NodeId, (Time, EventId, Note)>;

/// When and what each client was answered; the client of `silent` asks nothing.
fn answers(seed: u64, serving: Serving, apart: Duration, silent: Option<u64>, faults: Vec<Fault>) -> Answers {
    let network =
        NetworkSettings { loss: 5_000, duplication: 5_000, delay: 2_000, ..NetworkSettings::default() };
    let network = if serving == Serving::AfterASync {
        // No retries: they would come as they please, and queue behind each other.
        NetworkSettings { loss: 0, duplication: 0, delay: 0, ..network }
    } else {
        network
    };
    let settings = Settings { storm: Span::seconds(5), network, ..with_faults(faults) };
    let mut stage = Stage::new(seed, settings);
    let server = stage.start("server", move |env| serve(env, serving));
    for number in 0..CLIENTS {
        stage.client(&format!("client-{number}"), move |env: Handle| async move {
            env.sleep(apart * number as u32).await;
            if silent != Some(number) {
                ask(env, server, number).await;
            }
        });
    }
    stage.node("stranger");
    let seen = stage.run().sound();
    seen.story().into_iter().map(|(time, node, cause, note)| (node, (time, cause, note))).collect()
}

/// How many of the other clients' answers are exactly in place when one asks nothing.
fn in_place(seed: u64, serving: Serving, apart: Duration, silent: u64) -> usize {
    let all = answers(seed, serving, apart, None, vec![]);
    let without = answers(seed, serving, apart, Some(silent), vec![]);
    assert_eq!((all.len() as u64, without.len() as u64), (CLIENTS, CLIENTS - 1));
    without.iter().filter(|(node, answer)| all[node] == **answer).count()
}

#[test]
fn taking_a_request_out_leaves_every_other_answer_exactly_in_place() {
    for serving in [Serving::AtOnce, Serving::InATask, Serving::InATaskWithTheDisk] {
        for seed in 0..5 {
            for silent in [0, 13, 50, 100] {
                // All at once, and one after the other.
                for apart in [Duration::ZERO, Duration::from_micros(300)] {
                    assert_eq!(
                        in_place(seed, serving, apart, silent),
                        100,
                        "{serving:?}, seed {seed}, {silent}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_server_that_syncs_in_its_loop_keeps_the_answers_that_did_not_queue() {
    for silent in [0, 13, 50, 100] {
        let in_place = in_place(1, Serving::AfterASync, Duration::from_millis(20), silent);
        assert_eq!(in_place, 100, "client {silent} asks nothing");
    }
}

#[test]
fn a_request_that_is_there_changes_the_run() {
    // The tests above would pass if answers did not depend on anything: they do, on the seed.
    let apart = Duration::ZERO;
    let (one, other) =
        (answers(1, Serving::AtOnce, apart, None, vec![]), answers(2, Serving::AtOnce, apart, None, vec![]));
    assert!(one.iter().filter(|(node, answer)| other[node].0 == answer.0).count() < 5);
}

#[test]
fn taking_a_fault_out_leaves_what_came_before_it() {
    let apart = Duration::from_millis(2);
    let plain = answers(1, Serving::InATask, apart, None, vec![]);
    for blow in [crash("server", 50), pause("server", 50), partition("server", "client-70", false, 100)] {
        let struck = answers(1, Serving::InATask, apart, None, vec![at(100, blow.clone())]);
        let early = |answers: &Answers| -> Vec<_> {
            answers.iter().filter(|(_, answer)| answer.0 < millis(100)).map(|(n, a)| (*n, *a)).collect()
        };
        assert!(early(&plain).len() > 30);
        assert_eq!(early(&struck), early(&plain), "{blow:?}");
    }
}

#[test]
fn taking_a_fault_out_leaves_what_it_did_not_touch() {
    let apart = Duration::from_millis(2);
    let plain = answers(1, Serving::InATaskWithTheDisk, apart, None, vec![]);
    let blows = [
        crash("stranger", 10),
        pause("client-90", 5),
        partition("client-70", "server", false, 200),
        crash("client-95", 20),
        pause("stranger", 500),
    ];
    let faults: Vec<Fault> = blows.into_iter().map(|blow| at(100, blow)).collect();
    let struck = answers(1, Serving::InATaskWithTheDisk, apart, None, faults.clone());
    let touched: Vec<NodeId> = [70, 90, 95].into_iter().map(|client| NodeId(client + 1)).collect();
    let untouched = plain.keys().filter(|node| !touched.contains(node));
    for node in untouched {
        assert_eq!(struck.get(node), plain.get(node), "{node}");
    }
    assert_ne!(struck[&NodeId(71)], plain[&NodeId(71)], "the partition stopped something");
    // The other faults do not depend on the one that is taken out, either.
    let mut fewer = faults;
    fewer.remove(4);
    assert_eq!(answers(1, Serving::InATaskWithTheDisk, apart, None, fewer), struck);
}

#[test]
fn a_message_on_another_link_is_not_disturbed_by_chatter() {
    let arrivals = |chatters: bool| {
        let network =
            NetworkSettings { loss: 10_000, duplication: 10_000, links_differ: true, ..Default::default() };
        let mut stage = Stage::new(9, Settings { network, ..with_faults(vec![]) });
        let listener = stage.node("listener");
        stage.start("listener", |env: Handle| async move {
            let port = env.bind::<Number>();
            loop {
                let received = port.recv().await;
                note(&env, if received.message.0 < 1_000 { "wanted" } else { "chatter" }, received.message.0);
            }
        });
        for (name, first, runs) in [("speaker", 0, true), ("chatterer", 1_000, chatters)] {
            stage.world.start(name, move |env: Handle| async move {
                let port = env.bind::<Number>();
                for number in 0..if runs { 100 } else { 0 } {
                    port.send(listener, Number(first + number));
                    env.sleep(Duration::from_millis(3)).await;
                }
                std::future::pending::<()>().await;
            });
        }
        let seen = stage.run().sound();
        (seen.noted("chatter").len(), seen.times("wanted"), seen.noted("wanted"))
    };
    let (alone, disturbed) = (arrivals(false), arrivals(true));
    assert!(alone.0 == 0 && disturbed.0 > 80);
    assert_eq!((alone.1, alone.2), (disturbed.1, disturbed.2));
}
