//! A client of the brokers: it knows, or finds out, who leads a partition, and asks that one. What programs are made of
//! that use the queue: a [`Sender`] sends records, a [`Seat`] is a place in a group, and a [`Worker`] works through what
//! its seat owns; a [`Transactor`] does so in transactions, and a [`Forwarder`] writes what follows from it. A [`Borrower`]
//! has no seat: it works through what is lent to it.

mod borrower;
mod damage;
mod forwarder;
mod look;
mod partitioner;
mod reader;
mod router;
mod seat;
mod sender;
mod source;
mod subscription;
mod trail;
mod transaction;
mod transactor;
mod worker;

pub use borrower::{Borrower, Loan, Use};
pub use forwarder::Forwarder;
pub use partitioner::{AtRandom, ByKey, Partitioner, usual};
pub use router::Router;
pub use seat::{Membership, Seat, Work};
pub use sender::{Sender, Told};
pub use transaction::{Lost, Transactional};
pub use transactor::{Transactor, Transform};
pub use worker::{Handler, Place, Worker};

use super::archive::ArchiveReader;
use super::brokers::BrokerId;
use super::facts::Fact;
use super::knobs::{FetchMode, Knobs};
use super::offset::Offset;
use super::partition::Partition;
use super::protocol::{Answer, Clients, Fetched, Refusal, Request};
use super::reading::{Footing, ReadFrom, Terms};
use super::topics::TopicState;
use crate::session::Patience;
use rehearsal_env::{Env, NodeId};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use subscription::Subscriptions;

/// No answer came, or none that the question deserves: whether anything was done is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotAnswered;

/// Whoever asks brokers.
pub struct Client<E: Env> {
    env: E,
    brokers: Vec<NodeId>,
    sessions: Clients<E>,
    leaders: RefCell<BTreeMap<Partition, BrokerId>>,
    /// Who is asked for what any replica may serve.
    nearby: Cell<NodeId>,
    archive: Option<ArchiveReader<E>>,
    /// Where brokers push.
    subscriptions: Option<Subscriptions<E>>,
    /// Of so many batches out of a thousand a bit flips on their way.
    flips: u32,
}

impl<E: Env<Fact = Fact>> Client<E> {
    /// One for this node: there can be only one, which all that run there share.
    pub fn bind(env: &E, brokers: Vec<NodeId>, knobs: &Knobs) -> Rc<Self> {
        Client::bind_with_archive(env, brokers, None, knobs)
    }

    /// One for this node, who reads what retention has taken from the archive, if there is one.
    pub fn bind_with_archive(
        env: &E,
        brokers: Vec<NodeId>,
        blobs: Option<NodeId>,
        knobs: &Knobs,
    ) -> Rc<Self> {
        let patience = Patience { resend: knobs.resend.duration(), silence: knobs.silence.duration() };
        let sessions = Clients::bind(env, patience);
        let archive = blobs.map(|server| ArchiveReader::bind(env, server, patience));
        let pushes = knobs.fetch == FetchMode::Push;
        let subscriptions = pushes.then(|| Subscriptions::bind(env, patience, knobs));
        let (leaders, nearby) = (RefCell::default(), Cell::new(any_of(env, &brokers)));
        let (env, flips) = (env.clone(), knobs.flips);
        Rc::new(Client { env, brokers, sessions, leaders, nearby, archive, subscriptions, flips })
    }

    /// What retention has taken from the log, if there is an archive.
    pub(super) fn archive(&self) -> Option<&ArchiveReader<E>> {
        self.archive.as_ref()
    }

    /// Asks who leads the partition. Whoever says that it does not is not asked again.
    ///
    /// # Errors
    /// [`NotAnswered`].
    pub async fn ask_leader(&self, partition: Partition, request: Request) -> Result<Answer, NotAnswered> {
        let leader = self.leader(partition).await.ok_or(NotAnswered)?;
        self.ask(leader, partition, request).await
    }

    /// Fetches on these terms: from the broker that is nearby if any replica will do and that one serves it, else from the
    /// leader.
    ///
    /// # Errors
    /// [`NotAnswered`].
    pub async fn fetch(
        &self,
        partition: Partition,
        offset: Offset,
        terms: Terms,
        footing: Footing,
    ) -> Result<Result<Fetched, Refusal>, NotAnswered> {
        let request = Request::Fetch { partition, offset, terms, footing };
        if terms.of == ReadFrom::InSync {
            match self.sessions.ask(self.nearby.get(), request.clone()).await {
                Ok(Answer::Fetched(answer))
                    if !matches!(answer, Err(Refusal::NotLeader | Refusal::UnknownEpoch)) =>
                {
                    return Ok(answer);
                }
                _ => self.nearby.set(any_of(&self.env, &self.brokers)),
            }
        }
        match self.ask_leader(partition, request).await? {
            Answer::Fetched(answer) => Ok(answer),
            _ => Err(NotAnswered),
        }
    }

    /// Who leads the partition, as far as anybody that was asked knows.
    pub async fn leader(&self, partition: Partition) -> Option<BrokerId> {
        let known = self.leaders.borrow().get(&partition).copied();
        if known.is_some() {
            return known;
        }
        let any = any_of(&self.env, &self.brokers);
        if let Ok(Answer::Metadata(leaders)) = self.sessions.ask(any, Request::Metadata).await {
            *self.leaders.borrow_mut() = leaders;
        }
        self.leaders.borrow().get(&partition).copied()
    }

    /// The state of a topic, as far as one of the brokers knows.
    pub(super) async fn topic(&self, topic: u32) -> Option<TopicState> {
        let any = any_of(&self.env, &self.brokers);
        match self.sessions.ask(any, Request::Topic { topic }).await {
            Ok(Answer::Topic(state)) => Some(state),
            _ => None,
        }
    }

    /// Asks this broker about a partition of which it was the leader.
    ///
    /// # Errors
    /// [`NotAnswered`].
    pub async fn ask(
        &self,
        broker: BrokerId,
        partition: Partition,
        request: Request,
    ) -> Result<Answer, NotAnswered> {
        let answer = self.sessions.ask(self.brokers[usize::from(broker.0)], request).await;
        if answer.as_ref().map_or(true, Answer::is_from_the_wrong_broker) {
            self.leaders.borrow_mut().remove(&partition);
        }
        answer.map_err(|_| NotAnswered)
    }
}

fn any_of<E: Env>(env: &E, brokers: &[NodeId]) -> NodeId {
    brokers[env.below(brokers.len() as u64) as usize]
}
