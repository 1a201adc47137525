//! The cluster: who leads and who is in sync, as the coordination service made it durable, and what each broker's
//! log holds, as the broker tells it.
//!
//! Most invariants read it. It is witness to each fact before all others are, and is the one place that knows a
//! repeat: a coordination service that restarts reports its last changes again, and what is reported twice has
//! happened once.
//!
//! ```text
//!  PartitionChanged v7 ──▶ state          Appended, Replicated ──▶ the broker's copy grows
//!  PartitionChanged v7 ──▶ a repeat       Truncated, Recovered ──▶ it is cut, or found as it is
//! ```

use super::copy::{End, LogCopy};
use super::rules::Rules;
use crate::Monitor;
use rehearsal_env::{NodeId, Stamp, Violation};
use rehearsal_model::coordination::{Happening, Revision};
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::{Leader, PartitionState};
use rehearsal_model::queue::facts::{Fact, OfRestarts, OfTopics};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::record::Verdict;
use rehearsal_model::queue::topics::TopicState;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The cluster as the invariants share it.
pub type SharedCluster = Rc<RefCell<Cluster>>;

/// A state of a partition and the number of the fact that told it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    /// The state.
    pub state: PartitionState,
    /// The number of the fact.
    pub number: u64,
}

/// An append of a message by a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Append {
    /// In which epoch.
    pub epoch: LeaderEpoch,
    /// Where.
    pub offset: Offset,
    /// The number of the fact.
    pub number: u64,
}

/// What is known of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PartitionBook {
    /// How it is.
    pub now: Option<Known>,
    /// How it was before that.
    pub before: Option<Known>,
    /// The leader of each epoch, and the number of the fact that named it.
    pub leaders: BTreeMap<LeaderEpoch, (Leader, u64)>,
    /// The last epoch whose leader was elected from outside of those who had everything.
    pub unclean: Option<LeaderEpoch>,
    /// The copies, by broker.
    pub copies: BTreeMap<BrokerId, LogCopy>,
    /// Who began to lead in the newest epoch, and the number of the fact that says so.
    pub led: Option<(BrokerId, LeaderEpoch, u64)>,
    /// Every append of each message, oldest first.
    pub appends: BTreeMap<MessageId, Vec<Append>>,
    /// Up to where retention has taken anything from any copy. What it took is counted, and nobody is to have it.
    pub taken: Offset,
}

impl PartitionBook {
    /// The leader of the newest epoch, if there is one.
    pub fn leader(&self) -> Option<BrokerId> {
        Some(self.now.as_ref()?.state.leader?.broker)
    }

    /// The newest epoch.
    pub fn epoch(&self) -> LeaderEpoch {
        self.now.as_ref().map_or(LeaderEpoch::default(), |known| known.state.epoch)
    }

    /// The log of the leader of the newest epoch.
    pub fn leaders_log(&self) -> Option<&LogCopy> {
        self.copies.get(&self.leader()?)
    }

    /// Those who have everything that was acknowledged: the set, and the eligible ones.
    pub fn complete_members(&self) -> Brokers {
        self.now.as_ref().map_or(Brokers::NONE, |known| known.state.in_sync.or(known.state.eligible))
    }

    /// Whether this broker leads in this epoch, and it is the newest.
    pub fn is_led_by(&self, broker: BrokerId, epoch: LeaderEpoch) -> bool {
        self.leader() == Some(broker) && self.epoch() == epoch
    }

    fn changed(&mut self, state: &PartitionState, number: u64) -> bool {
        if self.now.as_ref().is_some_and(|known| known.state.version >= state.version) {
            return false;
        }
        if let Some(leader) = state.leader {
            let clean = self.now.is_none() || self.complete_members().has(leader.broker);
            if self.leaders.insert(state.epoch, (leader, number)).is_none() && !clean {
                self.unclean = Some(state.epoch);
            }
        }
        self.before = self.now.replace(Known { state: state.clone(), number });
        true
    }
}

/// The cluster. It never objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cluster {
    rules: Rc<Rules>,
    partitions: BTreeMap<Partition, PartitionBook>,
    /// The topics that are not as they were at first.
    topics: BTreeMap<u32, TopicState>,
    brokers: BTreeMap<NodeId, BrokerId>,
    lives: BTreeMap<BrokerId, BrokerEpoch>,
    live: Brokers,
    /// The life of each broker that was asked last to stop in order.
    to_stop: BTreeMap<BrokerId, BrokerEpoch>,
    members: Brokers,
    repeat: bool,
    /// The newest change of the coordination service, and whether the last one it told of came before that.
    revision: Revision,
    is_late: bool,
    sent: BTreeSet<MessageId>,
    begun_anew: BTreeSet<u32>,
}

impl Cluster {
    /// A cluster of which nothing is known, to be shared.
    pub fn shared(rules: Rc<Rules>) -> SharedCluster {
        Rc::new(RefCell::new(Cluster::new(rules)))
    }

    /// A cluster of which nothing is known.
    pub fn new(rules: Rc<Rules>) -> Cluster {
        Cluster {
            members: rules.members,
            rules,
            partitions: BTreeMap::new(),
            topics: BTreeMap::new(),
            brokers: BTreeMap::new(),
            lives: BTreeMap::new(),
            live: Brokers::NONE,
            to_stop: BTreeMap::new(),
            repeat: false,
            revision: Revision(0),
            is_late: false,
            sent: BTreeSet::new(),
            begun_anew: BTreeSet::new(),
        }
    }

    /// What was promised.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether the fact at hand was reported before, so that it says nothing new.
    pub fn is_repeat(&self) -> bool {
        self.repeat
    }

    /// What is known of a partition.
    pub fn partition(&self, partition: Partition) -> Option<&PartitionBook> {
        self.partitions.get(&partition)
    }

    /// How a topic is, if it is not as it was at first.
    pub fn topic(&self, topic: u32) -> Option<&TopicState> {
        self.topics.get(&topic)
    }

    /// Whether a partition is retired and was found empty, so that nobody need read it.
    pub fn is_drained(&self, partition: Partition) -> bool {
        let Topic::Named(topic) = partition.topic else { return false };
        self.topic(topic).is_some_and(|state| state.is_drained(partition.number))
    }

    fn topic_changed(&mut self, topic: u32, state: &TopicState) -> bool {
        let age = |state: &TopicState| (state.version(), state.drained().count());
        let is_news = self.topic(topic).is_none_or(|known| age(known) < age(state));
        if is_news {
            self.topics.insert(topic, state.clone());
        }
        is_news
    }

    /// Which broker runs on a node.
    pub fn broker(&self, node: NodeId) -> Option<BrokerId> {
        self.brokers.get(&node).copied()
    }

    /// The brokers that are registered.
    pub fn live(&self) -> Brokers {
        self.live
    }

    /// The brokers that copies are placed on.
    pub fn members(&self) -> Brokers {
        self.members
    }

    /// Every partition of which anything is known.
    pub fn partitions(&self) -> impl Iterator<Item = (Partition, &PartitionBook)> {
        self.partitions.iter().map(|(partition, book)| (*partition, book))
    }

    /// Whether a leader is of the life that its broker lives.
    pub fn lives(&self, leader: Leader) -> bool {
        self.live.has(leader.broker) && self.lives.get(&leader.broker) == Some(&leader.life)
    }

    /// Whether a leader is asked to stop in order, in the life in which it leads.
    pub fn is_to_stop(&self, leader: Leader) -> bool {
        self.to_stop.get(&leader.broker) == Some(&leader.life)
    }

    /// A broker's copy of a partition.
    pub fn copy(&self, partition: Partition, broker: BrokerId) -> Option<&LogCopy> {
        self.partition(partition)?.copies.get(&broker)
    }

    /// The copy of the broker that reports the fact at hand.
    pub fn own_copy(&self, partition: Partition, node: NodeId) -> Option<&LogCopy> {
        self.copy(partition, self.broker(node)?)
    }

    /// The log of the leader of a partition's newest epoch.
    pub fn leaders_log(&self, partition: Partition) -> Option<&LogCopy> {
        self.partition(partition)?.leaders_log()
    }

    /// The last epoch of a partition whose leader was elected from outside of those who had everything, so that what
    /// was acknowledged before may be gone.
    pub fn unclean(&self, partition: Partition) -> Option<LeaderEpoch> {
        self.partition(partition)?.unclean
    }

    /// The message at an offset, as far as the leader's log is known, if this group is shown it: it has the tag that the
    /// group wants, and its transaction was not aborted.
    pub fn shown(&self, group: u32, partition: Partition, offset: Offset) -> Option<MessageId> {
        let log = self.leaders_log(partition)?;
        let message = log.message_at(offset).filter(|message| self.rules().wants(group, *message))?;
        let aborted = matches!(log.end_at(offset), End::Ended(Verdict::Abort, _));
        (!aborted).then_some(message)
    }

    /// Whether a producer crashed and has begun its messages anew, so that each may be written again.
    pub fn has_begun_anew(&self, producer: u32) -> bool {
        self.begun_anew.contains(&producer)
    }

    fn book(&mut self, partition: Partition) -> &mut PartitionBook {
        self.partitions.entry(partition).or_default()
    }

    fn own(&mut self, partition: Partition, node: NodeId) -> Option<&mut LogCopy> {
        let broker = self.broker(node)?;
        Some(self.book(partition).copies.entry(broker).or_default())
    }

    fn appended(&mut self, stamp: &Stamp, fact: &Fact) {
        let (Fact::Appended { partition, stretch } | Fact::Replicated { partition, stretch }) = fact else {
            return;
        };
        if let Some(copy) = self.own(*partition, stamp.node) {
            copy.append(stretch, stamp);
        }
        if let Fact::Appended { .. } = fact {
            let book = self.book(*partition);
            for (offset, message) in (stretch.base.0..).zip(&stretch.messages) {
                let append = Append { epoch: stretch.epoch, offset: Offset(offset), number: stamp.number };
                book.appends.entry(*message).or_default().push(append);
            }
        }
    }

    fn registered(&mut self, broker: BrokerId, life: BrokerEpoch) -> bool {
        let known = self.lives.get(&broker).copied();
        // A repeat counts here: the end of the life before it may have been repeated too.
        if known.is_none_or(|known| known <= life) {
            self.lives.insert(broker, life);
            self.live = self.live.with(broker);
        }
        known.is_none_or(|known| known < life)
    }
}

impl Cluster {
    /// What a change means for the queue is told right after it.
    fn coordination(&mut self, happening: &Happening) {
        if let Happening::Changed(change) = happening {
            self.is_late = change.revision < self.revision;
            self.revision = self.revision.max(change.revision);
        }
    }
}

impl Monitor<Fact> for SharedCluster {
    fn name(&self) -> &'static str {
        "cluster"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let cluster = &mut *self.borrow_mut();
        cluster.repeat = false;
        match fact {
            Fact::BrokerRegistered { broker, life } => cluster.repeat = !cluster.registered(*broker, *life),
            Fact::Coordination(happening) => cluster.coordination(happening),
            // A repeat may be older than the broker's new life.
            Fact::BrokerGone { .. } if cluster.is_late => {}
            Fact::BrokerGone { broker } => cluster.live = cluster.live.without(*broker),
            Fact::PartitionChanged { partition, state } => {
                cluster.repeat = !cluster.book(*partition).changed(state, stamp.number);
            }
            Fact::OfTopics(OfTopics::Changed { topic, state }) => {
                cluster.repeat = !cluster.topic_changed(*topic, state);
            }
            Fact::OfRestarts(OfRestarts::Asked { .. }) if cluster.is_late => {}
            Fact::OfRestarts(OfRestarts::Asked { broker, life }) => {
                cluster.to_stop.insert(*broker, *life);
            }
            Fact::MembersChanged { .. } if cluster.is_late => {}
            Fact::MembersChanged { members } => cluster.members = *members,
            Fact::Recovered { broker, partition, start, log, .. } => {
                cluster.brokers.insert(stamp.node, *broker);
                let book = cluster.book(*partition);
                book.copies.entry(*broker).or_default().recover(*start, log, stamp);
                // Whatever its successors say, a leader is one life of a broker.
                book.led = book.led.filter(|(leader, ..)| leader != broker);
            }
            Fact::Led { partition, epoch, .. } => {
                if let Some(broker) = cluster.broker(stamp.node) {
                    let book = cluster.book(*partition);
                    if book.led.is_none_or(|(_, led, _)| led <= *epoch) {
                        book.led = Some((broker, *epoch, stamp.number));
                    }
                }
            }
            Fact::Appended { .. } | Fact::Replicated { .. } => cluster.appended(stamp, fact),
            Fact::Truncated { partition, to, .. } => {
                if let Some(copy) = cluster.own(*partition, stamp.node) {
                    copy.truncate(*to);
                }
            }
            Fact::Dropped { partition, to, .. } => {
                if let Some(copy) = cluster.own(*partition, stamp.node) {
                    copy.drop_before(*to);
                }
                let book = cluster.book(*partition);
                book.taken = book.taken.max(*to);
            }
            Fact::BeganAnew { partition, at } => {
                if let Some(copy) = cluster.own(*partition, stamp.node) {
                    copy.begin_anew(*at);
                }
            }
            Fact::CopyDropped { partition, .. } => {
                if let Some(copy) = cluster.own(*partition, stamp.node) {
                    copy.begin_anew(Offset::ZERO);
                }
            }
            Fact::Persisted { partition, through } => {
                if let Some(copy) = cluster.own(*partition, stamp.node) {
                    copy.persist(*through);
                }
            }
            Fact::Sent { message, .. } if !cluster.sent.insert(*message) => {
                cluster.begun_anew.insert(message.producer);
            }
            _ => {}
        }
        Ok(())
    }
}
