//! The database as its clients see it: transactions, and what they may be told.
//!
//! Strategies are written once against [`Transaction`]; the simulated database is one implementation.

use super::server::Reply;
use super::{
    Action, Answer, DatabaseError, Expression, Isolation, Keys, Request, Row, RowLock, Statement, TableId,
};
use crate::session::{Patience, Session, SessionOver, Sessions};
use rehearsal_env::{Env, NodeId};
use std::cell::RefCell;
use std::rc::Rc;

/// Why a statement failed. In each case nothing of its transaction will ever be committed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TransactionError {
    /// The database refused; the transaction is aborted.
    #[error(transparent)]
    Refused(#[from] DatabaseError),
    /// The connection was lost before the commit was sent; the database rolls back.
    #[error("the connection to the database was lost before the commit")]
    Lost,
}

/// Why a commit was not confirmed.
///
/// A commit travels with the statements that were left for later. When one of these is refused, that is the
/// answer, whatever the reason (a lock, a constraint): the `COMMIT` behind it was not carried out, so an error
/// always means that it definitely did not happen. A `COMMIT` that is carried out is refused only when an
/// earlier statement had aborted its transaction. Only where no answer came may it have happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CommitError {
    /// A statement was refused, before the commit or along with it: it definitely did not happen.
    #[error("the transaction was rolled back")]
    RolledBack,
    /// The connection was lost while the commit was under way: it may have happened or not.
    #[error("the connection was lost during the commit; whether it happened is unknown")]
    Unknown,
}

/// A database that transactions can be begun on.
pub trait Database {
    /// An open transaction. Dropping it rolls it back.
    type Transaction: Transaction;

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`TransactionError::Lost`] when the database cannot be reached.
    fn begin(
        &self,
        isolation: Isolation,
    ) -> impl Future<Output = Result<Self::Transaction, TransactionError>>;
}

/// An open transaction.
pub trait Transaction {
    /// The rows of `table` among `keys` for which `filter` is true, locked if `lock` says so.
    ///
    /// # Errors
    /// See [`TransactionError`].
    fn select(
        &mut self,
        table: TableId,
        keys: Keys,
        filter: Option<Expression>,
        lock: Option<RowLock>,
    ) -> impl Future<Output = Result<Vec<Row>, TransactionError>>;

    /// Changes rows; how many.
    ///
    /// # Errors
    /// See [`TransactionError`].
    fn update(
        &mut self,
        table: TableId,
        keys: Keys,
        filter: Option<Expression>,
        set: Vec<(usize, Expression)>,
    ) -> impl Future<Output = Result<u64, TransactionError>>;

    /// Adds a row.
    ///
    /// # Errors
    /// See [`TransactionError`].
    fn insert(
        &mut self,
        table: TableId,
        row: Vec<Expression>,
    ) -> impl Future<Output = Result<(), TransactionError>>;

    /// Removes rows; how many.
    ///
    /// # Errors
    /// See [`TransactionError`].
    fn delete(
        &mut self,
        table: TableId,
        keys: Keys,
        filter: Option<Expression>,
    ) -> impl Future<Output = Result<u64, TransactionError>>;

    /// Takes a statement along with the next one or the commit, for when its answer decides nothing. If it
    /// fails, that fails: the transaction is aborted, and what would have come after it is not carried out.
    fn later(&mut self, statement: Statement);

    /// Commits, and what was left for later before it. Ok promises that the commit survives any crash.
    ///
    /// # Errors
    /// See [`CommitError`].
    fn commit(self) -> impl Future<Output = Result<(), CommitError>>;

    /// Rolls back; what was left for later is never said. What cannot be said to the database it finds out by itself.
    fn rollback(self) -> impl Future<Output = ()>;
}

type DatabaseSession<E> = Session<E, Request, Reply>;

/// A database on another node, with a pool of sessions to it. Cheap to clone.
pub struct RemoteDatabase<E: Env> {
    sessions: Sessions<E, Request, Reply>,
    server: NodeId,
    idle: Rc<RefCell<Vec<DatabaseSession<E>>>>,
}

impl<E: Env> Clone for RemoteDatabase<E> {
    fn clone(&self) -> Self {
        RemoteDatabase { sessions: self.sessions.clone(), server: self.server, idle: self.idle.clone() }
    }
}

impl<E: Env> RemoteDatabase<E> {
    /// The database on the node `server`.
    pub fn connect(env: &E, server: NodeId, patience: Patience) -> Self {
        RemoteDatabase { sessions: Sessions::bind(env, patience), server, idle: Rc::default() }
    }

    /// A session that the server surely knows, or a new one.
    async fn session(&self) -> Result<DatabaseSession<E>, TransactionError> {
        loop {
            let Some(session) = self.idle.borrow_mut().pop() else { break };
            if session.is_fresh() {
                return Ok(session);
            }
        }
        self.sessions.open(self.server).await.map_err(|_| TransactionError::Lost)
    }

    /// Runs one statement as a transaction of its own. For a statement that only reads.
    ///
    /// # Errors
    /// See [`TransactionError`]; a lost connection is harmless, since nothing was to be changed.
    pub async fn read(
        &self,
        table: TableId,
        keys: Keys,
        filter: Option<Expression>,
    ) -> Result<Vec<Row>, TransactionError> {
        let mut session = self.session().await?;
        let statement = Statement::Select { table, keys, filter, lock: None };
        let answer = session.ask(Request::run(statement)).await.map_err(|_| TransactionError::Lost)?;
        self.idle.borrow_mut().push(session);
        Ok(rows(answer?))
    }

    /// Adds a row, as a transaction of its own. Ok promises that it survives any crash.
    ///
    /// # Errors
    /// [`CommitError::RolledBack`] when the database refused or could not be asked; [`CommitError::Unknown`]
    /// when its answer was lost.
    pub async fn insert(&self, table: TableId, row: Vec<Expression>) -> Result<(), CommitError> {
        let mut session = self.session().await.map_err(|_| CommitError::RolledBack)?;
        let request = Request::run(Statement::insert(table, row));
        let reply = session.ask(request).await.map_err(|_| CommitError::Unknown)?;
        self.idle.borrow_mut().push(session);
        reply.map(|_| ()).map_err(|_| CommitError::RolledBack)
    }
}

impl<E: Env> Database for RemoteDatabase<E> {
    type Transaction = RemoteTransaction<E>;

    async fn begin(&self, isolation: Isolation) -> Result<RemoteTransaction<E>, TransactionError> {
        let session = self.session().await?;
        Ok(RemoteTransaction {
            database: self.clone(),
            session,
            begin: Some(isolation),
            for_later: Vec::new(),
        })
    }
}

/// A transaction on another node.
pub struct RemoteTransaction<E: Env> {
    database: RemoteDatabase<E>,
    session: DatabaseSession<E>,
    /// Sent along with the first message.
    begin: Option<Isolation>,
    /// Sent along with the next message.
    for_later: Vec<Action>,
}

impl<E: Env> RemoteTransaction<E> {
    async fn run(&mut self, statement: Statement) -> Result<Answer, TransactionError> {
        let reply = self.ask(Action::Run(statement)).await.map_err(|_| TransactionError::Lost)?;
        Ok(reply?)
    }

    /// Says what was left for later and then `action`; the answer to that, or the first refusal.
    async fn ask(&mut self, action: Action) -> Result<Reply, SessionOver> {
        let mut actions = std::mem::take(&mut self.for_later);
        actions.push(action);
        self.session.ask(Request { begin: self.begin.take(), actions }).await
    }

    fn end(self) {
        self.database.idle.borrow_mut().push(self.session);
    }
}

fn rows(answer: Answer) -> Vec<Row> {
    match answer {
        Answer::Rows(rows) => rows,
        other => unreachable!("a SELECT is answered with rows, not {other:?}"),
    }
}

fn affected(answer: &Answer) -> u64 {
    match answer {
        Answer::Affected(count) => *count,
        other => unreachable!("a change is answered with a count, not {other:?}"),
    }
}

impl<E: Env> Transaction for RemoteTransaction<E> {
    async fn select(
        &mut self,
        table: TableId,
        keys: Keys,
        filter: Option<Expression>,
        lock: Option<RowLock>,
    ) -> Result<Vec<Row>, TransactionError> {
        self.run(Statement::Select { table, keys, filter, lock }).await.map(rows)
    }

    async fn update(
        &mut self,
        table: TableId,
        keys: Keys,
        filter: Option<Expression>,
        set: Vec<(usize, Expression)>,
    ) -> Result<u64, TransactionError> {
        self.run(Statement::update(table, keys, filter, set)).await.map(|answer| affected(&answer))
    }

    async fn insert(&mut self, table: TableId, row: Vec<Expression>) -> Result<(), TransactionError> {
        self.run(Statement::insert(table, row)).await.map(|_| ())
    }

    async fn delete(
        &mut self,
        table: TableId,
        keys: Keys,
        filter: Option<Expression>,
    ) -> Result<u64, TransactionError> {
        self.run(Statement::delete(table, keys, filter)).await.map(|answer| affected(&answer))
    }

    fn later(&mut self, statement: Statement) {
        self.for_later.push(Action::Run(statement));
    }

    async fn commit(mut self) -> Result<(), CommitError> {
        match self.ask(Action::Commit).await {
            Ok(Ok(Answer::Committed(_) | Answer::Done)) => {
                self.end();
                Ok(())
            }
            Ok(Ok(_)) => {
                self.end();
                Err(CommitError::RolledBack)
            }
            // The transaction is still open. Whoever drops its session ends it.
            Ok(Err(_)) => Err(CommitError::RolledBack),
            Err(SessionOver) => Err(CommitError::Unknown),
        }
    }

    async fn rollback(mut self) {
        if self.session.ask(Request::rollback()).await.is_ok() {
            self.end();
        }
    }
}
