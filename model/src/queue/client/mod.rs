//! A client of the brokers: it knows, or finds out, who leads a partition, and asks that one. What programs are made of
//! that use the queue: a [`Sender`] sends records, a [`Seat`] is a place in a group, a [`Worker`] works through what its
//! seat owns, and a [`Forwarder`] writes what follows from it.

mod forwarder;
mod seat;
mod sender;
mod worker;

pub use forwarder::Forwarder;
pub use seat::{Membership, Seat, Work};
pub use sender::{Sender, Told};
pub use worker::{Handler, Place, Worker};

use super::brokers::BrokerId;
use super::facts::Fact;
use super::knobs::Knobs;
use super::partition::Partition;
use super::protocol::{Answer, Clients, Request};
use crate::session::Patience;
use rehearsal_env::{Env, NodeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// No answer came, or none that the question deserves: whether anything was done is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotAnswered;

/// Whoever asks brokers.
pub struct Client<E: Env> {
    env: E,
    brokers: Vec<NodeId>,
    sessions: Clients<E>,
    leaders: RefCell<BTreeMap<Partition, BrokerId>>,
}

impl<E: Env<Fact = Fact>> Client<E> {
    /// One for this node: there can be only one, which all that run there share.
    pub fn bind(env: &E, brokers: Vec<NodeId>, knobs: &Knobs) -> Rc<Self> {
        let patience = Patience { resend: knobs.resend.duration(), silence: knobs.silence.duration() };
        let sessions = Clients::bind(env, patience);
        Rc::new(Client { env: env.clone(), brokers, sessions, leaders: RefCell::default() })
    }

    /// Asks who leads the partition. Whoever says that it does not is not asked again.
    ///
    /// # Errors
    /// [`NotAnswered`].
    pub async fn ask_leader(&self, partition: Partition, request: Request) -> Result<Answer, NotAnswered> {
        let leader = self.leader(partition).await.ok_or(NotAnswered)?;
        self.ask(leader, partition, request).await
    }

    /// Who leads the partition, as far as anybody that was asked knows.
    pub async fn leader(&self, partition: Partition) -> Option<BrokerId> {
        let known = self.leaders.borrow().get(&partition).copied();
        if known.is_some() {
            return known;
        }
        let any = self.brokers[self.env.below(self.brokers.len() as u64) as usize];
        if let Ok(Answer::Metadata(leaders)) = self.sessions.ask(any, Request::Metadata).await {
            *self.leaders.borrow_mut() = leaders;
        }
        self.leaders.borrow().get(&partition).copied()
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
