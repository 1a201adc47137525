//! The coordination service: what it keeps, what it shows and to whom, who is there and who is gone.

mod consensus;
mod crashes;
mod honesty;
mod registry;
mod sessions;
mod stage;
mod three;
mod transactions;
mod watches;
