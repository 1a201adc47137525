//! How many rooms there are, found out from the bookings themselves.
//!
//! A file of bookings does not say how large the hotels are. What is certain is that the guests who stayed
//! had rooms: the most rooms of a type that were ever occupied at once must have been there.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use miette::Diagnostic;
use thiserror::Error;

use super::row::{BookingRow, Outcome, RoomTypeOfHotel};

/// Rooms of each room type of each hotel.
pub type Capacities = BTreeMap<RoomTypeOfHotel, u64>;

/// Percent of its rooms that a hotel sells beyond them.
pub const OVERBOOKING_PERCENT: u64 = 10;

/// How many rooms may be sold for a night where there are so many.
pub fn limit(rooms: u64) -> u64 {
    rooms * (100 + OVERBOOKING_PERCENT) / 100
}

/// The most rooms of each reserved type that guests who checked out occupied in one night. A type that
/// nobody slept in is there with 0.
pub fn peak_occupancy(rows: &[BookingRow]) -> Capacities {
    let mut capacities = Capacities::new();
    let mut occupied = BTreeMap::new();
    for row in rows {
        let room_type = row.room_type_of_hotel();
        let peak = capacities.entry(room_type).or_default();
        if row.outcome == Outcome::CheckedOut {
            for night in row.night_days() {
                let rooms: &mut u64 = occupied.entry((room_type, night)).or_default();
                *rooms += 1;
                *peak = (*peak).max(*rooms);
            }
        }
    }
    capacities
}

/// Makes every hotel smaller or larger: each capacity times the scale, rounded down, and no room type that
/// has a room loses its last.
pub fn scaled(capacities: &Capacities, scale: CapacityScale) -> Capacities {
    let resize = |rooms: u64| (rooms * scale.millionths / MILLION).max(rooms.min(1));
    capacities.iter().map(|(room_type, rooms)| (*room_type, resize(*rooms))).collect()
}

const MILLION: u64 = 1_000_000;
const GREATEST_SCALE: u64 = 1000;

/// A factor written as a decimal, `0.4`, and kept as written: a whole number of millionths. In floating point
/// a capacity times a scale may come out just below a whole number and lose a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapacityScale {
    millionths: u64,
}

impl CapacityScale {
    /// Hotels as they are.
    pub const ONE: CapacityScale = CapacityScale { millionths: MILLION };

    /// The scale as a fraction: numerator and denominator, not reduced.
    pub fn fraction(self) -> (u64, u64) {
        (self.millionths, MILLION)
    }
}

/// A text that is no scale.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
#[error("`{found}` is no capacity scale")]
#[diagnostic(
    code(bookings::capacity_scale),
    help("write a decimal above 0 and at most 1000 with at most six places, for example `0.4` or `1.25`")
)]
pub struct CapacityScaleError {
    /// The text.
    pub found: String,
}

impl FromStr for CapacityScale {
    type Err = CapacityScaleError;

    fn from_str(text: &str) -> Result<CapacityScale, CapacityScaleError> {
        let scale = millionths(text).filter(|millionths| (1..=GREATEST_SCALE * MILLION).contains(millionths));
        let error = || CapacityScaleError { found: text.to_owned() };
        scale.map(|millionths| CapacityScale { millionths }).ok_or_else(error)
    }
}

/// Digits, or digits, a point and one to six digits.
fn millionths(text: &str) -> Option<u64> {
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str, longest| {
        (1..=longest).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, 9) || !digits(places, 6) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let places: u64 = format!("{places:0<6}").parse().ok()?;
    Some(whole * MILLION + places)
}

impl fmt::Display for CapacityScale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = format!("{:06}", self.millionths % MILLION);
        let places = places.trim_end_matches('0');
        let places = if places.is_empty() { "0" } else { places };
        write!(formatter, "{}.{places}", self.millionths / MILLION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stay(lead_days: u32, nights: u32, outcome: Outcome) -> BookingRow {
        let end_day = (lead_days + nights) as i32;
        let (booking_day, hotel, room_type) = (0, b'C', b'A');
        BookingRow {
            booking_day,
            hotel,
            room_type,
            lead_days,
            nights,
            guests: 2,
            outcome,
            end_day,
            price_cents: 1,
        }
    }

    fn rooms(count: u64) -> Capacities {
        Capacities::from([(RoomTypeOfHotel { hotel: b'C', room_type: b'A' }, count)])
    }

    #[test]
    fn the_day_of_departure_is_not_a_night() {
        let rows = [stay(1, 2, Outcome::CheckedOut), stay(3, 2, Outcome::CheckedOut)];
        assert_eq!(peak_occupancy(&rows), rooms(1));
        let rows = [stay(1, 3, Outcome::CheckedOut), stay(3, 2, Outcome::CheckedOut)];
        assert_eq!(peak_occupancy(&rows), rooms(2));
    }

    #[test]
    fn only_guests_who_stayed_prove_a_room() {
        let rows =
            [stay(1, 2, Outcome::Cancelled), stay(1, 2, Outcome::NoShow), stay(1, 0, Outcome::CheckedOut)];
        assert_eq!(peak_occupancy(&rows), rooms(0));
    }

    #[test]
    fn a_scale_is_exact_rounds_down_and_leaves_the_last_room() {
        let scale: CapacityScale = "0.4".parse().expect("a scale");
        let after = |before| scaled(&rooms(before), scale);
        assert_eq!([217, 5, 2, 1, 0].map(after), [86, 2, 1, 1, 0].map(rooms));
        // In binary floating point 100 × 0.29 is just below 29.
        assert_eq!(scaled(&rooms(100), "0.29".parse().expect("a scale")), rooms(29));
    }

    #[test]
    fn the_limit_is_a_tenth_more_rounded_down() {
        assert_eq!([0, 1, 9, 10, 11, 19, 100].map(limit), [0, 1, 9, 11, 12, 20, 110]);
    }

    #[test]
    fn scales_are_read_as_written() {
        let fraction = |text: &str| text.parse().map(CapacityScale::fraction);
        assert_eq!(fraction("0.4"), Ok((400_000, 1_000_000)));
        assert_eq!(fraction("0.400000"), fraction("0.4"));
        assert_eq!("1".parse(), Ok(CapacityScale::ONE));
        assert_eq!("12.250".parse().map(|scale: CapacityScale| scale.to_string()), Ok("12.25".to_owned()));
        assert_eq!(CapacityScale::ONE.to_string(), "1.0");
    }

    #[test]
    fn what_is_no_scale_is_refused_with_its_text() {
        for text in
            ["", ".", "0", "0.0", "-1", "+1", ".4", "1.", "1e3", "0.1234567", "1000.000001", "4,5", "٣"]
        {
            let refused = text.parse::<CapacityScale>();
            assert_eq!(refused, Err(CapacityScaleError { found: text.to_owned() }), "{text:?}");
        }
        assert!("99999999999999999999".parse::<CapacityScale>().is_err());
    }
}
