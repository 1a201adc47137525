//! One statement, which may stop at every row to wait for a lock and go on later.
//!
//! The rules are PostgreSQL's at READ COMMITTED (its manual, 13.2.1, and `EvalPlanQual` in its source):
//!
//! 1. The rows to change or lock are those that match in the statement's snapshot. Rows that come to match
//!    while it waits are missed.
//! 2. Each is locked, in the order of the key, waiting if need be.
//! 3. A row that was committed anew since the snapshot is looked at again, in its newest version. When it does
//!    not match any more it is skipped, and stays locked; when it was deleted it is skipped, and so is another
//!    row that was inserted under its key.
//! 4. An insert, or an update that moves a row in a unique index, waits for a transaction that has written a
//!    row in its way and not ended, then fails if the row stands. A row in the way that is merely locked is not
//!    waited for.

use std::collections::VecDeque;

use super::commit::LogPosition;
use super::error::DatabaseError;
use super::expression::Expression;
use super::locks::{Acquired, LockManager, RowId, Wakes};
use super::schema::{Schema, Table, TableId};
use super::statement::{Answer, Keys, LockWait, RowLock, Statement};
use super::step::Output;
use super::transaction::{TransactionId, Undo};
use super::value::{Key, Row, Value};
use super::versions::{Snapshot, VersionStore};

/// A statement under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Execution {
    table: TableId,
    action: RowAction,
    filter: Option<Expression>,
    pub snapshot: LogPosition,
    /// It has had to wait, so the engine keeps what its snapshot sees until it ends.
    pub holds_snapshot: bool,
    /// The rows still to visit; the first is the one it is at.
    targets: VecDeque<Key>,
    at: AtRow,
    affected: u64,
    rows: Vec<Row>,
}

/// What it does to each row.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum RowAction {
    Read,
    Lock(RowLock),
    Update(Vec<(usize, Expression)>),
    Delete,
    Insert(Row),
}

/// How far it has come with the row it is at.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct AtRow {
    /// It had not the lock before it came here.
    took_lock: bool,
    /// It was reported that the row was looked at again.
    rechecked: bool,
    /// It waits for the end of another transaction by the lock of a row that it does not want itself.
    waits_for_another_row: bool,
}

/// The parts of the engine that a statement works on.
pub(crate) struct Workplace<'a> {
    pub transaction: TransactionId,
    pub schema: &'a Schema,
    pub stores: &'a mut [VersionStore],
    pub locks: &'a mut LockManager,
    pub wakes: &'a mut Wakes,
    pub undo: &'a mut Vec<Undo>,
    pub out: &'a mut Vec<Output>,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    Done(Answer),
    Waits,
}

/// What came of one row.
enum Visit {
    Finished,
    Waits,
}

impl Execution {
    /// Looks at the statement and finds its rows in the snapshot. Nothing is locked yet.
    pub fn begin(
        statement: Statement,
        now: i64,
        snapshot: Snapshot,
        schema: &Schema,
        stores: &[VersionStore],
    ) -> Result<Self, DatabaseError> {
        let mut sum = |table, keys: &Keys, column| {
            sum(table_of(schema, table)?, &stores[table.0], keys, snapshot, column)
        };
        let mut resolve = |expression: &mut Expression| expression.resolve(now, &mut sum);
        let (table, keys, mut filter, action) = match statement {
            Statement::Select { table, keys, filter, lock } => {
                (table, keys, filter, lock.map_or(RowAction::Read, RowAction::Lock))
            }
            Statement::Update { table, keys, filter, mut set } => {
                check_columns(table_of(schema, table)?, &set)?;
                set.iter_mut().try_for_each(|(_, expression)| resolve(expression))?;
                (table, keys, filter, RowAction::Update(set))
            }
            Statement::Delete { table, keys, filter } => (table, keys, filter, RowAction::Delete),
            Statement::Insert { table, row: mut cells } => {
                cells.iter_mut().try_for_each(resolve)?;
                return Execution::insert(table, table_of(schema, table)?, &cells, snapshot.position);
            }
            Statement::Savepoint(_) | Statement::RollbackTo(_) => {
                return Err(DatabaseError::bad("a savepoint touches no rows"));
            }
        };
        filter.iter_mut().try_for_each(resolve)?;
        let mut execution = Execution::new(table, action, filter, snapshot.position);
        execution.find_rows(table_of(schema, table)?, &stores[table.0], &keys, snapshot)?;
        Ok(execution)
    }

    fn new(table: TableId, action: RowAction, filter: Option<Expression>, snapshot: LogPosition) -> Self {
        Execution {
            table,
            action,
            filter,
            snapshot,
            holds_snapshot: false,
            targets: VecDeque::new(),
            at: AtRow::default(),
            affected: 0,
            rows: Vec::new(),
        }
    }

    fn insert(
        id: TableId,
        table: &Table,
        cells: &[Expression],
        snapshot: LogPosition,
    ) -> Result<Self, DatabaseError> {
        if cells.len() != table.columns.len() {
            return Err(DatabaseError::bad("an insert gives every column a value"));
        }
        let row: Row = cells.iter().map(|cell| cell.evaluate(&[])).collect::<Result<_, _>>()?;
        let key = table.key_of(&row);
        if key.iter().any(Value::is_null) {
            return Err(DatabaseError::NotNullViolation);
        }
        check_constraints(table, &row)?;
        let mut execution = Execution::new(id, RowAction::Insert(row), None, snapshot);
        execution.targets.push_back(key);
        Ok(execution)
    }

    fn find_rows(
        &mut self,
        table: &Table,
        store: &VersionStore,
        keys: &Keys,
        snapshot: Snapshot,
    ) -> Result<(), DatabaseError> {
        check_keys(table, keys)?;
        store.scan(table, keys, snapshot, &mut |key, row| {
            if matches(self.filter.as_ref(), row)? {
                match self.action {
                    RowAction::Read => self.rows.push(row.clone()),
                    _ => self.targets.push_back(key.clone()),
                }
            }
            Ok(())
        })
    }

    /// Goes on until it is done or has to wait. After `Waits`, call again once the lock is granted.
    pub fn advance(&mut self, work: &mut Workplace<'_>) -> Result<Progress, DatabaseError> {
        while let Some(key) = self.targets.pop_front() {
            if std::mem::take(&mut self.at.waits_for_another_row) {
                release_newest(work);
            }
            match self.visit(&key, work)? {
                Visit::Finished => self.at = AtRow::default(),
                Visit::Waits => {
                    self.targets.push_front(key);
                    return Ok(Progress::Waits);
                }
            }
        }
        Ok(Progress::Done(match self.action {
            RowAction::Read | RowAction::Lock(_) => Answer::Rows(std::mem::take(&mut self.rows)),
            RowAction::Update(_) | RowAction::Delete | RowAction::Insert(_) => {
                Answer::Affected(self.affected)
            }
        }))
    }

    fn visit(&mut self, key: &Key, work: &mut Workplace<'_>) -> Result<Visit, DatabaseError> {
        if let RowAction::Insert(row) = &self.action {
            let row = row.clone();
            return self.visit_insert(key, row, work);
        }
        let id = RowId { table: self.table, key: key.clone() };
        if let RowAction::Lock(RowLock { wait: wait @ (LockWait::NoWait | LockWait::SkipLocked) }) =
            self.action
            && work.locks.is_held_by_another(work.transaction, &id)
        {
            return match wait {
                LockWait::SkipLocked => Ok(Visit::Finished),
                LockWait::NoWait | LockWait::Wait => Err(DatabaseError::LockNotAvailable),
            };
        }
        match work.locks.acquire(work.transaction, id) {
            Acquired::Already => {}
            Acquired::Taken => self.at.took_lock = true,
            Acquired::Waits => {
                self.at.took_lock = true;
                return Ok(Visit::Waits);
            }
        }
        if self.is_still_wanted(key, work)? { self.act(key, work) } else { Ok(Visit::Finished) }
    }

    /// The look at the newest version of a row that a commit after the snapshot has written.
    fn is_still_wanted(&mut self, key: &Key, work: &mut Workplace<'_>) -> Result<bool, DatabaseError> {
        let newest = work.stores[self.table.0].newest(key, work.transaction);
        if !newest.is_newer_than(self.snapshot) {
            return Ok(true);
        }
        let row = newest.same_row_as(self.snapshot);
        let matched = match row {
            Some(row) => matches(self.filter.as_ref(), row)?,
            None => false,
        };
        if !std::mem::replace(&mut self.at.rechecked, true) {
            work.out.push(Output::RecheckedAfterWait { matched });
        }
        if row.is_none() && self.at.took_lock {
            release_newest(work);
        }
        Ok(matched)
    }

    fn act(&mut self, key: &Key, work: &mut Workplace<'_>) -> Result<Visit, DatabaseError> {
        let table = &work.schema[self.table];
        let store = &work.stores[self.table.0];
        let row = store.newest(key, work.transaction).row.expect("a row that is wanted is there");
        let after = match &self.action {
            RowAction::Read | RowAction::Lock(_) => {
                self.rows.push(row.clone());
                return Ok(Visit::Finished);
            }
            RowAction::Update(set) => {
                let mut after = row.clone();
                for (column, expression) in set {
                    after[*column] = expression.evaluate(row)?;
                }
                check_constraints(table, &after)?;
                if let Some(in_the_way) = find_unique_conflict(table, store, key, Some(row), &after, work)? {
                    return Ok(self.wait_for_another_row(in_the_way, work));
                }
                Some(after)
            }
            RowAction::Delete | RowAction::Insert(_) => None,
        };
        self.write(key, after, false, work);
        Ok(Visit::Finished)
    }

    fn visit_insert(
        &mut self,
        key: &Key,
        row: Row,
        work: &mut Workplace<'_>,
    ) -> Result<Visit, DatabaseError> {
        let table = &work.schema[self.table];
        let store = &work.stores[self.table.0];
        let standing = store.newest(key, work.transaction).row.is_some();
        if standing && !store.is_written_by_another(key, work.transaction) {
            return Err(DatabaseError::UniqueViolation);
        }
        // Its own key first, as PostgreSQL fills the primary key's index before the others.
        let id = RowId { table: self.table, key: key.clone() };
        if work.locks.acquire(work.transaction, id) == Acquired::Waits {
            return Ok(Visit::Waits);
        }
        if let Some(in_the_way) = find_unique_conflict(table, store, key, None, &row, work)? {
            return Ok(self.wait_for_another_row(in_the_way, work));
        }
        self.write(key, Some(row), true, work);
        Ok(Visit::Finished)
    }

    fn wait_for_another_row(&mut self, key: Key, work: &mut Workplace<'_>) -> Visit {
        let acquired = work.locks.acquire(work.transaction, RowId { table: self.table, key });
        assert_eq!(acquired, Acquired::Waits, "who has written a row holds its lock");
        self.at.waits_for_another_row = true;
        Visit::Waits
    }

    fn write(&mut self, key: &Key, row: Option<Row>, inserts: bool, work: &mut Workplace<'_>) {
        let table = &work.schema[self.table];
        let before = work.stores[self.table.0].write(table, key, work.transaction, row, inserts);
        work.undo.push(Undo { table: self.table, key: key.clone(), before });
        self.affected += 1;
    }
}

/// Lets go of the lock that was granted last.
fn release_newest(work: &mut Workplace<'_>) {
    let held = work.locks.held_by(work.transaction);
    work.locks.release_after(work.transaction, held - 1, work.wakes);
}

/// The key of a row that stands in the way of `after` in a unique index and whose writer has not ended; an
/// error when it stands there for good. `before` is the row that `after` replaces.
fn find_unique_conflict(
    table: &Table,
    store: &VersionStore,
    own: &Key,
    before: Option<&Row>,
    after: &Row,
    work: &Workplace<'_>,
) -> Result<Option<Key>, DatabaseError> {
    for (place, index) in table.indexes.iter().enumerate().filter(|(_, index)| index.unique) {
        if before.is_some_and(|before| index.agrees(before, after)) {
            continue;
        }
        let key = index.key_of(after);
        if key.iter().any(Value::is_null) {
            continue;
        }
        if let Some(holder) = store.holder_of(place, index, &key, own, work.transaction) {
            if !store.is_written_by_another(holder, work.transaction) {
                return Err(DatabaseError::UniqueViolation);
            }
            return Ok(Some(holder.clone()));
        }
    }
    Ok(None)
}

fn matches(filter: Option<&Expression>, row: &Row) -> Result<bool, DatabaseError> {
    filter.map_or(Ok(true), |filter| filter.is_true(row))
}

fn sum(
    table: &Table,
    store: &VersionStore,
    keys: &Keys,
    snapshot: Snapshot,
    column: usize,
) -> Result<Value, DatabaseError> {
    check_keys(table, keys)?;
    let mut sum = None;
    store.scan(table, keys, snapshot, &mut |_, row| {
        match row.get(column) {
            Some(Value::Null) => {}
            Some(Value::Int(number)) => {
                let more = sum.unwrap_or(0_i64).checked_add(*number);
                sum = Some(more.ok_or(DatabaseError::NumericOutOfRange)?);
            }
            Some(Value::Text(_)) => return Err(DatabaseError::bad("the sum of texts")),
            None => return Err(DatabaseError::bad("no such column")),
        }
        Ok(())
    })?;
    Ok(sum.into())
}

fn table_of(schema: &Schema, table: TableId) -> Result<&Table, DatabaseError> {
    schema.get(table).ok_or(DatabaseError::UnknownTable)
}

fn check_keys(table: &Table, keys: &Keys) -> Result<(), DatabaseError> {
    let fits = match keys {
        Keys::All => true,
        Keys::One(key) => key.len() == table.key.len(),
        Keys::Prefix(key) => key.len() <= table.key.len(),
        Keys::Range { prefix, .. } => prefix.len() < table.key.len(),
        Keys::Index { index, key } => {
            table.indexes.get(*index).is_some_and(|index| index.columns.len() == key.len())
        }
    };
    if fits { Ok(()) } else { Err(DatabaseError::bad("the key does not fit the table's")) }
}

fn check_columns(table: &Table, set: &[(usize, Expression)]) -> Result<(), DatabaseError> {
    for (column, _) in set {
        if *column >= table.columns.len() {
            return Err(DatabaseError::bad("no such column"));
        }
        if table.key.contains(column) {
            return Err(DatabaseError::bad("the primary key is never updated"));
        }
    }
    Ok(())
}

fn check_constraints(table: &Table, row: &Row) -> Result<(), DatabaseError> {
    for check in &table.checks {
        if check.expression.is_false(row)? {
            return Err(DatabaseError::CheckViolation);
        }
    }
    Ok(())
}
