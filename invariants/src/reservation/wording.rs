//! How verdicts speak of nights and reservations.

use rehearsal_model::reservation::stay::{Night, ReservationId};
use std::fmt;

/// A night, as `night 12 of room type 3/1`.
pub struct NightName(pub Night);

impl fmt::Display for NightName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Night { room_type, date } = self.0;
        write!(formatter, "night {date} of room type {}/{}", room_type.hotel, room_type.kind)
    }
}

/// A reservation or its order, as `reservation 17`.
pub struct ReservationName(pub ReservationId);

impl fmt::Display for ReservationName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "reservation {}", self.0.0)
    }
}
