//! The four workloads on turmoil, with its UDP sockets. Addresses are looked up once, not for each message.

use measure::{Deliveries, Engine};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::time::timeout;
use turmoil::net::UdpSocket;
use turmoil::{Builder, Result, Sim, lookup};

/// The port of messages to and from clients.
const BALLS: u16 = 1;
/// The port of messages between the leader and its followers.
const BACKS: u16 = 2;

const ENGINE: Engine = Engine { ping_pong, fan_in, replicate, short_world };

fn main() {
    ENGINE.main();
}

/// Runs until all clients are done, and drops everything. Messages delivered.
fn run(seed: u64, build: impl FnOnce(&mut Sim, &Deliveries)) -> u64 {
    let deliveries = Deliveries::default();
    let mut world = Builder::new()
        .rng_seed(seed)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(10))
        .simulation_duration(Duration::from_secs(24 * 60 * 60))
        .build();
    build(&mut world, &deliveries);
    world.run().expect("there are no faults");
    drop(world);
    deliveries.total()
}

async fn bind(port: u16) -> Result<UdpSocket> {
    Ok(UdpSocket::bind((IpAddr::from(Ipv4Addr::UNSPECIFIED), port)).await?)
}

async fn send(socket: &UdpSocket, to: SocketAddr, message: u64) -> Result {
    socket.send_to(&message.to_le_bytes(), to).await?;
    Ok(())
}

async fn receive(socket: &UdpSocket, deliveries: &Deliveries) -> Result<(u64, SocketAddr)> {
    let mut buffer = [0; 8];
    let (_, from) = socket.recv_from(&mut buffer).await?;
    deliveries.count();
    Ok((u64::from_le_bytes(buffer), from))
}

fn ping_pong(seed: u64, rounds: u64) -> u64 {
    run(seed, |world, deliveries| {
        let pong = deliveries.clone();
        world.host("pong", move || echo(pong.clone()));
        world.client("ping", ping("pong", rounds, deliveries.clone()));
    })
}

async fn ping(server: &'static str, rounds: u64, deliveries: Deliveries) -> Result {
    let server = SocketAddr::new(lookup(server), BALLS);
    let socket = bind(BALLS).await?;
    for round in 0..rounds {
        send(&socket, server, round).await?;
        receive(&socket, &deliveries).await?;
    }
    Ok(())
}

async fn echo(deliveries: Deliveries) -> Result {
    let socket = bind(BALLS).await?;
    loop {
        let (message, from) = receive(&socket, &deliveries).await?;
        send(&socket, from, message).await?;
    }
}

fn fan_in(seed: u64, requests_each: u64) -> u64 {
    run(seed, |world, deliveries| {
        let server = deliveries.clone();
        world.host("server", move || echo(server.clone()));
        for client in 0..50 {
            world.client(format!("client-{client}"), ask(requests_each, deliveries.clone()));
        }
    })
}

async fn ask(requests: u64, deliveries: Deliveries) -> Result {
    let server = SocketAddr::new(lookup("server"), BALLS);
    let socket = bind(BALLS).await?;
    for request in 0..requests {
        send(&socket, server, request).await?;
        timeout(Duration::from_millis(50), receive(&socket, &deliveries)).await??;
    }
    Ok(())
}

fn replicate(seed: u64, writes: u64) -> u64 {
    run(seed, |world, deliveries| {
        for follower in ["follower-0", "follower-1"] {
            let deliveries = deliveries.clone();
            world.host(follower, move || follow(deliveries.clone()));
        }
        let leader = deliveries.clone();
        world.host("leader", move || lead(leader.clone()));
        world.client("client", ping("leader", writes, deliveries.clone()));
    })
}

async fn lead(deliveries: Deliveries) -> Result {
    let followers = ["follower-0", "follower-1"].map(|name| SocketAddr::new(lookup(name), BACKS));
    let clients = bind(BALLS).await?;
    let replicas = bind(BACKS).await?;
    loop {
        let (write, client) = receive(&clients, &deliveries).await?;
        for follower in followers {
            send(&replicas, follower, write).await?;
        }
        for _ in followers {
            receive(&replicas, &deliveries).await?;
        }
        send(&clients, client, write).await?;
    }
}

async fn follow(deliveries: Deliveries) -> Result {
    let socket = bind(BACKS).await?;
    loop {
        let (record, leader) = receive(&socket, &deliveries).await?;
        send(&socket, leader, record).await?;
    }
}

fn short_world(seed: u64) -> u64 {
    run(seed, |world, deliveries| {
        let centre = deliveries.clone();
        world.host("node-0", move || echo(centre.clone()));
        for (name, rounds) in [("node-1", 13), ("node-2", 13), ("node-3", 12), ("node-4", 12)] {
            world.client(name, ping("node-0", rounds, deliveries.clone()));
        }
    })
}

#[test]
fn each_workload_delivers_what_it_counts() {
    ENGINE.assert_each_workload_delivers_what_it_counts();
}
