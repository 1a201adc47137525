//! Who runs what.

use super::client::{Work, work};
use super::defects::Defects;
use super::facts::CounterFact;
use super::server::serve;
use rehearsal_env::{Cluster, Env};

/// The server's name.
pub const SERVER: &str = "server";

/// The name of a client, by its number.
pub fn client_name(client: u32) -> String {
    format!("client-{client}")
}

/// Starts the server and so many clients.
pub fn deploy<C>(cluster: &mut C, clients: u32, work_of_each: Work, defects: Defects)
where
    C: Cluster<Env: Env<Fact = CounterFact>>,
{
    let server = cluster.start(SERVER, move |env| serve(env, defects));
    for client in 0..clients {
        cluster.start_client(&client_name(client), move |env| work(env, server, client, work_of_each));
    }
}
