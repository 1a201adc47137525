//! What a client asks and what it is told.

use serde::{Deserialize, Serialize};

use super::commit::LogPosition;
use super::expression::Expression;
use super::schema::TableId;
use super::value::{Key, Row, Value};

/// Which rows of a table a statement looks at, always in the order of the primary key.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Keys {
    /// Every row.
    All,
    /// The row with this whole primary key.
    One(Key),
    /// The rows whose key starts with `prefix` and goes on with a value in `from .. to` (half-open).
    Range {
        /// The leading key columns; may be empty.
        prefix: Key,
        /// The first value of the key column after the prefix.
        from: Value,
        /// The value it stays below.
        to: Value,
    },
    /// The rows whose key starts with these values.
    Prefix(Key),
    /// The rows whose whole key in a secondary index is this.
    Index {
        /// The place of the index in its table.
        index: usize,
        /// The index's key.
        key: Key,
    },
}

/// One statement. Tables and columns go by their place in the schema.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Statement {
    /// `SELECT *`, perhaps `FOR UPDATE`. Answered with [`Answer::Rows`].
    Select {
        /// The table.
        table: TableId,
        /// The rows it looks at,
        keys: Keys,
        /// and of those the ones it takes (`WHERE`).
        filter: Option<Expression>,
        /// `FOR UPDATE`: the rows stay locked until the transaction ends.
        lock: Option<RowLock>,
    },
    /// `UPDATE`. Answered with [`Answer::Affected`].
    Update {
        /// The table.
        table: TableId,
        /// The rows it looks at,
        keys: Keys,
        /// and of those the ones it changes (`WHERE`).
        filter: Option<Expression>,
        /// `SET column = expression`, each computed from the row as it was.
        set: Vec<(usize, Expression)>,
    },
    /// `INSERT` of one row. Answered with [`Answer::Affected`].
    Insert {
        /// The table.
        table: TableId,
        /// One expression per column.
        row: Vec<Expression>,
    },
    /// `DELETE`. Answered with [`Answer::Affected`].
    Delete {
        /// The table.
        table: TableId,
        /// The rows it looks at,
        keys: Keys,
        /// and of those the ones it removes (`WHERE`).
        filter: Option<Expression>,
    },
    /// `SAVEPOINT`. Answered with [`Answer::Done`].
    Savepoint(Box<str>),
    /// `ROLLBACK TO SAVEPOINT`; the savepoint stays. Answered with [`Answer::Done`].
    RollbackTo(Box<str>),
}

/// The `FOR UPDATE` of a `SELECT`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct RowLock {
    /// What to do about a row that another transaction has locked.
    pub wait: LockWait,
}

/// What to do about a row that another transaction has locked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum LockWait {
    /// Wait for it.
    Wait,
    /// Fail at once with 55P03 (`NOWAIT`).
    NoWait,
    /// Leave the row out (`SKIP LOCKED`).
    SkipLocked,
}

/// How far a transaction is kept apart from those beside it.
///
/// To come: repeatable read (one snapshot for the whole transaction, the first updater wins, 40001) and
/// serializable (dangerous structures are broken, 40001).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what was committed when it began; a row that it waited for is looked at again.
    ReadCommitted,
}

/// One request of a session: actions that travel together, for none of them needs the answer to the one before.
///
/// They are carried out in order. The answer is that of the last one; or else the first error, and what would
/// have come after it is left out (PostgreSQL 15, "Message Flow", multiple statements in a simple query). A
/// `COMMIT` among them is so carried out only where everything before it went well. Outside a transaction each
/// statement is one by itself, where PostgreSQL would make them one: what belongs together needs a `BEGIN`.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Request {
    /// `BEGIN` first. Without effect when a transaction is open already (PostgreSQL warns and goes on).
    pub begin: Option<Isolation>,
    /// Then these. Without any nothing is done, not even `BEGIN`.
    pub actions: Vec<Action>,
}

/// One thing that a request does.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Action {
    /// A statement. Outside a transaction it is one by itself (auto-commit).
    Run(Statement),
    /// `COMMIT`.
    Commit,
    /// `ROLLBACK`.
    Rollback,
}

/// What an action is answered with when nothing went wrong.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The rows of a `SELECT`, in key order.
    Rows(Vec<Row>),
    /// How many rows a statement changed. In auto-commit they are durable.
    Affected(u64),
    /// Nothing to tell. Also for a `COMMIT` or `ROLLBACK` without a transaction (PostgreSQL warns).
    Done,
    /// The transaction is committed and durable: at this position of the log, or, when it wrote nothing,
    /// having seen no commit after this position.
    Committed(LogPosition),
    /// The transaction left nothing. Also the answer to the `COMMIT` of an aborted one: look at the tag.
    RolledBack,
}

impl Request {
    /// A statement in the open transaction, or by itself.
    pub fn run(statement: Statement) -> Self {
        Request { begin: None, actions: vec![Action::Run(statement)] }
    }

    /// `ROLLBACK`.
    pub fn rollback() -> Self {
        Request { begin: None, actions: vec![Action::Rollback] }
    }
}

impl Statement {
    /// `UPDATE`.
    pub fn update(
        table: TableId,
        keys: Keys,
        filter: Option<Expression>,
        set: Vec<(usize, Expression)>,
    ) -> Self {
        Statement::Update { table, keys, filter, set }
    }

    /// `INSERT` of one row.
    pub fn insert(table: TableId, row: Vec<Expression>) -> Self {
        Statement::Insert { table, row }
    }

    /// `DELETE`.
    pub fn delete(table: TableId, keys: Keys, filter: Option<Expression>) -> Self {
        Statement::Delete { table, keys, filter }
    }
}

impl Keys {
    /// The row with this whole primary key.
    pub fn one(key: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        Keys::One(key.into_iter().map(Into::into).collect())
    }

    /// The rows whose key starts with these values.
    pub fn prefix(key: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        Keys::Prefix(key.into_iter().map(Into::into).collect())
    }
}

impl RowLock {
    /// `FOR UPDATE`.
    pub const WAIT: RowLock = RowLock { wait: LockWait::Wait };
    /// `FOR UPDATE NOWAIT`.
    pub const NO_WAIT: RowLock = RowLock { wait: LockWait::NoWait };
    /// `FOR UPDATE SKIP LOCKED`.
    pub const SKIP_LOCKED: RowLock = RowLock { wait: LockWait::SkipLocked };
}
