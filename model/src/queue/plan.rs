//! What a deployment of the queue is started with.

use super::defects::Defects;
use super::knobs::{CoordinationMode, Knobs};
use super::partition::{Partition, Topic};
use super::replica::Settings;
use crate::session::Patience;
use rehearsal_env::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A topic that producers write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicPlan {
    /// Its number.
    pub number: u32,
    /// How many partitions it has.
    pub partitions: u32,
}

/// A message that a producer will send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    /// Which producer, from 0.
    pub producer: u32,
    /// When, counted from the start of the run.
    pub at: Span,
    /// To which topic.
    pub topic: u32,
    /// Its key, which decides the partition.
    pub key: u32,
    /// How many bytes its value has.
    pub bytes: u32,
}

/// A consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerPlan {
    /// Which, from 0.
    pub number: u32,
    /// In which group, from 0.
    pub group: u32,
    /// What it reads.
    pub topic: u32,
}

/// A whole deployment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// How many brokers there are.
    pub brokers: u32,
    /// How many copies each partition has.
    pub factor: u32,
    /// The settings.
    pub knobs: Knobs,
    /// The topics.
    pub topics: Vec<TopicPlan>,
    /// What is sent.
    pub sendings: Vec<Sending>,
    /// Who reads.
    pub consumers: Vec<ConsumerPlan>,
    /// Known bugs.
    pub defects: Defects,
}

/// How many partitions the offsets topic has.
const OFFSETS_PARTITIONS: u32 = 2;

impl Plan {
    /// Every partition; of the queue's own those that a group needs.
    pub fn partitions(&self) -> impl Iterator<Item = Partition> + '_ {
        let named = self.topics.iter().flat_map(|topic| {
            let of_topic = Topic::Named(topic.number);
            (0..topic.partitions).map(move |number| Partition { topic: of_topic, number })
        });
        let offsets: BTreeSet<Partition> =
            self.consumers.iter().map(|consumer| Plan::offsets_partition(consumer.group)).collect();
        named.chain(offsets)
    }

    /// How many partitions a topic has; none that is not there.
    pub fn partitions_of(&self, topic: Topic) -> u32 {
        match topic {
            Topic::Named(number) => {
                self.topics.iter().find(|plan| plan.number == number).map_or(0, |plan| plan.partitions)
            }
            Topic::Offsets => OFFSETS_PARTITIONS,
            Topic::Transactions | Topic::Delayed => 0,
        }
    }

    /// Where messages with this key go.
    ///
    /// # Panics
    /// When the topic has no partition.
    pub fn partition_of(&self, topic: u32, key: u32) -> Partition {
        let topic = Topic::Named(topic);
        let spread = crc32fast::hash(&key.to_le_bytes());
        Partition { topic, number: spread % self.partitions_of(topic) }
    }

    /// The partition that a group's coordinator leads.
    pub fn offsets_partition(group: u32) -> Partition {
        Partition { topic: Topic::Offsets, number: group % OFFSETS_PARTITIONS }
    }

    /// How long brokers wait for a node of the coordination service. Where there are others, it pays to ask them soon,
    /// or a session is over before its broker has found the new leader.
    pub fn patience_with_coordination(&self) -> Patience {
        let Knobs { resend, silence, broker_session, coordination, .. } = self.knobs;
        let (resend, silence) = (resend.duration(), silence.duration());
        match coordination {
            CoordinationMode::OneDurableNode => Patience { resend, silence },
            CoordinationMode::Consensus => {
                let silence = silence.min(broker_session.duration() / 3);
                Patience { resend: resend.min(silence / 3), silence }
            }
        }
    }

    /// What the replicas go by.
    pub fn settings(&self) -> Settings {
        let Knobs { flush, min_insync, .. } = self.knobs;
        Settings { flush, min_insync: min_insync as usize, defects: self.defects }
    }
}
