//! The four workloads on commonware's deterministic runtime alone: its tasks, its clock, its randomness. Its own network
//! has no latency, so a link is a task between two channels, which draws a latency and sleeps it. Each link has one
//! message under way at most in these workloads, so nothing is held up behind another.

use commonware_macros::select;
use commonware_runtime::deterministic::{Context, Runner};
use commonware_runtime::{Clock, Handle, Runner as _, Spawner, Supervisor};
use commonware_utils::channel::mpsc::{
    UnboundedReceiver as Receiver, UnboundedSender as Sender, unbounded_channel,
};
use measure::{Deliveries, Engine};
use rand::RngExt;
use std::time::Duration;

const ENGINE: Engine = Engine { ping_pong, fan_in, replicate, short_world };

fn main() {
    ENGINE.main();
}

/// A message and the number of the node that sent it.
struct Letter {
    from: usize,
    message: u64,
}

/// Starts a link from the node `from` into the mailbox `to`.
fn link(world: &Context, from: usize, to: &Sender<Letter>) -> Sender<u64> {
    let (sender, mut messages) = unbounded_channel();
    let to = to.clone();
    world.child("link").spawn(move |mut context| async move {
        while let Some(message) = messages.recv().await {
            let latency = Duration::from_micros(context.random_range(1_000..=10_000));
            context.sleep(latency).await;
            // Whoever has ended reads no more.
            let _ = to.send(Letter { from, message });
        }
    });
    sender
}

async fn receive(mailbox: &mut Receiver<Letter>, deliveries: &Deliveries) -> Letter {
    let letter = mailbox.recv().await.expect("a link lives as long as its world");
    deliveries.count();
    letter
}

fn send(link: &Sender<u64>, message: u64) {
    link.send(message).expect("a link lives as long as its world");
}

/// What a client of a server holds: the link there and its own mailbox.
struct Client {
    server: Sender<u64>,
    mailbox: Receiver<Letter>,
}

/// What the server holds: its mailbox and the link to each client.
struct Server {
    mailbox: Receiver<Letter>,
    clients: Vec<Sender<u64>>,
}

/// A server and clients that are linked with it in both directions.
fn star(world: &Context, clients: usize) -> (Vec<Client>, Server) {
    let (own, mailbox) = unbounded_channel();
    let pairs = (0..clients).map(|index| {
        let (clients_own, mailbox) = unbounded_channel();
        (Client { server: link(world, index, &own), mailbox }, link(world, index, &clients_own))
    });
    let (clients, links) = pairs.unzip();
    (clients, Server { mailbox, clients: links })
}

fn spawn(world: &Context, name: &'static str, node: impl Future<Output = ()> + Send + 'static) -> Handle<()> {
    world.child(name).spawn(move |_| node)
}

/// Runs until all clients are done, and drops everything. Messages delivered.
fn run(seed: u64, build: impl FnOnce(&Context, &Deliveries) -> Vec<Handle<()>>) -> u64 {
    let deliveries = Deliveries::default();
    let counted = deliveries.clone();
    Runner::seeded(seed).start(|context| async move {
        for client in build(&context, &counted) {
            client.await.expect("a client ends by itself");
        }
    });
    deliveries.total()
}

/// One server that echoes, and clients that make these numbers of rounds.
fn echoing(seed: u64, rounds: &[u64]) -> u64 {
    run(seed, |world, deliveries| {
        let (clients, server) = star(world, rounds.len());
        spawn(world, "server", echo(server, deliveries.clone()));
        let clients = clients.into_iter().zip(rounds);
        clients
            .map(|(client, rounds)| spawn(world, "client", ping(client, *rounds, deliveries.clone())))
            .collect()
    })
}

fn ping_pong(seed: u64, rounds: u64) -> u64 {
    echoing(seed, &[rounds])
}

fn short_world(seed: u64) -> u64 {
    echoing(seed, &[13, 13, 12, 12])
}

async fn ping(mut client: Client, rounds: u64, deliveries: Deliveries) {
    for round in 0..rounds {
        send(&client.server, round);
        receive(&mut client.mailbox, &deliveries).await;
    }
}

async fn echo(mut server: Server, deliveries: Deliveries) {
    loop {
        let letter = receive(&mut server.mailbox, &deliveries).await;
        send(&server.clients[letter.from], letter.message);
    }
}

fn fan_in(seed: u64, requests_each: u64) -> u64 {
    run(seed, |world, deliveries| {
        let (clients, server) = star(world, 50);
        spawn(world, "server", echo(server, deliveries.clone()));
        let ask = |client| {
            let deliveries = deliveries.clone();
            world.child("client").spawn(move |context| ask(context, client, requests_each, deliveries))
        };
        clients.into_iter().map(ask).collect()
    })
}

async fn ask(context: Context, mut client: Client, requests: u64, deliveries: Deliveries) {
    for request in 0..requests {
        send(&client.server, request);
        select! {
            _ = receive(&mut client.mailbox, &deliveries) => {},
            _ = context.sleep(Duration::from_millis(50)) => panic!("two latencies of at most 10 ms are no 50 ms"),
        }
    }
}

fn replicate(seed: u64, writes: u64) -> u64 {
    run(seed, |world, deliveries| {
        let (mut clients, leader) = star(world, 1);
        let (followers, replicas) = star(world, 2);
        for follower in followers {
            spawn(world, "follower", follow(follower, deliveries.clone()));
        }
        spawn(world, "leader", lead(leader, replicas, deliveries.clone()));
        clients
            .drain(..)
            .map(|client| spawn(world, "client", ping(client, writes, deliveries.clone())))
            .collect()
    })
}

async fn lead(mut clients: Server, mut replicas: Server, deliveries: Deliveries) {
    loop {
        let write = receive(&mut clients.mailbox, &deliveries).await;
        for follower in &replicas.clients {
            send(follower, write.message);
        }
        for _ in 0..replicas.clients.len() {
            receive(&mut replicas.mailbox, &deliveries).await;
        }
        send(&clients.clients[write.from], write.message);
    }
}

async fn follow(mut follower: Client, deliveries: Deliveries) {
    loop {
        let record = receive(&mut follower.mailbox, &deliveries).await;
        send(&follower.server, record.message);
    }
}

#[test]
fn each_workload_delivers_what_it_counts() {
    ENGINE.assert_each_workload_delivers_what_it_counts();
}
