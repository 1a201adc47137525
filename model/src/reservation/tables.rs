//! The tables of the chain, and how their rows are read.
//!
//! ```text
//! inventory(hotel, kind, date; total_inventory, total_reserved, version)
//! rate(hotel, kind, date; price)
//! orders(id; guest, hotel, kind, start, end, rooms, price, expires, state)
//! reservation(id, copy; guest, hotel, kind, start, end, rooms, price, status, hold_until)
//! step(id; kind, amount, hold_until)
//! owner(hotel, kind; generation)
//! ```

use super::stay::{Night, Order, OrderState, ReservationId, RoomType, Status, Stay, StepKind};
use crate::database::{Expression, Row, Schema, Table, TableId, Value};

/// The tables by their places in the schema.
#[derive(Clone, Copy, Debug)]
pub struct Tables;

impl Tables {
    /// Rooms and how many are taken, per night.
    pub const INVENTORY: TableId = TableId(0);
    /// Prices per night.
    pub const RATE: TableId = TableId(1);
    /// Orders.
    pub const ORDERS: TableId = TableId(2);
    /// Reservations.
    pub const RESERVATION: TableId = TableId(3);
    /// The log of steps: what still has to be done with the provider.
    pub const STEP: TableId = TableId(4);
    /// Which generation of the writers owns each room type, under the strategy `single-writer`.
    pub const OWNER: TableId = TableId(5);
}

/// Columns of `inventory`.
pub mod inventory {
    /// The calendar day.
    pub const DATE: usize = 2;
    /// Rooms there are.
    pub const TOTAL: usize = 3;
    /// Rooms taken.
    pub const RESERVED: usize = 4;
    /// Raised by every change of the row.
    pub const VERSION: usize = 5;
}

/// Columns of `rate`.
pub mod rate {
    /// Price of one room, in cents.
    pub const PRICE: usize = 3;
}

/// Columns of `orders`.
pub mod orders {
    /// Until when it can be booked, in microseconds of the database's wall clock.
    pub const EXPIRES: usize = 8;
    /// [`super::OrderState`].
    pub const STATE: usize = 9;
}

/// Columns of `reservation`.
pub mod reservation {
    /// The guest, in the index `by_guest`.
    pub const GUEST: usize = 2;
    /// [`super::Status`].
    pub const STATUS: usize = 9;
    /// The index of a guest's reservations.
    pub const BY_GUEST: usize = 0;
}

/// Columns of `step`.
pub mod step {
    /// [`super::StepKind`].
    pub const KIND: usize = 1;
    /// Cents.
    pub const AMOUNT: usize = 2;
    /// Until when the nights are held, in microseconds of the database's wall clock.
    pub const HOLD_UNTIL: usize = 3;
}

/// Columns of `owner`.
pub mod owner {
    /// The newest generation in which a writer has written.
    pub const GENERATION: usize = 2;
}

/// The schema. The `CHECK` on the limit exists only where the strategy relies on it, or it would
/// hide the others' mistakes.
pub fn schema(check_overbooking: Option<i64>) -> Schema {
    let night = ["hotel", "kind", "date"];
    let mut inventory =
        Table::new("inventory", night.into_iter().chain(["total_inventory", "total_reserved", "version"]))
            .key(night);
    if let Some(percent) = check_overbooking {
        let reserved = || Expression::column(inventory::RESERVED);
        let sold = reserved() * 100;
        let limit = Expression::column(inventory::TOTAL) * (100 + percent);
        inventory = inventory.check("within_the_limit", reserved().at_least(0).and(sold.at_most(limit)));
    }
    Schema::new()
        .with(inventory)
        .with(Table::new("rate", night.into_iter().chain(["price"])).key(night))
        .with(
            Table::new(
                "orders",
                ["id", "guest", "hotel", "kind", "start", "end", "rooms", "price", "expires", "state"],
            )
            .key(["id"]),
        )
        .with(
            Table::new(
                "reservation",
                ["id", "copy", "guest", "hotel", "kind", "start", "end", "rooms", "price", "status"],
            )
            .key(["id", "copy"])
            .index("by_guest", ["guest"]),
        )
        .with(Table::new("step", ["id", "kind", "amount", "hold_until"]).key(["id"]))
        .with(Table::new("owner", ["hotel", "kind", "generation"]).key(["hotel", "kind"]))
}

fn int(row: &[Value], column: usize) -> i64 {
    row[column].int().expect("every column of the chain holds integers")
}

/// The night of a row of `inventory` or `rate`.
pub fn read_night(row: &[Value]) -> Night {
    Night { room_type: RoomType { hotel: int(row, 0), kind: int(row, 1) }, date: int(row, 2) }
}

fn read_stay(row: &[Value], first: usize) -> Stay {
    Stay {
        room_type: RoomType { hotel: int(row, first), kind: int(row, first + 1) },
        start: int(row, first + 2),
        end: int(row, first + 3),
        rooms: int(row, first + 4),
    }
}

/// A row of `orders`.
pub fn read_order(row: &[Value]) -> Order {
    Order { id: ReservationId(int(row, 0)), guest: int(row, 1), stay: read_stay(row, 2), price: int(row, 7) }
}

/// The state in a row of `orders`.
pub fn read_order_state(row: &[Value]) -> OrderState {
    OrderState::of_code(int(row, orders::STATE)).expect("a known state")
}

/// A row of `reservation`.
pub fn read_reservation(row: &[Value]) -> (Order, Status) {
    let order = Order {
        id: ReservationId(int(row, 0)),
        guest: int(row, reservation::GUEST),
        stay: read_stay(row, 3),
        price: int(row, 8),
    };
    (order, Status::of_code(int(row, reservation::STATUS)).expect("a known status"))
}

/// A row of `step`.
pub fn read_step(row: &[Value]) -> (ReservationId, StepKind) {
    (ReservationId(int(row, 0)), StepKind::of_code(int(row, step::KIND)).expect("a known step"))
}

/// The amount in a row of `step`, in cents.
pub fn read_amount(row: &[Value]) -> i64 {
    int(row, step::AMOUNT)
}

/// A row of `inventory` as (rooms there are, rooms taken, version).
pub fn read_inventory(row: &[Value]) -> (i64, i64, i64) {
    (int(row, inventory::TOTAL), int(row, inventory::RESERVED), int(row, inventory::VERSION))
}

/// The room type in a row of `owner`.
pub fn read_owned(row: &[Value]) -> RoomType {
    RoomType { hotel: int(row, 0), kind: int(row, 1) }
}

/// The generation in a row of `owner`.
pub fn read_owner(row: &[Value]) -> i64 {
    int(row, owner::GENERATION)
}

/// A row of `owner`, of a room type that nobody has owned yet.
pub fn owner_row(RoomType { hotel, kind }: RoomType) -> Row {
    [hotel, kind, 0].map(Value::from).to_vec()
}

/// A row of `inventory`.
pub fn inventory_row(night: Night, total: i64) -> Row {
    let RoomType { hotel, kind } = night.room_type;
    [hotel, kind, night.date, total, 0, 0].map(Value::from).to_vec()
}

/// A row of `rate`.
pub fn rate_row(night: Night, price: i64) -> Row {
    let RoomType { hotel, kind } = night.room_type;
    [hotel, kind, night.date, price].map(Value::from).to_vec()
}
