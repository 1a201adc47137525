//! Which nodes the queue has, and which program each runs.

use super::borrowing::borrow;
use super::broker::{self, Neighbours};
use super::consumer::consume;
use super::delay::move_when_due;
use super::facts::Fact;
use super::knobs::CoordinationMode;
use super::operator::operate;
use super::pipeline::pipe;
use super::plan::Plan;
use super::producer::produce;
use super::report::{of_blobs, of_coordination};
use crate::blob;
use crate::coordination::server::{Setup, serve as serve_coordination};
use crate::coordination::{replicated, service};
use crate::session::Patience;
use rehearsal_env::{Cluster, Env, NodeId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The coordination service's node, or the first of them.
pub const COORDINATION: &str = "coordination-0";

/// The blob store's node, where the queue keeps its archive.
pub const BLOBS: &str = "blob-0";
/// When so many commands were carried out, a member of the coordination service cuts its log off: after a while of
/// every run, so that some lag behind that.
const LONGEST_LOG: u32 = 24;

/// The name of a node of the coordination service.
pub fn coordination_name(number: u32) -> String {
    format!("coordination-{number}")
}

/// The name of a broker's node.
pub fn broker_name(number: u32) -> String {
    format!("broker-{number}")
}

/// The name of a producer's node.
pub fn producer_name(number: u32) -> String {
    format!("producer-{number}")
}

/// The name of a consumer's node.
pub fn consumer_name(number: u32) -> String {
    format!("consumer-{number}")
}

/// The name of a mover's node.
pub fn mover_name(number: u32) -> String {
    format!("delay-{number}")
}

/// How many movers there are, where anything is delayed.
pub const MOVER_NODES: u32 = 2;

/// The operator's node, where anything is asked for while the queue runs.
pub const OPERATOR: &str = "operator-0";

/// Starts the coordination service, the brokers, all producers and consumers that have anything to do, and if anything is
/// delayed the movers.
pub fn deploy<C>(cluster: &mut C, plan: &Arc<Plan>)
where
    C: Cluster,
    C::Env: Env<Fact = Fact>,
{
    let brokers = deploy_service(cluster, plan);
    let blobs = plan.has_archive().then(|| cluster.node(BLOBS));
    let producers: BTreeSet<u32> = plan.sendings.iter().map(|sending| sending.producer).collect();
    for number in producers {
        let (plan_of, brokers) = (plan.clone(), brokers.clone());
        cluster.start_client(&producer_name(number), move |env| {
            produce(env, plan_of.clone(), brokers.clone(), number)
        });
    }
    for consumer in plan.consumers.iter().copied() {
        let (plan_of, brokers) = (plan.clone(), brokers.clone());
        cluster.start(&consumer_name(consumer.number), move |env| {
            let (plan, brokers) = (plan_of.clone(), brokers.clone());
            async move {
                match (consumer.into, consumer.loan) {
                    (Some(_), _) => pipe(env, plan, brokers, blobs, consumer).await,
                    (None, Some(_)) => borrow(env, plan, brokers, consumer).await,
                    (None, None) => consume(env, plan, brokers, blobs, consumer).await,
                }
            }
        });
    }
    for number in 0..if plan.holds_back() { MOVER_NODES } else { 0 } {
        let (plan_of, brokers) = (plan.clone(), brokers.clone());
        cluster.start(&mover_name(number), move |env| move_when_due(env, plan_of.clone(), brokers.clone()));
    }
}

/// Starts the coordination service, the brokers and, if there is an archive, the blob store; who uses them is started by
/// others, and counts in the plan all the same: a group's partitions are there if a consumer of it is planned. The brokers.
pub fn deploy_service<C>(cluster: &mut C, plan: &Arc<Plan>) -> Vec<NodeId>
where
    C: Cluster,
    C::Env: Env<Fact = Fact>,
{
    let coordination: Vec<NodeId> =
        (0..plan.knobs.coordination.nodes()).map(|number| cluster.node(&coordination_name(number))).collect();
    let brokers: Vec<NodeId> = (0..plan.brokers).map(|number| cluster.node(&broker_name(number))).collect();
    let knobs = &plan.knobs;
    let patience = Patience { resend: knobs.resend.duration(), silence: knobs.silence.duration() };
    let blobs = plan.has_archive().then(|| cluster.node(BLOBS));
    if blobs.is_some() {
        cluster.start(BLOBS, move |env| blob::serve(env, patience, of_blobs));
    }
    start_coordination(cluster, plan, &coordination);
    if !plan.asked_of_brokers().is_empty() {
        let (plan_of, coordination) = (plan.clone(), coordination.clone());
        cluster.start_client(OPERATOR, move |env| operate(env, plan_of.clone(), coordination.clone()));
    }
    for number in 0..plan.brokers {
        let (plan_of, brokers, coordination) = (plan.clone(), brokers.clone(), coordination.clone());
        cluster.start(&broker_name(number), move |env| {
            let neighbours =
                Neighbours { coordination: coordination.clone(), brokers: brokers.clone(), blobs };
            broker::serve(env, plan_of.clone(), number, neighbours)
        });
    }
    brokers
}

fn start_coordination<C>(cluster: &mut C, plan: &Arc<Plan>, nodes: &[NodeId])
where
    C: Cluster,
    C::Env: Env<Fact = Fact>,
{
    let knobs = &plan.knobs;
    let patience = Patience { resend: knobs.resend.duration(), silence: knobs.silence.duration() };
    let remembers = u64::from(knobs.coordination_history);
    let usual = service::Knobs::default();
    let single = Setup { knobs: service::Knobs { remembers, ..usual }, patience, ..Setup::default() };
    if knobs.coordination == CoordinationMode::OneDurableNode {
        cluster.start(COORDINATION, move |env| serve_coordination(env, single, of_coordination));
        return;
    }
    // Sessions should survive an election.
    let election = knobs.broker_session.duration() / 4;
    let setup = replicated::Setup {
        members: nodes.to_vec(),
        single,
        longest_log: LONGEST_LOG,
        heartbeat: election / 4,
        election,
        defects: plan.defects,
    };
    for number in 0..knobs.coordination.nodes() {
        let setup = setup.clone();
        cluster.start(&coordination_name(number), move |env| {
            replicated::serve(env, setup.clone(), of_coordination)
        });
    }
}
