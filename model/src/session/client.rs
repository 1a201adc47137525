//! The client's side of sessions.

use super::{Frame, Patience};
use rehearsal_env::{Env, Message, NodeId, Port, Time};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::mpsc;

/// The session ended before the answer came. Whether the request was carried out is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session ended; whether its last request was carried out is unknown")]
pub struct SessionOver;

type Mailbox<Q, A> = mpsc::UnboundedSender<Frame<Q, A>>;
/// By nonce while a session is being opened, then by session.
type Mailboxes<Q, A> = Rc<RefCell<BTreeMap<u64, Mailbox<Q, A>>>>;

/// All sessions that this node has as a client of one protocol. Cheap to clone.
pub struct Sessions<E: Env, Q: Message, A: Message> {
    env: E,
    port: Rc<E::Port<Frame<Q, A>>>,
    mailboxes: Mailboxes<Q, A>,
    patience: Patience,
}

impl<E: Env, Q: Message, A: Message> Clone for Sessions<E, Q, A> {
    fn clone(&self) -> Self {
        Sessions {
            env: self.env.clone(),
            port: self.port.clone(),
            mailboxes: self.mailboxes.clone(),
            patience: self.patience,
        }
    }
}

/// One open session. Dropping it ends it.
pub struct Session<E: Env, Q: Message, A: Message> {
    sessions: Sessions<E, Q, A>,
    server: NodeId,
    id: u64,
    asked: u64,
    frames: mpsc::UnboundedReceiver<Frame<Q, A>>,
    used: Time,
}

impl<E: Env, Q: Message, A: Message> Sessions<E, Q, A> {
    /// Binds the protocol's port on this node.
    pub fn bind(env: &E, patience: Patience) -> Self {
        let port = Rc::new(env.bind::<Frame<Q, A>>());
        let mailboxes = Mailboxes::default();
        env.spawn(sort_frames::<E, Q, A>(port.clone(), mailboxes.clone()));
        Sessions { env: env.clone(), port, mailboxes, patience }
    }

    /// Begins a session with `server`.
    ///
    /// # Errors
    /// [`SessionOver`] when the server was silent for too long; nothing was begun that lasts.
    pub async fn open(&self, server: NodeId) -> Result<Session<E, Q, A>, SessionOver> {
        let nonce = self.env.bits();
        let (mailbox, mut frames) = mpsc::unbounded_channel();
        self.mailboxes.borrow_mut().insert(nonce, mailbox.clone());
        let hello = Frame::Hello { nonce };
        let welcomed = self.converse(server, &hello, &mut frames, |frame| match frame {
            Frame::Welcome { session, .. } => Some(session),
            _ => None,
        });
        let welcomed = welcomed.await;
        self.mailboxes.borrow_mut().remove(&nonce);
        let id = welcomed?;
        self.mailboxes.borrow_mut().insert(id, mailbox);
        let used = self.env.now();
        Ok(Session { sessions: self.clone(), server, id, asked: 0, frames, used })
    }

    /// Sends `frame`, again and again, until `wanted` takes something out of what comes back.
    async fn converse<T>(
        &self,
        server: NodeId,
        frame: &Frame<Q, A>,
        frames: &mut mpsc::UnboundedReceiver<Frame<Q, A>>,
        wanted: impl Fn(Frame<Q, A>) -> Option<T>,
    ) -> Result<T, SessionOver> {
        self.port.send(server, frame.clone());
        let mut heard = self.env.now();
        let mut again = self.patience.resend;
        loop {
            match self.env.timeout(again, frames.recv()).await {
                Ok(Some(Frame::End { .. }) | None) => return Err(SessionOver),
                Ok(Some(came)) => {
                    heard = self.env.now();
                    if matches!(came, Frame::Working { .. }) {
                        again = self.patience.while_at_work();
                    }
                    if let Some(found) = wanted(came) {
                        return Ok(found);
                    }
                }
                Err(_) if self.env.now().since(heard) > self.patience.silence => return Err(SessionOver),
                Err(_) => self.port.send(server, frame.clone()),
            }
        }
    }
}

impl<E: Env, Q: Message, A: Message> Session<E, Q, A> {
    /// Asks and waits for the answer, however long the server says that it is working on it.
    ///
    /// # Errors
    /// [`SessionOver`]: the outcome is unknown, and the session is of no more use.
    pub async fn ask(&mut self, body: Q) -> Result<A, SessionOver> {
        self.asked += 1;
        let number = self.asked;
        let request = Frame::Request { session: self.id, number, body };
        let answered = self.sessions.converse(self.server, &request, &mut self.frames, |frame| match frame {
            Frame::Answer { number: answered, body, .. } if answered == number => Some(body),
            _ => None,
        });
        let answer = answered.await?;
        self.used = self.sessions.env.now();
        Ok(answer)
    }

    /// Whether the server surely still knows it: it was used not too long ago.
    pub fn is_fresh(&self) -> bool {
        self.sessions.env.now().since(self.used) * 2 < self.sessions.patience.silence
    }
}

impl<E: Env, Q: Message, A: Message> Drop for Session<E, Q, A> {
    fn drop(&mut self) {
        self.sessions.mailboxes.borrow_mut().remove(&self.id);
        self.sessions.port.send(self.server, Frame::End { session: self.id });
    }
}

async fn sort_frames<E: Env, Q: Message, A: Message>(
    port: Rc<E::Port<Frame<Q, A>>>,
    mailboxes: Mailboxes<Q, A>,
) {
    loop {
        let frame = port.recv().await.message;
        let key = match &frame {
            Frame::Welcome { nonce, .. } => *nonce,
            Frame::Working { session, .. } | Frame::Answer { session, .. } | Frame::End { session } => {
                *session
            }
            Frame::Hello { .. } | Frame::Request { .. } => continue,
        };
        if let Some(mailbox) = mailboxes.borrow().get(&key) {
            // Whoever reads it may be gone already.
            let _ = mailbox.send(frame);
        }
    }
}
