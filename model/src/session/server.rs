//! The server's side of sessions: what clients ask, each request once and in order.

use super::{Frame, Patience, SessionTable, Verdict};
use rehearsal_env::{Env, Message, Port, Received};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// All sessions that clients have with this node in one protocol. Cheap to clone.
pub struct SessionServer<E: Env, Q: Message, A: Message> {
    env: E,
    port: Rc<E::Port<Frame<Q, A>>>,
    table: Rc<RefCell<SessionTable<A>>>,
}

impl<E: Env, Q: Message, A: Message> Clone for SessionServer<E, Q, A> {
    fn clone(&self) -> Self {
        SessionServer { env: self.env.clone(), port: self.port.clone(), table: self.table.clone() }
    }
}

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heard<Q> {
    /// That this is carried out.
    Asked {
        /// In which session.
        session: u64,
        /// What.
        body: Q,
    },
    /// No more; whatever is held for the session is to be let go.
    Ended {
        /// Which session.
        session: u64,
    },
}

impl<E: Env, Q: Message, A: Message> SessionServer<E, Q, A> {
    /// Binds the protocol's port on this node, and ends sessions that are silent; for servers that hold nothing
    /// for a session but its requests.
    pub fn bind(env: &E, patience: Patience) -> Self {
        let server = SessionServer::bind_and_keep(env);
        let sweeper = server.clone();
        env.spawn(async move {
            loop {
                sweeper.env.sleep(patience.silence / 2).await;
                sweeper.end_silent(patience.silence);
            }
        });
        server
    }

    /// Binds the protocol's port on this node. Silent sessions stay until they are
    /// [ended](SessionServer::end_silent).
    pub fn bind_and_keep(env: &E) -> Self {
        SessionServer { env: env.clone(), port: Rc::new(env.bind()), table: Rc::default() }
    }

    /// Ends all sessions that have been silent for longer than `silence`, and names them.
    pub fn end_silent(&self, silence: Duration) -> Vec<u64> {
        self.table.borrow_mut().end_silent(self.env.now(), silence)
    }

    /// Ends a session, and tells its client: what it has asked has an unknown outcome.
    pub fn end(&self, session: u64) {
        if let Some(client) = self.table.borrow_mut().forget(session) {
            self.port.send(client, Frame::End { session });
        }
    }

    /// The next request that is to be carried out, and the session that it came in.
    pub async fn next(&self) -> (u64, Q) {
        loop {
            if let Heard::Asked { session, body } = self.hear().await {
                return (session, body);
            }
        }
    }

    /// The next request that is to be carried out, or the end of a session by its client.
    pub async fn hear(&self) -> Heard<Q> {
        loop {
            let Received { from, message } = self.port.recv().await;
            let now = self.env.now();
            match message {
                Frame::Hello { nonce } => {
                    let session = self.table.borrow_mut().hello(from, nonce, self.env.bits(), now);
                    self.port.send(from, Frame::Welcome { nonce, session });
                }
                Frame::Request { session, number, body } => {
                    let verdict = self.table.borrow_mut().request(from, session, number, now);
                    match verdict {
                        Verdict::Take => return Heard::Asked { session, body },
                        Verdict::Repeat(body) => {
                            self.port.send(from, Frame::Answer { session, number, body });
                        }
                        Verdict::Working => self.port.send(from, Frame::Working { session, number }),
                        Verdict::Ignore => {}
                        Verdict::Unknown => self.port.send(from, Frame::End { session }),
                    }
                }
                Frame::End { session } => {
                    if self.table.borrow_mut().end(from, session) {
                        return Heard::Ended { session };
                    }
                }
                Frame::Welcome { .. } | Frame::Working { .. } | Frame::Answer { .. } => {}
            }
        }
    }

    /// Answers the request that is being carried out in this session, if it has not ended meanwhile.
    pub fn answer(&self, session: u64, body: A) {
        let waiting = self.table.borrow_mut().answered(session, body.clone());
        if let Some((client, number)) = waiting {
            self.port.send(client, Frame::Answer { session, number, body });
        }
    }
}
