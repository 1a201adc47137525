//! The shelf of a mover and the parking of a consumer, each against what it says in plain words.

mod parking;
mod shelf;
