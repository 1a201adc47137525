//! The systems that this program knows.

pub mod counter;
pub mod queue;
pub mod reservation;

use crate::system::System;

/// All of them, in the order in which they are shown.
pub fn all() -> Vec<Box<dyn System>> {
    vec![Box::new(counter::Counter), Box::new(reservation::Reservation), Box::new(queue::Queue)]
}

/// The system of this name.
pub fn named(name: &str) -> Option<Box<dyn System>> {
    all().into_iter().find(|system| system.name() == name)
}

/// The names of all of them.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|system| system.name()).collect()
}
