//! Placeholder.

pub mod bookings;
