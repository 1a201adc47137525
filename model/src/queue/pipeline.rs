//! A consumer that writes what comes of each message to another topic: here, the message itself.

use super::client::{
    AtRandom, ByKey, Client, Handler, Membership, Partitioner, Place, Seat, Sender, Transactional,
    Transactor, Transform, Worker, usual,
};
use super::facts::Fact;
use super::group::CommitRule;
use super::knobs::Delivery;
use super::message::MessageId;
use super::partition::{Partition, Topic};
use super::plan::{ConsumerPlan, Plan};
use super::production::Fate;
use super::record::Record;
use super::{consumer, producer};
use rehearsal_env::{Env, NodeId};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// Runs a pipeline on this node, for ever.
///
/// # Panics
/// When the plan has it write to no topic.
pub async fn pipe<E: Env<Fact = Fact>>(
    env: E,
    plan: Arc<Plan>,
    brokers: Vec<NodeId>,
    blobs: Option<NodeId>,
    consumer: ConsumerPlan,
) {
    let into = consumer.into.expect("a pipeline writes to a topic");
    let client = Client::bind_with_archive(&env, brokers, blobs, &plan.knobs);
    let (topics, group) = ([Topic::Named(consumer.topic)], consumer.group);
    let seat = |rule| Seat::new(&env, client.clone(), plan.clone(), group, topics, rule);
    let settings = producer::settings(&plan);
    let partitioner = usual(&env, plan.knobs.key_order);
    match plan.transactional_id(&consumer) {
        Some(id) => {
            let seat = seat(CommitRule::WithTransaction);
            let timeout = plan.knobs.transaction_timeout.duration();
            let producer = Transactional::new(&env, client.clone(), id, timeout, settings, plan.defects);
            let transform = Piping { env, plan: plan.clone(), seat: seat.clone(), partitioner, into };
            let env = transform.env.clone();
            let transactor = Transactor::new(
                &env,
                client,
                seat.clone(),
                producer,
                transform,
                plan.terms(&consumer),
                &plan,
            );
            seat.run(transactor).await;
        }
        None => {
            let seat = seat(consumer::commit_rule(plan.knobs.delivery));
            let sender = Sender::new(&env, client.clone(), settings, plan.defects);
            let piping =
                Piping { env: env.clone(), plan: plan.clone(), seat: seat.clone(), partitioner, into };
            let worker = Worker::new(
                &env,
                client,
                seat.clone(),
                Sending { piping, sender },
                plan.terms(&consumer),
                &plan,
            );
            seat.run(worker).await;
        }
    }
}

/// What a message becomes.
struct Piping<E: Env> {
    env: E,
    plan: Arc<Plan>,
    seat: Rc<Seat<E>>,
    partitioner: ByKey<AtRandom<E>>,
    into: u32,
}

impl<E: Env<Fact = Fact>> Piping<E> {
    fn target(&self, record: &Record) -> Partition {
        let number = self.partitioner.place(record, &self.plan.first_state(self.into));
        Partition { topic: Topic::Named(self.into), number }
    }

    fn processed(&self, Place { membership, partition, offset, .. }: Place, record: &Record) {
        let (Membership { member, generation, .. }, group) = (membership, self.seat.group());
        if let Some(message) = MessageId::of_value(&record.value) {
            let record = record.checksum();
            self.env.observe(Fact::Processed {
                group,
                member,
                generation,
                partition,
                offset,
                message,
                record,
            });
        }
    }
}

impl<E: Env<Fact = Fact>> Transform for Piping<E> {
    async fn transform(&self, place: Place, record: &Record) -> Option<Vec<(Partition, Record)>> {
        self.env.sleep(self.plan.knobs.processing.duration()).await;
        if !self.seat.is_at_work(place.membership) {
            return None;
        }
        self.processed(place, record);
        Some(vec![(self.target(record), record.clone())])
    }

    fn targets(&self) -> BTreeSet<Partition> {
        let topic = Topic::Named(self.into);
        (0..self.plan.partitions_of(topic)).map(|number| Partition { topic, number }).collect()
    }
}

/// Sends what comes of a message before the message counts as processed.
struct Sending<E: Env> {
    piping: Piping<E>,
    sender: Rc<Sender<E>>,
}

impl<E: Env<Fact = Fact>> Handler for Sending<E> {
    async fn handle(&self, place: Place, record: &Record) -> bool {
        let Piping { env, plan, seat, .. } = &self.piping;
        env.sleep(plan.knobs.processing.duration()).await;
        let target = self.piping.target(record);
        while seat.is_at_work(place.membership) {
            match self.sender.deliver(target, record.clone()).await {
                Fate::Acknowledged { .. } => {}
                // Whether it is written is unknown, or it is not: sent again, it may stand there twice.
                Fate::Unknown | Fate::DefinitelyNot | Fate::Misrouted
                    if plan.knobs.delivery == Delivery::AtLeastOnce =>
                {
                    continue;
                }
                Fate::Unknown | Fate::DefinitelyNot | Fate::Misrouted => {}
            }
            // What was sent stands; but whoever owns the partition now answers for the message.
            let at_work = seat.is_at_work(place.membership);
            if at_work {
                self.piping.processed(place, record);
            }
            return at_work;
        }
        false
    }
}
