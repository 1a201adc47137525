//! What cannot be in a scenario of the queue: refused with the key, the reason and the mend.

use super::sections::{Section, Topology};
use crate::scenario::ScenarioError;
use rehearsal_model::queue::delay::MOVERS;
use rehearsal_model::queue::knobs::{Delivery, Knobs, OffsetsIn, Retry, StartAt};
use rehearsal_model::queue::operation::Operation;
use rehearsal_model::queue::plan::{ConsumerPlan, Sending, TopicPlan};
use rehearsal_model::queue::producers::REMEMBERED_BATCHES;
use rehearsal_model::queue::production::Acks;
use rehearsal_model::queue::replica::Flush;
use rehearsal_model::queue::topics::{KeyOrder, TopicState};
use rehearsal_sim::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The most partitions that a topic may have.
pub(super) const MOST_PARTITIONS: u32 = 64;
const MOST_BROKERS: u32 = 7;
const MOST_CLIENTS: u32 = 1_000;
/// Of batches, in 1,000.
const MOST_FLIPS: u32 = 100;
/// The longest that anything waits before it is done once more.
const LONGEST: Span = Span::seconds(5);
/// The largest message that a producer may try to send, in bytes.
const MOST_BYTES: u32 = 16 * 1_024 * 1_024;

impl Topology {
    /// Refuses what cannot be.
    pub(super) fn check(&self) -> Result<(), ScenarioError> {
        for (key, value, least, most) in [
            ("brokers", self.brokers, 1, MOST_BROKERS),
            ("factor", self.factor, 1, MOST_BROKERS),
            ("producers", self.producers, 1, MOST_CLIENTS),
            ("consumers", self.consumers, 0, MOST_CLIENTS),
        ] {
            if !(least..=most).contains(&value) {
                let key = format!("topology.{key}");
                let mend = format!("write {least} to {most}");
                return Err(ScenarioError::new(key, format!("{value} cannot be"), mend));
            }
        }
        if self.factor > self.brokers {
            let reason = format!("{} brokers cannot hold {} copies", self.brokers, self.factor);
            let mend = "let it be at most topology.brokers";
            return Err(ScenarioError::new("topology.factor", reason, mend));
        }
        Ok(())
    }
}

/// Refuses the section when it cannot be, by itself or with this topology.
pub(super) fn check(topology: &Topology, section: &Section) -> Result<(), ScenarioError> {
    check_spans(&section.knobs)?;
    check_knobs(&section.knobs, topology)?;
    check_topics(&section.topics)?;
    for (index, sending) in section.sendings.iter().enumerate() {
        check_sending(index, sending, topology, &section.topics)?;
    }
    check_consumers(topology, section)?;
    check_operations(topology, &section.operations)?;
    check_key_order(section)?;
    check_topic_operations(section)
}

fn check_operations(topology: &Topology, operations: &[Operation]) -> Result<(), ScenarioError> {
    let mut members: BTreeSet<u32> = (0..topology.brokers).collect();
    for operation in operations {
        if let Operation::AddBroker { broker, .. } = operation {
            members.remove(broker);
        }
    }
    let too_few = |members: &BTreeSet<u32>| members.len() < topology.factor as usize;
    if too_few(&members) {
        let reason = "without those that are added there are too few brokers for the copies";
        return refuse("operation", reason, "add fewer, or let topology.factor be smaller");
    }
    let mut in_order: Vec<(usize, &Operation)> = operations.iter().enumerate().collect();
    in_order.sort_by_key(|(_, operation)| operation.at());
    for (index, operation) in in_order {
        let key = format!("operation[{index}]");
        if let Operation::RestartBroker { at, broker, until, .. } = operation {
            check_restart(&key, *broker, (*at, *until), topology)?;
        }
        let (Operation::AddBroker { broker, .. } | Operation::RemoveBroker { broker, .. }) = operation else {
            continue;
        };
        if *broker >= topology.brokers {
            return refuse(&key, "there is no such broker", "name one below topology.brokers");
        }
        match operation {
            Operation::AddBroker { .. } => members.insert(*broker),
            _ => members.remove(broker),
        };
        if too_few(&members) {
            return refuse(
                &key,
                "it leaves too few brokers for the copies",
                "let topology.factor be smaller",
            );
        }
    }
    Ok(())
}

/// Whether a consumer may be asked for anything: one that owns what it reads, and does nothing in transactions.
pub(super) fn may_wish(consumer: &ConsumerPlan) -> bool {
    consumer.into.is_none() && consumer.loan.is_none()
}

/// Whether a consumer may be asked to go back, as far as the settings go: what it processes again must do no harm, and what
/// it has committed before must not have let anything begin.
pub(super) fn may_replay(knobs: &Knobs) -> bool {
    knobs.delivery == Delivery::AtLeastOnce && knobs.key_order == KeyOrder::Announced
}

/// Refuses what is asked of consumers that are not there, or cannot do it, or would not be done in the calm.
pub(super) fn check_wishes(section: &Section, storm: Span) -> Result<(), ScenarioError> {
    for (index, operation) in section.operations.iter().enumerate() {
        let Some(number) = operation.consumer() else { continue };
        let key = format!("operation[{index}]");
        let Some(consumer) = section.consumers.iter().find(|consumer| consumer.number == number) else {
            return refuse(&key, "there is no such consumer", "name a consumer of [[queue.consumer]]");
        };
        if !may_wish(consumer) {
            let reason = "it is a pipeline, or borrows what it reads";
            return refuse(&key, reason, "name a consumer without into and without loan");
        }
        let replays = matches!(operation, Operation::Replay { .. });
        if replays && !may_replay(&section.knobs) {
            let reason = "what is processed again is processed more than once, and after what came behind it";
            let mend =
                "write delivery = \"at-least-once\" and key_order = \"announced\", or let nobody go back";
            return refuse(&key, reason, mend);
        }
        if replays && section.sendings.iter().any(|sending| sending.fails > 0) {
            let reason = "what fails would be written on once more";
            return refuse(&key, reason, "let nothing fail, or let nobody go back");
        }
        if operation.at() > storm {
            return refuse(&key, "it comes in the calm, when all comes to rest", "let it come in the storm");
        }
        if matches!(operation, Operation::StopConsumer { away, .. } if *away > LONGEST) {
            return refuse(&key, "the calm would be over before it is back", "write at most \"5s\"");
        }
    }
    Ok(())
}

fn check_restart(
    key: &str,
    broker: u32,
    (at, until): (Span, Span),
    topology: &Topology,
) -> Result<(), ScenarioError> {
    if broker >= topology.brokers {
        return refuse(key, "there is no such broker", "name one below topology.brokers");
    }
    if until <= at {
        let reason = "the time for it is over before it comes";
        return refuse(key, reason, "let `until` be later than `at`");
    }
    Ok(())
}

/// Whether what else is set goes with the order of keys: what was acknowledged stays, in order, and a group commits what it
/// has processed.
pub(super) fn may_keep_key_order(knobs: &Knobs) -> bool {
    knobs.idempotent
        && knobs.flush == Flush::BeforeAck
        && !knobs.unclean_election
        && knobs.delivery != Delivery::AtMostOnce
        && (knobs.retention_age, knobs.retention_bytes) == (Span(0), 0)
}

fn check_key_order(section: &Section) -> Result<(), ScenarioError> {
    if section.knobs.key_order == KeyOrder::Announced {
        return Ok(());
    }
    if !may_keep_key_order(&section.knobs) {
        let reason =
            "no order is kept of what is lost, written twice, dropped unread or committed unprocessed";
        let mend = "write idempotent = true, flush = \"before-ack\", unclean_election = false, no retention and a delivery \
                    that is not at most once, or key_order = \"announced\"";
        return refuse("key_order", reason, mend);
    }
    if section.knobs.retry == Retry::Topic && section.sendings.iter().any(|sending| sending.fails > 0) {
        let reason = "what is tried again in a topic of its own is in no order";
        return refuse("key_order", reason, "write retry = \"park-key\", or key_order = \"announced\"");
    }
    let both = |sending: &Sending| sending.key.is_some() && sending.partition.is_some();
    if section.sendings.iter().any(both) {
        let reason = "what names its partition is in no order with what goes there by its key";
        return refuse("key_order", reason, "leave out key or partition, or write key_order = \"announced\"");
    }
    if section.operations.iter().any(|of| matches!(of, Operation::RetirePartition { .. })) {
        let reason = "the keys of a retired partition go to others that are read already";
        return refuse("key_order", reason, "write key_order = \"announced\", or retire nothing");
    }
    Ok(())
}

fn check_topic_operations(section: &Section) -> Result<(), ScenarioError> {
    let mut states: BTreeMap<u32, TopicState> =
        section.topics.iter().map(|topic| (topic.number, TopicState::first(topic.partitions))).collect();
    let mut in_order: Vec<(usize, &Operation)> = section.operations.iter().enumerate().collect();
    in_order.sort_by_key(|(_, operation)| operation.at());
    for (index, operation) in in_order {
        let Some(topic) = operation.topic() else { continue };
        let key = format!("operation[{index}]");
        let Some(state) = states.get_mut(&topic) else {
            return refuse(&key, "there is no such topic", "name a topic of [[queue.topic]]");
        };
        check_that_it_may_change(&key, topic, section)?;
        if section.knobs.start == StartAt::Latest {
            let reason = "what was written to a new partition before its group hears of it would be left out";
            return refuse(&key, reason, "write start = \"earliest\", or let the topic be");
        }
        match *operation {
            Operation::AddPartitions { partitions, .. } if partitions > MOST_PARTITIONS => {
                let reason = format!("{partitions} partitions cannot be");
                return refuse(&key, reason, &format!("write at most {MOST_PARTITIONS}"));
            }
            Operation::AddPartitions { partitions, .. } => {
                *state = state.with_partitions(partitions).unwrap_or_else(|| state.clone());
            }
            Operation::RetirePartition { number, .. } if !state.is_retired(number) => {
                match state.with_retired(number) {
                    Some(next) => *state = next,
                    None => {
                        let reason = "there is no such partition then, or no other is left to write to";
                        return refuse(&key, reason, "retire another, or add some before");
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_that_it_may_change(key: &str, topic: u32, section: &Section) -> Result<(), ScenarioError> {
    if section.knobs.acks == Acks::None {
        let reason = "producers that wait for no answer are not told that the topic has changed";
        return refuse(key, reason, "write acks = \"leader\" or \"all\"");
    }
    let pipes =
        |consumer: &&ConsumerPlan| consumer.into.is_some_and(|into| into == topic || consumer.topic == topic);
    if section.consumers.iter().any(|consumer| pipes(&consumer)) {
        return refuse(key, "a pipeline reads it or writes to it", "name another topic");
    }
    if section.consumers.iter().any(|consumer| consumer.topic == topic && consumer.loan.is_some()) {
        return refuse(key, "messages of it are lent", "name another topic, or leave out loan");
    }
    if section.sendings.iter().any(|sending| sending.topic == topic && sending.is_postponed()) {
        return refuse(
            key,
            "what is delayed has its place there already",
            "delay nothing, or name another topic",
        );
    }
    Ok(())
}

fn refuse<T>(key: &str, reason: impl Into<String>, mend: &str) -> Result<T, ScenarioError> {
    Err(ScenarioError::new(format!("queue.{key}"), reason, mend))
}

/// A span of 0 makes a loop spin, or ends what has not begun. And by the end of the calm all is judged that takes most of
/// these times, once or a few times over: longer ones would convict what is sound.
fn check_spans(knobs: &Knobs) -> Result<(), ScenarioError> {
    let settles = [
        ("backoff", knobs.backoff),
        ("lag", knobs.lag),
        ("fetch_wait", knobs.fetch_wait),
        ("flush_interval", knobs.flush_interval),
        ("broker_session", knobs.broker_session),
        ("member_session", knobs.member_session),
        ("rebalance", knobs.rebalance),
        ("heartbeat", knobs.heartbeat),
        ("commit_interval", knobs.commit_interval),
        ("resend", knobs.resend),
        ("silence", knobs.silence),
        ("transaction_timeout", knobs.transaction_timeout),
        ("retention_check", knobs.retention_check),
        ("retry_backoff", knobs.retry_backoff),
        ("buffer_wait", knobs.buffer_wait),
    ];
    for (key, span) in settles.into_iter().chain([("delivery_timeout", knobs.delivery_timeout)]) {
        if span == Span(0) {
            return refuse(key, "a span of 0 leaves no time", "write a span, as \"500ms\"");
        }
    }
    for (key, span) in settles.into_iter().chain([("processing", knobs.processing)]) {
        if span > LONGEST {
            return refuse(key, "the calm would be over before it is", "write at most \"5s\"");
        }
    }
    if knobs.heartbeat >= knobs.member_session {
        let reason = "nobody who says so seldom that he lives stays a member";
        return refuse("heartbeat", reason, "let it be a third of queue.member_session");
    }
    if knobs.rebalance <= knobs.heartbeat {
        let reason = "members learn by their heartbeats that they are to join again, and would come too late";
        return refuse("rebalance", reason, "let it be longer than queue.heartbeat");
    }
    Ok(())
}

fn check_knobs(knobs: &Knobs, topology: &Topology) -> Result<(), ScenarioError> {
    for (key, value) in [
        ("min_insync", knobs.min_insync),
        ("max_in_flight", knobs.max_in_flight),
        ("batch_records", knobs.batch_records),
        ("batch_bytes", knobs.batch_bytes),
        ("buffer_bytes", knobs.buffer_bytes),
        ("record_limit", knobs.record_limit),
        ("fetch_bytes", knobs.fetch_bytes),
        ("segment_bytes", knobs.segment_bytes),
        ("tries", knobs.tries),
        ("coordination_history", knobs.coordination_history),
        ("credit", knobs.credit),
    ] {
        if value == 0 {
            return refuse(key, "with 0 nothing is ever written or read", "write at least 1");
        }
    }
    if knobs.flips > MOST_FLIPS {
        let reason =
            format!("of {} damaged batches in 1,000 hardly an answer with fifty is whole", knobs.flips);
        return refuse("flips", reason, &format!("write at most {MOST_FLIPS}"));
    }
    if knobs.min_insync > topology.factor {
        let reason = format!("of {} copies there are never {} in sync", topology.factor, knobs.min_insync);
        return refuse("min_insync", reason, "let it be at most topology.factor");
    }
    if knobs.retry != Retry::None && knobs.delivery == Delivery::AtMostOnce {
        let reason = "what is committed before it is processed is not tried again elsewhere";
        return refuse("retry", reason, "write delivery = \"at-least-once\", or retry = \"none\"");
    }
    if knobs.idempotent && knobs.acks != Acks::All {
        let reason = "an idempotent producer needs acks = \"all\"";
        return refuse("idempotent", reason, "write acks = \"all\", or idempotent = false");
    }
    if knobs.delivery == Delivery::ExactlyOnce && knobs.archive {
        let reason = "the archive does not say which transactions were aborted";
        return refuse("archive", reason, "write archive = false, or another delivery");
    }
    if knobs.delivery == Delivery::ExactlyOnce && knobs.start == StartAt::Latest {
        let reason = "a pipeline that leaves out what was written before it has no whole output";
        return refuse("start", reason, "write start = \"earliest\", or another delivery");
    }
    if knobs.delivery == Delivery::ExactlyOnce && knobs.offsets == OffsetsIn::Coordination {
        let reason = "a transaction commits offsets by its marker, which is in the log where they are";
        let mend = "write offsets = \"internal-topic\", or another delivery";
        return refuse("offsets", reason, mend);
    }
    if knobs.delivery == Delivery::ExactlyOnce && !knobs.idempotent {
        let reason = "transactions need an idempotent producer";
        return refuse("delivery", reason, "write idempotent = true and acks = \"all\"");
    }
    if knobs.idempotent && knobs.max_in_flight as usize > REMEMBERED_BATCHES {
        let reason =
            format!("a leader remembers {REMEMBERED_BATCHES} batches of an idempotent producer, no more");
        return refuse("max_in_flight", reason, "write at most 5, or idempotent = false");
    }
    Ok(())
}

fn check_topics(topics: &[TopicPlan]) -> Result<(), ScenarioError> {
    for (index, topic) in topics.iter().enumerate() {
        let key = format!("topic[{index}]");
        if !(1..=MOST_PARTITIONS).contains(&topic.partitions) {
            let reason = format!("{} partitions cannot be", topic.partitions);
            return refuse(&key, reason, &format!("write 1 to {MOST_PARTITIONS}"));
        }
        if topics[..index].iter().any(|other| other.number == topic.number) {
            return refuse(&key, "this topic is listed twice", "give each topic a number of its own");
        }
    }
    Ok(())
}

fn check_sending(
    index: usize,
    sending: &Sending,
    topology: &Topology,
    topics: &[TopicPlan],
) -> Result<(), ScenarioError> {
    let key = format!("send[{index}]");
    if sending.producer >= topology.producers {
        return refuse(&key, "there is no such producer", "producers are 0 to topology.producers − 1");
    }
    if !is_there(sending.topic, topics) {
        return refuse(&key, "there is no such topic", "name a topic of [[queue.topic]]");
    }
    let partitions = topics.iter().find(|topic| topic.number == sending.topic).map(|topic| topic.partitions);
    if sending.partition.is_some_and(|number| partitions.is_some_and(|partitions| number >= partitions)) {
        let reason = "its topic has no such partition at first";
        return refuse(&key, reason, "name one below the topic's partitions, or none");
    }
    if sending.delay.is_some() && sending.appointment.is_some() {
        return refuse(&key, "a message is due after a delay or at an appointment", "leave one of them out");
    }
    if sending.bytes > MOST_BYTES {
        return refuse(&key, "no message can be so large", &format!("write at most {MOST_BYTES} bytes"));
    }
    Ok(())
}

fn check_consumers(topology: &Topology, section: &Section) -> Result<(), ScenarioError> {
    let Section { consumers, topics, .. } = section;
    for (index, consumer) in consumers.iter().enumerate() {
        let ConsumerPlan { number, group, topic, into, .. } = *consumer;
        let key = format!("consumer[{index}]");
        if number >= topology.consumers {
            return refuse(&key, "there is no such consumer", "consumers are 0 to topology.consumers − 1");
        }
        if consumers[..index].iter().any(|other| other.number == number) {
            return refuse(&key, "this consumer is listed twice", "list each consumer once");
        }
        if !is_there(topic, topics) || into.is_some_and(|into| !is_there(into, topics)) {
            return refuse(&key, "there is no such topic", "name a topic of [[queue.topic]]");
        }
        let same = |other: &&ConsumerPlan| other.group == consumer.group && other.tag != consumer.tag;
        if consumers[..index].iter().find(same).is_some() {
            let reason = "another member of its group wants another tag";
            return refuse(&key, reason, "let all members of a group want the same");
        }
        check_loan(&key, consumer, section)?;
        if consumers[..index].iter().any(|other| other.group == group && other.loan != consumer.loan) {
            let reason = "another member of its group borrows for another time, or not at all";
            return refuse(&key, reason, "let all members of a group have the same loan");
        }
        if into == Some(topic) {
            let reason = "it would read what it writes, for ever";
            return refuse(&key, reason, "let it write to another topic than it reads");
        }
        if into.is_some() && section.sendings.iter().any(|sending| Some(sending.topic) == into) {
            let reason = "producers send to the topic that it writes to";
            return refuse(&key, reason, "let it write to a topic of its own");
        }
        if group >= MOVERS {
            let reason = format!("groups from {MOVERS} on are the queue's own");
            return refuse(&key, reason, "write a smaller number");
        }
    }
    Ok(())
}

/// What is lent is processed at least once, and read from the log.
fn check_loan(key: &str, consumer: &ConsumerPlan, section: &Section) -> Result<(), ScenarioError> {
    let Knobs { delivery, archive, .. } = section.knobs;
    match consumer.loan {
        None => Ok(()),
        Some(Span(0)) => refuse(key, "a loan of 0 leaves no time", "write a span, as loan = \"1s\""),
        Some(_) if consumer.into.is_some() => {
            let reason = "a pipeline owns what it reads: nothing is lent to it";
            refuse(key, reason, "leave out loan or into")
        }
        Some(_) if delivery != Delivery::AtLeastOnce || archive => {
            let reason = "messages are lent at least once, and from the log alone";
            refuse(key, reason, "write delivery = \"at-least-once\" and archive = false, or leave out loan")
        }
        Some(_) => Ok(()),
    }
}

fn is_there(topic: u32, topics: &[TopicPlan]) -> bool {
    topics.iter().any(|plan| plan.number == topic)
}
