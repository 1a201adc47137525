//! What a hotel with one desk and one clerk does with the bookings: the reference for every replay.
//!
//! Day by day as [`schedule`] gives them:
//!
//! 1. A booking is accepted when each of its nights has fewer rooms reserved than the [`limit`] of its room
//!    type's capacity; otherwise it is refused whole, and its later cancellation does not happen.
//! 2. A booking without nights asks for nothing: it is always accepted and touches no row of the inventory.
//! 3. A booking cancelled on the day it was made must be acceptable like any other, and is cancelled before
//!    the next booking. Nobody ever finds its nights taken, so that a row only such bookings asked for counts
//!    as never touched; neither does a refused booking touch a row.
//! 4. A later cancellation gives all nights back. A no-show gives none back.

use std::collections::BTreeMap;

use serde::Serialize;

use super::capacity::{Capacities, limit};
use super::row::{BookingRow, RoomTypeOfHotel};
use super::schedule::schedule;

/// What came of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Replay {
    /// Bookings that got their nights, those cancelled later or at once among them.
    pub accepted: u64,
    /// Bookings that found a night sold out.
    pub refused: u64,
    /// Accepted bookings cancelled on a later day.
    pub cancelled_later: u64,
    /// Accepted bookings cancelled on the day they were made.
    pub cancelled_same_day: u64,
    /// Nights of the accepted bookings.
    pub accepted_room_nights: u64,
    /// Nights still reserved when everything has happened: of stays and of no-shows.
    pub final_room_nights: u64,
    /// Inventory rows, one per (hotel, room type, night), that were ever reserved beyond the moment.
    pub keys_touched: u64,
    /// Over all rows at the end: rooms reserved beyond the rooms there are.
    pub room_nights_above_physical_capacity_at_end: u64,
}

/// Plays the bookings one after the other. A room type without a capacity has no room.
pub fn replay(rows: &[BookingRow], capacities: &Capacities) -> Replay {
    let mut inventory = Inventory { capacities, reserved: BTreeMap::new() };
    let mut accepted = vec![false; rows.len()];
    let mut outcome = Replay::default();
    for day in schedule(rows) {
        for index in day.cancellations.into_iter().filter(|index| accepted[*index]) {
            inventory.give_back(&rows[index]);
            outcome.cancelled_later += 1;
        }
        for index in day.bookings {
            let row = &rows[index];
            if !inventory.has_room_for(row) {
                outcome.refused += 1;
                continue;
            }
            accepted[index] = true;
            outcome.accepted += 1;
            outcome.accepted_room_nights += u64::from(row.nights);
            if row.is_cancelled_same_day() {
                outcome.cancelled_same_day += 1;
            } else {
                inventory.take(row);
            }
        }
    }
    outcome.final_room_nights = inventory.reserved.values().sum();
    outcome.keys_touched = inventory.reserved.len() as u64;
    outcome.room_nights_above_physical_capacity_at_end = inventory.above_capacity();
    outcome
}

/// Rooms reserved per room type and night. A row exists once something took it, and stays when that is
/// given back.
struct Inventory<'a> {
    capacities: &'a Capacities,
    reserved: BTreeMap<(RoomTypeOfHotel, i32), u64>,
}

impl Inventory<'_> {
    fn capacity(&self, room_type: RoomTypeOfHotel) -> u64 {
        self.capacities.get(&room_type).copied().unwrap_or(0)
    }

    fn has_room_for(&self, row: &BookingRow) -> bool {
        let room_type = row.room_type_of_hotel();
        let limit = limit(self.capacity(room_type));
        let reserved = |night| self.reserved.get(&(room_type, night)).copied().unwrap_or(0);
        row.night_days().all(|night| reserved(night) < limit)
    }

    fn take(&mut self, row: &BookingRow) {
        for night in row.night_days() {
            *self.reserved.entry((row.room_type_of_hotel(), night)).or_default() += 1;
        }
    }

    fn give_back(&mut self, row: &BookingRow) {
        for night in row.night_days() {
            let reserved = self.reserved.get_mut(&(row.room_type_of_hotel(), night));
            *reserved.expect("an accepted booking took its nights") -= 1;
        }
    }

    fn above_capacity(&self) -> u64 {
        let above = |(&(room_type, _), &reserved): (&(RoomTypeOfHotel, i32), &u64)| {
            reserved.saturating_sub(self.capacity(room_type))
        };
        self.reserved.iter().map(above).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::Outcome;
    use super::*;

    const STAYS: (Outcome, i32) = (Outcome::CheckedOut, 100);
    const NO_SHOW: (Outcome, i32) = (Outcome::NoShow, 10);

    fn cancels_after(days: i32) -> (Outcome, i32) {
        (Outcome::Cancelled, days)
    }

    /// A booking made on a day, for nights from day 10 on.
    fn booking(booking_day: i32, nights: u32, (outcome, end_day): (Outcome, i32)) -> BookingRow {
        let (hotel, room_type, lead_days) = (b'C', b'A', 10 - booking_day as u32);
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

    fn replay_with(rooms: u64, rows: &[BookingRow]) -> Replay {
        replay(rows, &Capacities::from([(RoomTypeOfHotel { hotel: b'C', room_type: b'A' }, rooms)]))
    }

    #[test]
    fn the_eleventh_of_ten_rooms_is_sold_and_the_twelfth_is_not() {
        let outcome = replay_with(10, &vec![booking(0, 1, STAYS); 12]);
        assert_eq!((outcome.accepted, outcome.refused), (11, 1));
        assert_eq!(outcome.room_nights_above_physical_capacity_at_end, 1);
    }

    #[test]
    fn one_night_sold_out_refuses_the_whole_stay() {
        let outcome = replay_with(1, &[booking(0, 1, STAYS), booking(0, 3, STAYS)]);
        assert_eq!((outcome.accepted, outcome.refused, outcome.keys_touched), (1, 1, 1));
        assert_eq!((outcome.accepted_room_nights, outcome.final_room_nights), (1, 1));
    }

    #[test]
    fn a_room_given_back_is_sold_again_on_the_same_day() {
        let outcome = replay_with(1, &[booking(0, 2, cancels_after(1)), booking(1, 2, STAYS)]);
        assert_eq!((outcome.accepted, outcome.cancelled_later, outcome.final_room_nights), (2, 1, 2));
    }

    #[test]
    fn a_refused_booking_is_never_cancelled() {
        let outcome = replay_with(1, &[booking(0, 1, STAYS), booking(0, 1, cancels_after(1))]);
        assert_eq!((outcome.refused, outcome.cancelled_later, outcome.final_room_nights), (1, 0, 1));
    }

    #[test]
    fn a_booking_cancelled_at_once_makes_way_and_touches_no_row() {
        let outcome = replay_with(1, &[booking(0, 2, cancels_after(0)), booking(0, 1, STAYS)]);
        assert_eq!((outcome.accepted, outcome.cancelled_same_day, outcome.cancelled_later), (2, 1, 0));
        assert_eq!(
            (outcome.accepted_room_nights, outcome.final_room_nights, outcome.keys_touched),
            (3, 1, 1)
        );
    }

    #[test]
    fn a_booking_cancelled_at_once_is_refused_where_nothing_is_free() {
        let outcome = replay_with(1, &[booking(0, 1, STAYS), booking(0, 1, cancels_after(0))]);
        assert_eq!((outcome.refused, outcome.cancelled_same_day), (1, 0));
    }

    #[test]
    fn a_row_given_back_stays_touched() {
        let outcome = replay_with(1, &[booking(0, 2, cancels_after(1))]);
        assert_eq!((outcome.keys_touched, outcome.final_room_nights), (2, 0));
    }

    #[test]
    fn a_no_show_keeps_its_nights() {
        let outcome = replay_with(1, &[booking(0, 1, NO_SHOW), booking(1, 1, STAYS)]);
        assert_eq!((outcome.accepted, outcome.refused, outcome.final_room_nights), (1, 1, 1));
    }

    #[test]
    fn a_booking_without_nights_is_accepted_where_there_is_no_room() {
        let outcome =
            replay_with(0, &[booking(0, 0, STAYS), booking(0, 0, cancels_after(3)), booking(0, 1, STAYS)]);
        assert_eq!((outcome.accepted, outcome.refused, outcome.cancelled_later), (2, 1, 1));
        assert_eq!(outcome.keys_touched, 0);
    }

    #[test]
    fn other_hotels_and_room_types_have_rows_of_their_own() {
        let here = booking(0, 1, STAYS);
        let other_hotel = BookingRow { hotel: b'R', ..here.clone() };
        let other_type = BookingRow { room_type: b'D', ..here.clone() };
        let rows = [here, other_hotel, other_type];
        let one_room_each = rows.iter().map(|row| (row.room_type_of_hotel(), 1)).collect();
        let outcome = replay(&rows, &one_room_each);
        assert_eq!((outcome.accepted, outcome.keys_touched), (3, 3));
    }
}
