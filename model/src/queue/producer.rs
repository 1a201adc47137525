//! A producer: sends its messages when it is time, each to the partition of its key, to any if it has none, or to the one
//! that a rule of its own names, and waits until it knows what became of all of them.

use super::client::{self, AtRandom, ByKey, Client, Partitioner, Router, Sender};
use super::delay::Postponed;
use super::facts::{Fact, Fate as Learned};
use super::message::MessageId;
use super::partition::{Partition, Topic};
use super::plan::{Plan, Sending};
use super::production::{Fate, Settings};
use super::record::Record;
use super::topics::TopicState;
use rehearsal_env::{Env, NodeId, Time};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Sends what the plan has for this producer. Returns when the fate of every message is known.
pub async fn produce<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, brokers: Vec<NodeId>, number: u32) {
    let client = Client::bind(&env, brokers, &plan.knobs);
    let sender = Sender::new(&env, client.clone(), settings(&plan), plan.defects);
    let partitioner = Rc::new(AsPlanned::of(&env, &plan, number));
    let router = Router::new(&env, &plan, client, sender.clone(), partitioner.clone());
    for (message, sending) in plan.messages().into_iter().filter(|(message, _)| message.producer == number) {
        env.sleep_until(Time(sending.at.0)).await;
        send(&env, &plan, (&router, &sender, &partitioner), message, sending);
    }
    router.idle().await;
    sender.idle().await;
}

/// What a producer goes by that has a rule of its own for some of its messages: these go where the plan says.
struct AsPlanned<E> {
    named: BTreeMap<MessageId, u32>,
    otherwise: ByKey<AtRandom<E>>,
}

impl<E: Env> AsPlanned<E> {
    fn of(env: &E, plan: &Plan, producer: u32) -> AsPlanned<E> {
        let own = plan.messages().into_iter().filter(|(message, _)| message.producer == producer);
        let named = own.filter_map(|(message, sending)| Some((message, sending.partition?)));
        AsPlanned { named: named.collect(), otherwise: client::usual(env, plan.knobs.key_order) }
    }
}

impl<E: Env> Partitioner for AsPlanned<E> {
    fn place(&self, record: &Record, state: &TopicState) -> u32 {
        let named = MessageId::of_value(&record.value).and_then(|message| self.named.get(&message));
        named.copied().unwrap_or_else(|| self.otherwise.place(record, state))
    }
}

/// What producers go by.
pub fn settings(plan: &Plan) -> Settings {
    let knobs = &plan.knobs;
    Settings {
        acks: knobs.acks,
        idempotent: knobs.idempotent,
        transactional: false,
        max_in_flight: knobs.max_in_flight as usize,
        batch_records: knobs.batch_records as usize,
        batch_bytes: knobs.batch_bytes as usize,
        buffer_bytes: knobs.buffer_bytes as usize,
        buffer_wait: knobs.buffer_wait.duration(),
        linger: knobs.linger.duration(),
        backoff: knobs.backoff.duration(),
        delivery_timeout: knobs.delivery_timeout.duration(),
    }
}

fn send<E: Env<Fact = Fact>>(
    env: &E,
    plan: &Plan,
    (router, sender, partitioner): (&Rc<Router<E>>, &Rc<Sender<E>>, &AsPlanned<E>),
    message: MessageId,
    sending: Sending,
) {
    let key = sending.key.map(|key| key.to_le_bytes().to_vec().into());
    let value = message.value(sending.bytes as usize);
    let wall = env.wall();
    let due = sending.due(env.now(), wall);
    let record = Record { key, value, tags: sending.tags, created: wall.micros() };
    let Some(due) = due else {
        return router.send(sending.topic, message, record);
    };
    let number = partitioner.place(&record, &plan.first_state(sending.topic));
    let target = Partition { topic: Topic::Named(sending.topic), number };
    env.observe(Fact::Postponed { message, target, due, wall });
    let (partition, record) = (Plan::delayed_partition(target), Postponed::wrap(record, target, due));
    env.observe(Fact::Sent { message, partition, acks: plan.knobs.acks });
    let observer = env.clone();
    sender.send(partition, record, move |fate| {
        if let Some(fate) = learned(fate) {
            observer.observe(Fact::Told { message, partition, fate });
        }
    });
}

/// What a producer learns by a fate; nothing as long as the message is to be sent elsewhere.
pub(super) fn learned(fate: Fate) -> Option<Learned> {
    Some(match fate {
        Fate::Acknowledged { offset } => Learned::Acknowledged(offset),
        Fate::DefinitelyNot => Learned::DefinitelyNot,
        Fate::Unknown => Learned::Unknown,
        Fate::Misrouted => return None,
    })
}
