//! The database as a state machine: one input, some outputs, no waiting inside.
//!
//! The order of a commit is decided here. A transaction that wrote is appended to the log and stays
//! `committing`: its rows hidden, its locks held. When the log says that it is on the disk it becomes visible,
//! is reported durable, lets its locks go, and is answered, in this order (measured on PostgreSQL 15 with a
//! slow disk: answer, lock and visibility all come after the flush).

mod waiting;

use std::collections::{BTreeMap, VecDeque};

use super::commit::{Commit, LogPosition};
use super::error::DatabaseError;
use super::execute::{Execution, Progress, Workplace};
use super::locks::{LockManager, Wakes};
use super::schema::{Schema, TableId};
use super::statement::{Action, Answer, Statement};
use super::step::{Input, Knobs, Output, SessionId};
use super::transaction::{Savepoint, State, Transaction, TransactionId};
use super::value::Row;
use super::versions::{Snapshot, VersionStore};

/// The core of one database.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Engine {
    schema: Schema,
    knobs: Knobs,
    stores: Vec<VersionStore>,
    locks: LockManager,
    sessions: BTreeMap<SessionId, TransactionId>,
    transactions: BTreeMap<TransactionId, Transaction>,
    waits: BTreeMap<u64, TransactionId>,
    /// How many waiting statements read each snapshot: the oldest is the horizon of the version stores.
    snapshots: BTreeMap<LogPosition, u32>,
    /// Appended and not known to be durable, in the order of the log.
    unsynced: VecDeque<Unsynced>,
    /// The newest commit that a new snapshot sees.
    visible: LogPosition,
    /// The newest commit that was appended.
    appended: LogPosition,
    wakes: Wakes,
    last_transaction: u64,
    last_wait: u64,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Unsynced {
    commit: Commit,
    /// Who waits for it; nobody when it was answered before the sync.
    transaction: Option<TransactionId>,
}

impl Engine {
    /// An empty database.
    pub fn new(schema: Schema, knobs: Knobs) -> Self {
        Engine {
            stores: schema.tables.iter().map(VersionStore::new).collect(),
            schema,
            knobs,
            locks: LockManager::default(),
            sessions: BTreeMap::new(),
            transactions: BTreeMap::new(),
            waits: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            unsynced: VecDeque::new(),
            visible: LogPosition::default(),
            appended: LogPosition::default(),
            wakes: Wakes::default(),
            last_transaction: 0,
            last_wait: 0,
        }
    }

    /// The database after these commits, which are durable and start at position 1 without a gap
    /// ([`read_log`](super::log::read_log) sees to both). No session and no lock survives.
    pub fn recover(schema: Schema, knobs: Knobs, commits: impl IntoIterator<Item = Commit>) -> Self {
        let mut engine = Engine::new(schema, knobs);
        for commit in commits {
            assert_eq!(commit.position, engine.visible.next(), "the log has a gap");
            engine.redo(commit);
        }
        engine
    }

    fn redo(&mut self, commit: Commit) {
        let Commit { position, changes } = commit;
        for change in changes {
            let table = &self.schema[change.table];
            let named = change.after.as_ref().or(change.before.as_ref());
            let key = table.key_of(named.expect("a change has a row before or after"));
            let store = &mut self.stores[change.table.0];
            store.write(table, &key, TransactionId(0), change.after, change.before.is_none());
            store.publish(table, &key, position, position);
        }
        (self.visible, self.appended) = (position, position);
    }

    /// The schema it was made with.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The newest commit that was given to the log, durable or not.
    pub fn last_position(&self) -> LogPosition {
        self.appended
    }

    /// The committed rows of a table in key order, as a new snapshot would see them.
    pub fn rows(&self, table: TableId) -> impl Iterator<Item = &Row> {
        self.stores[table.0].rows_at(self.visible)
    }

    /// How many transactions are open, committing ones and those without a client included.
    pub fn open_transactions(&self) -> usize {
        self.transactions.len()
    }

    /// Takes one input. What is to be done about it is added to `out`, in the order in which to do it.
    pub fn step(&mut self, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Execute { session, begin, action, now } => {
                self.execute(session, begin.is_some(), action, now, out);
            }
            Input::Persisted { through } => self.persisted(through, out),
            Input::TimerFired(timer) => self.timer_fired(timer, out),
            Input::SessionEnded { session } => self.session_ended(session),
        }
        self.wake(out);
    }

    fn execute(&mut self, session: SessionId, begins: bool, action: Action, now: i64, out: &mut Vec<Output>) {
        let open = self.sessions.get(&session).copied();
        if open.is_some_and(|id| self.transactions[&id].is_busy()) {
            let busy = Err(DatabaseError::bad("the session still waits for its last answer"));
            return out.push(Output::Answer { session, result: busy });
        }
        let open = match open {
            None if begins => Some(self.open(session, true, now)),
            open => open,
        };
        match (action, open) {
            (Action::Run(statement), Some(id)) => self.run(id, statement, out),
            (Action::Run(Statement::Savepoint(_) | Statement::RollbackTo(_)), None) => {
                out.push(Output::Answer { session, result: Err(DatabaseError::NoActiveTransaction) });
            }
            (Action::Run(statement), None) => {
                let id = self.open(session, false, now);
                self.run(id, statement, out);
            }
            (Action::Commit, Some(id)) => self.commit(id, out),
            (Action::Rollback, Some(id)) => self.roll_back(id, out),
            (Action::Commit | Action::Rollback, None) => {
                out.push(Output::Answer { session, result: Ok(Answer::Done) });
            }
        }
    }

    fn open(&mut self, session: SessionId, explicit: bool, now: i64) -> TransactionId {
        self.last_transaction += 1;
        let id = TransactionId(self.last_transaction);
        self.transactions.insert(id, Transaction::new(session, explicit, now));
        self.sessions.insert(session, id);
        id
    }

    // ---- statements ----

    fn run(&mut self, id: TransactionId, statement: Statement, out: &mut Vec<Output>) {
        let transaction = self.transactions.get_mut(&id).expect("it is open");
        match statement {
            Statement::RollbackTo(name) => return self.roll_back_to(id, &name, out),
            _ if transaction.state == State::Aborted => {
                return transaction.answer(Err(DatabaseError::TransactionAborted), out);
            }
            Statement::Savepoint(name) => {
                let (undo, locks) = (transaction.undo.len(), self.locks.held_by(id));
                transaction.savepoints.push(Savepoint { name, undo, locks });
                return transaction.answer(Ok(Answer::Done), out);
            }
            _ => {}
        }
        let snapshot = Snapshot { position: self.visible, reader: id };
        match Execution::begin(statement, transaction.started, snapshot, &self.schema, &self.stores) {
            Ok(execution) => self.advance(id, execution, out),
            Err(error) => self.fail(id, error, out),
        }
    }

    fn advance(&mut self, id: TransactionId, mut execution: Execution, out: &mut Vec<Output>) {
        let transaction = self.transactions.get_mut(&id).expect("it is open");
        let progress = execution.advance(&mut Workplace {
            transaction: id,
            schema: &self.schema,
            stores: &mut self.stores,
            locks: &mut self.locks,
            wakes: &mut self.wakes,
            undo: &mut transaction.undo,
            out,
        });
        let result = match progress {
            Ok(Progress::Waits) => {
                if !std::mem::replace(&mut execution.holds_snapshot, true) {
                    *self.snapshots.entry(execution.snapshot).or_default() += 1;
                }
                transaction.running = Some(execution);
                out.push(Output::WaitedForLock { session: transaction.session });
                return self.start_timers(id, out);
            }
            Ok(Progress::Done(answer)) => Ok(answer),
            Err(error) => Err(error),
        };
        self.let_go_of_snapshot(&execution);
        match result {
            Ok(answer) => self.statement_done(id, answer, out),
            Err(error) => self.fail(id, error, out),
        }
    }

    fn statement_done(&mut self, id: TransactionId, answer: Answer, out: &mut Vec<Output>) {
        let transaction = &self.transactions[&id];
        match (transaction.explicit, transaction.abandoned) {
            (true, false) => transaction.answer(Ok(answer), out),
            (true, true) => self.discard(id),
            (false, _) => self.commit_as(id, Some(answer), out),
        }
    }

    /// A statement failed: everything since the newest savepoint is undone, or the whole transaction.
    fn fail(&mut self, id: TransactionId, error: DatabaseError, out: &mut Vec<Output>) {
        let transaction = self.transactions.get_mut(&id).expect("it is open");
        transaction.answer(Err(error), out);
        if !transaction.explicit || transaction.abandoned {
            return self.discard(id);
        }
        let (undo, locks) =
            transaction.savepoints.last().map_or((0, 0), |savepoint| (savepoint.undo, savepoint.locks));
        transaction.state = State::Aborted;
        transaction.undo_to(undo, &self.schema, &mut self.stores);
        self.locks.release_after(id, locks, &mut self.wakes);
    }

    fn roll_back_to(&mut self, id: TransactionId, name: &str, out: &mut Vec<Output>) {
        let transaction = self.transactions.get_mut(&id).expect("it is open");
        let Some(place) = transaction.savepoints.iter().rposition(|savepoint| &*savepoint.name == name)
        else {
            return self.fail(id, DatabaseError::NoSuchSavepoint, out);
        };
        transaction.savepoints.truncate(place + 1);
        let Savepoint { undo, locks, .. } = transaction.savepoints[place];
        transaction.state = State::Active;
        transaction.undo_to(undo, &self.schema, &mut self.stores);
        transaction.answer(Ok(Answer::Done), out);
        self.locks.release_after(id, locks, &mut self.wakes);
    }

    // ---- the end of a transaction ----

    fn commit(&mut self, id: TransactionId, out: &mut Vec<Output>) {
        match self.transactions[&id].state {
            State::Aborted => self.roll_back(id, out),
            State::Active | State::Committing(_) => self.commit_as(id, None, out),
        }
    }

    /// Commits, and then answers with `answer`, or else with the position.
    fn commit_as(&mut self, id: TransactionId, answer: Option<Answer>, out: &mut Vec<Output>) {
        let transaction = self.transactions.get_mut(&id).expect("it is open");
        let changes = transaction.changes(&self.stores);
        if changes.is_empty() {
            transaction.answer(Ok(answer.unwrap_or(Answer::Committed(self.visible))), out);
            return self.discard(id);
        }
        self.appended = self.appended.next();
        let commit = Commit { position: self.appended, changes };
        let answer = answer.unwrap_or(Answer::Committed(commit.position));
        transaction.state = State::Committing(answer);
        out.push(Output::Append(commit.clone()));
        if self.knobs.answer_before_sync {
            self.conclude(id, commit.position, out);
            self.unsynced.push_back(Unsynced { commit, transaction: None });
        } else {
            self.unsynced.push_back(Unsynced { commit, transaction: Some(id) });
        }
    }

    fn persisted(&mut self, through: LogPosition, out: &mut Vec<Output>) {
        while self.unsynced.front().is_some_and(|first| first.commit.position <= through) {
            let Some(Unsynced { commit, transaction }) = self.unsynced.pop_front() else { return };
            let position = commit.position;
            out.push(Output::Durable(commit));
            if let Some(id) = transaction {
                self.conclude(id, position, out);
            }
        }
    }

    /// Makes a committing transaction visible, lets its locks go and answers its client.
    fn conclude(&mut self, id: TransactionId, position: LogPosition, out: &mut Vec<Output>) {
        self.visible = position;
        let horizon = self.horizon();
        let transaction = self.forget(id);
        for (table, key) in transaction.written() {
            self.stores[table.0].publish(&self.schema[table], key, position, horizon);
        }
        self.locks.release_after(id, 0, &mut self.wakes);
        if let State::Committing(answer) = &transaction.state {
            transaction.answer(Ok(answer.clone()), out);
        }
    }

    fn roll_back(&mut self, id: TransactionId, out: &mut Vec<Output>) {
        self.transactions[&id].answer(Ok(Answer::RolledBack), out);
        self.discard(id);
    }

    /// Ends a transaction that leaves nothing.
    fn discard(&mut self, id: TransactionId) {
        let mut transaction = self.forget(id);
        transaction.undo_to(0, &self.schema, &mut self.stores);
        self.locks.release_after(id, 0, &mut self.wakes);
    }

    fn forget(&mut self, id: TransactionId) -> Transaction {
        let transaction = self.transactions.remove(&id).expect("it is open");
        if !transaction.abandoned {
            self.sessions.remove(&transaction.session);
        }
        transaction
    }

    /// PostgreSQL notices that a client is gone only between statements: a statement that waits goes on, and
    /// its transaction's locks stay until it ends. A statement by itself is then committed all the same.
    fn session_ended(&mut self, session: SessionId) {
        let Some(id) = self.sessions.remove(&session) else { return };
        let transaction = self.transactions.get_mut(&id).expect("a session's transaction is open");
        transaction.abandoned = true;
        if !transaction.is_busy() {
            self.discard(id);
        }
    }
}

impl Transaction {
    /// Answers the client, if it is still there.
    fn answer(&self, result: Result<Answer, DatabaseError>, out: &mut Vec<Output>) {
        if !self.abandoned {
            out.push(Output::Answer { session: self.session, result });
        }
    }
}
