//! One state of the search: replicas with their logs, the controller's orders, and what is on its way.

use super::setup::Setup;
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::{Leader, PartitionState};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::replica::{
    EndAnswer, FetchAnswer, FetchRequest, Leadership, Lineage, Replica, Role, Settings,
};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A record in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// In whose time it was appended.
    pub epoch: LeaderEpoch,
    /// Which of all that were ever appended.
    pub record: u8,
}

/// One broker: the replica as it runs in one, and the log beside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// The log.
    pub log: Vec<Entry>,
    /// The core.
    pub replica: Replica,
    /// The epoch in which its present life was registered: all orders of earlier ones were for an earlier life.
    pub since: LeaderEpoch,
}

/// Something on its way.
///
/// A follower that waits for an answer does not change, so its question need not be here: it can be read off the follower
/// and reach its leader at any time. A leader's request for another set is remembered by the leader, and can reach the
/// controller at any time too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    /// A fetch to this leader, from a follower that has gone on since, to a new epoch or in a new life.
    Fetch(BrokerId, FetchRequest),
    /// The answer to a fetch, with at most one record.
    Fetched(FetchAnswer, Option<Entry>),
    /// The answer to where an epoch ends.
    End(EndAnswer),
}

/// One state. Its hash is that of what can still matter in it (`key.rs`), so that a search takes states for one that
/// differ in nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The brokers, by number.
    pub nodes: Vec<Arc<Node>>,
    /// The newest state of the partition in each epoch, as the controller has it: a broker may hear of any of them, and
    /// late. The last is the present one.
    pub orders: Arc<Vec<PartitionState>>,
    /// What is on its way, sorted.
    pub network: Vec<Message>,
    /// What was shown to a consumer or acknowledged, at its offset.
    pub promised: Arc<Vec<Entry>>,
    /// How many records were appended.
    pub appended: u8,
    /// How many changes of the set were begun.
    pub changes: u8,
    /// How many crashes there were.
    pub crashes: u8,
    pub(super) key: u64,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.key);
    }
}

impl Node {
    /// What it knows as a leader, if it believes to be one.
    pub fn leadership(&self) -> Option<&Leadership> {
        match self.replica.role() {
            Role::Leading(leadership) => Some(leadership),
            _ => None,
        }
    }

    /// Whether it believes to lead in this epoch.
    pub fn leads_in(&self, epoch: LeaderEpoch) -> bool {
        self.leadership().is_some_and(|leadership| leadership.epoch() == epoch)
    }

    fn new(broker: BrokerId, order: &PartitionState, settings: Settings) -> Node {
        let (life, empty) = (BrokerEpoch(0), Offset::ZERO..Offset::ZERO);
        let mut replica = Replica::recovered(broker, life, empty, Lineage::default(), Offset::ZERO);
        replica.ordered(order, life, settings);
        Node { log: Vec::new(), replica, since: LeaderEpoch(0) }
    }
}

impl State {
    /// The beginning: empty logs, everybody in sync, one leads, and all have been told. (Who has not been told does
    /// nothing, which can be had by waiting.)
    pub fn first(leader: BrokerId, setup: &Setup) -> State {
        let count = setup.bounds.replicas;
        let order =
            PartitionState::new(Brokers::first(count), Leader { broker: leader, life: BrokerEpoch(0) });
        let nodes = Brokers::first(count).iter();
        let mut state = State {
            nodes: nodes.map(|broker| Arc::new(Node::new(broker, &order, setup.settings))).collect(),
            orders: Arc::new(vec![order.clone()]),
            network: Vec::new(),
            promised: Arc::default(),
            appended: 0,
            changes: 0,
            crashes: 0,
            key: 0,
        };
        state.key = state.key(setup);
        state
    }

    /// The present state of the partition.
    pub fn present(&self) -> &PartitionState {
        self.orders.last().expect("there is an epoch")
    }

    /// The newest state of the partition in an epoch that was.
    pub fn order(&self, epoch: LeaderEpoch) -> &PartitionState {
        &self.orders[epoch.0 as usize]
    }

    /// The brokers with their numbers.
    pub fn brokers(&self) -> impl Iterator<Item = (BrokerId, &Node)> {
        self.nodes.iter().map(|node| (node.replica.life().0, &**node))
    }

    /// A broker.
    pub fn node(&self, broker: BrokerId) -> &Node {
        &self.nodes[usize::from(broker.0)]
    }

    /// A broker, to be changed.
    pub(super) fn node_mut(&mut self, broker: BrokerId) -> &mut Node {
        Arc::make_mut(&mut self.nodes[usize::from(broker.0)])
    }

    /// Adds a message, if it is not on its way already.
    pub(super) fn send(&mut self, message: Message) {
        if let Err(place) = self.network.binary_search(&message) {
            self.network.insert(place, message);
        }
    }

    /// The controller's new state of the present epoch.
    pub(super) fn change(&mut self, state: PartitionState) {
        *Arc::make_mut(&mut self.orders).last_mut().expect("there is an epoch") = state;
    }

    /// For which life of a broker the controller's order of an epoch was.
    pub fn addressed(&self, broker: BrokerId, epoch: LeaderEpoch) -> BrokerEpoch {
        let node = self.node(broker);
        let life = node.replica.life().1;
        if epoch >= node.since { life } else { BrokerEpoch(life.0 - 1) }
    }

    /// Whether this broker believes to lead in an epoch that is over.
    pub fn is_deposed(&self, broker: BrokerId) -> bool {
        self.node(broker).leadership().is_some_and(|leadership| leadership.epoch() < self.present().epoch)
    }
}
