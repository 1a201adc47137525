//! The queue that the chain has within itself: one topic of requests, one group of writers.

use crate::queue::deploy::deploy_service;
use crate::queue::facts::Fact as QueueFact;
use crate::queue::knobs::Knobs;
use crate::queue::partition::{Partition, Topic};
use crate::queue::plan::{ConsumerPlan, Plan as QueuePlan, TopicPlan};
use crate::reservation::facts::Fact;
use crate::reservation::plan::Plan;
use crate::reservation::stay::RoomType;
use rehearsal_env::{Cluster, Env, NodeId, PartOfCluster, Span};
use std::sync::Arc;

const TOPIC: u32 = 0;
/// What is asked for.
pub(super) const REQUESTS: Topic = Topic::Named(TOPIC);
/// The group of the writers.
pub(super) const GROUP: u32 = 0;
/// However patient the chain is: what came to a node before it was up is asked again.
const LONGEST_RESEND: Span = Span::seconds(1);
/// Nothing of this queue is ever out of retention, so nobody need look.
const NEVER: Span = Span::seconds(1_000_000_000);

/// What the chain's queue is started with. Nobody waits at a deadline that the guests would not feel, so timers that tick
/// for nothing are slow, and a poll is long.
pub fn queue_of(plan: &Plan) -> QueuePlan {
    let session = plan.knobs.writer_session;
    let writer =
        |number| ConsumerPlan { number, group: GROUP, topic: TOPIC, into: None, tag: None, loan: None };
    QueuePlan {
        brokers: plan.brokers,
        factor: plan.brokers,
        knobs: Knobs {
            min_insync: plan.brokers.min(2),
            linger: Span::millis(1),
            delivery_timeout: Span::seconds(10),
            fetch_wait: Span::seconds(5),
            member_session: session,
            rebalance: session,
            heartbeat: Span(session.0 / 3),
            commit_interval: Span::seconds(1),
            broker_session: Span::seconds(3),
            lag: Span::seconds(3),
            retention_check: NEVER,
            // Where there is nothing to be had, whoever polls asks again so often.
            resend: Span(plan.knobs.silence.0 / 4).min(LONGEST_RESEND),
            silence: plan.knobs.silence,
            ..Knobs::default()
        },
        topics: vec![TopicPlan { number: TOPIC, partitions: plan.knobs.writer_partitions }],
        operations: Vec::new(),
        sendings: Vec::new(),
        consumers: (0..plan.writers).map(writer).collect(),
        defects: Default::default(),
    }
}

/// Where requests for these rooms go.
pub(super) fn partition_of(queue: &QueuePlan, RoomType { hotel, kind }: RoomType) -> Partition {
    let name = [hotel.to_le_bytes(), kind.to_le_bytes()].concat();
    queue.partition_of(TOPIC, crc32fast::hash(&name))
}

/// What facts of the queue are to the chain: who writes. The rest is the queue's own business.
pub(super) fn meaning(fact: QueueFact) -> Option<Fact> {
    match fact {
        QueueFact::Assigned { generation, partitions, .. } => {
            Some(Fact::WriterSeated { generation: generation.0, partitions: partitions.len() as u32 })
        }
        QueueFact::LetGo { generation, .. } => Some(Fact::WriterUnseated { generation: generation.0 }),
        _ => None,
    }
}

/// Starts the queue on nodes of its own; its brokers.
pub fn deploy_queue<C>(cluster: &mut C, plan: &Plan) -> Vec<NodeId>
where
    C: Cluster,
    C::Env: Env<Fact = Fact>,
{
    deploy_service(&mut PartOfCluster::of(cluster, meaning), &Arc::new(queue_of(plan)))
}
