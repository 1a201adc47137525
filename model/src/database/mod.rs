//! A relational database: versions, row locks, constraints, a write-ahead log.
//!
//! ```text
//!                  Execute, Persisted,                        Answer, Append, Durable,
//!                  TimerFired, SessionEnded                   SetTimer, CancelTimer
//!                            |                                          ^
//!                            v                                          |
//!   +---------------------------- engine: one step at a time ---------------------------+
//!   |   transaction               execute                      locks                    |
//!   |   what it wrote,            a statement, row by row,     who holds a row, who     |
//!   |   savepoints                stops where it must wait     waits, in a circle?      |
//!   |                                                                                   |
//!   |   versions: per table, what each snapshot sees          schema, expression, value |
//!   +-----------------------------------------------------------------------------------+
//!                            log: batches of commits as bytes, and back
//! ```
//!
//! It behaves as PostgreSQL 15 does at READ COMMITTED, lock for lock; `tests/postgres_read_committed` says
//! what that means, one sentence each. Everything here is a plain value without a clock and without waiting.

pub mod client;
pub mod commit;
pub mod engine;
pub mod error;
mod execute;
pub mod expression;
pub mod happening;
mod locks;
pub mod log;
pub mod schema;
pub mod server;
pub mod statement;
pub mod step;
mod transaction;
pub mod value;
mod versions;

pub use client::{CommitError, Database, RemoteDatabase, RemoteTransaction, Transaction, TransactionError};
pub use commit::{Commit, LogPosition, RowChange};
pub use engine::Engine;
pub use error::DatabaseError;
pub use expression::{Comparison, Expression};
pub use happening::Happening;
pub use log::{LogCorrupt, Recovered, encode_batch, read_log};
pub use schema::{Check, Index, Schema, Table, TableId};
pub use statement::{Action, Answer, Isolation, Keys, LockWait, Request, RowLock, Statement};
pub use step::{Input, Knobs, Output, SessionId, Timer, TimerKind};
pub use value::{Key, Row, Value};
