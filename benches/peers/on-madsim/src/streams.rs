//! The four workloads on madsim, with its TCP streams, which do without the virtual millisecond that an `Endpoint`
//! takes to send and to receive. One task per connection.

use madsim::net::{TcpListener, TcpStream};
use madsim::task::spawn;
use madsim::time::{sleep, timeout};
use measure::{Deliveries, Engine};
use on_madsim::{World, address};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ENGINE: Engine = Engine { ping_pong, fan_in, replicate, short_world };

fn main() {
    ENGINE.main();
}

/// One end of a connection that carries numbers.
struct Stream {
    stream: TcpStream,
    deliveries: Deliveries,
}

impl Stream {
    async fn connect(node: u8, deliveries: Deliveries) -> Self {
        let stream = TcpStream::connect(address(node)).await.expect("a node that listens");
        Self { stream, deliveries }
    }

    async fn send(&mut self, message: u64) {
        self.stream.write_all(&message.to_le_bytes()).await.expect("a network without faults");
        self.stream.flush().await.expect("a network without faults");
    }

    /// The next message, or nothing when the other end has gone.
    async fn receive(&mut self) -> Option<u64> {
        let mut buffer = [0; 8];
        self.stream.read_exact(&mut buffer).await.ok()?;
        self.deliveries.count();
        Some(u64::from_le_bytes(buffer))
    }
}

/// What comes to a node: one stream per connection.
struct Door {
    listener: TcpListener,
    deliveries: Deliveries,
}

impl Door {
    async fn of(node: u8, deliveries: Deliveries) -> Self {
        Self { listener: TcpListener::bind(address(node)).await.expect("a free address"), deliveries }
    }

    async fn accept(&self) -> Stream {
        let (stream, _) = self.listener.accept().await.expect("a network without faults");
        Stream { stream, deliveries: self.deliveries.clone() }
    }
}

fn ping_pong(seed: u64, rounds: u64) -> u64 {
    let mut world = World::seeded(seed);
    world.node(0, serve(0, world.deliveries.clone()));
    world.client(1, ping(rounds, world.deliveries.clone()));
    world.run()
}

async fn ping(rounds: u64, deliveries: Deliveries) {
    let mut server = Stream::connect(0, deliveries).await;
    for round in 0..rounds {
        server.send(round).await;
        server.receive().await.expect("the server stays");
    }
}

async fn serve(node: u8, deliveries: Deliveries) {
    let door = Door::of(node, deliveries).await;
    loop {
        spawn(echo(door.accept().await));
    }
}

async fn echo(mut client: Stream) {
    while let Some(message) = client.receive().await {
        client.send(message).await;
    }
}

fn fan_in(seed: u64, requests_each: u64) -> u64 {
    let mut world = World::seeded(seed);
    world.node(0, serve(0, world.deliveries.clone()));
    for index in 1..=50 {
        world.client(index, ask(requests_each, world.deliveries.clone()));
    }
    world.run()
}

async fn ask(requests: u64, deliveries: Deliveries) {
    let mut server = Stream::connect(0, deliveries).await;
    // The server accepts one connection per virtual millisecond, and no request waits for that.
    sleep(Duration::from_millis(100)).await;
    for request in 0..requests {
        server.send(request).await;
        let reply = timeout(Duration::from_millis(50), server.receive()).await;
        reply.expect("two latencies of at most 10 ms are no 50 ms").expect("the server stays");
    }
}

fn replicate(seed: u64, writes: u64) -> u64 {
    let mut world = World::seeded(seed);
    world.node(0, lead(world.deliveries.clone()));
    for index in [1, 2] {
        world.node(index, serve(index, world.deliveries.clone()));
    }
    world.client(3, ping(writes, world.deliveries.clone()));
    world.run()
}

async fn lead(deliveries: Deliveries) {
    let door = Door::of(0, deliveries.clone()).await;
    let mut followers = [Stream::connect(1, deliveries.clone()).await, Stream::connect(2, deliveries).await];
    let mut client = door.accept().await;
    while let Some(write) = client.receive().await {
        for follower in &mut followers {
            follower.send(write).await;
        }
        for follower in &mut followers {
            follower.receive().await.expect("a follower stays");
        }
        client.send(write).await;
    }
}

fn short_world(seed: u64) -> u64 {
    let mut world = World::seeded(seed);
    world.node(0, serve(0, world.deliveries.clone()));
    for (index, rounds) in [(1, 13), (2, 13), (3, 12), (4, 12)] {
        world.client(index, ping(rounds, world.deliveries.clone()));
    }
    world.run()
}

#[test]
fn each_workload_delivers_what_it_counts() {
    ENGINE.assert_each_workload_delivers_what_it_counts();
}
