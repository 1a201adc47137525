//! What stands in a cell of a table: a number, a text, or nothing.

use serde::{Deserialize, Serialize};

/// One cell. Money is minor units and dates are days, so integers are enough.
///
/// The order (`Null`, then numbers, then texts) is the order of keys in a table; SQL's comparison, in which
/// `Null` equals nothing, is [`Expression`](super::expression::Expression)'s.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Value {
    /// SQL's `NULL`: unknown.
    Null,
    /// A 64-bit integer (`bigint`).
    Int(i64),
    /// A text, compared byte by byte (collation "C").
    Text(Box<str>),
}

/// The cells of one row, in the order of its table's columns.
pub type Row = Vec<Value>;

/// The cells of a row that name it, in the order of the table's (or the index's) key columns.
pub type Key = Vec<Value>;

impl Value {
    /// The number, if it is one.
    pub fn int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Null | Value::Text(_) => None,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Null | Value::Int(_) => None,
        }
    }

    /// Whether it is `NULL`.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Int(i64::from(number))
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Value::Int(i64::from(number))
    }
}

impl From<bool> for Value {
    /// A truth value is kept as 1 or 0.
    fn from(truth: bool) -> Self {
        Value::Int(i64::from(truth))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}
