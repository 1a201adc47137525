//! What a deployment of the queue is started with.

use super::defects::Defects;
use super::knobs::{Delivery, Knobs};
use super::log::Retention;
use super::partition::{Partition, Topic};
use super::reading::Terms;
use super::replica::Settings;
use super::transactions::TransactionalId;
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
    /// What consumers may choose it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<u16>,
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
    /// To which topic it writes what comes of each message, if to any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<u32>,
    /// It wants only messages with this tag, if one is named; all members of a group want the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<u16>,
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
/// How many partitions the transactions topic has.
const TRANSACTIONS_PARTITIONS: u32 = 2;

impl Plan {
    /// Every partition; of the queue's own those that a group needs.
    pub fn partitions(&self) -> impl Iterator<Item = Partition> + '_ {
        let named = self.topics.iter().flat_map(|topic| {
            let of_topic = Topic::Named(topic.number);
            (0..topic.partitions).map(move |number| Partition { topic: of_topic, number })
        });
        let offsets: BTreeSet<Partition> =
            self.consumers.iter().map(|consumer| Plan::offsets_partition(consumer.group)).collect();
        named.chain(offsets).chain(self.transactions_partitions())
    }

    fn transactions_partitions(&self) -> BTreeSet<Partition> {
        let ids = self.consumers.iter().filter_map(|consumer| self.transactional_id(consumer));
        ids.map(Plan::transactions_partition).collect()
    }

    /// What a producer sends, in the order of time: the first is its message 0.
    pub fn sendings_of(&self, producer: u32) -> Vec<Sending> {
        let mut sendings: Vec<Sending> =
            self.sendings.iter().filter(|sending| sending.producer == producer).copied().collect();
        sendings.sort_by_key(|sending| sending.at);
        sendings
    }

    /// What a consumer wants of the partitions that it reads.
    pub fn terms(&self, consumer: &ConsumerPlan) -> Terms {
        Terms { isolation: self.knobs.isolation(), tag: consumer.tag, of: self.knobs.read_from }
    }

    /// The name under which a consumer does transactions, if it does any: its number, so that its next life fences this
    /// one.
    pub fn transactional_id(&self, consumer: &ConsumerPlan) -> Option<TransactionalId> {
        let does = self.knobs.delivery == Delivery::ExactlyOnce && consumer.into.is_some();
        does.then_some(TransactionalId(u64::from(consumer.number)))
    }

    /// How many partitions a topic has; none that is not there.
    pub fn partitions_of(&self, topic: Topic) -> u32 {
        match topic {
            Topic::Named(number) => {
                self.topics.iter().find(|plan| plan.number == number).map_or(0, |plan| plan.partitions)
            }
            Topic::Offsets => OFFSETS_PARTITIONS,
            Topic::Transactions => TRANSACTIONS_PARTITIONS,
            Topic::Delayed => 0,
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

    /// The partition that the coordinator of a transactional id leads.
    pub fn transactions_partition(id: TransactionalId) -> Partition {
        let number = (id.0 % u64::from(TRANSACTIONS_PARTITIONS)) as u32;
        Partition { topic: Topic::Transactions, number }
    }

    /// How much of a partition is kept, if not all. What is the queue's own is never dropped.
    pub fn retention(&self, partition: Partition) -> Option<Retention> {
        let Knobs { retention_age, retention_bytes, .. } = self.knobs;
        let age_micros = (retention_age > Span(0)).then_some((retention_age.0 / 1_000) as i64);
        let bytes = (retention_bytes > 0).then_some(u64::from(retention_bytes));
        let is_limited = age_micros.is_some() || bytes.is_some();
        let is_named = matches!(partition.topic, Topic::Named(_));
        (is_limited && is_named).then_some(Retention { age_micros, bytes })
    }

    /// Whether there is an archive: only where anything is ever dropped.
    pub fn has_archive(&self) -> bool {
        self.knobs.archive && self.partitions().any(|partition| self.retention(partition).is_some())
    }

    /// What the replicas go by.
    pub fn settings(&self) -> Settings {
        let Knobs { flush, min_insync, .. } = self.knobs;
        Settings { flush, min_insync: min_insync as usize, defects: self.defects }
    }
}
