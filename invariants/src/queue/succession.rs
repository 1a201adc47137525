//! The succession of leaders of each partition: what each had in its log when it began to lead, and has appended since.
//!
//! ```text
//!  epoch 1, broker-0:  a b c d e                 d and e left the succession with epoch 2:
//!  epoch 2, broker-1:  a b c ─ ─ f g             broker-1 had not fetched them
//! ```
//!
//! A follower cuts its log where a leader's log parts from it. So whoever cuts off, or loses from its disk, what every
//! leader since had, has had it and was not told to give it up.

use super::cluster::Cluster;
use super::copy::LogCopy;
use rehearsal_env::Stamp;
use rehearsal_model::queue::brokers::BrokerId;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::LeaderEpoch;
use rehearsal_model::queue::partition::Partition;
use std::collections::{BTreeMap, BTreeSet};

/// How a message left the succession: a broker began to lead without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Departure {
    /// Which broker.
    pub heir: BrokerId,
    /// In which epoch.
    pub epoch: LeaderEpoch,
    /// The number of the fact that says so.
    pub number: u64,
    /// Whether the heir was elected from outside of those who had everything.
    pub is_unclean: bool,
    /// The fact by which the heir gave the message up, which it had had, although no leader was without it.
    pub given_up: Option<u64>,
}

/// The succession in one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Succession {
    leader: Option<(BrokerId, LeaderEpoch)>,
    /// What the last of them has.
    has: BTreeSet<MessageId>,
    departures: BTreeMap<MessageId, Departure>,
    /// What any of them was without, that one before it had.
    parted: BTreeSet<MessageId>,
    /// What brokers have had, and by which fact they gave it up.
    given_up: BTreeMap<(BrokerId, MessageId), u64>,
}

impl Succession {
    /// Who began to lead last, and in which epoch.
    pub fn leader(&self) -> Option<(BrokerId, LeaderEpoch)> {
        self.leader
    }

    /// Whether the last leader had the message, when it began or since.
    pub fn has(&self, message: MessageId) -> bool {
        self.has.contains(&message)
    }

    /// How the message left the succession last, if it did.
    pub fn departure(&self, message: MessageId) -> Option<&Departure> {
        self.departures.get(&message)
    }

    fn led(&mut self, heir: BrokerId, epoch: LeaderEpoch, number: u64, is_unclean: bool, log: &LogCopy) {
        let lacks = |message: &MessageId| log.place_of(*message).is_none();
        if self.leader.is_some_and(|(_, newest)| newest > epoch) {
            // Who hears of its election when another leads already cuts its followers' logs all the same.
            self.parted.extend(self.has.iter().copied().filter(lacks));
            return;
        }
        for message in self.has.iter().copied().filter(lacks) {
            let given_up = self.given_up.get(&(heir, message)).copied();
            let given_up = given_up.filter(|_| !self.parted.contains(&message));
            let departure = Departure { heir, epoch, number, is_unclean, given_up };
            self.departures.insert(message, departure);
        }
        self.parted.extend(self.has.iter().copied().filter(lacks));
        self.leader = Some((heir, epoch));
        self.has = log.batches().iter().flat_map(|placed| placed.stretch.messages.iter().copied()).collect();
    }

    fn gave_up(&mut self, broker: BrokerId, log: &LogCopy, number: u64) {
        let cut = log.cut().iter().flat_map(|placed| &placed.stretch.messages);
        let gone = cut.filter(|message| log.place_of(**message).is_none());
        self.given_up.extend(gone.map(|message| ((broker, *message), number)));
    }
}

/// The successions of all partitions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Successions(BTreeMap<Partition, Succession>);

impl Successions {
    /// The succession in this partition, if anybody has led there.
    pub fn of(&self, partition: Partition) -> Option<&Succession> {
        self.0.get(&partition)
    }

    /// To be told of each fact after the cluster.
    pub fn witness(&mut self, stamp: &Stamp, fact: &Fact, cluster: &Cluster) {
        let (Fact::Led { partition, .. }
        | Fact::Appended { partition, .. }
        | Fact::Replicated { partition, .. }
        | Fact::Truncated { partition, .. }
        | Fact::Recovered { partition, .. }) = fact
        else {
            return;
        };
        let Some(broker) = cluster.broker(stamp.node) else { return };
        let Some(log) = cluster.copy(*partition, broker) else { return };
        let succession = self.0.entry(*partition).or_default();
        match fact {
            Fact::Led { epoch, .. } => {
                let is_unclean = cluster.unclean(*partition) == Some(*epoch);
                succession.led(broker, *epoch, stamp.number, is_unclean, log);
            }
            Fact::Appended { stretch, .. } | Fact::Replicated { stretch, .. } => {
                for message in &stretch.messages {
                    succession.given_up.remove(&(broker, *message));
                }
                if matches!(fact, Fact::Appended { .. }) && succession.leader == Some((broker, stretch.epoch))
                {
                    succession.has.extend(&stretch.messages);
                }
            }
            _ => succession.gave_up(broker, log, stamp.number),
        }
    }
}
