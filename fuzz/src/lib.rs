//! The library of the `rehearsal` program: scenarios, systems, the glue that runs them, campaigns.

pub mod bookings;
pub mod campaign;
pub mod commands;
pub mod compare;
pub mod draws;
pub mod explore;
pub mod interrupt;
pub mod jury;
pub mod paint;
pub mod progress;
pub mod property;
pub mod rehearse;
pub mod report;
pub mod repro;
pub mod scenario;
pub mod scenario_file;
pub mod schedule;
pub mod shrink;
pub mod story;
pub mod swarm;
pub mod system;
pub mod systems;
pub mod trace;
pub mod verdict;
pub mod whole_file;
