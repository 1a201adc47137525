//! Once its buffers have grown, a world allocates nothing for a message. Alone in its program, because it counts the
//! allocations of the whole process.

use rehearsal_env::{Clock, Cluster, Fact, Network, Port};
use rehearsal_sim::{Ends, NetworkSettings, Settings, World};
use serde::Serialize;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Clone, Copy, Debug, Hash, Serialize)]
struct Nothing;

impl Fact for Nothing {
    fn kind(&self) -> &'static str {
        "Nothing"
    }
}

fn allocations() -> usize {
    let stats = COUNTED.stats();
    stats.allocations + stats.reallocations
}

static AFTER_10_000: AtomicUsize = AtomicUsize::new(0);
static AFTER_20_000: AtomicUsize = AtomicUsize::new(0);

#[test]
fn ten_thousand_more_messages_allocate_nothing() {
    let network = NetworkSettings { duplication: 1, ..NetworkSettings::default() };
    let settings = Settings { network, ..Settings::default() };
    let mut world: World<Nothing> = World::seeded(1, settings, Rc::new(RefCell::new(())));
    let pong = world.start("pong", |env| async move {
        let port = env.bind::<u64>();
        loop {
            let ball = port.recv().await;
            port.send(ball.from, ball.message);
        }
    });
    world.start_client("ping", move |env| async move {
        let port = env.bind::<u64>();
        for number in 0..20_001 {
            match number {
                10_000 => AFTER_10_000.store(allocations(), Ordering::Relaxed),
                20_000 => AFTER_20_000.store(allocations(), Ordering::Relaxed),
                _ => {}
            }
            port.send(pong, number);
            // With a timeout, as every real caller has one: a timer that is set and taken back.
            env.timeout(Duration::from_secs(1), port.recv()).await.expect("nothing is lost");
        }
    });
    let outcome = world.run(Ends::WithTheClients).expect("no faults");
    assert_eq!(outcome.violation, None);
    assert!(outcome.messages > 40_000);
    let (before, after) = (AFTER_10_000.load(Ordering::Relaxed), AFTER_20_000.load(Ordering::Relaxed));
    assert!(before > 0);
    assert_eq!(after - before, 0, "allocations for 20,000 messages there and back");
}
