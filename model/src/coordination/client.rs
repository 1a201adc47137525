//! The coordination service as its clients see it.

use super::command::{Change, Check, Edit, Entry, Keys, Reply, Revision, SessionId};
use super::error::CoordinationError;
use super::happening::{Happening, OperationId, Outcome, Report};
use super::lease::CoordinationSession;
use super::messages::{Request, Response};
use super::search::{Search, Servers, refusal};
use crate::session::{Patience, Session, SessionOver, Sessions};
use rehearsal_env::{Env, NodeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// Everything a client is started with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClientSetup {
    /// How long it waits for the service.
    pub patience: Patience,
    /// A defect: a client that has lost its connection watches from now on, whatever happened meanwhile.
    pub watch_lost_on_reconnect: bool,
}

/// What some keys held at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// The moment: where a watch goes on from.
    pub revision: Revision,
    /// What they held.
    pub entries: BTreeMap<String, Entry>,
}

/// What a watch has told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Watched {
    /// All that changed since the revision asked for, at least one, in the order in which it did.
    pub changes: Vec<Change>,
    /// Up to this revision: where the next watch goes on from.
    pub through: Revision,
}

type Connection<E> = Session<E, Request, Response>;
/// Connections that nobody uses, and to whom they are.
type Idle<E> = Rc<RefCell<Vec<(NodeId, Connection<E>)>>>;

/// The coordination service on another node, or on several. Cheap to clone.
pub struct Coordination<E: Env> {
    env: E,
    connections: Sessions<E, Request, Response>,
    servers: Rc<Servers>,
    setup: ClientSetup,
    report: Report<E::Fact>,
    idle: Idle<E>,
}

impl<E: Env> Clone for Coordination<E> {
    fn clone(&self) -> Self {
        Coordination {
            env: self.env.clone(),
            connections: self.connections.clone(),
            servers: self.servers.clone(),
            setup: self.setup,
            report: self.report,
            idle: self.idle.clone(),
        }
    }
}

impl<E: Env> Coordination<E> {
    /// The service on these nodes, in the order in which they know each other.
    ///
    /// # Panics
    /// When there is no node.
    pub fn connect(env: &E, servers: &[NodeId], setup: ClientSetup, report: Report<E::Fact>) -> Self {
        let connections = Sessions::bind(env, setup.patience);
        let servers = Rc::new(Servers::new(servers));
        Coordination { env: env.clone(), connections, servers, setup, report, idle: Rc::default() }
    }

    /// Opens a session that keeps itself alive until it is dropped or closed.
    ///
    /// # Errors [`CoordinationError::Unreachable`] and [`CoordinationError::Unknown`]; what may have been
    /// opened ends by itself.
    pub async fn open_session(&self, timeout: Duration) -> Result<CoordinationSession<E>, CoordinationError> {
        let (session, sent) = (SessionId(self.env.bits()), self.env.now());
        self.change(Request::OpenSession { session, timeout }).await?;
        Ok(CoordinationSession::begin(self.clone(), session, timeout, sent))
    }

    /// Carries out all writes if all checks hold. Ok promises that they survive any crash, and gives the
    /// version of what was put.
    ///
    /// # Errors
    /// See [`CoordinationError`].
    pub async fn transact(
        &self,
        checks: Vec<Check>,
        writes: Vec<Edit>,
    ) -> Result<Revision, CoordinationError> {
        self.change(Request::Transact { session: None, checks, writes }).await
    }

    /// What the key holds.
    ///
    /// # Errors
    /// [`CoordinationError::Unreachable`].
    pub async fn read(&self, key: &str) -> Result<Option<Entry>, CoordinationError> {
        Ok(self.view(Keys::One(key.to_owned())).await?.entries.remove(key))
    }

    /// What all keys hold that begin with `prefix`.
    ///
    /// # Errors
    /// [`CoordinationError::Unreachable`].
    pub async fn read_prefix(&self, prefix: &str) -> Result<View, CoordinationError> {
        self.view(Keys::Prefix(prefix.to_owned())).await
    }

    /// Waits, however long, until keys that begin with `prefix` have changed after revision `since`. Whoever
    /// goes on from where this ends misses nothing, and whoever reads afterwards sees these changes or later
    /// ones.
    ///
    /// # Errors
    /// [`CoordinationError::Compacted`].
    pub async fn watch(&self, prefix: &str, since: Revision) -> Result<Watched, CoordinationError> {
        let operation = self.invoke(&Request::Watch { prefix: prefix.to_owned(), since });
        let response = self.keep_watching(prefix, since).await;
        self.returned(operation, Outcome::Answered(response.clone()));
        match response {
            Response::Changes { changes, through } => Ok(Watched { changes, through }),
            Response::Compacted { horizon } => Err(CoordinationError::Compacted { horizon }),
            other => unreachable!("a watch is answered with changes, not {other:?}"),
        }
    }

    async fn keep_watching(&self, prefix: &str, mut since: Revision) -> Response {
        let mut search = Search::begin(&self.env);
        loop {
            let node = self.servers.current();
            let Ok(mut connection) = self.connection(node).await else {
                self.servers.leave(node);
                continue;
            };
            match connection.ask(Request::Watch { prefix: prefix.to_owned(), since }).await {
                Ok(response) => {
                    self.idle.borrow_mut().push((node, connection));
                    match response {
                        Response::Changes { changes, through } if changes.is_empty() => since = through,
                        // It may have watched until it had to go.
                        Response::NotLeader { leader } => {
                            self.refused(&mut search, node, leader).await;
                            since = self.where_to_go_on(prefix, since).await;
                        }
                        told => return told,
                    }
                }
                Err(SessionOver) => {
                    self.servers.leave(node);
                    since = self.where_to_go_on(prefix, since).await;
                    self.say(&Happening::WatchRenewed { since });
                }
            }
        }
    }

    /// From which revision to watch after the connection was lost.
    async fn where_to_go_on(&self, prefix: &str, since: Revision) -> Revision {
        if !self.setup.watch_lost_on_reconnect {
            return since;
        }
        loop {
            if let Ok(now) = self.read_prefix(prefix).await {
                return now.revision;
            }
        }
    }

    async fn view(&self, keys: Keys) -> Result<View, CoordinationError> {
        match self.operate(Request::Read { keys }).await? {
            Response::Reply(Reply::Entries { revision, entries }) => Ok(View { revision, entries }),
            other => unreachable!("a read is answered with entries, not {other:?}"),
        }
    }

    pub(super) async fn change(&self, request: Request) -> Result<Revision, CoordinationError> {
        match self.operate(request).await? {
            Response::Reply(Reply::Done { revision }) => Ok(revision),
            Response::Reply(Reply::Conflict { key, found }) => {
                Err(CoordinationError::Conflict { key, found })
            }
            Response::Reply(Reply::SessionGone) => Err(CoordinationError::SessionExpired),
            other => unreachable!("a change is answered with what came of it, not {other:?}"),
        }
    }

    /// Asks, and tells observers what was asked and what came of it.
    async fn operate(&self, request: Request) -> Result<Response, CoordinationError> {
        let operation = self.invoke(&request);
        let outcome = self.attempt(&request).await;
        self.returned(operation, outcome.clone());
        match outcome {
            Outcome::Answered(response) => Ok(response),
            Outcome::Unknown => Err(CoordinationError::Unknown),
            Outcome::NeverAsked => Err(CoordinationError::Unreachable),
        }
    }

    /// Tells the service that a session is not silent.
    pub(super) async fn keep_alive(&self, operation: OperationId, session: SessionId) -> Outcome {
        let request = Request::KeepAlive { session };
        self.say(&Happening::Invoked { operation, request: request.clone() });
        let outcome = self.attempt(&request).await;
        self.returned(operation, outcome.clone());
        outcome
    }

    /// Asks one node after the other, until one does it or the service cannot be reached; what changes nothing, again
    /// and again. What may have been taken by one is asked of no other.
    async fn attempt(&self, request: &Request) -> Outcome {
        let harmless = matches!(request, Request::Read { .. } | Request::KeepAlive { .. });
        let mut search = Search::begin(&self.env);
        loop {
            let node = self.servers.current();
            let Ok(mut connection) = self.connection(node).await else {
                if search.is_silent(&self.env, &self.servers, node, self.setup.patience) {
                    continue;
                }
                return Outcome::NeverAsked;
            };
            match connection.ask(request.clone()).await {
                Ok(response) => {
                    self.idle.borrow_mut().push((node, connection));
                    let Some(leader) = refusal(&response) else { return Outcome::Answered(response) };
                    if !self.refused(&mut search, node, leader).await {
                        return Outcome::NeverAsked;
                    }
                }
                Err(SessionOver) => {
                    self.servers.leave(node);
                    if !harmless {
                        return Outcome::Unknown;
                    }
                }
            }
        }
    }

    async fn refused(&self, search: &mut Search, node: NodeId, leader: Option<u8>) -> bool {
        search.is_refused(&self.env, &self.servers, node, leader, self.setup.patience).await
    }

    /// A connection that the node surely knows, or a new one.
    async fn connection(&self, node: NodeId) -> Result<Connection<E>, SessionOver> {
        loop {
            let Some((to, connection)) = self.idle.borrow_mut().pop() else { break };
            if to == node && connection.is_fresh() {
                return Ok(connection);
            }
        }
        self.connections.open(node).await
    }

    fn invoke(&self, request: &Request) -> OperationId {
        let operation = OperationId(self.env.bits());
        self.say(&Happening::Invoked { operation, request: request.clone() });
        operation
    }

    fn returned(&self, operation: OperationId, outcome: Outcome) {
        self.say(&Happening::Returned { operation, outcome });
    }

    fn say(&self, happening: &Happening) {
        (self.report)(happening, &mut |fact| self.env.observe(fact));
    }

    pub(super) fn env(&self) -> &E {
        &self.env
    }
}
