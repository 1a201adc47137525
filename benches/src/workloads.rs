//! The four engine workloads: the same work that simulators are compared on.
//!
//! Link latency is uniform from 1 to 10 ms, each delivery reports one fact that one monitor reads,
//! the digest is on, faults are off but their draws are made.

use rehearsal_env::{Cluster, Env, Fact, NodeId, Port, Stamp};
use rehearsal_sim::{Audience, Ends, Settings, World};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

/// A message of the benchmarks.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ball(pub u64);

/// An answer to a [`Ball`].
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back(pub u64);

/// One delivery.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, Serialize)]
pub struct Delivered(pub u64);

impl Fact for Delivered {
    fn kind(&self) -> &'static str {
        "Delivered"
    }
}

/// Counts the facts it reads.
#[derive(Default)]
pub struct Counting {
    facts: u64,
    sum: u64,
}

impl Audience<Delivered> for Counting {
    fn witness(&mut self, _stamp: &Stamp, fact: &Delivered) -> ControlFlow<()> {
        self.facts += 1;
        self.sum = self.sum.wrapping_add(fact.0);
        ControlFlow::Continue(())
    }
}

fn run(seed: u64, build: impl FnOnce(&mut World<Delivered>)) -> u64 {
    let audience = Rc::new(RefCell::new(Counting::default()));
    let mut world = World::seeded(seed, Settings::default(), audience.clone());
    build(&mut world);
    let outcome = world.run(Ends::WithTheClients).expect("there are no faults");
    assert_eq!(outcome.violation, None);
    let counted = audience.borrow().facts;
    assert_eq!(outcome.messages, counted, "every delivery reports one fact");
    counted
}

/// W1: two nodes in ping-pong, `rounds` times there and back. Messages delivered.
pub fn ping_pong(seed: u64, rounds: u64) -> u64 {
    run(seed, |world| {
        let pong = world.node("pong");
        world.start_client("ping", move |env| ping(env, pong, rounds));
        world.start("pong", echo);
    })
}

async fn ping<E: Env<Fact = Delivered>>(env: E, pong: NodeId, rounds: u64) {
    let port = env.bind::<Ball>();
    for round in 0..rounds {
        port.send(pong, Ball(round));
        let back = port.recv().await;
        env.observe(Delivered(back.message.0));
    }
}

async fn echo<E: Env<Fact = Delivered>>(env: E) {
    let port = env.bind::<Ball>();
    loop {
        let ball = port.recv().await;
        env.observe(Delivered(ball.message.0));
        port.send(ball.from, ball.message);
    }
}

/// W2: 50 clients and one server, request and reply, each request with a timeout of 50 ms that the
/// reply cancels. Messages delivered.
pub fn fan_in(seed: u64, requests_each: u64) -> u64 {
    run(seed, |world| {
        let server = world.node("server");
        for client in 0..50 {
            world.start_client(&format!("client-{client}"), move |env| ask(env, server, requests_each));
        }
        world.start("server", echo);
    })
}

async fn ask<E: Env<Fact = Delivered>>(env: E, server: NodeId, requests: u64) {
    let port = env.bind::<Ball>();
    for request in 0..requests {
        port.send(server, Ball(request));
        let reply = env.timeout(Duration::from_millis(50), port.recv()).await;
        let reply = reply.expect("two latencies of at most 10 ms are no 50 ms");
        env.observe(Delivered(reply.message.0));
    }
}

/// W3: a client, a leader and two followers; the leader replies after both have acknowledged.
/// Messages delivered.
pub fn replicate(seed: u64, writes: u64) -> u64 {
    run(seed, |world| {
        let leader = world.node("leader");
        let followers = [world.node("follower-0"), world.node("follower-1")];
        world.start_client("client", move |env| ping(env, leader, writes));
        world.start("leader", move |env| lead(env, followers));
        for follower in 0..2 {
            world.start(&format!("follower-{follower}"), follow);
        }
    })
}

async fn lead<E: Env<Fact = Delivered>>(env: E, followers: [NodeId; 2]) {
    let clients = env.bind::<Ball>();
    let replicas = env.bind::<Back>();
    loop {
        let write = clients.recv().await;
        env.observe(Delivered(write.message.0));
        for follower in followers {
            replicas.send(follower, Back(write.message.0));
        }
        for _ in followers {
            let acknowledged = replicas.recv().await;
            env.observe(Delivered(acknowledged.message.0));
        }
        clients.send(write.from, write.message);
    }
}

async fn follow<E: Env<Fact = Delivered>>(env: E) {
    let port = env.bind::<Back>();
    loop {
        let record = port.recv().await;
        env.observe(Delivered(record.message.0));
        port.send(record.from, record.message);
    }
}

/// W4: five nodes that exchange 100 messages, the world built and dropped. Messages delivered.
pub fn short_world(seed: u64) -> u64 {
    run(seed, |world| {
        let centre = world.node("node-0");
        for (index, name) in ["node-1", "node-2", "node-3", "node-4"].into_iter().enumerate() {
            let rounds = if index < 2 { 13 } else { 12 };
            world.start_client(name, move |env| ping(env, centre, rounds));
        }
        world.start("node-0", echo);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_workload_delivers_what_it_says() {
        assert_eq!(ping_pong(1, 10), 20);
        assert_eq!(fan_in(1, 3), 300);
        assert_eq!(replicate(1, 5), 30);
        assert_eq!(short_world(1), 100);
    }
}
