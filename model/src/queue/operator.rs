//! Who asks for what is to change: a client of the coordination service alone.
//!
//! 1. Wait until it is time for the next wish.
//! 2. Read what stands there, and write what the wish makes of it, by compare-and-set.
//! 3. When that is refused, or nobody knows, again from 2: a wish says what shall be, so twice is once.

mod restarts;

use super::facts::Fact;
use super::keys::{self, TopicEntry};
use super::operation::Operation;
use super::plan::Plan;
use super::report::of_coordination;
use crate::coordination::{Check, ClientSetup, Coordination, CoordinationError, Edit, Entry};
use rehearsal_env::{Env, NodeId, Time};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Runs the operator.
pub async fn operate<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, coordination: Vec<NodeId>) {
    let setup = ClientSetup { patience: plan.patience_with_coordination(), watch_lost_on_reconnect: false };
    let service = Coordination::connect(&env, &coordination, setup, of_coordination);
    let mut operations = plan.asked_of_brokers();
    operations.sort_by_key(Operation::at);
    let (restarts, others): (Vec<_>, Vec<_>) = operations.into_iter().partition(Operation::restarts);
    if restarts.is_empty() {
        return change(&env, &service, &plan, others).await;
    }
    // Whoever waits for one broker after the other holds up nothing else.
    let (done, all_changed) = oneshot::channel();
    let (beside, changes) = (env.clone(), service.clone());
    env.spawn(async move {
        change(&beside, &changes, &plan, others).await;
        // Whoever waits for this is there as long as this is.
        let _ = done.send(());
    });
    restarts::restart(&env, &service, &restarts).await;
    let _ = all_changed.await;
}

/// Has brokers and topics change.
async fn change<E: Env<Fact = Fact>>(
    env: &E,
    service: &Coordination<E>,
    plan: &Plan,
    operations: Vec<Operation>,
) {
    for operation in operations {
        env.sleep_until(Time(operation.at().0)).await;
        while !matches!(write(service, plan, operation).await, Ok(())) {
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
    match operation.topic() {
        Some(topic) => {
            amend(service, &keys::topic(topic), |stands| {
                let before = stands.and_then(keys::topic_state).unwrap_or_else(|| plan.first_state(topic));
                let state = operation.topic_after(&before)?;
                Some(keys::encode(&TopicEntry { topic, state }))
            })
            .await
        }
        None => {
            amend(service, keys::MEMBERS, |stands| {
                let before = stands.and_then(keys::members).unwrap_or_else(|| plan.first_members());
                Some(keys::encode(&operation.members_after(before)?))
            })
            .await
        }
    }
}

/// Writes what is to stand under a key in place of what does, if anything else is.
async fn amend<E: Env<Fact = Fact>>(
    service: &Coordination<E>,
    key: &str,
    after: impl FnOnce(Option<&Entry>) -> Option<Vec<u8>>,
) -> Result<(), CoordinationError> {
    let stands = service.read(key).await?;
    let Some(value) = after(stands.as_ref()) else { return Ok(()) };
    let unchanged = Check::unchanged(key, stands.as_ref().map(keys::version));
    service.transact(vec![unchanged], vec![Edit::put(key, value)]).await.map(drop)
}
