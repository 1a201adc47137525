//! A producer: sends its messages when it is time, each to the partition of its key, and waits until it knows what became
//! of all of them.

use super::client::{Client, Router, Sender};
use super::delay::Postponed;
use super::facts::{Fact, Fate as Learned};
use super::message::MessageId;
use super::plan::{Plan, Sending};
use super::production::{Fate, Settings};
use super::record::Record;
use rehearsal_env::{Env, NodeId, Time};
use std::rc::Rc;
use std::sync::Arc;

/// Sends what the plan has for this producer. Returns when the fate of every message is known.
pub async fn produce<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, brokers: Vec<NodeId>, number: u32) {
    let client = Client::bind(&env, brokers, &plan.knobs);
    let sender = Sender::new(&env, client.clone(), settings(&plan), plan.defects);
    let router = Router::new(&env, &plan, client, sender.clone());
    for (message, sending) in plan.messages().into_iter().filter(|(message, _)| message.producer == number) {
        env.sleep_until(Time(sending.at.0)).await;
        send(&env, &plan, (&router, &sender), message, sending);
    }
    router.idle().await;
    sender.idle().await;
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
        linger: knobs.linger.duration(),
        backoff: knobs.backoff.duration(),
        delivery_timeout: knobs.delivery_timeout.duration(),
    }
}

fn send<E: Env<Fact = Fact>>(
    env: &E,
    plan: &Plan,
    (router, sender): (&Rc<Router<E>>, &Rc<Sender<E>>),
    message: MessageId,
    sending: Sending,
) {
    let key: Arc<[u8]> = sending.key.to_le_bytes().to_vec().into();
    let value = message.value(sending.bytes as usize);
    let wall = env.wall();
    let record = Record { key: Some(key), value, tag: sending.tag, created: wall.micros() };
    let Some(due) = sending.due(env.now(), wall) else {
        return router.send(sending.topic, sending.key, message, record);
    };
    let target = plan.partition_of(sending.topic, sending.key);
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
