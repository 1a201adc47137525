//! A broker: partitions on its disk, replicas of other brokers' partitions, clients at its counter, and now and then the
//! controller's chair.
//!
//! 1. Read the logs, cut torn tails off, say what is there.
//! 2. Begin a life: open a session with the coordination service and register. The life's number is the revision.
//! 3. Follow what the service says of partitions; lead, or follow, each.
//! 4. As a leader append, serve followers and consumers, move the watermark, keep the in-sync set.
//! 5. As a follower cut where the logs part, fetch, sync, fetch on.
//! 6. Stand for controller; as the controller see to it that somebody leads.
//! 7. Coordinate the groups whose partition of the offsets topic it leads, and the transactions and the loans likewise.
//! 8. Look from time to time what is out of retention, as every replica; as a leader have closed segments archived before.
//! 9. Where the partitions of topics change, see to it as a leader that nothing is appended that was routed before, and
//!    tell coordinators.
//! 10. Stop in order when that is asked for.
//! 11. Push to consumers that have subscribed, where they do not ask.
//!
//! A broker whose session has ended, who is not registered for its life any more, or whose disk has failed, stops; its next
//! life begins at step 1.

mod archiver;
mod chair;
mod counter;
mod desk;
mod disk;
mod disk_reads;
mod entries;
mod errands;
mod groups;
mod host;
mod lag;
mod lenders;
mod mark;
mod news;
mod offsets;
mod pushing;
mod replication;
mod retention;
mod serving;
mod sets;
mod stopping;
mod topics;
mod transactions;

use super::archive::Archived;
use super::brokers::{BrokerEpoch, BrokerId, Brokers};
use super::controller::PartitionState;
use super::defects::Defect;
use super::facts::{Fact, OfLogs, Stretch};
use super::keys;
use super::knobs::FetchMode;
use super::log::{CorruptLog, PartitionLog};
use super::offset::LeaderEpoch;
use super::partition::Partition;
use super::plan::Plan;
use super::producers::Producers;
use super::production::Acks;
use super::protocol::{Counter, ReplicaMessage};
use super::replica::{Lineage, Replica};
use super::report::of_coordination;
use super::restart::{Mark, Registration, Stop};
use super::topics::{Barriers, TopicState};
use crate::coordination::{
    Check, ClientSetup, Coordination, CoordinationError, CoordinationSession, Edit, Revision,
};
use crate::race::{Either, race};
use crate::session::Patience;
use desk::Desks;
use disk::Found as Disk;
use errands::Errands;
use groups::Groups;
use host::Host;
use lenders::Lenders;
use offsets::Keepers;
use rehearsal_env::{Env, NodeId, StorageError};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;
use transactions::Transactions;

/// Which nodes the others are.
#[derive(Clone, Debug)]
pub struct Neighbours {
    /// The coordination service's, in the order in which they know each other.
    pub coordination: Vec<NodeId>,
    /// The brokers by number, this one included.
    pub brokers: Vec<NodeId>,
    /// The blob store, if there is one.
    pub blobs: Option<NodeId>,
}

struct Broker<E: Env<Fact = Fact>> {
    env: E,
    plan: Arc<Plan>,
    me: BrokerId,
    life: BrokerEpoch,
    neighbours: Neighbours,
    coordination: Coordination<E>,
    session: CoordinationSession<E>,
    hosts: BTreeMap<Partition, Rc<Host>>,
    replicas: E::Port<ReplicaMessage>,
    counter: Counter<E>,
    known: RefCell<Known>,
    /// What the coordination service says has changed.
    news: Notify,
    /// Whether anything of topics was heard that its groups were not told yet.
    topics_heard: Cell<bool>,
    /// The disk has failed, or the registration is not this life's any more.
    failed: Notify,
    groups: Desks<E, Groups>,
    transactions: Desks<E, Transactions>,
    lenders: Desks<E, Lenders>,
    keepers: Keepers,
    errands: Errands<E>,
    /// Numbers the questions of clients to coordinators.
    asked: Cell<u64>,
}

/// What this broker has heard of the queue's state.
#[derive(Debug, Default)]
struct Known {
    through: Revision,
    live: BTreeMap<BrokerId, BrokerEpoch>,
    noted: BTreeMap<BrokerId, BrokerEpoch>,
    /// The lives before those, of the brokers that have stopped in order.
    after: BTreeMap<BrokerId, BrokerEpoch>,
    /// Who is to stop, or was.
    stops: BTreeMap<BrokerId, Stop>,
    controller: Option<(BrokerId, Revision)>,
    /// The brokers that copies are placed on, if somebody has asked for others than the first.
    members: Option<Brokers>,
    partitions: BTreeMap<Partition, (PartitionState, Revision)>,
    archived: BTreeMap<Partition, (Archived, Revision)>,
    /// The topics that are not as they were at first.
    topics: BTreeMap<u32, (TopicState, Revision)>,
    barriers: BTreeMap<Partition, (Barriers, Revision)>,
}

impl Known {
    /// The keys that are there as long as somebody's session.
    fn on_sessions(&self) -> Vec<String> {
        let controller = self.controller.map(|_| keys::CONTROLLER.to_owned());
        self.live.keys().map(|live| keys::broker(*live)).chain(controller).collect()
    }
}

/// Runs a broker on this node. Returns when it has to stop.
pub async fn serve<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, number: u32, neighbours: Neighbours) {
    let me = BrokerId::numbered(number);
    // 1.
    let Ok(files) = env.list().await else { return };
    let Ok(after) = come_back(&env, &files).await else { return };
    let logs = match read_logs(&env, &files, &plan, me).await {
        Ok(Some(logs)) => logs,
        // A corrupt log is for people to look at.
        Ok(None) => return std::future::pending().await,
        Err(_) => return,
    };
    // 2.
    let patience = Patience { resend: plan.knobs.resend.duration(), silence: plan.knobs.silence.duration() };
    let watch_lost_on_reconnect = plan.defects.has(Defect::WatchLostOnReconnect);
    let setup = ClientSetup { patience: plan.patience_with_coordination(), watch_lost_on_reconnect };
    let coordination = Coordination::connect(&env, &neighbours.coordination, setup, of_coordination);
    let Some((session, life)) = register(&coordination, &plan, me, after).await else { return };
    let hosts =
        logs.into_iter().map(|(partition, log)| (partition, Rc::new(host(&plan, me, life, partition, log))));
    let broker = Rc::new(Broker {
        replicas: env.bind(),
        counter: Counter::bind(&env, patience),
        hosts: hosts.collect(),
        plan,
        me,
        life,
        neighbours,
        coordination,
        session,
        known: RefCell::default(),
        news: Notify::new(),
        topics_heard: Cell::new(false),
        failed: Notify::new(),
        groups: Desks::default(),
        transactions: Desks::default(),
        lenders: Desks::default(),
        keepers: Keepers::default(),
        errands: Errands::bind(&env),
        asked: Cell::new(0),
        env,
    });
    broker.run().await;
}

/// The life before this one, if that stopped in order. It is to stay down for a while then.
async fn come_back<E: Env<Fact = Fact>>(
    env: &E,
    files: &[String],
) -> Result<Option<BrokerEpoch>, StorageError> {
    let Some(Mark { life, down }) = mark::find(env, files).await? else { return Ok(None) };
    env.sleep(down.duration()).await;
    // From now on a crash is one.
    mark::take(env).await?;
    Ok(Some(life))
}

async fn read_logs<E: Env<Fact = Fact>>(
    env: &E,
    files: &[String],
    plan: &Plan,
    me: BrokerId,
) -> Result<Option<Vec<(Partition, PartitionLog)>>, StorageError> {
    let mut logs = Vec::new();
    for partition in plan.partitions() {
        let read = disk::read(env, files, partition, &plan.knobs, plan.defects).await?;
        let Disk { log, batches, torn } = match read {
            Ok(found) => found,
            Err(CorruptLog { segment, position }) => {
                let segment = segment.base();
                env.observe(Fact::OfLogs(OfLogs::Damaged { partition, segment, position }));
                return Ok(None);
            }
        };
        let stretches = batches.iter().map(|batch| Stretch::of(partition, batch)).collect();
        env.observe(Fact::Recovered { broker: me, partition, start: log.start(), log: stretches, torn });
        logs.push((partition, log));
    }
    Ok(Some(logs))
}

async fn register<E: Env<Fact = Fact>>(
    coordination: &Coordination<E>,
    plan: &Plan,
    me: BrokerId,
    after: Option<BrokerEpoch>,
) -> Option<(CoordinationSession<E>, BrokerEpoch)> {
    let session = loop {
        if let Ok(session) = coordination.open_session(plan.knobs.broker_session.duration()).await {
            break session;
        }
    };
    let key = keys::broker(me);
    let registration = || Edit::put_ephemeral(&key, keys::encode(&Registration { broker: me, after }));
    let registered = match session.transact(vec![Check::absent(&key)], vec![registration()]).await {
        Err(CoordinationError::Conflict { .. }) if plan.defects.has(Defect::GivesUpWhenRegistered) => {
            return std::future::pending().await;
        }
        // A registration of a former life may still be on its way, and would take the key with it when its session ends.
        Err(CoordinationError::Conflict { .. }) => {
            let stands = coordination.read(&key).await.ok()?;
            let unchanged = Check::unchanged(&key, stands.as_ref().map(keys::version));
            session.transact(vec![unchanged], vec![registration()]).await
        }
        settled => settled,
    };
    // Whether an unanswered registration was carried out is unknown: this life ends then, before it has done anything.
    Some((session, keys::life_of(registered.ok()?)))
}

fn host(plan: &Plan, me: BrokerId, life: BrokerEpoch, partition: Partition, log: PartitionLog) -> Host {
    let lineage = Lineage::of(log.epoch_starts());
    // Where the watermark was is not remembered: what consumers may read is told anew by the next leader.
    let replica = Replica::recovered(me, life, log.start()..log.end(), lineage, log.start());
    let producers = Producers::of(plan.defects, log.outlines());
    Host::new(partition, plan.settings(), plan.retention(partition), replica, log, producers)
}

impl<E: Env<Fact = Fact>> Broker<E> {
    async fn run(self: Rc<Self>) {
        for host in self.hosts.values() {
            let keep = disk::keep(
                self.env.clone(),
                host.clone(),
                self.plan.knobs.flush,
                self.plan.knobs.flush_interval.duration(),
            );
            let broker = self.clone();
            self.env.spawn(async move {
                keep.await;
                broker.failed.notify_one();
            });
            self.env.spawn(self.clone().follow(host.clone()));
        }
        self.env.spawn(self.clone().hear_news());
        self.env.spawn(self.clone().answer_replicas());
        self.env.spawn(self.clone().answer_clients());
        if self.plan.knobs.fetch == FetchMode::Push {
            self.env.spawn(self.clone().push_to_consumers());
        }
        self.env.spawn(self.clone().keep_sets());
        self.env.spawn(self.clone().stand_for_controller());
        self.coordinate::<Groups>();
        self.coordinate::<Transactions>();
        self.coordinate::<Lenders>();
        self.env.spawn(self.clone().run_errands());
        if self.hosts.values().any(|host| host.retention.is_some()) {
            self.env.spawn(self.clone().keep_retention());
        }
        if !self.plan.changing_topics().is_empty() {
            self.env.spawn(self.clone().keep_topics());
        }
        if let Some(blobs) = self.neighbours.blobs {
            self.env.spawn(self.clone().archive(blobs));
        }
        let has_to = race(self.failed.notified(), self.session.lost());
        match race(has_to, self.stop_when_asked()).await {
            Either::Left(_) | Either::Right(()) => {}
        }
    }

    fn host(&self, partition: Partition) -> Option<Rc<Host>> {
        self.hosts.get(&partition).cloned()
    }

    fn node_of(&self, broker: BrokerId) -> NodeId {
        self.neighbours.brokers[usize::from(broker.0)]
    }
}
