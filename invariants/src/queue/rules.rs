//! What the queue has promised, as it was deployed.

use rehearsal_env::{Span, Time};
use rehearsal_model::queue::brokers::Brokers;
use rehearsal_model::queue::delay::MOVERS;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::knobs::{Delivery, Knobs, Retry, StartAt};
use rehearsal_model::queue::log::Retention;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::plan::Plan;
use rehearsal_model::queue::production::Acks;
use rehearsal_model::queue::replica::Flush;
use rehearsal_model::queue::tags::Tags;
use rehearsal_model::queue::topics::KeyOrder;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The settings and the layout that the invariants judge by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// How many brokers there are.
    pub brokers: u32,
    /// How many copies each partition has.
    pub factor: u32,
    /// The brokers that copies are placed on as long as nobody has asked for others.
    pub members: Brokers,
    /// How many replicas must be in sync for a message to be acknowledged by all.
    pub min_insync: u32,
    /// When a record counts as held by a broker.
    pub flush: Flush,
    /// When a message counts as written.
    pub acks: Acks,
    /// Whether a repeated batch is known again.
    pub idempotent: bool,
    /// How many batches of a partition a producer has under way at once.
    pub max_in_flight: u32,
    /// How messages are processed.
    pub delivery: Delivery,
    /// How old a transaction may become.
    pub transaction_timeout: Duration,
    /// Where a group begins that has committed nothing.
    pub start: StartAt,
    /// The messages that have tags, and which.
    pub tags: BTreeMap<MessageId, Tags>,
    /// The groups that want only messages with a tag, and which.
    pub wanted: BTreeMap<u32, u16>,
    /// What is read and written to another topic.
    pub pipes: BTreeSet<Pipe>,
    /// Whether a leader may be elected from outside of the in-sync set when nobody in it lives.
    pub unclean_election: bool,
    /// How much is kept of the partitions of which not all is.
    pub retention: BTreeMap<Partition, Retention>,
    /// Whether what retention drops is archived before.
    pub archive: bool,
    /// When the calm begins, in which everything comes to rest.
    pub calm_begins: Time,
    /// What becomes of a message whose processing fails.
    pub retry: Retry,
    /// How long it waits before it is tried again.
    pub retry_backoff: Span,
    /// The messages that have a key, and which.
    pub keys: BTreeMap<MessageId, u32>,
    /// The messages that go where their producer's own rule says.
    pub named: BTreeSet<MessageId>,
    /// What each group reads, that of the movers included.
    pub groups: BTreeMap<u32, BTreeSet<Topic>>,
    /// The groups to whose members messages are lent, and for how long.
    pub loans: BTreeMap<u32, Duration>,
    /// What is promised of a key whose partition changes.
    pub key_order: KeyOrder,
    /// Every partition that there is or will be, the queue's own included.
    pub partitions: BTreeSet<Partition>,
    /// Whether anything may go wrong in the world around, or an operator may ask for anything; nothing else is known of
    /// either.
    pub has_faults: bool,
}

/// A group that writes what comes of the messages of one topic to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pipe {
    /// Which group.
    pub group: u32,
    /// What it reads.
    pub from: Topic,
    /// What it writes to.
    pub into: Topic,
}

impl Rules {
    /// Those of a deployment, in a run whose calm begins at this time.
    pub fn of(plan: &Plan, calm_begins: Time) -> Rules {
        let Knobs { acks, flush, min_insync, unclean_election, idempotent, .. } = plan.knobs;
        let Knobs { max_in_flight, delivery, retry, retry_backoff, .. } = plan.knobs;
        let pipes = plan.consumers.iter().filter_map(|consumer| {
            let (from, into) = (Topic::Named(consumer.topic), Topic::Named(consumer.into?));
            Some(Pipe { group: consumer.group, from, into })
        });
        let tags = plan.messages().into_iter().map(|(message, sending)| (message, sending.tags));
        let tags = tags.filter(|(_, tags)| !tags.is_empty());
        let wanted = plan.consumers.iter().filter_map(|consumer| Some((consumer.group, consumer.tag?)));
        let mut groups: BTreeMap<u32, BTreeSet<Topic>> = BTreeMap::new();
        for consumer in &plan.consumers {
            groups.entry(consumer.group).or_default().insert(Topic::Named(consumer.topic));
        }
        if plan.tries_in_a_topic() {
            for group in plan.trying_groups() {
                groups.entry(group).or_default().insert(Topic::Retry(group));
            }
        }
        if plan.holds_back() {
            groups.insert(MOVERS, BTreeSet::from([Topic::Delayed]));
        }
        let keys = plan.messages().into_iter().filter_map(|(message, sending)| Some((message, sending.key?)));
        let named = plan.messages().into_iter().filter(|(_, sending)| sending.partition.is_some());
        let named = named.map(|(message, _)| message);
        let loans = plan.lending_groups().into_iter().map(|(group, loan)| (group, loan.duration()));
        Rules {
            brokers: plan.brokers,
            factor: plan.factor,
            members: plan.first_members(),
            min_insync,
            flush,
            acks,
            idempotent,
            max_in_flight,
            delivery,
            transaction_timeout: plan.knobs.transaction_timeout.duration(),
            start: plan.knobs.start,
            pipes: pipes.collect(),
            tags: tags.collect(),
            wanted: wanted.collect(),
            unclean_election,
            retention: plan.partitions().filter_map(|of| Some((of, plan.retention(of)?))).collect(),
            archive: plan.has_archive(),
            calm_begins,
            retry,
            retry_backoff,
            keys: keys.collect(),
            named: named.collect(),
            groups,
            loans: loans.collect(),
            key_order: plan.knobs.key_order,
            partitions: plan.partitions().collect(),
            has_faults: true,
        }
    }

    /// The same in a world in which nothing goes wrong, and in which nobody asks for other brokers or partitions.
    pub fn without_faults(self) -> Rules {
        Rules { has_faults: false, ..self }
    }

    /// Whether a group wants this message.
    pub fn wants(&self, group: u32, message: MessageId) -> bool {
        let has = |wanted: &u16| self.tags.get(&message).is_some_and(|tags| tags.has(*wanted));
        self.wanted.get(&group).is_none_or(has)
    }

    /// Whether messages are lent to this group: then nobody in it owns a partition, and it has no offsets.
    pub fn is_lent(&self, group: u32) -> bool {
        self.loans.contains_key(&group)
    }

    /// Whether pipelines write to this topic.
    pub fn is_written_by_pipes(&self, topic: Topic) -> bool {
        self.pipes.iter().any(|pipe| pipe.into == topic)
    }

    /// The groups that read this topic.
    pub fn readers(&self, topic: Topic) -> impl Iterator<Item = u32> + '_ {
        self.groups.iter().filter(move |(_, topics)| topics.contains(&topic)).map(|(group, _)| *group)
    }

    /// By which a group is done with a record, so that it may commit what is behind it: it has processed, moved or
    /// written on what stands there, or has tried it and sees to it that it is tried again elsewhere. Whether that is so
    /// is judged by `retried-or-dead`.
    pub fn done_with(&self, fact: &Fact) -> Option<(u32, Partition, Offset, MessageId)> {
        match *fact {
            Fact::Processed { group, partition, offset, message, .. } => {
                Some((group, partition, offset, message))
            }
            Fact::Failed { group, partition, offset, message, .. } if self.retry == Retry::Topic => {
                Some((group, partition, offset, message))
            }
            Fact::Forwarded { group, partition, offset, message, .. } => {
                Some((group, partition, offset, message))
            }
            Fact::Moved { partition, offset, message, .. } => Some((MOVERS, partition, offset, message)),
            _ => None,
        }
    }

    /// Whether a group begins where the log ends in this partition.
    pub fn begins_at_the_end(&self, partition: Partition) -> bool {
        self.start == StartAt::Latest && matches!(partition.topic, Topic::Named(_))
    }

    /// The partitions that a group reads.
    pub fn partitions_of(&self, group: u32) -> impl Iterator<Item = Partition> + '_ {
        let topics = self.groups.get(&group);
        let read = move |partition: &&Partition| topics.is_some_and(|read| read.contains(&partition.topic));
        self.partitions.iter().filter(read).copied()
    }
}
