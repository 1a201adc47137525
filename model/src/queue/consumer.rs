//! A consumer: a member of its group, at work on the partitions that it owns.
//!
//! 1. Join, and wait for the generation; sync, and learn what it owns.
//! 2. Ask where the group goes on in each partition, and work from there: fetch, process, commit.
//! 3. Say from time to time that it lives. When the group rebalances: let everything go, and begin at step 1.

use super::brokers::BrokerId;
use super::facts::Fact;
use super::group::{
    self, Ask, CommitRule, Generation, GroupError, Interest, Member, MemberId, Registration, Standing,
    StrategyName,
};
use super::knobs::Delivery;
use super::message::MessageId;
use super::offset::Offset;
use super::partition::{Partition, Topic};
use super::plan::{ConsumerPlan, Plan};
use super::protocol::{Answer, Clients, GroupRefusal, GroupRequest, Refusal, Request};
use super::record::{Batch, Content};
use crate::session::Patience;
use rehearsal_env::{Env, NodeId};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

type Membership = (MemberId, Generation);
/// No answer came, or none that the question deserves.
struct NotAnswered;

/// What became of a commit.
enum Commit {
    NothingDue,
    Confirmed,
    NotConfirmed,
}

/// A time at work. A coordinator that has lost its log may give a generation out again, and what was begun in the first
/// one must not go on in the second.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stint {
    membership: Membership,
    number: u64,
}

struct Consumer<E: Env> {
    env: E,
    plan: Arc<Plan>,
    group: u32,
    brokers: Vec<NodeId>,
    clients: Clients<E>,
    member: RefCell<Member>,
    leaders: RefCell<BTreeMap<Partition, BrokerId>>,
    /// As whom it is at work, while it is.
    at_work: Cell<Option<Stint>>,
    /// How often it was.
    stints: Cell<u64>,
    /// A commit was answered, or the work is over.
    changed: Notify,
}

/// Runs a consumer on this node, for ever.
pub async fn consume<E: Env<Fact = Fact>>(
    env: E,
    plan: Arc<Plan>,
    brokers: Vec<NodeId>,
    consumer: ConsumerPlan,
) {
    let knobs = &plan.knobs;
    let patience = Patience { resend: knobs.resend.duration(), silence: knobs.silence.duration() };
    let registration = Registration {
        interest: Interest::of([Topic::Named(consumer.topic)]),
        strategies: strategies(knobs.strategy),
        session: knobs.member_session.duration(),
        rebalance: knobs.rebalance.duration(),
    };
    let rule = match knobs.delivery {
        Delivery::AtMostOnce => CommitRule::BeforeProcessing,
        Delivery::AtLeastOnce => CommitRule::AfterProcessing,
    };
    let consumer = Rc::new(Consumer {
        clients: Clients::bind(&env, patience),
        member: RefCell::new(Member::new(rule, registration, plan.defects)),
        group: consumer.group,
        leaders: RefCell::default(),
        at_work: Cell::new(None),
        stints: Cell::new(0),
        changed: Notify::new(),
        env,
        plan,
        brokers,
    });
    consumer.run().await;
}

/// The one that is wished for, and one that everybody knows.
fn strategies(preferred: StrategyName) -> Vec<StrategyName> {
    let mut strategies = vec![preferred];
    strategies.extend((preferred != StrategyName::Range).then_some(StrategyName::Range));
    strategies
}

impl<E: Env<Fact = Fact>> Consumer<E> {
    async fn run(self: Rc<Self>) {
        let mut ask = self.member.borrow_mut().join();
        loop {
            ask = match ask {
                Ask::Join { member, registration } => {
                    self.stop();
                    self.join(member, registration).await
                }
                Ask::Sync { member, generation, plan } => self.sync(member, generation, plan).await,
                Ask::Offsets(partitions) => self.clone().begin(partitions).await,
                Ask::LetGo => {
                    self.let_go().await;
                    self.member.borrow_mut().join()
                }
                Ask::Nothing => self.live_on().await,
            };
        }
    }

    // ---- membership ----

    async fn join(&self, member: Option<MemberId>, registration: Registration) -> Ask {
        let answer = self.ask_group(GroupRequest::Join { member, registration }).await;
        let topics =
            self.plan.topics.iter().map(|topic| (Topic::Named(topic.number), topic.partitions)).collect();
        match answer {
            Ok(Ok(group::Answer::Joined(joined))) => {
                self.member.borrow_mut().on_join_answer(Ok(joined), &topics)
            }
            Ok(Err(error)) => {
                self.pause().await;
                self.member.borrow_mut().on_join_answer(Err(error), &topics)
            }
            Ok(Ok(_)) | Err(NotAnswered) => {
                self.pause().await;
                self.member.borrow_mut().join()
            }
        }
    }

    async fn sync(&self, member: MemberId, generation: Generation, plan: group::Plan) -> Ask {
        let answer = self.ask_group(GroupRequest::Sync { member, generation, plan }).await;
        match answer {
            Ok(Ok(group::Answer::Synced { generation, partitions })) => {
                let ask = self.member.borrow_mut().on_sync_answer(Ok((generation, partitions.clone())));
                self.assigned(partitions);
                ask
            }
            Ok(Err(error)) => {
                self.pause().await;
                self.member.borrow_mut().on_sync_answer(Err(error))
            }
            Ok(Ok(_)) | Err(NotAnswered) => {
                self.pause().await;
                self.member.borrow_mut().join()
            }
        }
    }

    fn assigned(&self, partitions: BTreeSet<Partition>) {
        let steady = matches!(self.member.borrow().standing(), Standing::Steady { .. });
        let Some((member, generation)) = self.membership().filter(|_| steady) else { return };
        self.stints.update(|stints| stints + 1);
        self.at_work.set(Some(Stint { membership: (member, generation), number: self.stints.get() }));
        self.env.observe(Fact::Assigned { group: self.group, member, generation, partitions });
    }

    fn membership(&self) -> Option<Membership> {
        self.member.borrow().membership()
    }

    /// Says that it lives, after a while.
    async fn live_on(&self) -> Ask {
        self.env.sleep(self.plan.knobs.heartbeat.duration()).await;
        let Some((member, generation)) = self.membership() else { return self.member.borrow_mut().join() };
        let answer = match self.ask_group(GroupRequest::Heartbeat { member, generation }).await {
            Ok(answer) => answer.map(|_| ()),
            Err(NotAnswered) => return Ask::Nothing,
        };
        self.member.borrow_mut().on_heartbeat_answer(generation, answer)
    }

    fn stop(&self) {
        if let Some(Stint { membership: (member, generation), .. }) = self.at_work.take() {
            self.env.observe(Fact::LetGo { group: self.group, member, generation });
            self.changed.notify_waiters();
        }
    }

    /// Stops working, and commits what it has done.
    async fn let_go(&self) {
        let stint = self.at_work.get();
        self.stop();
        if let Some(Stint { membership, .. }) = stint {
            self.commit(membership).await;
        }
    }

    // ---- work ----

    /// Begins to work where the group has left off.
    async fn begin(self: Rc<Self>, partitions: BTreeSet<Partition>) -> Ask {
        let Some(stint) = self.at_work.get() else { return Ask::Nothing };
        let asked = GroupRequest::Offsets { partitions: partitions.clone() };
        let Ok(Ok(group::Answer::Fetched(committed))) = self.ask_group(asked).await else {
            self.pause().await;
            // Others may have taken over meanwhile: a heartbeat tells.
            return match self.live_on().await {
                Ask::Nothing => Ask::Offsets(partitions),
                other => other,
            };
        };
        for partition in partitions {
            let offset = match committed.get(&partition) {
                Some(offset) => *offset,
                None => self.earliest(partition).await,
            };
            self.position(stint.membership, partition, offset, committed.contains_key(&partition));
            self.env.spawn(self.clone().work(stint, partition));
        }
        self.env.spawn(self.clone().keep_committing(stint));
        Ask::Nothing
    }

    fn position(&self, (member, _): Membership, partition: Partition, offset: Offset, committed: bool) {
        self.member.borrow_mut().seek(partition, offset);
        self.env.observe(Fact::Positioned { group: self.group, member, partition, offset, committed });
    }

    async fn earliest(&self, partition: Partition) -> Offset {
        loop {
            if let Ok(Answer::Earliest(Ok(start))) =
                self.ask_leader(partition, Request::Earliest { partition }).await
            {
                return start;
            }
            self.pause().await;
        }
    }

    fn is_at_work(&self, stint: Stint) -> bool {
        self.at_work.get() == Some(stint)
    }

    async fn work(self: Rc<Self>, stint: Stint, partition: Partition) {
        while self.is_at_work(stint) {
            let position = self.member.borrow().progress(partition).map(group::progress::Progress::position);
            let Some(offset) = position else { return };
            match self.ask_leader(partition, Request::Fetch { partition, offset }).await {
                Ok(Answer::Fetched(Ok(batches))) => {
                    self.process(stint, partition, offset, batches).await;
                }
                Ok(Answer::Fetched(Err(Refusal::OutOfRange { start, .. }))) if self.is_at_work(stint) => {
                    self.env.observe(Fact::OffsetOutOfRange { group: self.group, partition, offset });
                    self.position(stint.membership, partition, start, false);
                }
                _ => self.pause().await,
            }
        }
    }

    async fn process(&self, stint: Stint, partition: Partition, from: Offset, batches: Vec<Arc<Batch>>) {
        let Some(next) = batches.last().map(|batch| batch.end()) else { return };
        if !self.is_at_work(stint) || !self.member.borrow_mut().fetched(partition, from, next) {
            return;
        }
        for batch in batches {
            let Content::Records(records) = &batch.payload.content else { continue };
            for (place, record) in records.iter().enumerate() {
                let offset = batch.base.plus(place as u64);
                if offset < from {
                    continue;
                }
                while !self.member.borrow().begins(partition, offset) {
                    if !self.is_at_work(stint) {
                        return;
                    }
                    // What is to be committed before it is processed need not wait for its time.
                    match self.commit(stint.membership).await {
                        Commit::Confirmed => {}
                        Commit::NotConfirmed => self.pause().await,
                        Commit::NothingDue => self.changed.notified().await,
                    }
                }
                self.env.sleep(self.plan.knobs.processing.duration()).await;
                if !self.is_at_work(stint) {
                    return;
                }
                let (member, generation) = stint.membership;
                if let Some(message) = MessageId::of_value(&record.value) {
                    let group = self.group;
                    self.env.observe(Fact::Processed {
                        group,
                        member,
                        generation,
                        partition,
                        offset,
                        message,
                    });
                }
                self.member.borrow_mut().processed(partition, offset.plus(1));
            }
        }
    }

    async fn keep_committing(self: Rc<Self>, stint: Stint) {
        while self.is_at_work(stint) {
            self.env.sleep(self.plan.knobs.commit_interval.duration()).await;
            if self.is_at_work(stint) {
                self.commit(stint.membership).await;
            }
        }
    }

    async fn commit(&self, (member, generation): Membership) -> Commit {
        let offsets = self.member.borrow_mut().commit_due();
        if offsets.is_empty() {
            return Commit::NothingDue;
        }
        let request = GroupRequest::Commit { member, generation, offsets: offsets.clone() };
        let confirmed = matches!(self.ask_group(request).await, Ok(Ok(_)));
        if confirmed {
            let (group, offsets) = (self.group, offsets.clone());
            self.env.observe(Fact::CommitConfirmed { group, member, generation, offsets });
        }
        self.member.borrow_mut().committed(generation, &offsets, confirmed);
        self.changed.notify_waiters();
        if confirmed { Commit::Confirmed } else { Commit::NotConfirmed }
    }

    // ---- asking ----

    async fn ask_group(
        &self,
        request: GroupRequest,
    ) -> Result<Result<group::Answer, GroupError>, NotAnswered> {
        let partition = Plan::offsets_partition(self.group);
        let request = Request::Group { group: self.group, request };
        match self.ask_leader(partition, request).await? {
            Answer::Group(Ok(answer)) => Ok(Ok(answer)),
            Answer::Group(Err(GroupRefusal::Group(error))) => Ok(Err(error)),
            _ => Err(NotAnswered),
        }
    }

    /// Asks who leads the partition. Whoever says that it does not is not asked again.
    async fn ask_leader(&self, partition: Partition, request: Request) -> Result<Answer, NotAnswered> {
        let known = self.leaders.borrow().get(&partition).copied();
        let leader = match known {
            Some(leader) => leader,
            None => self.find_leader(partition).await.ok_or(NotAnswered)?,
        };
        let answer = self.clients.ask(self.brokers[usize::from(leader.0)], request).await;
        let elsewhere = match &answer {
            Ok(Answer::Fetched(Err(refusal)) | Answer::Earliest(Err(refusal))) => {
                *refusal == Refusal::NotLeader
            }
            Ok(Answer::Group(Err(refusal))) => *refusal == GroupRefusal::NotCoordinator,
            Ok(_) => false,
            Err(_) => true,
        };
        if elsewhere {
            self.leaders.borrow_mut().remove(&partition);
        }
        answer.map_err(|_| NotAnswered)
    }

    async fn find_leader(&self, partition: Partition) -> Option<BrokerId> {
        let any = self.brokers[self.env.below(self.brokers.len() as u64) as usize];
        if let Ok(Answer::Metadata(leaders)) = self.clients.ask(any, Request::Metadata).await {
            *self.leaders.borrow_mut() = leaders;
        }
        self.leaders.borrow().get(&partition).copied()
    }

    async fn pause(&self) {
        self.env.sleep(self.plan.knobs.backoff.duration()).await;
    }
}
