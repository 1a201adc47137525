//! The server's side of sessions for servers that hold nothing for a session but its requests.

use super::{Frame, Patience, SessionTable, Verdict};
use rehearsal_env::{Env, Message, Port, Received};
use std::cell::RefCell;
use std::rc::Rc;

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

impl<E: Env, Q: Message, A: Message> SessionServer<E, Q, A> {
    /// Binds the protocol's port on this node, and ends sessions that are silent.
    pub fn bind(env: &E, patience: Patience) -> Self {
        let table = Rc::new(RefCell::new(SessionTable::default()));
        let server = SessionServer { env: env.clone(), port: Rc::new(env.bind()), table };
        let sweeper = server.clone();
        env.spawn(async move {
            loop {
                sweeper.env.sleep(patience.silence / 2).await;
                sweeper.table.borrow_mut().end_silent(sweeper.env.now(), patience.silence);
            }
        });
        server
    }

    /// The next request that is to be carried out, and the session that it came in.
    pub async fn next(&self) -> (u64, Q) {
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
                        Verdict::Take => return (session, body),
                        Verdict::Repeat(body) => {
                            self.port.send(from, Frame::Answer { session, number, body });
                        }
                        Verdict::Working => self.port.send(from, Frame::Working { session, number }),
                        Verdict::Ignore => {}
                        Verdict::Unknown => self.port.send(from, Frame::End { session }),
                    }
                }
                Frame::End { session } => {
                    self.table.borrow_mut().end(from, session);
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
