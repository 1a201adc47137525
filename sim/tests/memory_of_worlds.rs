//! Building, running and dropping a world leaves nothing behind, however it ends. Alone in its program, because it
//! counts the bytes of the whole process.

use rehearsal_env::{Clock, Cluster, Fact, File, Network, Observer, Port, Spawner, Storage};
use rehearsal_sim::{Blow, Ends, Fault, NetworkSettings, Settings, SimEnv, Span, Trigger, World};
use serde::Serialize;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Clone, Copy, Debug, Hash, Serialize)]
struct Heard(u64);

impl Fact for Heard {
    fn kind(&self) -> &'static str {
        "Heard"
    }
}

fn live_bytes() -> isize {
    let stats = COUNTED.stats();
    // What a reallocation adds or takes away is among these already.
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

/// Talks, writes, spawns, keeps messages unread and tasks waiting; now and then it panics or returns.
async fn busy(env: SimEnv<Heard>, other: rehearsal_env::NodeId, ending: u64) {
    let port = Rc::new(env.bind::<String>());
    let (file, reader, own) = (env.open("log").await.expect("room"), port.clone(), env.clone());
    env.spawn(async move {
        loop {
            let length = reader.recv().await.message.len();
            own.observe(Heard(length as u64));
        }
    });
    let waiting = Rc::new(tokio::sync::Notify::new());
    let waits = waiting.clone();
    env.spawn(async move { waits.notified().await });
    for round in 0..8 {
        port.send(other, "a message that lies on the heap".repeat(round));
        file.append(&[7; 600]).await.expect("room");
        let _ = env.timeout(Duration::from_micros(100), file.sync()).await;
        env.sleep(Duration::from_millis(3)).await;
    }
    match ending {
        0 => panic!("as agreed"),
        1 => pending().await,
        2 => waiting.notified().await,
        _ => {}
    }
}

fn live_and_die(seed: u64) {
    let network =
        NetworkSettings { loss: 10_000, duplication: 10_000, delay: 10_000, ..NetworkSettings::default() };
    let at = |millis, blow| Fault { trigger: Trigger::At(Span::millis(millis)), blow };
    let unknown = if seed.is_multiple_of(11) { "nobody" } else { "b" };
    let faults = vec![
        at(10, Blow::Crash { node: "a".to_owned(), restart_after: Span::millis(5) }),
        at(12, Blow::Pause { node: unknown.to_owned(), lasts: Span::millis(5) }),
    ];
    let (storm, calm) = (Span::millis(20 + seed % 20), Span::millis(10));
    let settings = Settings { storm, calm, network, faults, ..Settings::default() };
    let mut world = World::seeded(seed, settings, Rc::new(RefCell::new(())));
    let (a, b) = (world.node("a"), world.node("b"));
    world.start("a", move |env| busy(env, b, seed % 5));
    world.start_client("b", move |env| busy(env, a, (seed + 1) % 5));
    if seed.is_multiple_of(13) {
        return;
    }
    let ends = if seed.is_multiple_of(3) { Ends::WithTheClients } else { Ends::AfterTheCalm };
    let outcome = world.run(ends);
    assert_eq!(outcome.is_err(), seed.is_multiple_of(11));
}

#[test]
fn twenty_thousand_worlds_leave_nothing_behind() {
    (0..5_000).for_each(live_and_die);
    let after_5_000 = live_bytes();
    (5_000..20_000).for_each(live_and_die);
    assert_eq!(live_bytes() - after_5_000, 0, "bytes leaked by 15,000 worlds");
}
