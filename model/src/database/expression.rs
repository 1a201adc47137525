//! What a statement computes: the `WHERE`, the `SET`, the `CHECK`.
//!
//! Truth has three values, as in SQL: a comparison with `NULL` is `NULL`, a `WHERE` takes only what is true, a
//! `CHECK` refuses only what is false. True is 1 and false is 0.
//!
//! Two leaves do not depend on the row: the clock and the scalar sub-select. They are replaced by constants when
//! the statement begins, once: so a row that is looked at again after a lock wait is compared with the sub-select
//! as the statement's own snapshot has it, and that is what PostgreSQL does.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops;

use serde::{Deserialize, Serialize};

use super::error::DatabaseError;
use super::schema::TableId;
use super::statement::Keys;
use super::value::Value;

/// A computation over one row.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Expression {
    /// The row's cell in this column.
    Column(usize),
    /// Always this.
    Constant(Value),
    /// `now()`: the wall clock when the transaction began, in microseconds.
    Now,
    /// The sum of both; an overflow is 22003.
    Add(Box<Expression>, Box<Expression>),
    /// The first less the second; an overflow is 22003.
    Subtract(Box<Expression>, Box<Expression>),
    /// The product of both; an overflow is 22003.
    Multiply(Box<Expression>, Box<Expression>),
    /// How two values lie to each other.
    Compare(Comparison, Box<Expression>, Box<Expression>),
    /// `IS NULL`: true or false, never `NULL`.
    IsNull(Box<Expression>),
    /// Both are true.
    And(Box<Expression>, Box<Expression>),
    /// At least one is true.
    Or(Box<Expression>, Box<Expression>),
    /// The other truth; `NULL` stays `NULL`.
    Not(Box<Expression>),
    /// `(SELECT sum(column) FROM table WHERE keys)`; `NULL` when no row holds a number.
    Sum {
        /// The table.
        table: TableId,
        /// Its rows.
        keys: Box<Keys>,
        /// The column to add up.
        column: usize,
    },
}

/// How two values lie to each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        }
    }
}

impl Expression {
    /// The row's cell in this column.
    pub fn column(column: usize) -> Self {
        Expression::Column(column)
    }

    /// Always this.
    pub fn constant(value: impl Into<Value>) -> Self {
        Expression::Constant(value.into())
    }

    /// The sub-select that adds up one column of some rows.
    pub fn sum(table: TableId, keys: Keys, column: usize) -> Self {
        Expression::Sum { table, keys: Box::new(keys), column }
    }

    /// `self = other`
    #[must_use]
    pub fn equals(self, other: impl Into<Expression>) -> Self {
        self.compare(Comparison::Equal, other)
    }

    /// `self <> other`
    #[must_use]
    pub fn differs_from(self, other: impl Into<Expression>) -> Self {
        self.compare(Comparison::NotEqual, other)
    }

    /// `self < other`
    #[must_use]
    pub fn less_than(self, other: impl Into<Expression>) -> Self {
        self.compare(Comparison::Less, other)
    }

    /// `self <= other`
    #[must_use]
    pub fn at_most(self, other: impl Into<Expression>) -> Self {
        self.compare(Comparison::AtMost, other)
    }

    /// `self > other`
    #[must_use]
    pub fn greater_than(self, other: impl Into<Expression>) -> Self {
        self.compare(Comparison::Greater, other)
    }

    /// `self >= other`
    #[must_use]
    pub fn at_least(self, other: impl Into<Expression>) -> Self {
        self.compare(Comparison::AtLeast, other)
    }

    /// `self AND other`
    #[must_use]
    pub fn and(self, other: impl Into<Expression>) -> Self {
        Expression::And(Box::new(self), Box::new(other.into()))
    }

    /// `self OR other`
    #[must_use]
    pub fn or(self, other: impl Into<Expression>) -> Self {
        Expression::Or(Box::new(self), Box::new(other.into()))
    }

    /// `self IS NULL`
    #[must_use]
    pub fn is_null(self) -> Self {
        Expression::IsNull(Box::new(self))
    }

    fn compare(self, how: Comparison, other: impl Into<Expression>) -> Self {
        Expression::Compare(how, Box::new(self), Box::new(other.into()))
    }

    /// Replaces the clock by `now` and each sub-select by what `sum` says it is.
    pub(crate) fn resolve(
        &mut self,
        now: i64,
        sum: &mut impl FnMut(TableId, &Keys, usize) -> Result<Value, DatabaseError>,
    ) -> Result<(), DatabaseError> {
        match self {
            Expression::Column(_) | Expression::Constant(_) => Ok(()),
            Expression::Now => {
                *self = Expression::Constant(Value::Int(now));
                Ok(())
            }
            Expression::Sum { table, keys, column } => {
                *self = Expression::Constant(sum(*table, keys, *column)?);
                Ok(())
            }
            Expression::Not(inner) | Expression::IsNull(inner) => inner.resolve(now, sum),
            Expression::Add(one, other)
            | Expression::Subtract(one, other)
            | Expression::Multiply(one, other)
            | Expression::Compare(_, one, other)
            | Expression::And(one, other)
            | Expression::Or(one, other) => {
                one.resolve(now, sum)?;
                other.resolve(now, sum)
            }
        }
    }

    /// The value over this row. Errors: 22003 on overflow; a bad statement for a column that is not there, for
    /// arithmetic on texts, for comparing a text with a number, and for a clock or sub-select not resolved.
    pub fn evaluate(&self, row: &[Value]) -> Result<Value, DatabaseError> {
        self.value(row).map(Cow::into_owned)
    }

    /// Whether it is true over this row; `NULL` is not.
    pub fn is_true(&self, row: &[Value]) -> Result<bool, DatabaseError> {
        Ok(self.truth(row)? == Some(true))
    }

    /// Whether it is false over this row; `NULL` is not.
    pub fn is_false(&self, row: &[Value]) -> Result<bool, DatabaseError> {
        Ok(self.truth(row)? == Some(false))
    }

    fn value<'a>(&'a self, row: &'a [Value]) -> Result<Cow<'a, Value>, DatabaseError> {
        match self {
            Expression::Column(column) => {
                row.get(*column).map(Cow::Borrowed).ok_or_else(|| DatabaseError::bad("no such column"))
            }
            Expression::Constant(value) => Ok(Cow::Borrowed(value)),
            Expression::Add(one, other) => arithmetic(one, other, row, i64::checked_add),
            Expression::Subtract(one, other) => arithmetic(one, other, row, i64::checked_sub),
            Expression::Multiply(one, other) => arithmetic(one, other, row, i64::checked_mul),
            Expression::Compare(..)
            | Expression::IsNull(_)
            | Expression::And(..)
            | Expression::Or(..)
            | Expression::Not(_) => Ok(Cow::Owned(self.truth(row)?.into())),
            Expression::Now | Expression::Sum { .. } => {
                Err(DatabaseError::bad("a clock or a sub-select has no place here"))
            }
        }
    }

    /// Kleene's three-valued logic: `NULL` gives way to whatever decides the outcome alone.
    fn truth(&self, row: &[Value]) -> Result<Option<bool>, DatabaseError> {
        match self {
            Expression::Compare(how, one, other) => {
                let order = compare(&*one.value(row)?, &*other.value(row)?)?;
                Ok(order.map(|order| how.holds(order)))
            }
            Expression::IsNull(inner) => Ok(Some(inner.value(row)?.is_null())),
            Expression::Not(inner) => Ok(inner.truth(row)?.map(|truth| !truth)),
            Expression::And(one, other) => match one.truth(row)? {
                Some(false) => Ok(Some(false)),
                Some(true) => other.truth(row),
                None => Ok(other.truth(row)?.filter(|truth| !truth)),
            },
            Expression::Or(one, other) => match one.truth(row)? {
                Some(true) => Ok(Some(true)),
                Some(false) => other.truth(row),
                None => Ok(other.truth(row)?.filter(|truth| *truth)),
            },
            _ => match &*self.value(row)? {
                Value::Null => Ok(None),
                Value::Int(number) => Ok(Some(*number != 0)),
                Value::Text(_) => Err(DatabaseError::bad("a text is no truth value")),
            },
        }
    }
}

fn arithmetic<'a>(
    one: &Expression,
    other: &Expression,
    row: &[Value],
    operation: impl Fn(i64, i64) -> Option<i64>,
) -> Result<Cow<'a, Value>, DatabaseError> {
    let value = match (&*one.value(row)?, &*other.value(row)?) {
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        (Value::Int(one), Value::Int(other)) => {
            Value::Int(operation(*one, *other).ok_or(DatabaseError::NumericOutOfRange)?)
        }
        (Value::Text(_), _) | (_, Value::Text(_)) => return Err(DatabaseError::bad("arithmetic on a text")),
    };
    Ok(Cow::Owned(value))
}

/// `None` when one of them is `NULL`.
fn compare(one: &Value, other: &Value) -> Result<Option<Ordering>, DatabaseError> {
    match (one, other) {
        (Value::Null, _) | (_, Value::Null) => Ok(None),
        (Value::Int(one), Value::Int(other)) => Ok(Some(one.cmp(other))),
        (Value::Text(one), Value::Text(other)) => Ok(Some(one.cmp(other))),
        (Value::Int(_), Value::Text(_)) | (Value::Text(_), Value::Int(_)) => {
            Err(DatabaseError::bad("a number compared with a text"))
        }
    }
}

impl<T: Into<Value>> From<T> for Expression {
    fn from(value: T) -> Self {
        Expression::Constant(value.into())
    }
}

impl<T: Into<Expression>> ops::Add<T> for Expression {
    type Output = Expression;

    fn add(self, other: T) -> Expression {
        Expression::Add(Box::new(self), Box::new(other.into()))
    }
}

impl<T: Into<Expression>> ops::Sub<T> for Expression {
    type Output = Expression;

    fn sub(self, other: T) -> Expression {
        Expression::Subtract(Box::new(self), Box::new(other.into()))
    }
}

impl<T: Into<Expression>> ops::Mul<T> for Expression {
    type Output = Expression;

    fn mul(self, other: T) -> Expression {
        Expression::Multiply(Box::new(self), Box::new(other.into()))
    }
}

impl ops::Not for Expression {
    type Output = Expression;

    fn not(self) -> Expression {
        Expression::Not(Box::new(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn null() -> Expression {
        Expression::Constant(Value::Null)
    }

    fn truth_of(expression: &Expression) -> Option<bool> {
        expression.truth(&[Value::Int(7), Value::Null, "seven".into()]).unwrap()
    }

    #[test]
    fn a_comparison_with_null_is_neither_true_nor_false() {
        let unknown = Expression::column(0).equals(Expression::column(1));
        assert_eq!(truth_of(&unknown), None);
        assert_eq!(truth_of(&!unknown.clone()), None);
        assert_eq!(truth_of(&unknown.clone().and(false)), Some(false));
        assert_eq!(truth_of(&unknown.clone().and(true)), None);
        assert_eq!(truth_of(&unknown.clone().or(true)), Some(true));
        assert_eq!(truth_of(&unknown.or(false)), None);
        assert_eq!(truth_of(&null().is_null()), Some(true));
    }

    #[test]
    fn numbers_compare_as_numbers_and_texts_as_texts() {
        assert_eq!(truth_of(&Expression::column(0).at_least(7)), Some(true));
        assert_eq!(truth_of(&Expression::column(0).less_than(7)), Some(false));
        assert_eq!(truth_of(&Expression::column(0).differs_from(7)), Some(false));
        assert_eq!(truth_of(&Expression::column(2).greater_than("eight")), Some(true));
        let mixed = Expression::column(0).equals("7").evaluate(&[Value::Int(7)]);
        assert_eq!(mixed.unwrap_err().sqlstate(), "42601");
    }

    #[test]
    fn an_overflow_is_an_error_and_null_is_contagious() {
        let row = [Value::Int(i64::MAX), Value::Null];
        let sum = Expression::column(0) + 1;
        assert_eq!(sum.evaluate(&row), Err(DatabaseError::NumericOutOfRange));
        assert_eq!((Expression::column(0) * 2).evaluate(&row), Err(DatabaseError::NumericOutOfRange));
        assert_eq!((Expression::column(0) - 1).evaluate(&row), Ok(Value::Int(i64::MAX - 1)));
        assert_eq!((Expression::column(1) + 1).evaluate(&row), Ok(Value::Null));
    }

    #[test]
    fn resolving_leaves_nothing_but_the_row_to_depend_on() {
        let mut expression = Expression::sum(TableId(3), Keys::All, 1) + Expression::Now;
        assert!(expression.evaluate(&[]).is_err());
        expression.resolve(5, &mut |table, _, column| Ok(Value::Int((table.0 + column) as i64))).unwrap();
        assert_eq!(expression.evaluate(&[]), Ok(Value::Int(9)));
    }
}
