//! PostgreSQL 15 at READ COMMITTED, behaviour by behaviour, each as it was seen on a live server.
//!
//! First what single statements, locks, errors and lost clients do, then the anomalies of Martin Kleppmann's
//! Hermitage suite, G0 to G2, by their names there. What only REPEATABLE READ and SERIALIZABLE show (a lost
//! update refused, the moment a transaction's snapshot is taken, serialization failures) does not apply, and
//! schema changes inside a transaction are left out: this database has none.

mod bench;
mod commits;
mod constraints;
mod deadlocks;
mod hermitage;
mod inserts;
mod waiting;
