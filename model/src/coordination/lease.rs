//! The client's side of a session: it keeps itself alive, and knows for how long it surely is.

use super::client::Coordination;
use super::command::{Check, Edit, Reply, Revision, SessionId};
use super::error::CoordinationError;
use super::happening::{OperationId, Outcome};
use super::messages::{Request, Response};
use rehearsal_env::{Env, Spawner, TaskHandle, Time};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// What the client knows of its session.
struct Standing {
    /// Until then the service cannot have ended it: it was renewed after the client sent the wish to, and the
    /// service counts from when that came. True only while both clocks run alike; whoever must be sure passes
    /// on the version of what the session owns.
    surely_until: Cell<Time>,
    /// The service said so.
    gone: Cell<bool>,
}

/// An open session. Dropping it lets it expire.
pub struct CoordinationSession<E: Env> {
    coordination: Coordination<E>,
    id: SessionId,
    timeout: Duration,
    standing: Rc<Standing>,
    heartbeat: <E as Spawner>::Task,
}

impl<E: Env> CoordinationSession<E> {
    /// The wish to open it was sent at `sent`, and fulfilled.
    pub(super) fn begin(coordination: Coordination<E>, id: SessionId, timeout: Duration, sent: Time) -> Self {
        let standing = Rc::new(Standing { surely_until: Cell::new(sent + timeout), gone: Cell::new(false) });
        let beats = keep_alive(coordination.clone(), id, timeout, standing.clone());
        let heartbeat = coordination.env().spawn(beats);
        CoordinationSession { coordination, id, timeout, standing, heartbeat }
    }

    /// Its number, as the entries that it owns name it.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Whether it is surely still open, by this node's own clock. When it is not, it may be: once the service
    /// has answered again, this is true again.
    pub fn is_alive(&self) -> bool {
        !self.standing.gone.get() && self.coordination.env().now() < self.standing.surely_until.get()
    }

    /// Waits until it is not surely open any more.
    pub async fn lost(&self) {
        while self.is_alive() {
            self.coordination.env().sleep_until(self.standing.surely_until.get()).await;
        }
    }

    /// Carries out all writes if the session is open and all checks hold. Ok promises that they survive any
    /// crash, and gives the version of what was put.
    ///
    /// # Errors
    /// See [`CoordinationError`].
    pub async fn transact(
        &self,
        checks: Vec<Check>,
        writes: Vec<Edit>,
    ) -> Result<Revision, CoordinationError> {
        let sent = self.coordination.env().now();
        let request = Request::Transact { session: Some(self.id), checks, writes };
        let result = self.coordination.change(request).await;
        match &result {
            Ok(_) | Err(CoordinationError::Conflict { .. }) => self.standing.renew(sent, self.timeout),
            Err(CoordinationError::SessionExpired) => self.standing.gone.set(true),
            Err(_) => {}
        }
        result
    }

    /// Ends it; all that it owned is gone with Ok. Nothing is to be asked in it any more.
    ///
    /// # Errors
    /// [`CoordinationError::SessionExpired`] when it had ended already; otherwise it ends by itself.
    pub async fn close(&self) -> Result<(), CoordinationError> {
        self.heartbeat.abort();
        self.coordination.change(Request::CloseSession { session: self.id }).await.map(|_| ())
    }
}

impl<E: Env> Drop for CoordinationSession<E> {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

impl Standing {
    fn renew(&self, sent: Time, timeout: Duration) {
        self.surely_until.set(self.surely_until.get().max(sent + timeout));
    }
}

/// Three times per timeout, so that one lost message, or two, cost nothing. Ends when the session has.
async fn keep_alive<E: Env>(
    coordination: Coordination<E>,
    session: SessionId,
    timeout: Duration,
    standing: Rc<Standing>,
) {
    coordination.env().sleep(timeout / 3).await;
    // Numbers like those that are drawn, without drawing: the session's was.
    for number in 1.. {
        let (operation, sent) = (OperationId(session.0.wrapping_add(number)), coordination.env().now());
        match coordination.keep_alive(operation, session).await {
            Outcome::Answered(Response::Reply(Reply::SessionGone)) => return standing.gone.set(true),
            Outcome::Answered(_) => standing.renew(sent, timeout),
            Outcome::Unknown | Outcome::NeverAsked => continue,
        }
        coordination.env().sleep(timeout / 3).await;
    }
}
