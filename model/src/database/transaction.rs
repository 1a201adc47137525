//! One open transaction: what it has written, and how to take that back.

use super::commit::RowChange;
use super::execute::Execution;
use super::schema::{Schema, TableId};
use super::statement::Answer;
use super::step::SessionId;
use super::value::Key;
use super::versions::{Pending, VersionStore};

/// Numbers transactions within one life of the engine. A session has many, one after the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct TransactionId(pub u64);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Transaction {
    pub session: SessionId,
    /// The session is gone: nobody is answered, and what is not committing yet is rolled back when it can be.
    pub abandoned: bool,
    /// Began with `BEGIN`; otherwise it is one statement that commits by itself.
    pub explicit: bool,
    /// The wall clock at its begin, microseconds: what `now()` says throughout.
    pub started: i64,
    pub state: State,
    /// The statement that waits for a lock.
    pub running: Option<Execution>,
    /// The number of that wait, by which its timers go.
    pub wait: Option<u64>,
    /// Every write, oldest first.
    pub undo: Vec<Undo>,
    pub savepoints: Vec<Savepoint>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum State {
    Active,
    /// A statement failed: 25P02 until it ends or goes back to a savepoint.
    Aborted,
    /// In the log, not yet known to be durable. The answer is kept until it is.
    Committing(Answer),
}

/// One write of one row: what the transaction had written there before.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Undo {
    pub table: TableId,
    pub key: Key,
    pub before: Option<Pending>,
}

/// A place to go back to: so many writes, so many locks.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Savepoint {
    pub name: Box<str>,
    pub undo: usize,
    pub locks: usize,
}

impl Transaction {
    pub fn new(session: SessionId, explicit: bool, started: i64) -> Self {
        Transaction {
            session,
            abandoned: false,
            explicit,
            started,
            state: State::Active,
            running: None,
            wait: None,
            undo: Vec::new(),
            savepoints: Vec::new(),
        }
    }

    /// Whether the last request of its session is not answered yet.
    pub fn is_busy(&self) -> bool {
        self.running.is_some() || matches!(self.state, State::Committing(_))
    }

    /// Takes back every write but the first `keep`, newest first.
    pub fn undo_to(&mut self, keep: usize, schema: &Schema, stores: &mut [VersionStore]) {
        for write in self.undo.drain(keep..).rev() {
            stores[write.table.0].undo(&schema[write.table], &write.key, write.before);
        }
    }

    /// The rows it has written, each once, in the order of their first write.
    pub fn written(&self) -> impl Iterator<Item = (TableId, &Key)> {
        self.undo.iter().filter(|write| write.before.is_none()).map(|write| (write.table, &write.key))
    }

    /// What it did to each row as a whole. A row inserted and deleted again is not there.
    pub fn changes(&self, stores: &[VersionStore]) -> Vec<RowChange> {
        let change = |(table, key): (TableId, &Key)| {
            let (before, after) = stores[table.0].before_and_after(key);
            (before.is_some() || after.is_some()).then(|| RowChange {
                table,
                before: before.cloned(),
                after: after.cloned(),
            })
        };
        self.written().filter_map(change).collect()
    }
}
