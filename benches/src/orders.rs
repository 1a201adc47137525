//! Small worlds with a bug that only the order of messages, timers and tasks can show: every latency is the same, and no
//! fault strikes. By time none of them ever breaks.

use rehearsal_env::{Cluster, Env, Fact, NodeId, Port, Stamp, Time};
use rehearsal_sim::{Audience, Decider, Ends, NetworkSettings, Settings, Span, World};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::ops::ControlFlow;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// Everything begins when every program listens, however late it started.
const START: Time = Time(10_000_000_000);
const LATENCY: Span = Span::millis(1);

/// A bug of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Whoever held a lease writes after its rival did, who took so many steps of its own to take the lease.
    StaleLease(u64),
    /// Four clients each look whether the room is free, and then book it.
    DoubleBooking,
    /// A follower is taken back into the in-sync set for an acknowledgement that comes late, though it lacks what was
    /// committed without it.
    LateAcknowledgement,
}

/// The links of these worlds.
pub fn network() -> NetworkSettings {
    NetworkSettings { latency_min: LATENCY, latency_max: LATENCY, ..NetworkSettings::default() }
}

/// What the nodes say to each other.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, Serialize, Deserialize)]
enum Said {
    Take,
    Granted { until: Time },
    Lapsed,
    Write { token: u64 },
    Look,
    IsFree(bool),
    Book,
    Booked,
    Append(u64),
    Appended(u64),
    Lead { committed: u64 },
    Leads,
}

/// The promise of the world is broken.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, Serialize)]
struct Broken;

impl Fact for Broken {
    fn kind(&self) -> &'static str {
        "Broken"
    }
}

#[derive(Default)]
struct Watching {
    broken: bool,
}

impl Audience<Broken> for Watching {
    fn witness(&mut self, _stamp: &Stamp, _fact: &Broken) -> ControlFlow<()> {
        self.broken = true;
        ControlFlow::Break(())
    }
}

/// Whether the bug shows in the run that `decider` makes of its world.
pub fn shows(bug: Bug, decider: Box<dyn Decider>) -> bool {
    let watching = Rc::new(RefCell::new(Watching::default()));
    let settings = Settings { network: network(), ..Settings::default() };
    let mut world = World::new(settings, decider, watching.clone());
    match bug {
        Bug::StaleLease(steps) => lease(&mut world, steps),
        Bug::DoubleBooking => booking(&mut world),
        Bug::LateAcknowledgement => in_sync_set(&mut world),
    }
    let outcome = world.run(Ends::WithTheClients).expect("there are no faults");
    assert_eq!(outcome.violation, None);
    watching.take().broken
}

fn lease(world: &mut World<Broken>, steps: u64) {
    let [lock, storage, rival] = ["lock", "storage", "rival"].map(|name| world.node(name));
    world.start("holder", move |env| hold(env, lock, storage));
    world.start("lock", move |env| lend(env, rival));
    world.start("rival", move |env| follow(env, storage, steps));
    world.start_client("storage", store);
}

async fn hold<E: Env<Fact = Broken>>(env: E, lock: NodeId, storage: NodeId) {
    let port = env.bind::<Said>();
    env.sleep_until(START).await;
    port.send(lock, Said::Take);
    if let Said::Granted { until } = port.recv().await.message
        && env.now() < until
    {
        port.send(storage, Said::Write { token: 1 });
    }
    pending::<()>().await;
}

async fn lend<E: Env<Fact = Broken>>(env: E, rival: NodeId) {
    let port = env.bind::<Said>();
    let holder = port.recv().await.from;
    let until = env.now() + Duration::from_millis(10);
    port.send(holder, Said::Granted { until });
    env.sleep_until(until).await;
    port.send(rival, Said::Lapsed);
    pending::<()>().await;
}

async fn follow<E: Env<Fact = Broken>>(env: E, storage: NodeId, steps: u64) {
    let port = env.bind::<Said>();
    port.recv().await;
    for _ in 0..steps {
        step().await;
    }
    port.send(storage, Said::Write { token: 2 });
    pending::<()>().await;
}

/// A step of a task, between which others may go.
async fn step() {
    let mut over = false;
    poll_fn(|context| {
        if std::mem::replace(&mut over, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Without a fence: whoever held the lease before writes over what came after.
async fn store<E: Env<Fact = Broken>>(env: E) {
    let port = env.bind::<Said>();
    if let Said::Write { token: 2 } = port.recv().await.message {
        // The holder's is still on its way, or it never writes.
        if env.timeout(Duration::from_secs(20), port.recv()).await.is_ok() {
            env.observe(Broken);
        }
    }
}

fn booking(world: &mut World<Broken>) {
    let hotel = world.node("hotel");
    world.start("hotel", keep_room);
    for guest in 0..4 {
        world.start_client(&format!("guest-{guest}"), move |env| book(env, hotel, guest));
    }
}

async fn keep_room<E: Env<Fact = Broken>>(env: E) {
    let port = env.bind::<Said>();
    let mut is_free = true;
    loop {
        let asked = port.recv().await;
        match asked.message {
            Said::Book => {
                if !std::mem::replace(&mut is_free, false) {
                    env.observe(Broken);
                }
                port.send(asked.from, Said::Booked);
            }
            _ => port.send(asked.from, Said::IsFree(is_free)),
        }
    }
}

async fn book<E: Env<Fact = Broken>>(env: E, hotel: NodeId, guest: u32) {
    let port = env.bind::<Said>();
    env.sleep_until(START + Duration::from_millis(10) * guest).await;
    port.send(hotel, Said::Look);
    if let Said::IsFree(true) = port.recv().await.message {
        port.send(hotel, Said::Book);
        port.recv().await;
    }
}

fn in_sync_set(world: &mut World<Broken>) {
    let follower = world.node("follower");
    world.start("follower", copy);
    world.start_client("leader", move |env| replicate(env, follower));
}

async fn copy<E: Env<Fact = Broken>>(env: E) {
    let port = env.bind::<Said>();
    let mut end = 0;
    loop {
        let asked = port.recv().await;
        match asked.message {
            Said::Append(record) if record == end + 1 => {
                end = record;
                port.send(asked.from, Said::Appended(record));
            }
            Said::Lead { committed } => {
                if end < committed {
                    env.observe(Broken);
                }
                port.send(asked.from, Said::Leads);
            }
            _ => {}
        }
    }
}

async fn replicate<E: Env<Fact = Broken>>(env: E, follower: NodeId) {
    let port = env.bind::<Said>();
    env.sleep_until(START).await;
    let mut in_sync = true;
    for record in 1..=2 {
        port.send(follower, Said::Append(record));
        let until = env.now() + Duration::from_millis(10);
        let mut acknowledged = false;
        while !acknowledged && env.now() < until {
            match env.timeout(until.since(env.now()), port.recv()).await {
                // Whatever it acknowledges, it is taken for one that has everything.
                Ok(received) => {
                    in_sync = true;
                    acknowledged = received.message == Said::Appended(record);
                }
                Err(_) => in_sync = false,
            }
        }
    }
    let until = env.now() + Duration::from_millis(10);
    while env.now() < until {
        in_sync |= env.timeout(until.since(env.now()), port.recv()).await.is_ok();
    }
    if in_sync {
        port.send(follower, Said::Lead { committed: 2 });
        while port.recv().await.message != Said::Leads {}
    }
}
