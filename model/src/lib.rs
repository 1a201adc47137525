//! The systems under rehearsal, and the parts that they share. Everything is written against the traits of
//! `rehearsal-env` alone, and never learns which world it runs in.

pub mod blob;
pub mod coordination;
pub mod counter;
pub mod database;
pub mod queue;
pub mod race;
pub mod reservation;
pub mod rpc;
pub mod session;
