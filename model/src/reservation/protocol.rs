//! What the nodes of the chain ask each other.

use super::stay::{Order, ReservationId, Stay};
use serde::{Deserialize, Serialize};

/// What a guest asks a reservation server; the answer is a [`super::facts::Answer`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GuestRequest {
    /// How many rooms are left.
    Availability(Stay),
    /// An order with a price.
    Order {
        /// For whom.
        guest: i64,
        /// What.
        stay: Stay,
    },
    /// To book what was ordered. The order is repeated in full, so that an id that was mixed up is noticed.
    Book {
        /// The order.
        order: Order,
        /// Whether the nights are named last to first.
        backwards: bool,
    },
    /// To cancel it.
    Cancel {
        /// Which.
        id: ReservationId,
    },
    /// What is booked.
    History {
        /// By whom.
        guest: i64,
    },
}

/// What a reservation server asks the id service: a block of ids that nobody else gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdsWanted {
    /// How many.
    pub count: i64,
}

/// Ids `first .. first + count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdBlock {
    /// The first.
    pub first: i64,
    /// How many.
    pub count: i64,
}

/// What a reservation server asks the payment service: to see the payment of a reservation through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Settle {
    /// Whose.
    pub id: ReservationId,
}

/// The payment service did what it could for now; the database knows the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Settled;

/// What the payment service asks the provider. The key makes a repeat harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProviderRequest {
    /// Take money.
    Charge {
        /// The idempotency key.
        key: u64,
        /// For what.
        reservation: ReservationId,
        /// How much, in cents.
        amount: i64,
    },
    /// Give back what was taken under this key, and take nothing under it from now on.
    GiveBack {
        /// The idempotency key.
        key: u64,
        /// For what.
        reservation: ReservationId,
    },
}

/// What the provider answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProviderAnswer {
    /// The money was taken, now or before.
    Charged,
    /// The money was not taken and will not be.
    Refused,
    /// No money stands under this key, and none ever will.
    GivenBack,
}
