//! Histories of the queue written by hand: one that is as it should be, and for every invariant some that it convicts.

mod cluster;
mod coordination;
mod delays;
mod delivery;
mod groups;
mod history;
mod legal;
mod lending;
mod logs;
mod losses;
mod markers;
mod moves;
mod pushing;
mod reading;
mod replication;
mod restarts;
mod retention;
mod topics;
mod transactions;
