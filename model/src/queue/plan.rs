//! What a deployment of the queue is started with.

use super::brokers::{BrokerId, Brokers};
use super::defects::Defects;
use super::delay::{Due, MOVERS};
use super::knobs::{CoordinationMode, Delivery, Knobs, Retry};
use super::log::Retention;
use super::message::MessageId;
use super::operation::Operation;
use super::partition::{Partition, Topic};
use super::reading::Terms;
use super::replica::Settings;
use super::tags::Tags;
use super::topics::TopicState;
use super::transactions::TransactionalId;
use crate::session::Patience;
use rehearsal_env::{Span, Time, WallTime};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    /// Which producer, from 0.
    pub producer: u32,
    /// When, counted from the start of the run.
    pub at: Span,
    /// To which topic.
    pub topic: u32,
    /// Its key, which decides the partition; without one it goes anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<u32>,
    /// If given, its producer has a rule of its own, by which it goes to this partition, whatever its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// How many bytes its value has.
    pub bytes: u32,
    /// What consumers may choose it by.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// If given, nobody is to see it before so long after it was written.
    pub delay: Option<Span>,
    /// If given, nobody is to see it before the wall clock shows this, counted from the start of the run. Not beside a
    /// delay.
    pub appointment: Option<Span>,
    /// How many of the first tries to process it fail.
    #[serde(default)]
    pub fails: u32,
}

impl Sending {
    /// When it is due, if nobody is to see it at once, for a producer whose clocks show this.
    pub fn due(&self, now: Time, wall: WallTime) -> Option<Due> {
        let appointed = |at: Span| {
            let micros = |nanos: u64| i64::try_from(nanos / 1_000).unwrap_or(i64::MAX);
            Due::At(WallTime((wall.micros() - micros(now.nanos())).saturating_add(micros(at.0))))
        };
        self.delay.map(Due::After).or(self.appointment.map(appointed))
    }

    /// Whether nobody is to see it at once.
    pub fn is_postponed(&self) -> bool {
        self.delay.is_some() || self.appointment.is_some()
    }
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
    /// Point-to-point: if given, it owns no partitions, but borrows one message after the other, each for so long. All
    /// members of a group do, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loan: Option<Span>,
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
    /// What is asked for while it runs.
    pub operations: Vec<Operation>,
    /// Known bugs.
    pub defects: Defects,
}

/// How many partitions the offsets topic has.
const OFFSETS_PARTITIONS: u32 = 2;
/// How many partitions the transactions topic has.
const TRANSACTIONS_PARTITIONS: u32 = 2;
/// How many partitions the delayed topic has.
const DELAYED_PARTITIONS: u32 = 2;
/// How many partitions the loans topic has.
const LOANS_PARTITIONS: u32 = 2;

impl Plan {
    /// Every partition that there is or will be; of the queue's own those that a group needs.
    pub fn partitions(&self) -> impl Iterator<Item = Partition> + '_ {
        let named = self.topics.iter().flat_map(|topic| {
            let of_topic = Topic::Named(topic.number);
            (0..self.most_partitions(topic)).map(move |number| Partition { topic: of_topic, number })
        });
        let movers = self.holds_back().then_some(MOVERS);
        let lending = self.lending_groups();
        let seated = self.groups().into_iter().filter(|group| !lending.contains_key(group));
        let offsets: BTreeSet<Partition> = seated.chain(movers).map(Plan::offsets_partition).collect();
        let loans: BTreeSet<Partition> = lending.keys().copied().map(Plan::loans_partition).collect();
        named.chain(offsets).chain(self.kept_aside()).chain(self.transactions_partitions()).chain(loans)
    }

    fn transactions_partitions(&self) -> BTreeSet<Partition> {
        let ids = self.consumers.iter().filter_map(|consumer| self.transactional_id(consumer));
        ids.map(Plan::transactions_partition).collect()
    }

    /// How many partitions a topic has in the end.
    fn most_partitions(&self, topic: &TopicPlan) -> u32 {
        let added = self.operations.iter().filter_map(|operation| match operation {
            Operation::AddPartitions { topic: of, partitions, .. } if *of == topic.number => {
                Some(*partitions)
            }
            _ => None,
        });
        added.fold(topic.partitions, u32::max)
    }

    /// What is asked of the operator, who asks it of the brokers.
    pub fn asked_of_brokers(&self) -> Vec<Operation> {
        self.operations.iter().filter(|operation| operation.consumer().is_none()).copied().collect()
    }

    /// What is asked of this consumer, in the order of time.
    pub fn wishes_of(&self, consumer: u32) -> Vec<Operation> {
        let of_it = self.operations.iter().filter(|operation| operation.consumer() == Some(consumer));
        let mut wishes: Vec<Operation> = of_it.copied().collect();
        wishes.sort_by_key(Operation::at);
        wishes
    }

    /// The topics whose partitions change while it runs.
    pub fn changing_topics(&self) -> BTreeSet<u32> {
        self.operations.iter().filter_map(Operation::topic).collect()
    }

    /// Whether the partitions of this topic change while it runs.
    pub fn changes(&self, topic: Topic) -> bool {
        matches!(topic, Topic::Named(number) if self.operations.iter().any(|of| of.topic() == Some(number)))
    }

    /// The brokers that copies are placed on before anything was asked for: all but those that are added later.
    pub fn first_members(&self) -> Brokers {
        let added = self.operations.iter().filter_map(|operation| match operation {
            Operation::AddBroker { broker, .. } => Some(BrokerId::numbered(*broker)),
            _ => None,
        });
        (0..self.brokers).map(BrokerId::numbered).collect::<Brokers>().minus(added.collect())
    }

    /// How a topic is before anything was asked for.
    pub fn first_state(&self, topic: u32) -> TopicState {
        TopicState::first(self.partitions_of(Topic::Named(topic)))
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

    /// The partitions of delayed messages, of those that are tried again, and of dead letters, as far as there are any.
    fn kept_aside(&self) -> Vec<Partition> {
        let held = if self.holds_back() { DELAYED_PARTITIONS } else { 0 };
        let mut aside: Vec<Partition> =
            (0..held).map(|number| Partition { topic: Topic::Delayed, number }).collect();
        for group in self.trying_groups() {
            aside.extend(self.tries_in_a_topic().then(|| Plan::retry_partition(group)));
            aside.extend(self.gives_up().then(|| Plan::dead_partition(group)));
        }
        aside
    }

    /// The groups of consumers.
    pub fn groups(&self) -> BTreeSet<u32> {
        self.consumers.iter().map(|consumer| consumer.group).collect()
    }

    /// The groups whose messages are lent, and for how long.
    pub fn lending_groups(&self) -> BTreeMap<u32, Span> {
        self.consumers.iter().filter_map(|consumer| Some((consumer.group, consumer.loan?))).collect()
    }

    /// The groups that see to it that a message that fails is tried again. What a pipeline does never fails, and what a
    /// borrower fails at it gives back.
    pub fn trying_groups(&self) -> BTreeSet<u32> {
        let trying =
            self.consumers.iter().filter(|consumer| consumer.into.is_none() && consumer.loan.is_none());
        trying.map(|consumer| consumer.group).collect()
    }

    /// Whether anything is delayed, so that there are movers.
    pub fn holds_back(&self) -> bool {
        self.sendings.iter().any(Sending::is_postponed) || self.tries_in_a_topic()
    }

    /// Whether anything fails that is tried again in a topic of its own.
    pub fn tries_in_a_topic(&self) -> bool {
        self.gives_up() && self.knobs.retry == Retry::Topic
    }

    /// Whether anything fails that may become a dead letter.
    pub fn gives_up(&self) -> bool {
        self.knobs.retry != Retry::None && self.sendings.iter().any(|sending| sending.fails > 0)
    }

    /// Every message: how its producer numbers it, and how it is sent.
    pub fn messages(&self) -> Vec<(MessageId, Sending)> {
        let mut sendings = self.sendings.clone();
        sendings.sort_by_key(|sending| sending.at);
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        let numbered = sendings.into_iter().map(|sending| {
            let count = counts.entry(sending.producer).or_default();
            let message = MessageId { producer: sending.producer, number: *count };
            *count += 1;
            (message, sending)
        });
        numbered.collect()
    }

    /// The messages that fail, and how many of the first tries do.
    pub fn failing(&self) -> BTreeMap<MessageId, u32> {
        let failing = self.messages().into_iter().filter(|(_, sending)| sending.fails > 0);
        failing.map(|(message, sending)| (message, sending.fails)).collect()
    }

    /// The topics that a group can read, and how many partitions each has at first.
    pub fn readable(&self) -> BTreeMap<Topic, u32> {
        let topics = self.partitions().map(|partition| partition.topic);
        topics
            .filter(|topic| !matches!(topic, Topic::Offsets | Topic::Loans))
            .map(|topic| (topic, self.partitions_of(topic)))
            .collect()
    }

    /// How many partitions a topic has at first; none that is not there.
    pub fn partitions_of(&self, topic: Topic) -> u32 {
        match topic {
            Topic::Named(number) => {
                self.topics.iter().find(|plan| plan.number == number).map_or(0, |plan| plan.partitions)
            }
            Topic::Offsets => OFFSETS_PARTITIONS,
            Topic::Transactions => TRANSACTIONS_PARTITIONS,
            Topic::Delayed => DELAYED_PARTITIONS,
            Topic::Loans => LOANS_PARTITIONS,
            Topic::Retry(_) | Topic::Dead(_) => 1,
        }
    }

    /// Where messages with this key go at first, if they name no other place.
    ///
    /// # Panics
    /// When the topic has no partition.
    pub fn partition_of(&self, topic: u32, key: u32) -> Partition {
        let number = self.first_state(topic).route(&key.to_le_bytes(), self.knobs.key_order);
        Partition { topic: Topic::Named(topic), number }
    }

    /// The partition that a group's coordinator leads.
    pub fn offsets_partition(group: u32) -> Partition {
        Partition { topic: Topic::Offsets, number: group % OFFSETS_PARTITIONS }
    }

    /// The partition that a group's lender leads.
    pub fn loans_partition(group: u32) -> Partition {
        Partition { topic: Topic::Loans, number: group % LOANS_PARTITIONS }
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

    /// Where a message waits that is to be moved to this partition.
    pub fn delayed_partition(target: Partition) -> Partition {
        Partition { topic: Topic::Delayed, number: target.number % DELAYED_PARTITIONS }
    }

    /// What a group is to try again.
    pub fn retry_partition(group: u32) -> Partition {
        Partition { topic: Topic::Retry(group), number: 0 }
    }

    /// What a group has given up.
    pub fn dead_partition(group: u32) -> Partition {
        Partition { topic: Topic::Dead(group), number: 0 }
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
