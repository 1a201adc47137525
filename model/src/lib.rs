//! Placeholder.

pub mod database;
pub mod reservation;
