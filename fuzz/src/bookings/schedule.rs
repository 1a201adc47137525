//! Which day brings what.
//!
//! A file of bookings knows days, not hours. Within a day the cancellations come first, so that a room given
//! back in the morning can be sold again in the afternoon.

use std::collections::BTreeMap;

use super::row::BookingRow;

/// What happens on one day, as indices into the rows. Both lists are in the rows' order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Day {
    /// The day, counted as [`BookingRow::booking_day`] is.
    pub day: i32,
    /// Bookings of earlier days that are cancelled on this one, before any booking of the day. Whoever
    /// replays them passes over those that were refused.
    pub cancellations: Vec<usize>,
    /// Bookings made on this day. One cancelled on the same day stands here only: it is cancelled at once,
    /// before the next booking.
    pub bookings: Vec<usize>,
}

/// Every day on which something happens, rising; days of cancellations after the last booking as well.
pub fn schedule(rows: &[BookingRow]) -> Vec<Day> {
    let mut days = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        on(&mut days, row.booking_day).bookings.push(index);
        if let Some(day) = row.later_cancellation_day() {
            on(&mut days, day).cancellations.push(index);
        }
    }
    days.into_values().collect()
}

fn on(days: &mut BTreeMap<i32, Day>, day: i32) -> &mut Day {
    days.entry(day).or_insert_with(|| Day { day, cancellations: Vec::new(), bookings: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::super::row::Outcome;
    use super::*;

    fn booking(booking_day: i32, outcome: Outcome, end_day: i32) -> BookingRow {
        let (hotel, room_type, lead_days, nights) = (b'C', b'A', 10, 2);
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

    #[test]
    fn a_day_lists_cancellations_and_bookings_in_file_order() {
        let rows = [
            booking(1, Outcome::Cancelled, 2),
            booking(2, Outcome::Cancelled, 1),
            booking(3, Outcome::CheckedOut, 12),
            booking(3, Outcome::NoShow, 10),
        ];
        let days = schedule(&rows);
        assert_eq!(days[2], Day { day: 3, cancellations: vec![0, 1], bookings: vec![2, 3] });
        assert_eq!(days.len(), 3);
    }

    #[test]
    fn a_cancellation_on_the_day_of_booking_is_no_event_of_its_own() {
        let days = schedule(&[booking(1, Outcome::Cancelled, 0)]);
        assert_eq!(days, [Day { day: 1, cancellations: vec![], bookings: vec![0] }]);
    }

    #[test]
    fn a_cancellation_after_the_last_booking_has_its_day() {
        let days = schedule(&[booking(1, Outcome::Cancelled, 9)]);
        assert_eq!(days[1], Day { day: 10, cancellations: vec![0], bookings: vec![] });
    }
}
