//! Datagrams between nodes, typed by protocol.

use crate::NodeId;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;
use std::future::Future;
use std::hash::Hash;

/// What can travel: plain data. The seeded world moves it, a real one serializes it.
pub trait Message: Clone + Debug + Hash + Serialize + DeserializeOwned + 'static {}

impl<M> Message for M where M: Clone + Debug + Hash + Serialize + DeserializeOwned + 'static {}

/// A message that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Received<M> {
    /// Who sent it.
    pub from: NodeId,
    /// What was sent.
    pub message: M,
}

/// A node's end of the network.
///
/// The network is unreliable: a message may be lost, late, doubled or overtaken by a later one. Only
/// what a node sends to itself always arrives, once and in order. What arrives before the receiver
/// has bound its port, or while it is down, is lost.
pub trait Network {
    /// A bound port for messages of type `M`.
    type Port<M: Message>: Port<M>;

    /// This node.
    fn id(&self) -> NodeId;

    /// Opens the port for messages of type `M`; every node has at most one per type.
    ///
    /// # Panics
    /// When this incarnation has bound `M` already: two readers of one port are a mistake.
    fn bind<M: Message>(&self) -> Self::Port<M>;
}

/// The open end of one protocol. Dropping it unbinds: what arrives afterwards is lost.
pub trait Port<M: Message>: 'static {
    /// Hands `message` to the network. Never waits and never fails visibly: whether it arrives only
    /// an answer can tell.
    fn send(&self, to: NodeId, message: M);

    /// The next message, in the order of arrival. Cancel-safe: a dropped future took nothing.
    fn recv(&self) -> impl Future<Output = Received<M>>;
}
