//! One real booking.

use std::fmt;
use std::ops::Range;

/// How a booking ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The guest came and left.
    CheckedOut,
    /// The guest cancelled.
    Cancelled,
    /// The guest neither came nor cancelled. The hotel kept the nights for the guest.
    NoShow,
}

/// A room type of one hotel, both known by a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomTypeOfHotel {
    /// The hotel, an ASCII letter.
    pub hotel: u8,
    /// The room type, an ASCII letter.
    pub room_type: u8,
}

impl fmt::Display for RoomTypeOfHotel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", char::from(self.hotel), char::from(self.room_type))
    }
}

/// One booking of one room, as a line of a bookings file says it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BookingRow {
    /// The day it was made, in days since any fixed day.
    pub booking_day: i32,
    /// The hotel, an ASCII letter.
    pub hotel: u8,
    /// The room type reserved, an ASCII letter; the one given at check-in may have been another.
    pub room_type: u8,
    /// Days from booking to arrival.
    pub lead_days: u32,
    /// Nights; 0 is a booking for the day, which takes no room over night.
    pub nights: u32,
    /// Guests.
    pub guests: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// When its last status was set, in days *from the booking*, not since the fixed day: the check-out
    /// (nearly always `lead_days + nights`), the no-show (nearly always `lead_days`), or the cancellation
    /// (at most `lead_days`; 0 is the day of the booking). Never negative when it comes from a file.
    pub end_day: i32,
    /// Price of a night, cents; negative for a correction.
    pub price_cents: i64,
}

impl BookingRow {
    /// The room type of the hotel that it asks for.
    pub fn room_type_of_hotel(&self) -> RoomTypeOfHotel {
        RoomTypeOfHotel { hotel: self.hotel, room_type: self.room_type }
    }

    /// Its nights, each named by the day it begins on, counted as [`BookingRow::booking_day`] is.
    pub fn night_days(&self) -> Range<i32> {
        let arrival = self.booking_day + self.lead_days as i32;
        arrival..arrival + self.nights as i32
    }

    /// Whether it was cancelled on the day it was made.
    pub fn is_cancelled_same_day(&self) -> bool {
        self.outcome == Outcome::Cancelled && self.end_day <= 0
    }

    /// The later day it was cancelled on, counted as [`BookingRow::booking_day`] is; `None` when it was not
    /// cancelled, or on the day it was made.
    pub fn later_cancellation_day(&self) -> Option<i32> {
        let later = self.outcome == Outcome::Cancelled && self.end_day > 0;
        later.then(|| self.booking_day + self.end_day)
    }
}
