//! What every world must do: the promises written on the traits, as plain async functions that panic when one
//! is broken.
//!
//! A world proves itself by giving each check a node of its own, and running its program there to the end:
//!
//! ```text
//!   for check in conformance::alone(fact)        start check.program as a client, alone
//!   for check in conformance::with_a_peer()      start check.peer on one node, check.program on another
//!   conformance::storage::{before_crash, after_crash}      one node, a power failure between the two
//! ```
//!
//! Nothing here relies on exact time, and no sleep is longer than 50 ms, so that a world of real time passes as
//! well. What a check waits for at most is 10 s: when that runs out, the promise is broken. The links are
//! expected to be quick (under 20 ms) but may lose and double.

pub mod clock;
pub mod network;
pub mod observer;
pub mod random;
pub mod spawner;
pub mod storage;
mod together;

use crate::{Env, NodeId};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// How long a check waits for what must come.
const AT_MOST: Duration = Duration::from_secs(10);

/// What a check runs on a node.
type Running = Pin<Box<dyn Future<Output = ()>>>;
/// A program as the lists hold it.
type Program<E> = Box<dyn Fn(E) -> Running + Send>;

/// A check that one node makes alone.
pub struct Check<E> {
    /// Its path under this module, as `clock::no_sleep_ends_early`.
    pub name: &'static str,
    /// Returns when every promise held, and panics when one was broken.
    pub program: Program<E>,
}

/// A check that needs a second node.
pub struct PeerCheck<E> {
    /// Its path under this module.
    pub name: &'static str,
    /// What the second node runs; it never returns.
    pub peer: Program<E>,
    /// Told of the second node; returns when every promise held, and panics when one was broken.
    pub program: Box<dyn Fn(E, NodeId) -> Running + Send>,
}

fn check<E, T>(name: &'static str, program: impl Fn(E) -> T + Send + 'static) -> Check<E>
where
    T: Future<Output = ()> + 'static,
{
    Check { name, program: Box::new(move |env| Box::pin(program(env))) }
}

fn peer_check<E, T, U>(
    name: &'static str,
    peer: impl Fn(E) -> T + Send + 'static,
    program: impl Fn(E, NodeId) -> U + Send + 'static,
) -> PeerCheck<E>
where
    T: Future<Output = ()> + 'static,
    U: Future<Output = ()> + 'static,
{
    PeerCheck {
        name,
        peer: Box::new(move |env| Box::pin(peer(env))),
        program: Box::new(move |env, peer| Box::pin(program(env, peer))),
    }
}

/// Every check that one node makes alone; `fact` is any fact of the system.
pub fn alone<E: Env>(fact: E::Fact) -> Vec<Check<E>>
where
    E::Fact: Send,
{
    let mut checks = clock::checks();
    checks.extend(network::checks());
    checks.extend(spawner::checks());
    checks.extend(random::checks());
    checks.extend(storage::checks());
    checks.extend(observer::checks(fact));
    checks
}

/// Every check that needs a second node.
pub fn with_a_peer<E: Env>() -> Vec<PeerCheck<E>> {
    let mut checks = network::peer_checks();
    checks.extend(random::peer_checks());
    checks
}
