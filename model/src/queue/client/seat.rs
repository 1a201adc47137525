//! A place in a group.
//!
//! 1. Join, and wait for the generation; sync, and learn what it owns.
//! 2. Ask where the group goes on in each partition, and have it worked from there.
//! 3. Say from time to time that it lives. When the group rebalances: let everything go, and begin at step 1.

mod places;

use super::super::defects::Defect;
use super::super::facts::Fact;
use super::super::group::{
    self, Ask, CommitRule, Generation, GroupError, Interest, Member, MemberId, Registration, Standing,
    StrategyName,
};
use super::super::identity::ProducerIdentity;
use super::super::offset::Offset;
use super::super::partition::{Partition, Topic};
use super::super::plan::Plan;
use super::super::protocol::{Answer, GroupRefusal, GroupRequest, Request};
use super::super::transactions::TransactionalId;
use super::{Client, Lost, NotAnswered};
use rehearsal_env::Env;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// As whom a seat is at work, for one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Membership {
    /// As whom.
    pub member: MemberId,
    /// In which generation.
    pub generation: Generation,
    /// The how-many-th time at work of this seat: a coordinator that has lost its log may give a generation out again.
    pub stint: u64,
}

/// What is done with the partitions that a seat owns.
pub trait Work: 'static {
    /// Works on these, each from where [`Seat::position`] says, as long as [`Seat::is_at_work`] in this membership.
    /// Returns at once.
    fn begin(self: Rc<Self>, membership: Membership, partitions: BTreeSet<Partition>);
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Commit {
    NothingDue,
    Confirmed,
    NotConfirmed,
}

/// One consumer in a group.
pub struct Seat<E: Env> {
    env: E,
    client: Rc<Client<E>>,
    plan: Arc<Plan>,
    group: u32,
    member: RefCell<Member>,
    /// As whom it is at work, while it is.
    at_work: Cell<Option<Membership>>,
    /// How often it was at work.
    stints: Cell<u64>,
    /// It is elsewhere in a partition, a commit was answered, or the work is over.
    changed: Notify,
}

impl<E: Env<Fact = Fact>> Seat<E> {
    /// A seat in `group`, not yet taken, of one who reads `topics`.
    pub fn new(
        env: &E,
        client: Rc<Client<E>>,
        plan: Arc<Plan>,
        group: u32,
        topics: impl IntoIterator<Item = Topic>,
        rule: CommitRule,
    ) -> Rc<Self> {
        let registration = Registration {
            interest: Interest::of(topics),
            strategies: strategies(plan.knobs.strategy),
            session: plan.knobs.member_session.duration(),
            rebalance: plan.knobs.rebalance.duration(),
        };
        let member = RefCell::new(Member::new(rule, registration, plan.defects));
        let (at_work, stints, changed) = (Cell::new(None), Cell::new(0), Notify::new());
        Rc::new(Seat { env: env.clone(), client, plan, group, member, at_work, stints, changed })
    }

    /// Takes the seat, for ever.
    pub async fn run<W: Work>(self: Rc<Self>, work: Rc<W>) {
        let mut ask = self.member.borrow_mut().join();
        loop {
            ask = match ask {
                Ask::Join { member, registration } => {
                    self.stop();
                    self.join(member, registration).await
                }
                Ask::Sync { member, generation, plan } => self.sync(member, generation, plan).await,
                Ask::Offsets(partitions) => self.begin(&work, partitions).await,
                Ask::LetGo => {
                    self.let_go().await;
                    self.member.borrow_mut().join()
                }
                Ask::Nothing => self.live_on().await,
            };
        }
    }

    /// Leaves the group: stops working, commits what is done where no commit is under way, and says that it goes. Whoever
    /// is not heard is missed when its session is over. What is done and not committed others do again.
    pub async fn leave(&self) {
        if self.plan.defects.has(Defect::LeaveCommitsFetched) {
            self.member.borrow_mut().take_fetched_for_processed();
        }
        self.let_go().await;
        let member = self.member.borrow_mut().leave();
        if let Some(member) = member {
            // The others go on without it in any case.
            let _ = self.ask(GroupRequest::Leave { member }).await;
        }
    }

    fn begin_stint(&self, member: MemberId, generation: Generation) -> Membership {
        self.stints.update(|stints| stints + 1);
        let membership = Membership { member, generation, stint: self.stints.get() };
        self.at_work.set(Some(membership));
        membership
    }

    /// Which group it is in.
    pub fn group(&self) -> u32 {
        self.group
    }

    /// Whether it still owns what it was given in this membership.
    pub fn is_at_work(&self, membership: Membership) -> bool {
        self.at_work.get() == Some(membership)
    }

    /// Where it is in a partition that it works on.
    pub fn position(&self, partition: Partition) -> Option<Offset> {
        self.member.borrow().progress(partition).map(group::progress::Progress::position)
    }

    fn seek(
        &self,
        Membership { member, .. }: Membership,
        partition: Partition,
        offset: Offset,
        committed: bool,
    ) {
        self.member.borrow_mut().seek(partition, offset);
        self.changed.notify_waiters();
        self.env.observe(Fact::Positioned { group: self.group, member, partition, offset, committed });
    }

    /// Goes on from there, since what it wanted is not in the log; that is committed soon.
    pub(super) fn reset(&self, Membership { member, .. }: Membership, partition: Partition, offset: Offset) {
        self.member.borrow_mut().reset(partition, offset);
        self.changed.notify_waiters();
        let (group, committed) = (self.group, false);
        self.env.observe(Fact::Positioned { group, member, partition, offset, committed });
    }

    /// Everything before `next` is done with, in a partition that it works on in this membership.
    pub fn settle(&self, membership: Membership, partition: Partition, next: Offset) {
        if self.is_at_work(membership) {
            self.processed(partition, next);
        }
    }

    /// An answer to a fetch from `from` came; the next fetch is from `next`. False when it is to be thrown away.
    pub(super) fn fetched(&self, partition: Partition, from: Offset, next: Offset) -> bool {
        self.changed.notify_waiters();
        self.member.borrow_mut().fetched(partition, from, next)
    }

    /// Whether the record at this offset may be begun.
    pub(super) fn begins(&self, partition: Partition, offset: Offset) -> bool {
        self.member.borrow().begins(partition, offset)
    }

    /// Everything before `next` is done with.
    pub(super) fn processed(&self, partition: Partition, next: Offset) {
        self.member.borrow_mut().processed(partition, next);
        self.changed.notify_waiters();
    }

    /// Waits until it is elsewhere in a partition, a commit was answered, or the work is over.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    async fn join(&self, member: Option<MemberId>, registration: Registration) -> Ask {
        let answer = self.ask(GroupRequest::Join { member, registration }).await;
        let topics = self.plan.readable();
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
        let answer = self.ask(GroupRequest::Sync { member, generation, plan }).await;
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
        self.begin_stint(member, generation);
        self.env.observe(Fact::Assigned { group: self.group, member, generation, partitions });
    }

    fn membership(&self) -> Option<(MemberId, Generation)> {
        self.member.borrow().membership()
    }

    /// Says that it lives, after a while.
    async fn live_on(&self) -> Ask {
        self.env.sleep(self.plan.knobs.heartbeat.duration()).await;
        self.say_that_it_lives().await
    }

    async fn say_that_it_lives(&self) -> Ask {
        let Some((member, generation)) = self.membership() else { return self.member.borrow_mut().join() };
        let answer = match self.ask(GroupRequest::Heartbeat { member, generation }).await {
            Ok(answer) => answer.map(|_| ()),
            Err(NotAnswered) => return Ask::Nothing,
        };
        self.member.borrow_mut().on_heartbeat_answer(generation, answer)
    }

    fn stop(&self) {
        if let Some(Membership { member, generation, .. }) = self.at_work.take() {
            self.env.observe(Fact::LetGo { group: self.group, member, generation });
            self.changed.notify_waiters();
        }
    }

    /// Stops working, and commits what it has done.
    async fn let_go(&self) {
        let membership = self.at_work.get();
        self.stop();
        if let Some(membership) = membership {
            self.commit(membership).await;
        }
    }

    /// Has the work begun where the group has left off.
    async fn begin<W: Work>(&self, work: &Rc<W>, partitions: BTreeSet<Partition>) -> Ask {
        let Some(membership) = self.at_work.get() else { return Ask::Nothing };
        let asked = GroupRequest::Offsets { partitions: partitions.clone() };
        let Ok(Ok(group::Answer::Fetched(committed))) = self.ask(asked).await else {
            self.pause().await;
            // Others may have taken over meanwhile: a heartbeat tells.
            return match self.live_on().await {
                Ask::Nothing => Ask::Offsets(partitions),
                other => other,
            };
        };
        // With many partitions, or one that nobody leads, this takes longer than a member may be silent.
        let mut said = self.env.now();
        let mut left = partitions.iter().peekable();
        while let Some(partition) = left.peek() {
            if self.env.now().since(said) >= self.plan.knobs.heartbeat.duration() {
                match self.say_that_it_lives().await {
                    Ask::Nothing => said = self.env.now(),
                    other => return other,
                }
            }
            match self.go_on(membership, **partition, committed.get(partition).copied()).await {
                Ok(()) => drop(left.next()),
                Err(NotAnswered) => self.pause().await,
            }
        }
        work.clone().begin(membership, partitions);
        Ask::Nothing
    }

    /// Commits what is due. What is not confirmed may have been done.
    pub(super) async fn commit(&self, Membership { member, generation, .. }: Membership) -> Commit {
        let offsets = self.member.borrow_mut().commit_due();
        if offsets.is_empty() {
            return Commit::NothingDue;
        }
        let request = GroupRequest::Commit { member, generation, offsets: offsets.clone() };
        let confirmed = matches!(self.ask(request).await, Ok(Ok(_)));
        if confirmed {
            let (group, offsets) = (self.group, offsets.clone());
            self.env.observe(Fact::CommitConfirmed { group, member, generation, offsets });
        }
        self.member.borrow_mut().committed(generation, &offsets, confirmed);
        self.changed.notify_waiters();
        if confirmed { Commit::Confirmed } else { Commit::NotConfirmed }
    }

    /// Everything between is done, and committed by other means.
    pub(super) fn worked_through(&self, partition: Partition, from: Offset, next: Offset) {
        if self.fetched(partition, from, next) {
            self.processed(partition, next);
        }
    }

    /// Commits these, whatever was processed.
    pub(super) async fn commit_now(
        &self,
        Membership { member, generation, .. }: Membership,
        offsets: BTreeMap<Partition, Offset>,
    ) {
        // A commit that fails is made again with the next records.
        let _ = self.ask(GroupRequest::Commit { member, generation, offsets }).await;
    }

    /// Has these committed when the transaction is (KIP-447).
    ///
    /// # Errors
    /// [`Lost`]: whoever owns the partitions now, it may be another.
    pub(super) async fn commit_within(
        &self,
        Membership { member, generation, .. }: Membership,
        id: TransactionalId,
        producer: ProducerIdentity,
        offsets: BTreeMap<Partition, Offset>,
    ) -> Result<(), Lost> {
        let request = GroupRequest::CommitWithin { member, generation, id, producer, offsets };
        match self.ask(request).await {
            Ok(Ok(group::Answer::Committed)) => Ok(()),
            _ => Err(Lost),
        }
    }

    /// Goes on where the group has left off, once that is known.
    pub(super) async fn go_on_where_committed(&self, membership: Membership, partition: Partition) {
        while self.is_at_work(membership) {
            let asked = GroupRequest::Offsets { partitions: BTreeSet::from([partition]) };
            if let Ok(Ok(group::Answer::Fetched(committed))) = self.ask(asked).await
                && self.go_on(membership, partition, committed.get(&partition).copied()).await.is_ok()
            {
                return;
            }
            self.pause().await;
        }
    }

    async fn ask(&self, request: GroupRequest) -> Result<Result<group::Answer, GroupError>, NotAnswered> {
        let partition = Plan::offsets_partition(self.group);
        let request = Request::Group { group: self.group, request };
        match self.client.ask_leader(partition, request).await? {
            Answer::Group(Ok(answer)) => Ok(Ok(answer)),
            Answer::Group(Err(GroupRefusal::Group(error))) => Ok(Err(error)),
            _ => Err(NotAnswered),
        }
    }

    /// Waits a little before it asks again.
    pub async fn pause(&self) {
        self.env.sleep(self.plan.knobs.backoff.duration()).await;
    }
}

/// The one that is wished for, and one that everybody knows.
fn strategies(preferred: StrategyName) -> Vec<StrategyName> {
    let mut strategies = vec![preferred];
    strategies.extend((preferred != StrategyName::Range).then_some(StrategyName::Range));
    strategies
}
