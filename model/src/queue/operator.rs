//! Who asks for what is to change: a client of the coordination service alone.
//!
//! 1. Wait until it is time for the next wish.
//! 2. Read what stands there, and write what the wish makes of it, by compare-and-set.
//! 3. When that is refused, or nobody knows, again from 2: a wish says what shall be, so twice is once.

use super::facts::Fact;
use super::keys::{self, TopicEntry};
use super::operation::{Operation, first_members, id};
use super::plan::Plan;
use super::report::of_coordination;
use crate::coordination::{Check, ClientSetup, Coordination, CoordinationError, Edit};
use rehearsal_env::{Env, NodeId, Time};
use std::sync::Arc;

/// Runs the operator.
pub async fn operate<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, coordination: Vec<NodeId>) {
    let setup = ClientSetup { patience: plan.patience_with_coordination(), watch_lost_on_reconnect: false };
    let service = Coordination::connect(&env, &coordination, setup, of_coordination);
    let mut operations = plan.operations.clone();
    operations.sort_by_key(Operation::at);
    for operation in operations {
        env.sleep_until(Time(operation.at().0)).await;
        while !matches!(write(&service, &plan, operation).await, Ok(())) {
            env.sleep(plan.knobs.backoff.duration()).await;
        }
    }
}

/// One try to write what a wish makes of what stands there.
async fn write<E: Env<Fact = Fact>>(
    service: &Coordination<E>,
    plan: &Plan,
    operation: Operation,
) -> Result<(), CoordinationError> {
    if let Some(topic) = operation.topic() {
        return write_topic(service, plan, topic, operation).await;
    }
    let stands = service.read(keys::MEMBERS).await?;
    let before = match &stands {
        Some(entry) => keys::members(entry).unwrap_or_else(|| first_members(plan)),
        None => first_members(plan),
    };
    let after = match operation {
        Operation::AddBroker { broker, .. } => before.with(id(broker)),
        Operation::RemoveBroker { broker, .. } => before.without(id(broker)),
        Operation::AddPartitions { .. } | Operation::RetirePartition { .. } => before,
    };
    let unchanged = match &stands {
        Some(entry) => Check::version(keys::MEMBERS, keys::version(entry)),
        None => Check::absent(keys::MEMBERS),
    };
    service.transact(vec![unchanged], vec![Edit::put(keys::MEMBERS, keys::encode(&after))]).await.map(drop)
}

/// The same for a wish about a topic. Where it is as is wished for there is nothing to write.
async fn write_topic<E: Env<Fact = Fact>>(
    service: &Coordination<E>,
    plan: &Plan,
    topic: u32,
    operation: Operation,
) -> Result<(), CoordinationError> {
    let key = keys::topic(topic);
    let stands = service.read(&key).await?;
    let before = stands.as_ref().and_then(keys::topic_state).unwrap_or_else(|| plan.first_state(topic));
    let after = match operation {
        Operation::AddPartitions { partitions, .. } => before.with_partitions(partitions),
        Operation::RetirePartition { number, .. } => before.with_retired(number),
        Operation::AddBroker { .. } | Operation::RemoveBroker { .. } => None,
    };
    let Some(state) = after else { return Ok(()) };
    let unchanged = match &stands {
        Some(entry) => Check::version(key.clone(), keys::version(entry)),
        None => Check::absent(key.clone()),
    };
    let write = Edit::put(key, keys::encode(&TopicEntry { topic, state }));
    service.transact(vec![unchanged], vec![write]).await.map(drop)
}
