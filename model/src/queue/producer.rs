//! A producer: sends its messages when it is time, each to the partition of its key, and waits until it knows what became
//! of all of them.

use super::client::{Client, Sender};
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
    let sender = Sender::new(&env, client, settings(&plan), plan.defects);
    for (message, sending) in plan.messages().into_iter().filter(|(message, _)| message.producer == number) {
        env.sleep_until(Time(sending.at.0)).await;
        send(&env, &plan, &sender, message, sending);
    }
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
    sender: &Rc<Sender<E>>,
    message: MessageId,
    sending: Sending,
) {
    let target = plan.partition_of(sending.topic, sending.key);
    let key: Arc<[u8]> = sending.key.to_le_bytes().to_vec().into();
    let value = message.value(sending.bytes as usize);
    let wall = env.wall();
    let record = Record { key: Some(key), value, tag: sending.tag, created: wall.micros() };
    let (partition, record) = match sending.due(env.now(), wall) {
        Some(due) => {
            env.observe(Fact::Postponed { message, target, due, wall });
            (Plan::delayed_partition(target), Postponed::wrap(record, target, due))
        }
        None => (target, record),
    };
    env.observe(Fact::Sent { message, partition, acks: plan.knobs.acks });
    let observer = env.clone();
    sender.send(partition, record, move |fate| {
        let fate = match fate {
            Fate::Acknowledged { offset } => Learned::Acknowledged(offset),
            Fate::DefinitelyNot => Learned::DefinitelyNot,
            Fate::Unknown => Learned::Unknown,
        };
        observer.observe(Fact::Told { message, partition, fate });
    });
}
