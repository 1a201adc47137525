//! Which of the nodes to ask: the leader, as far as is known.

use super::messages::Response;
use crate::session::Patience;
use rehearsal_env::{Env, NodeId};
use std::cell::Cell;
use std::time::Duration;

/// The nodes of the service, and the one that was of use last.
#[derive(Debug)]
pub(super) struct Servers {
    nodes: Vec<NodeId>,
    current: Cell<usize>,
}

/// One operation's way from node to node.
#[derive(Debug)]
pub(super) struct Search {
    since: rehearsal_env::Time,
    /// How many nodes in turn were of no use.
    in_vain: usize,
}

impl Servers {
    /// These, in the order in which they know each other.
    ///
    /// # Panics
    /// When there is none.
    pub fn new(nodes: &[NodeId]) -> Servers {
        assert!(!nodes.is_empty(), "a service is on some node");
        Servers { nodes: nodes.to_vec(), current: Cell::new(0) }
    }

    /// The one to ask.
    pub fn current(&self) -> NodeId {
        self.nodes[self.current.get()]
    }

    /// This one is silent, or its connection was lost: another may lead by now.
    pub fn leave(&self, node: NodeId) {
        if self.current() == node {
            self.current.set((self.current.get() + 1) % self.nodes.len());
        }
    }
}

impl Search {
    /// A new one.
    pub fn begin<E: Env>(env: &E) -> Search {
        Search { since: env.now(), in_vain: 0 }
    }

    /// The current node was silent. Whether it makes sense to go on: not when all were asked in vain, for longer than
    /// a silence lasts.
    pub fn is_silent<E: Env>(
        &mut self,
        env: &E,
        servers: &Servers,
        node: NodeId,
        patience: Patience,
    ) -> bool {
        servers.leave(node);
        self.in_vain += 1;
        let asked_all = self.in_vain >= servers.nodes.len();
        !(asked_all && env.now().since(self.since) >= patience.silence)
    }

    /// The node says that it does not lead, and perhaps who does. Whether it makes sense to go on; when nobody was
    /// named, after a pause, since somebody has yet to be elected.
    pub async fn is_refused<E: Env>(
        &mut self,
        env: &E,
        servers: &Servers,
        node: NodeId,
        leader: Option<u8>,
        patience: Patience,
    ) -> bool {
        let goes_on = self.is_silent(env, servers, node, patience);
        let leader = leader.map(usize::from).filter(|leader| *leader < servers.nodes.len());
        leader.into_iter().for_each(|leader| servers.current.set(leader));
        // What it says may be old, and two may name each other.
        if leader.is_none() || self.in_vain >= servers.nodes.len() {
            env.sleep(patience.resend.min(PAUSE)).await;
        }
        goes_on
    }
}

/// How long it is waited at most for an election.
const PAUSE: Duration = Duration::from_millis(100);

/// The leader that a refusal names; None when it is none.
pub(super) fn refusal(response: &Response) -> Option<Option<u8>> {
    match response {
        Response::NotLeader { leader } => Some(*leader),
        _ => None,
    }
}
