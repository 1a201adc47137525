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

/// After each ten thousand messages.
static COUNTS: [AtomicUsize; 5] = [const { AtomicUsize::new(0) }; 5];

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
        for number in 0..40_001 {
            if number % 10_000 == 0 {
                COUNTS[number as usize / 10_000].store(allocations(), Ordering::Relaxed);
            }
            port.send(pong, number);
            // With a timeout, as every real caller has one: a timer that is set and taken back.
            env.timeout(Duration::from_secs(1), port.recv()).await.expect("nothing is lost");
        }
    });
    let outcome = world.run(Ends::WithTheClients).expect("no faults");
    assert_eq!(outcome.violation, None);
    assert!(outcome.messages > 80_000);
    let counts = COUNTS.each_ref().map(|count| count.load(Ordering::Relaxed));
    assert!(counts[1] > 0);
    // The thread that runs the tests allocates as well, now and then, but not all the time.
    let fewest = counts[1..].windows(2).map(|pair| pair[1] - pair[0]).min();
    assert_eq!(fewest, Some(0), "allocations for 20,000 messages there and back");
}
