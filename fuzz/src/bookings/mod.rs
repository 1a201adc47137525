//! Real bookings of real hotels, from a file, and what must come of them.
//!
//! A file of bookings drives the reservation system with the bursts, group loads, cancellations and hot
//! nights that no generator invents. [`mod@file`] reads it, [`capacity`] finds out how many rooms each room type
//! had, [`schedule`] says which day brings which cancellations and bookings, and [`mod@reference`] plays them one
//! after the other: what a system that serves many guests at once must agree with where order is the same.
//! [`replay`] sends them through the whole simulated stack.

pub mod capacity;
pub mod error;
pub mod file;
pub mod reference;
pub mod replay;
pub mod row;
pub mod schedule;
mod tally;
