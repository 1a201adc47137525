//! A consumer: a member of its group, who takes its time over every message and says that it has processed it.

use super::client::{Client, Handler, Place, Seat, Worker};
use super::facts::Fact;
use super::group::CommitRule;
use super::knobs::Delivery;
use super::message::MessageId;
use super::partition::Topic;
use super::plan::{ConsumerPlan, Plan};
use super::record::Record;
use rehearsal_env::{Env, NodeId};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Runs a consumer on this node, for ever. What retention has taken it reads from the archive in the blob store, if
/// there is one.
pub async fn consume<E: Env<Fact = Fact>>(
    env: E,
    plan: Arc<Plan>,
    brokers: Vec<NodeId>,
    blobs: Option<NodeId>,
    consumer: ConsumerPlan,
) {
    let client = Client::bind_with_archive(&env, brokers, blobs, &plan.knobs);
    let rule = commit_rule(plan.knobs.delivery);
    let topics = [Topic::Named(consumer.topic)];
    let seat = Seat::new(&env, client.clone(), plan.clone(), consumer.group, topics, rule);
    let processing = plan.knobs.processing.duration();
    let handler = Processing { env: env.clone(), seat: seat.clone(), processing };
    let worker = Worker::new(&env, client, seat.clone(), handler, plan.terms(&consumer), &plan);
    seat.run(worker).await;
}

/// When one who writes nothing commits: within no transaction, whatever others do.
pub(super) fn commit_rule(delivery: Delivery) -> CommitRule {
    match delivery {
        Delivery::AtMostOnce => CommitRule::BeforeProcessing,
        Delivery::AtLeastOnce | Delivery::ExactlyOnce => CommitRule::AfterProcessing,
    }
}

/// The processing of messages.
struct Processing<E: Env> {
    env: E,
    seat: Rc<Seat<E>>,
    processing: Duration,
}

impl<E: Env<Fact = Fact>> Handler for Processing<E> {
    async fn handle(&self, Place { membership, partition, offset }: Place, record: &Record) -> bool {
        self.env.sleep(self.processing).await;
        if !self.seat.is_at_work(membership) {
            return false;
        }
        let ((member, generation), group) = (membership, self.seat.group());
        if let Some(message) = MessageId::of_value(&record.value) {
            self.env.observe(Fact::Processed { group, member, generation, partition, offset, message });
        }
        true
    }
}
