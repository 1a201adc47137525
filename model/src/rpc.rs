//! Request and response on top of datagrams.
//!
//! A call that gets no answer has an *unknown* outcome: the request may be carried out never, once, or, on a
//! network that doubles messages, twice. What must not happen twice needs an id that the server knows
//! again, or a [`session`](crate::session).

use rehearsal_env::{Env, Message, NodeId, Port, Received};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::oneshot;

/// What travels: a question `Q` or its answer `A`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Call<Q, A> {
    /// A question.
    Request {
        /// Tells the caller's calls apart.
        call: u64,
        /// The question.
        body: Q,
    },
    /// The answer to the call of this number.
    Response {
        /// The number.
        call: u64,
        /// The answer.
        body: A,
    },
}

/// No answer came in time. Whether the request was carried out is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer came in time; whether the request was carried out is unknown")]
pub struct NoAnswer;

type Pending<A> = Rc<RefCell<BTreeMap<u64, oneshot::Sender<A>>>>;

/// The asking end of a protocol on one node. Cheap to clone.
pub struct Caller<E: Env, Q: Message, A: Message> {
    env: E,
    port: Rc<E::Port<Call<Q, A>>>,
    pending: Pending<A>,
    next: Rc<Cell<u64>>,
}

impl<E: Env, Q: Message, A: Message> Clone for Caller<E, Q, A> {
    fn clone(&self) -> Self {
        Caller {
            env: self.env.clone(),
            port: self.port.clone(),
            pending: self.pending.clone(),
            next: self.next.clone(),
        }
    }
}

impl<E: Env, Q: Message, A: Message> Caller<E, Q, A> {
    /// Binds the protocol's port on this node and reads the answers.
    pub fn bind(env: &E) -> Self {
        let port = Rc::new(env.bind::<Call<Q, A>>());
        let pending = Pending::default();
        env.spawn(read_answers::<E, Q, A>(port.clone(), pending.clone()));
        // Answers to an earlier life of this node must not be taken for answers to this one.
        let next = Rc::new(Cell::new(env.bits()));
        Caller { env: env.clone(), port, pending, next }
    }

    /// Asks `to` and waits at most `within` for the answer. Nothing is sent again.
    ///
    /// # Errors
    /// [`NoAnswer`]: the outcome is unknown.
    pub async fn call(&self, to: NodeId, body: Q, within: Duration) -> Result<A, NoAnswer> {
        let call = self.next.get();
        self.next.set(call.wrapping_add(1));
        let (sender, receiver) = oneshot::channel();
        self.pending.borrow_mut().insert(call, sender);
        let _forget = Forget { pending: &self.pending, call };
        self.port.send(to, Call::Request { call, body });
        match self.env.timeout(within, receiver).await {
            Ok(Ok(answer)) => Ok(answer),
            _ => Err(NoAnswer),
        }
    }
}

/// Takes a call off the list of pending ones, however it ended.
struct Forget<'a, A> {
    pending: &'a Pending<A>,
    call: u64,
}

impl<A> Drop for Forget<'_, A> {
    fn drop(&mut self) {
        self.pending.borrow_mut().remove(&self.call);
    }
}

async fn read_answers<E: Env, Q: Message, A: Message>(port: Rc<E::Port<Call<Q, A>>>, pending: Pending<A>) {
    loop {
        if let Call::Response { call, body } = port.recv().await.message {
            let waiting = pending.borrow_mut().remove(&call);
            if let Some(waiting) = waiting {
                // Whoever waited may have given up meanwhile.
                let _ = waiting.send(body);
            }
        }
    }
}

/// The answering end of a protocol on one node. Cheap to clone.
pub struct Desk<E: Env, Q: Message, A: Message> {
    port: Rc<E::Port<Call<Q, A>>>,
}

impl<E: Env, Q: Message, A: Message> Clone for Desk<E, Q, A> {
    fn clone(&self) -> Self {
        Desk { port: self.port.clone() }
    }
}

/// A question that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<Q> {
    /// Who asks.
    pub from: NodeId,
    /// The number of the call.
    pub call: u64,
    /// What is asked.
    pub body: Q,
}

impl<E: Env, Q: Message, A: Message> Desk<E, Q, A> {
    /// Binds the protocol's port on this node.
    pub fn bind(env: &E) -> Self {
        Desk { port: Rc::new(env.bind::<Call<Q, A>>()) }
    }

    /// The next question.
    pub async fn next(&self) -> Question<Q> {
        loop {
            if let Received { from, message: Call::Request { call, body } } = self.port.recv().await {
                return Question { from, call, body };
            }
        }
    }

    /// Answers a question. Whether the answer arrives is unknown.
    pub fn answer(&self, to: NodeId, call: u64, body: A) {
        self.port.send(to, Call::Response { call, body });
    }
}
