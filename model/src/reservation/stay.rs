//! The nouns of the chain: nights, stays, orders, reservations.

use serde::{Deserialize, Serialize};

/// A number that only the workload knows: one wish of one guest. No system ever sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Intent(pub u64);

/// The number under which an order is placed, booked, paid and canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReservationId(pub i64);

/// A room type of a hotel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoomType {
    /// The hotel.
    pub hotel: i64,
    /// The room type, counted per hotel.
    pub kind: i64,
}

/// One night of a room type: a row of the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Night {
    /// Which rooms.
    pub room_type: RoomType,
    /// The calendar day on whose evening the night begins, as days since an epoch of the scenario's.
    pub date: i64,
}

/// What a guest asks for: rooms of one type over the nights `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stay {
    /// Which rooms.
    pub room_type: RoomType,
    /// The day of arrival.
    pub start: i64,
    /// The day of departure; equal to `start` for a stay without nights.
    pub end: i64,
    /// How many rooms.
    pub rooms: i64,
}

impl Stay {
    /// The nights, in the order of the calendar.
    pub fn nights(&self) -> impl DoubleEndedIterator<Item = Night> + use<> {
        let room_type = self.room_type;
        (self.start..self.end).map(move |date| Night { room_type, date })
    }

    /// How many nights.
    pub fn length(&self) -> i64 {
        self.end - self.start
    }
}

/// An order: a stay with the price that was quoted for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Order {
    /// Its id, which becomes the reservation's.
    pub id: ReservationId,
    /// Whose it is.
    pub guest: i64,
    /// What is asked for.
    pub stay: Stay,
    /// The whole price, in cents.
    pub price: i64,
}

/// Whether an order can still be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OrderState {
    /// Not yet decided.
    Open,
    /// A reservation of its id exists.
    Booked,
    /// It was refused for lack of rooms.
    SoldOut,
    /// The guest gave it up before anything was booked.
    Withdrawn,
    /// Somebody wanted to book it when its time was over.
    Expired,
}

impl OrderState {
    const ALL: [OrderState; 5] = [
        OrderState::Open,
        OrderState::Booked,
        OrderState::SoldOut,
        OrderState::Withdrawn,
        OrderState::Expired,
    ];

    /// As the database keeps it.
    pub fn code(self) -> i64 {
        self as i64
    }

    /// The state of this code.
    pub fn of_code(code: i64) -> Option<OrderState> {
        OrderState::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// The status of a reservation. Which change is legal is said in `legal-status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    /// Nights are held; the payment is not confirmed.
    Pending,
    /// The provider confirmed the charge.
    Paid,
    /// The provider refused, or the hold ran out; the nights are given back.
    Rejected,
    /// The guest canceled; the nights are given back.
    Canceled,
    /// Canceled after it was paid, and the provider confirmed the refund.
    Refunded,
}

impl Status {
    const ALL: [Status; 5] =
        [Status::Pending, Status::Paid, Status::Rejected, Status::Canceled, Status::Refunded];

    /// As the database keeps it.
    pub fn code(self) -> i64 {
        self as i64
    }

    /// The status of this code.
    pub fn of_code(code: i64) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.code() == code)
    }

    /// Whether the stay holds its nights.
    pub fn is_live(self) -> bool {
        matches!(self, Status::Pending | Status::Paid)
    }
}

/// What still has to be done with the provider: a row of the log of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StepKind {
    /// Charge the order's price.
    Charge,
    /// See to it that no charge stands: the reservation ended before it was paid.
    Void,
    /// Give back what was paid.
    Refund,
}

impl StepKind {
    const ALL: [StepKind; 3] = [StepKind::Charge, StepKind::Void, StepKind::Refund];

    /// As the database keeps it.
    pub fn code(self) -> i64 {
        self as i64
    }

    /// The kind of this code.
    pub fn of_code(code: i64) -> Option<StepKind> {
        StepKind::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// How many rooms of a night may be sold: `floor(total · (100 + overbooking) / 100)`, in integers.
pub fn limit(total_inventory: i64, overbooking_percent: i64) -> i64 {
    total_inventory * (100 + overbooking_percent) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_rounded_down_at_every_border() {
        let inventories = [0, 1, 9, 10, 11, 19, 100];
        assert_eq!(inventories.map(|total| limit(total, 10)), [0, 1, 9, 11, 12, 20, 110]);
    }

    #[test]
    fn a_stay_is_half_open() {
        let stay = Stay { room_type: RoomType { hotel: 1, kind: 2 }, start: 5, end: 7, rooms: 1 };
        assert_eq!(stay.nights().map(|night| night.date).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(stay.length(), 2);
    }

    #[test]
    fn codes_are_read_back() {
        assert!(Status::ALL.into_iter().all(|status| Status::of_code(status.code()) == Some(status)));
        assert!(OrderState::ALL.into_iter().all(|state| OrderState::of_code(state.code()) == Some(state)));
        assert!(StepKind::ALL.into_iter().all(|kind| StepKind::of_code(kind.code()) == Some(kind)));
        assert_eq!(Status::of_code(9), None);
    }
}
