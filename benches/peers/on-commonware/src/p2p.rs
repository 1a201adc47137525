//! The four workloads on commonware's simulated network of peers, which is what its documentation simulates links with.
//! Peers are known by public keys; those are made once, not for each world.

use commonware_cryptography::Signer;
use commonware_cryptography::ed25519::{PrivateKey, PublicKey};
use commonware_macros::select;
use commonware_p2p::simulated::{self, Config, Link, Network, Oracle};
use commonware_p2p::{Receiver as _, Recipients, Sender as _};
use commonware_runtime::deterministic::{Context, Runner};
use commonware_runtime::{Clock, Handle, Quota, Runner as _, Spawner, Supervisor};
use commonware_utils::{NZU32, NZUsize, probability};
use measure::{Deliveries, Engine};
use std::sync::LazyLock;
use std::time::Duration;

/// The channel of messages to and from clients.
const BALLS: u64 = 0;
/// The channel of messages between the leader and its followers.
const BACKS: u64 = 1;

/// As many messages as anyone likes.
const QUOTA: Quota = Quota::per_second(NZU32!(u32::MAX));

/// The nodes by number.
static NODES: LazyLock<Vec<PublicKey>> =
    LazyLock::new(|| (0..51).map(|seed| PrivateKey::from_seed(seed).public_key()).collect());

const ENGINE: Engine = Engine { ping_pong, fan_in, replicate, short_world };

fn main() {
    ENGINE.main();
}

/// A node's end of one channel.
struct Port {
    sender: simulated::Sender<PublicKey, Context>,
    receiver: simulated::Receiver<PublicKey>,
    deliveries: Deliveries,
}

impl Port {
    fn send(&mut self, to: &PublicKey, message: u64) {
        let sent = self.sender.send(Recipients::One(to.clone()), message.to_le_bytes().to_vec(), false);
        assert_eq!(sent.len(), 1, "the network takes every message");
    }

    async fn receive(&mut self) -> (u64, PublicKey) {
        let (from, message) = self.receiver.recv().await.expect("the network lives as long as its world");
        self.deliveries.count();
        (u64::from_le_bytes(message.as_ref().try_into().expect("eight bytes")), from)
    }
}

/// A world with its network.
struct World {
    context: Context,
    oracle: Oracle<PublicKey, Context>,
    deliveries: Deliveries,
}

impl World {
    /// A network of the first `nodes` nodes, each linked with node 0 in both directions. Latency is normal there, not
    /// uniform: the mean and the deviation are those of 1 to 10 ms.
    async fn new(context: Context, nodes: usize, deliveries: Deliveries) -> Self {
        let config = Config {
            max_size: 1024,
            max_peers_per_set: NZUsize!(51),
            disconnect_on_block: true,
            tracked_peer_sets: NZUsize!(1),
        };
        let nodes = &NODES[..nodes];
        let (network, oracle) =
            Network::new_with_peers(context.child("network"), config, nodes.iter().cloned()).await;
        network.start();
        let link = Link {
            latency: Duration::from_micros(5_500),
            jitter: Duration::from_micros(2_600),
            success_rate: probability!(1.0),
        };
        for node in &nodes[1..] {
            oracle.add_link(nodes[0].clone(), node.clone(), link.clone()).await.expect("a new link");
            oracle.add_link(node.clone(), nodes[0].clone(), link.clone()).await.expect("a new link");
        }
        Self { context, oracle, deliveries }
    }

    async fn port(&self, node: usize, channel: u64) -> Port {
        let (sender, receiver) =
            self.oracle.control(NODES[node].clone()).register(channel, QUOTA).await.expect("a new channel");
        Port { sender, receiver, deliveries: self.deliveries.clone() }
    }

    fn spawn(&self, name: &'static str, node: impl Future<Output = ()> + Send + 'static) -> Handle<()> {
        self.context.child(name).spawn(move |_| node)
    }

    /// A server that echoes as node 0, and the clients 1, 2, … that make these numbers of rounds.
    async fn echoing(self, rounds: Vec<u64>) {
        self.spawn("server", echo(self.port(0, BALLS).await));
        let mut clients = Vec::new();
        for (index, rounds) in rounds.into_iter().enumerate() {
            clients.push(self.spawn("client", ping(self.port(index + 1, BALLS).await, rounds)));
        }
        end(clients).await;
    }

    async fn fan_in(self, requests_each: u64) {
        self.spawn("server", echo(self.port(0, BALLS).await));
        let mut clients = Vec::new();
        for index in 1..=50 {
            let port = self.port(index, BALLS).await;
            let client = self.context.child("client").spawn(move |context| ask(context, port, requests_each));
            clients.push(client);
        }
        end(clients).await;
    }

    /// The leader is node 0, its followers are 1 and 2, the client is 3.
    async fn replicate(self, writes: u64) {
        for index in [1, 2] {
            self.spawn("follower", echo(self.port(index, BACKS).await));
        }
        self.spawn("leader", lead(self.port(0, BALLS).await, self.port(0, BACKS).await));
        end(vec![self.spawn("client", ping(self.port(3, BALLS).await, writes))]).await;
    }
}

async fn end(clients: Vec<Handle<()>>) {
    for client in clients {
        client.await.expect("a client ends by itself");
    }
}

/// Runs a world of so many nodes until it ends, and drops everything. Messages delivered.
fn run<W: Future<Output = ()>>(seed: u64, nodes: usize, work: impl FnOnce(World) -> W) -> u64 {
    let deliveries = Deliveries::default();
    let counted = deliveries.clone();
    Runner::seeded(seed)
        .start(|context| async move { work(World::new(context, nodes, counted).await).await });
    deliveries.total()
}

fn ping_pong(seed: u64, rounds: u64) -> u64 {
    run(seed, 2, |world| world.echoing(vec![rounds]))
}

fn short_world(seed: u64) -> u64 {
    run(seed, 5, |world| world.echoing(vec![13, 13, 12, 12]))
}

fn fan_in(seed: u64, requests_each: u64) -> u64 {
    run(seed, 51, |world| world.fan_in(requests_each))
}

fn replicate(seed: u64, writes: u64) -> u64 {
    run(seed, 4, |world| world.replicate(writes))
}

async fn ping(mut port: Port, rounds: u64) {
    for round in 0..rounds {
        port.send(&NODES[0], round);
        port.receive().await;
    }
}

async fn echo(mut port: Port) {
    loop {
        let (message, from) = port.receive().await;
        port.send(&from, message);
    }
}

async fn ask(context: Context, mut port: Port, requests: u64) {
    for request in 0..requests {
        port.send(&NODES[0], request);
        select! {
            _ = port.receive() => {},
            _ = context.sleep(Duration::from_millis(50)) => panic!("a reply takes 50 ms"),
        }
    }
}

async fn lead(mut clients: Port, mut replicas: Port) {
    loop {
        let (write, client) = clients.receive().await;
        for follower in &NODES[1..3] {
            replicas.send(follower, write);
        }
        for _ in 1..3 {
            replicas.receive().await;
        }
        clients.send(&client, write);
    }
}

#[test]
fn each_workload_delivers_what_it_counts() {
    ENGINE.assert_each_workload_delivers_what_it_counts();
}
