//! The four workloads on madsim, with the datagrams of its `Endpoint`s.
//!
//! A call to send or to receive lasts at least one virtual millisecond there, in which the caller can do nothing else;
//! a server that answered its 50 clients one after the other would let their requests time out. So it has several
//! tasks that share the endpoint.

use madsim::net::Endpoint;
use madsim::task::spawn;
use madsim::time::timeout;
use measure::{Deliveries, Engine};
use on_madsim::{World, address};
use std::net::SocketAddr;
use std::time::Duration;

/// Tasks that answer requests in W2. With eight, four requests a millisecond are answered, and 50 clients ask three.
const SERVERS_TASKS: usize = 8;
/// The tag of messages to and from clients.
const BALLS: u64 = 0;
/// The tag of messages between the leader and its followers.
const BACKS: u64 = 1;

const ENGINE: Engine = Engine { ping_pong, fan_in, replicate, short_world };

fn main() {
    ENGINE.main();
}

async fn bind(node: u8) -> Endpoint {
    Endpoint::bind(address(node)).await.expect("a free address")
}

async fn send(endpoint: &Endpoint, to: SocketAddr, tag: u64, message: u64) {
    endpoint.send_to(to, tag, &message.to_le_bytes()).await.expect("a network without faults");
}

async fn receive(endpoint: &Endpoint, tag: u64, deliveries: &Deliveries) -> (u64, SocketAddr) {
    let mut buffer = [0; 8];
    let (_, from) = endpoint.recv_from(tag, &mut buffer).await.expect("a network without faults");
    deliveries.count();
    (u64::from_le_bytes(buffer), from)
}

fn ping_pong(seed: u64, rounds: u64) -> u64 {
    let mut world = World::seeded(seed);
    world.node(0, echo(world.deliveries.clone()));
    world.client(1, ping(1, rounds, world.deliveries.clone()));
    world.run()
}

async fn ping(node: u8, rounds: u64, deliveries: Deliveries) {
    let endpoint = bind(node).await;
    for round in 0..rounds {
        send(&endpoint, address(0), BALLS, round).await;
        receive(&endpoint, BALLS, &deliveries).await;
    }
}

async fn echo(deliveries: Deliveries) {
    answer(bind(0).await, deliveries).await;
}

async fn answer(endpoint: Endpoint, deliveries: Deliveries) {
    loop {
        let (message, from) = receive(&endpoint, BALLS, &deliveries).await;
        send(&endpoint, from, BALLS, message).await;
    }
}

fn fan_in(seed: u64, requests_each: u64) -> u64 {
    let mut world = World::seeded(seed);
    world.node(0, serve(world.deliveries.clone()));
    for index in 1..=50 {
        world.client(index, ask(index, requests_each, world.deliveries.clone()));
    }
    world.run()
}

async fn serve(deliveries: Deliveries) {
    let endpoint = bind(0).await;
    for _ in 1..SERVERS_TASKS {
        spawn(answer(endpoint.clone(), deliveries.clone()));
    }
    answer(endpoint, deliveries).await;
}

async fn ask(node: u8, requests: u64, deliveries: Deliveries) {
    let endpoint = bind(node).await;
    for request in 0..requests {
        send(&endpoint, address(0), BALLS, request).await;
        let reply = timeout(Duration::from_millis(50), receive(&endpoint, BALLS, &deliveries)).await;
        reply.expect("two latencies of at most 10 ms are no 50 ms");
    }
}

fn replicate(seed: u64, writes: u64) -> u64 {
    let mut world = World::seeded(seed);
    world.node(0, lead(world.deliveries.clone()));
    for index in [1, 2] {
        world.node(index, follow(index, world.deliveries.clone()));
    }
    world.client(3, ping(3, writes, world.deliveries.clone()));
    world.run()
}

async fn lead(deliveries: Deliveries) {
    let endpoint = bind(0).await;
    loop {
        let (write, client) = receive(&endpoint, BALLS, &deliveries).await;
        for follower in [1, 2] {
            send(&endpoint, address(follower), BACKS, write).await;
        }
        for _ in [1, 2] {
            receive(&endpoint, BACKS, &deliveries).await;
        }
        send(&endpoint, client, BALLS, write).await;
    }
}

async fn follow(node: u8, deliveries: Deliveries) {
    let endpoint = bind(node).await;
    loop {
        let (record, leader) = receive(&endpoint, BACKS, &deliveries).await;
        send(&endpoint, leader, BACKS, record).await;
    }
}

fn short_world(seed: u64) -> u64 {
    let mut world = World::seeded(seed);
    world.node(0, echo(world.deliveries.clone()));
    for (index, rounds) in [(1, 13), (2, 13), (3, 12), (4, 12)] {
        world.client(index, ping(index, rounds, world.deliveries.clone()));
    }
    world.run()
}

#[test]
fn each_workload_delivers_what_it_counts() {
    ENGINE.assert_each_workload_delivers_what_it_counts();
}
