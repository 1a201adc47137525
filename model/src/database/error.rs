//! Why the database refused.

use thiserror::Error;

use serde::{Deserialize, Serialize};

/// A refusal, by its SQLSTATE. The statement did nothing; inside a transaction everything else is refused with
/// [`TransactionAborted`](DatabaseError::TransactionAborted) until it ends or goes back to a savepoint.
///
/// An answer that never came is not among these: only then is the outcome unknown.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DatabaseError {
    /// 40P01: this transaction waited in a circle and was chosen to end it.
    #[error("deadlock detected")]
    DeadlockDetected,
    /// 23505: a row with this key exists.
    #[error("duplicate key value violates a unique constraint")]
    UniqueViolation,
    /// 23514: the row breaks a `CHECK`.
    #[error("new row violates a check constraint")]
    CheckViolation,
    /// 23502: a key column is `NULL`.
    #[error("null value in a key column")]
    NotNullViolation,
    /// 55P03: the row is locked, and the statement said `NOWAIT` or has waited for the lock timeout.
    #[error("could not obtain lock on row")]
    LockNotAvailable,
    /// 25P02: an earlier statement of this transaction failed.
    #[error("current transaction is aborted, commands ignored until end of transaction block")]
    TransactionAborted,
    /// 25P01: a savepoint outside a transaction.
    #[error("there is no transaction in progress")]
    NoActiveTransaction,
    /// 3B001: the transaction has no savepoint of this name.
    #[error("savepoint does not exist")]
    NoSuchSavepoint,
    /// 22003: an integer overflowed.
    #[error("bigint out of range")]
    NumericOutOfRange,
    /// 42P01: the schema has no such table.
    #[error("table does not exist")]
    UnknownTable,
    /// 42601: the statement makes no sense; the text says why.
    #[error("bad statement: {0}")]
    BadStatement(Box<str>),
}

impl DatabaseError {
    /// A [`DatabaseError::BadStatement`] that says why.
    pub(crate) fn bad(why: &str) -> Self {
        DatabaseError::BadStatement(why.into())
    }

    /// The five characters that PostgreSQL sends for it.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            DatabaseError::DeadlockDetected => "40P01",
            DatabaseError::UniqueViolation => "23505",
            DatabaseError::CheckViolation => "23514",
            DatabaseError::NotNullViolation => "23502",
            DatabaseError::LockNotAvailable => "55P03",
            DatabaseError::TransactionAborted => "25P02",
            DatabaseError::NoActiveTransaction => "25P01",
            DatabaseError::NoSuchSavepoint => "3B001",
            DatabaseError::NumericOutOfRange => "22003",
            DatabaseError::UnknownTable => "42P01",
            DatabaseError::BadStatement(_) => "42601",
        }
    }

    /// Whether the refused statement surely left nothing behind. True for every error the database answers
    /// with; the unknown outcome is the answer that did not come.
    pub fn definitely_did_not_happen(&self) -> bool {
        true
    }
}
