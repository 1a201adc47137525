//! A committed transaction as the log keeps it.

use serde::{Deserialize, Serialize};

use super::schema::TableId;
use super::value::Row;

/// The place of a commit in the log: 1, 2, 3, … without a gap. 0 is before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct LogPosition(pub u64);

impl LogPosition {
    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        LogPosition(self.0 + 1)
    }
}

/// One committed transaction that wrote something.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Commit {
    /// Its place in the log, which is the order in which commits become visible.
    pub position: LogPosition,
    /// What it changed: each row once, in the order in which the transaction first wrote them.
    pub changes: Vec<RowChange>,
}

/// What one transaction did to one row, from its state before to its state after the whole transaction.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct RowChange {
    /// The row's table.
    pub table: TableId,
    /// The row before; `None` when it was inserted.
    pub before: Option<Row>,
    /// The row after; `None` when it was deleted.
    pub after: Option<Row>,
}
