//! Which nodes there are, and which program each runs.

use crate::{Env, NodeId};
use std::future::Future;

/// A place where nodes are started: the seeded world, or a set of real machines. A system's
/// `deploy` function is written against it once.
pub trait Cluster {
    /// The handle that the programs get.
    type Env: Env;

    /// The id that the node of this name has or will have, so that programs can be told of each
    /// other before they start.
    fn node(&mut self, name: &str) -> NodeId;

    /// Starts `program` on the node `name`: called now, and again with a fresh handle after every
    /// crash, knowing nothing but what [`Storage`](crate::Storage) tells it. A program that returns
    /// has exited and is restarted likewise.
    ///
    /// # Panics
    /// When the node has a program already.
    fn start<P, F>(&mut self, name: &str, program: P) -> NodeId
    where
        P: Fn(Self::Env) -> F + Send + 'static,
        F: Future<Output = ()> + 'static;

    /// Starts a client on the node `name`: its program runs once, and when it returns the client is
    /// done and its node is down for good.
    ///
    /// # Panics
    /// When the node has a program already.
    fn start_client<P, F>(&mut self, name: &str, program: P) -> NodeId
    where
        P: Fn(Self::Env) -> F + Send + 'static,
        F: Future<Output = ()> + 'static;
}
