//! The cores that can be reached from outside, each beside a naive reference, under whatever may come to them.
//! The lock manager's stand beside it, in `src/database/locks/properties.rs`.

mod ledger;
mod log;
mod sessions;
