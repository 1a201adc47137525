//! Which nodes the chain has, and which program each runs.

use super::commits::of_database;
use super::crowd::Calendar;
use super::defects::Defect;
use super::facts::Fact;
use super::knobs::StrategyName;
use super::plan::Plan;
use super::server::{self, Neighbours};
use super::tables::schema;
use super::writer::{self, deploy_queue};
use super::{clerk, crowd, guest, ids, payment, provider};
use crate::database::Knobs as EngineKnobs;
use crate::database::server::{Setup, serve as serve_database};
use crate::session::Patience;
use rehearsal_env::{Cluster, Env, NodeId};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// The database's node.
pub const DATABASE: &str = "database-0";
/// The id service's node.
pub const IDS: &str = "ids-0";
/// The payment service's node.
pub const PAYMENT: &str = "payment-0";
/// The provider's node, which no fault of ours can touch.
pub const PROVIDER: &str = "provider";
/// The clerk's node.
pub const CLERK: &str = "clerk";

/// The name of a reservation server's node.
pub fn server_name(number: u32) -> String {
    format!("api-{number}")
}

/// The name of a writer's node, under the strategy `single-writer`.
pub fn writer_name(number: u32) -> String {
    format!("writer-{number}")
}

/// The node of a crowd.
pub const CROWD: &str = "crowd";

/// Starts the whole chain with its guests.
pub fn deploy<C>(cluster: &mut C, plan: &Arc<Plan>)
where
    C: Cluster,
    C::Env: Env<Fact = Fact>,
{
    let servers = deploy_services(cluster, plan);
    let guests: BTreeSet<u32> = plan.wishes.iter().map(|wish| wish.guest).collect();
    for number in guests {
        let (plan_of, servers) = (plan.clone(), servers.clone());
        cluster.start_client(&format!("guest-{number}"), move |env| {
            guest::live(env, plan_of.clone(), servers.clone(), number)
        });
    }
    if !plan.rate_changes.is_empty() {
        let (plan_of, database) = (plan.clone(), cluster.node(DATABASE));
        cluster.start_client(CLERK, move |env| clerk::work(env, plan_of.clone(), database));
    }
}

/// Starts the chain with a crowd in place of its guests.
pub fn deploy_crowd<C>(cluster: &mut C, plan: &Arc<Plan>, calendar: &Arc<Calendar>)
where
    C: Cluster,
    C::Env: Env<Fact = Fact>,
{
    let servers = deploy_services(cluster, plan);
    let (plan_of, calendar) = (plan.clone(), calendar.clone());
    cluster
        .start_client(CROWD, move |env| crowd::play(env, plan_of.clone(), servers.clone(), calendar.clone()));
}

/// Starts everything but those who book; the reservation servers.
fn deploy_services<C>(cluster: &mut C, plan: &Arc<Plan>) -> Vec<NodeId>
where
    C: Cluster,
    C::Env: Env<Fact = Fact>,
{
    let database = cluster.node(DATABASE);
    let ids = cluster.node(IDS);
    let payment = cluster.node(PAYMENT);
    let provider = cluster.node(PROVIDER);
    let servers: Vec<_> = (0..plan.servers).map(|number| cluster.node(&server_name(number))).collect();

    let brokers = deploy_writers(cluster, plan, database);
    let setup = plan.clone();
    cluster.start(DATABASE, move |env| serve_database(env, Rc::new(database_setup(&setup)), of_database));
    cluster.start(IDS, ids::serve);
    let (plan_of, brokers_of) = (plan.clone(), brokers.clone());
    cluster.start(PAYMENT, move |env| {
        payment::serve(env, plan_of.clone(), database, provider, brokers_of.clone())
    });
    let plan_of = plan.clone();
    cluster.start(PROVIDER, move |env| provider::serve(env, plan_of.clone()));
    for number in 0..plan.servers {
        let plan_of = plan.clone();
        let neighbours = Neighbours { database, ids, payment, brokers: brokers.clone() };
        cluster
            .start(&server_name(number), move |env| server::serve(env, plan_of.clone(), neighbours.clone()));
    }
    servers
}

/// Starts the writers and the queue to them, if nights are taken so; its brokers.
fn deploy_writers<C>(cluster: &mut C, plan: &Arc<Plan>, database: NodeId) -> Vec<NodeId>
where
    C: Cluster,
    C::Env: Env<Fact = Fact>,
{
    if !plan.has_writers() {
        return Vec::new();
    }
    let brokers = deploy_queue(cluster, plan);
    for number in 0..plan.writers {
        let (plan_of, brokers) = (plan.clone(), brokers.clone());
        cluster.start(&writer_name(number), move |env| {
            writer::serve(env, plan_of.clone(), database, brokers.clone())
        });
    }
    brokers
}

fn database_setup(plan: &Plan) -> Setup {
    let knobs = &plan.knobs;
    let checked = (knobs.strategy == StrategyName::Constraint).then_some(knobs.overbooking_percent);
    Setup {
        schema: schema(checked),
        first_rows: plan.first_rows(),
        knobs: EngineKnobs {
            deadlock_timeout: knobs.deadlock_timeout.duration(),
            lock_timeout: (knobs.lock_timeout.0 > 0).then(|| knobs.lock_timeout.duration()),
            answer_before_sync: plan.defects.has(Defect::AnswerBeforeSync),
        },
        patience: Patience { resend: knobs.resend.duration(), silence: knobs.silence.duration() },
        keeps_torn_tail: plan.defects.has(Defect::RecoveryKeepsTornTail),
        forgives_silence: plan.defects.has(Defect::SilentSessionsStay),
    }
}
