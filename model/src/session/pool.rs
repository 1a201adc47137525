//! Sessions with several servers, opened when they are needed and kept for the next request.

use super::{Patience, Session, SessionOver, Sessions};
use rehearsal_env::{Env, Message, NodeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

type Idle<E, Q, A> = Rc<RefCell<BTreeMap<NodeId, Vec<Session<E, Q, A>>>>>;

/// Sessions of one protocol with any server: each request has one for itself while it waits. Cheap to clone.
pub struct SessionPool<E: Env, Q: Message, A: Message> {
    sessions: Sessions<E, Q, A>,
    idle: Idle<E, Q, A>,
}

impl<E: Env, Q: Message, A: Message> Clone for SessionPool<E, Q, A> {
    fn clone(&self) -> Self {
        SessionPool { sessions: self.sessions.clone(), idle: self.idle.clone() }
    }
}

impl<E: Env, Q: Message, A: Message> SessionPool<E, Q, A> {
    /// Binds the protocol's port on this node.
    pub fn bind(env: &E, patience: Patience) -> Self {
        SessionPool { sessions: Sessions::bind(env, patience), idle: Rc::default() }
    }

    /// Asks `server`, and waits for the answer as long as it says that it is working on it.
    ///
    /// # Errors
    /// [`SessionOver`]: whether the request was carried out is unknown.
    pub async fn ask(&self, server: NodeId, body: Q) -> Result<A, SessionOver> {
        let kept = self.idle.borrow_mut().get_mut(&server).and_then(Vec::pop);
        let mut session = match kept.filter(Session::is_fresh) {
            Some(session) => session,
            None => self.sessions.open(server).await?,
        };
        let answer = session.ask(body).await?;
        self.idle.borrow_mut().entry(server).or_default().push(session);
        Ok(answer)
    }
}
