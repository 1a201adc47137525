//! The core of a replica, against what its rules say in plain words.

mod history;
mod lineage;
mod stage;
