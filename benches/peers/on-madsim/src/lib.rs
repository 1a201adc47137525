//! A world on madsim for the four workloads, which are written twice: with the datagrams of its `Endpoint`s, and with
//! its TCP streams.

use madsim::Config;
use madsim::runtime::{NodeHandle, Runtime};
use madsim::task::JoinHandle;
use measure::Deliveries;
use std::net::SocketAddr;
use std::time::Duration;

#[cfg(not(madsim))]
compile_error!("without `--cfg madsim` nothing is simulated: run cargo in benches/peers, without RUSTFLAGS");

/// Where the node of this number listens. Node 0 is the one that the others talk to.
pub fn address(node: u8) -> SocketAddr {
    ([10, 0, 0, node + 1], 1).into()
}

/// A world whose links take 1 to 10 ms, and its clients.
pub struct World {
    runtime: Runtime,
    /// What all its nodes count with.
    pub deliveries: Deliveries,
    clients: Vec<JoinHandle<()>>,
}

impl World {
    /// An empty world.
    pub fn seeded(seed: u64) -> Self {
        let mut config = Config::default();
        config.net.send_latency = Duration::from_millis(1)..Duration::from_millis(10);
        let runtime = Runtime::with_seed_and_config(seed, config);
        Self { runtime, deliveries: Deliveries::default(), clients: Vec::new() }
    }

    /// Starts a node.
    pub fn node(&self, index: u8, program: impl Future<Output = ()> + Send + 'static) {
        self.build(index).spawn(program);
    }

    /// Starts a node whose program the world waits for.
    pub fn client(&mut self, index: u8, program: impl Future<Output = ()> + Send + 'static) {
        self.clients.push(self.build(index).spawn(program));
    }

    fn build(&self, index: u8) -> NodeHandle {
        self.runtime.create_node().ip(address(index).ip()).build()
    }

    /// Runs until all clients are done, and drops everything. Messages delivered.
    pub fn run(self) -> u64 {
        self.runtime.block_on(async {
            for client in self.clients {
                client.await.expect("a client ends by itself");
            }
        });
        self.deliveries.total()
    }
}
