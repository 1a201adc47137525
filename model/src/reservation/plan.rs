//! What a deployment of the chain is started with.

use super::defects::Defects;
use super::knobs::{Knobs, StrategyName};
use super::stay::{Intent, Night, RoomType, Stay};
use super::tables::{Tables, inventory_row, owner_row, rate_row};
use crate::database::{Row, TableId};
use rehearsal_env::Span;
use serde::{Deserialize, Serialize};

/// The rooms of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rooms {
    /// The hotel.
    pub hotel: i64,
    /// The room type.
    pub kind: i64,
    /// How many rooms there are.
    pub rooms: i64,
    /// What a night costs when the chain opens, in cents.
    pub price: i64,
    /// The first day that can be booked.
    pub first_day: i64,
    /// How many days can be booked.
    pub days: i64,
}

impl Rooms {
    /// Their type.
    pub fn room_type(&self) -> RoomType {
        RoomType { hotel: self.hotel, kind: self.kind }
    }

    /// Their nights.
    pub fn nights(&self) -> impl Iterator<Item = Night> + use<> {
        let room_type = self.room_type();
        (self.first_day..self.first_day + self.days).map(move |date| Night { room_type, date })
    }
}

/// What a guest will do about one stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Which guest, from 0.
    pub guest: u32,
    /// When the guest begins, counted from the start of the run.
    pub at: Span,
    /// The hotel.
    pub hotel: i64,
    /// The room type.
    pub kind: i64,
    /// The day of arrival.
    pub start: i64,
    /// The day of departure.
    pub end: i64,
    /// How many rooms.
    pub rooms: i64,
    /// Whether the nights are named last to first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub backwards: bool,
    /// How many more times each click is made, to other servers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub extra_clicks: u32,
    /// Whether the guest looks at what is left first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub looks: bool,
    /// Whether the guest cancels at once when the booking is still pending.
    #[serde(default, skip_serializing_if = "is_false")]
    pub impatient: bool,
    /// After which time the guest cancels what was booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_after: Option<Span>,
    /// Whether the guest looks at the list of bookings at the end.
    #[serde(default, skip_serializing_if = "is_false")]
    pub history: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl Wish {
    /// The stay that is wished for.
    pub fn stay(&self) -> Stay {
        let room_type = RoomType { hotel: self.hotel, kind: self.kind };
        Stay { room_type, start: self.start, end: self.end, rooms: self.rooms }
    }
}

/// A price that changes while guests book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateChange {
    /// When.
    pub at: Span,
    /// The hotel.
    pub hotel: i64,
    /// The room type.
    pub kind: i64,
    /// The night.
    pub date: i64,
    /// The new price, in cents.
    pub price: i64,
}

/// Everything that a deployment is started with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// The settings.
    pub knobs: Knobs,
    /// Known bugs that are switched on.
    pub defects: Defects,
    /// How many reservation servers there are.
    pub servers: u32,
    /// How many brokers the queue to the writers has, if there are writers.
    pub brokers: u32,
    /// How many writers there are under the strategy `single-writer`.
    pub writers: u32,
    /// What can be booked.
    pub rooms: Vec<Rooms>,
    /// What the guests will do; the place in the list is the intent.
    pub wishes: Vec<Wish>,
    /// Prices that change.
    pub rate_changes: Vec<RateChange>,
}

impl Plan {
    /// The rows that the database begins with.
    pub fn first_rows(&self) -> Vec<(TableId, Row)> {
        let nights = || self.rooms.iter().flat_map(|rooms| rooms.nights().map(move |night| (rooms, night)));
        let inventory = nights().map(|(rooms, night)| (Tables::INVENTORY, inventory_row(night, rooms.rooms)));
        let rates = nights().map(|(rooms, night)| (Tables::RATE, rate_row(night, rooms.price)));
        let owned = self.has_writers().then_some(&self.rooms).into_iter().flatten();
        let owners = owned.map(|rooms| (Tables::OWNER, owner_row(rooms.room_type())));
        inventory.chain(rates).chain(owners).collect()
    }

    /// Whether nights are taken by single writers.
    pub fn has_writers(&self) -> bool {
        self.knobs.strategy == StrategyName::SingleWriter
    }

    /// The wishes of one guest with their intents, in the order in which they begin.
    pub fn wishes_of(&self, guest: u32) -> Vec<(Intent, Wish)> {
        let all = self.wishes.iter().enumerate();
        let mut wishes: Vec<(Intent, Wish)> = all
            .filter(|(_, wish)| wish.guest == guest)
            .map(|(number, wish)| (Intent(number as u64), *wish))
            .collect();
        wishes.sort_by_key(|(intent, wish)| (wish.at, *intent));
        wishes
    }
}
