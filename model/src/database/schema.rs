//! The shape of the data: tables with a primary key, secondary indexes and `CHECK` constraints.
//!
//! A schema is built once, in the order in which it reads:
//!
//! ```
//! use rehearsal_model::database::{Expression, Schema, Table};
//!
//! let schema = Schema::new()
//!     .with(Table::new("night", ["hotel", "date", "total", "reserved"]).key(["hotel", "date"]).check(
//!         "within_total",
//!         Expression::column(3).at_most(Expression::column(2)),
//!     ))
//!     .with(Table::new("stay", ["id", "guest"]).key(["id"]).unique("one_stay_each", ["guest"]));
//! assert_eq!(schema[schema.table("stay").unwrap()].column("guest"), Some(1));
//! ```

use std::ops;

use serde::{Deserialize, Serialize};

use super::expression::Expression;
use super::value::{Key, Value};

/// Which table of the schema: its place in [`Schema::tables`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TableId(pub usize);

/// All tables of one database. A [`TableId`] indexes it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Schema {
    /// The tables; a [`TableId`] is a place in this list.
    pub tables: Vec<Table>,
}

/// One table.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The names of its columns, in the order of a row's cells.
    pub columns: Vec<String>,
    /// The columns of the primary key, in the key's order. They are never `NULL` and never updated.
    pub key: Vec<usize>,
    /// The secondary indexes.
    pub indexes: Vec<Index>,
    /// What every row must satisfy.
    pub checks: Vec<Check>,
}

/// A secondary index.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// The indexed columns, in the index's order.
    pub columns: Vec<usize>,
    /// Whether two rows may not share a key. A key that holds a `NULL` never collides (SQL's rule).
    pub unique: bool,
}

/// A `CHECK` constraint: a row is refused when the expression is false; `NULL` passes (SQL's rule).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What must not be false. It sees the row alone: no clock, no sub-select.
    pub expression: Expression,
}

impl Schema {
    /// A database without tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table; its [`TableId`] is its place in the order of adding.
    #[must_use]
    pub fn with(mut self, table: Table) -> Self {
        assert!(!table.key.is_empty(), "table {} has no primary key", table.name);
        assert!(self.table(&table.name).is_none(), "two tables are called {}", table.name);
        self.tables.push(table);
        self
    }

    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<TableId> {
        self.tables.iter().position(|table| table.name == name).map(TableId)
    }

    /// The table, or `None` when the schema has none of this number.
    pub fn get(&self, table: TableId) -> Option<&Table> {
        self.tables.get(table.0)
    }
}

impl ops::Index<TableId> for Schema {
    type Output = Table;

    fn index(&self, table: TableId) -> &Table {
        &self.tables[table.0]
    }
}

impl Table {
    /// A table without a key yet: call [`Table::key`] next.
    pub fn new<'a>(name: &str, columns: impl IntoIterator<Item = &'a str>) -> Self {
        let columns = columns.into_iter().map(String::from).collect();
        Table { name: name.to_owned(), columns, key: Vec::new(), indexes: Vec::new(), checks: Vec::new() }
    }

    /// Names the primary key's columns. Panics when the table has no such column.
    #[must_use]
    pub fn key<'a>(mut self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.key = self.columns_named(columns);
        self
    }

    /// Adds an index that many rows may share a key of. Panics when the table has no such column.
    #[must_use]
    pub fn index<'a>(self, name: &str, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.indexed(name, columns, false)
    }

    /// Adds a unique index. Panics when the table has no such column.
    #[must_use]
    pub fn unique<'a>(self, name: &str, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.indexed(name, columns, true)
    }

    /// Adds a `CHECK` constraint.
    #[must_use]
    pub fn check(mut self, name: &str, expression: Expression) -> Self {
        self.checks.push(Check { name: name.to_owned(), expression });
        self
    }

    /// The place of the column of this name.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The primary key of a row.
    pub fn key_of(&self, row: &[Value]) -> Key {
        cells(&self.key, row)
    }

    fn indexed<'a>(mut self, name: &str, columns: impl IntoIterator<Item = &'a str>, unique: bool) -> Self {
        let columns = self.columns_named(columns);
        self.indexes.push(Index { name: name.to_owned(), columns, unique });
        self
    }

    fn columns_named<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
        let place = |name| match self.column(name) {
            Some(column) => column,
            None => panic!("table {} has no column {name}", self.name),
        };
        names.into_iter().map(place).collect()
    }
}

impl Index {
    /// The index key of a row.
    pub fn key_of(&self, row: &[Value]) -> Key {
        cells(&self.columns, row)
    }

    /// Whether the two rows stand at the same place of the index.
    pub fn agrees(&self, one: &[Value], other: &[Value]) -> bool {
        self.columns.iter().all(|&column| one[column] == other[column])
    }
}

fn cells(columns: &[usize], row: &[Value]) -> Key {
    columns.iter().map(|&column| row[column].clone()).collect()
}
