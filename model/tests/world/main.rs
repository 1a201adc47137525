//! The parts that the systems share, put to work in the seeded world: calls, sessions, the database's server,
//! the id service, the strategies. What each promises is told in sentences, under whatever faults may break it.

mod database;
mod ids;
mod rpc;
mod session_table;
mod sessions;
mod stage;
mod strategies;
