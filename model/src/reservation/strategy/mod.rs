//! The strategies: how a booking takes the nights of its stay, inside its transaction.
//!
//! Each is one file and one function. What they promise is the same: all nights are taken, or the
//! transaction must be rolled back.

pub mod conditional;
pub mod constraint;
pub mod optimistic;
pub mod pessimistic;
pub mod single_writer;
pub mod unprotected;

pub use single_writer::Ownership;

use super::knobs::{LockOrder, StrategyName};
use super::stay::{Stay, limit};
use super::tables::{Tables, inventory, read_inventory};
use crate::database::{Expression, Keys, Row, Statement, Transaction, TransactionError, Value};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Every night is taken in this transaction.
    All,
    /// A night has too few rooms left. Nothing may be committed.
    SoldOut,
    /// Somebody else changed a night meanwhile. Roll back and begin again.
    Again,
    /// A later writer owns the room type. Roll back, and leave it to that one.
    Fenced,
}

/// The terms on which nights are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms<'a> {
    /// Which strategy.
    pub strategy: StrategyName,
    /// The pessimistic strategy's order.
    pub lock_order: LockOrder,
    /// How much more than it has the chain sells.
    pub overbooking_percent: i64,
    /// The defect of that name.
    pub limit_rounds_up: bool,
    /// Who, under the strategy `single-writer`.
    pub writer: Option<&'a Ownership>,
}

impl Terms<'_> {
    /// How many rooms of a night may be sold.
    fn limit(&self, total_inventory: i64) -> i64 {
        let rounded_up = i64::from(self.limit_rounds_up) * 99;
        if rounded_up > 0 {
            return (total_inventory * (100 + self.overbooking_percent) + rounded_up) / 100;
        }
        limit(total_inventory, self.overbooking_percent)
    }

    /// Whether these rows are all the nights of the stay, and its rooms fit into each.
    fn all_fit(&self, stay: &Stay, rows: &[Row]) -> bool {
        let fits = |row: &Row| {
            let (total, reserved, _) = read_inventory(row);
            reserved + stay.rooms <= self.limit(total)
        };
        rows.len() as i64 == stay.length() && rows.iter().all(fits)
    }

    /// Whether so many rooms fit, as an expression over a row of the inventory.
    fn fits(&self, rooms: i64) -> Expression {
        let sold = (Expression::column(inventory::RESERVED) + rooms) * 100;
        let rounded_up = if self.limit_rounds_up { 99 } else { 0 };
        sold.at_most(Expression::column(inventory::TOTAL) * (100 + self.overbooking_percent) + rounded_up)
    }
}

/// Takes the nights of `stay` in this transaction.
///
/// # Errors
/// The transaction's own; nothing is taken then.
pub async fn take_nights<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    backwards: bool,
    terms: &Terms<'_>,
) -> Result<Taken, TransactionError> {
    if stay.length() == 0 {
        return Ok(Taken::All);
    }
    match terms.strategy {
        StrategyName::Unprotected => unprotected::take(transaction, stay, terms).await,
        StrategyName::Pessimistic => pessimistic::take(transaction, stay, backwards, terms).await,
        StrategyName::Optimistic => optimistic::take(transaction, stay, terms).await,
        StrategyName::Constraint => constraint::take(transaction, stay).await,
        StrategyName::Conditional => conditional::take(transaction, stay, terms).await,
        StrategyName::SingleWriter => single_writer::take(transaction, stay, terms).await,
    }
}

/// Gives the nights of a stay back in this transaction, whatever strategy took them; said along with what comes
/// next, for a night that is held is there to be given back. Only who writes back plainly has to own and read them first.
///
/// # Errors
/// The transaction's own; nothing is given back then.
pub async fn give_back<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    terms: &Terms<'_>,
) -> Result<Taken, TransactionError> {
    if stay.length() == 0 {
        return Ok(Taken::All);
    }
    if terms.strategy == StrategyName::SingleWriter {
        return single_writer::give_back(transaction, stay, terms).await;
    }
    let fewer = add_rooms(-stay.rooms);
    transaction.later(Statement::update(Tables::INVENTORY, nights(stay), None, fewer));
    Ok(Taken::All)
}

/// The rows of the stay's nights, in the order of the calendar.
pub fn nights(stay: &Stay) -> Keys {
    let prefix = vec![Value::Int(stay.room_type.hotel), Value::Int(stay.room_type.kind)];
    Keys::Range { prefix, from: Value::Int(stay.start), to: Value::Int(stay.end) }
}

/// `SET total_reserved = total_reserved + rooms, version = version + 1`.
fn add_rooms(rooms: i64) -> Vec<(usize, Expression)> {
    vec![
        (inventory::RESERVED, Expression::column(inventory::RESERVED) + rooms),
        (inventory::VERSION, Expression::column(inventory::VERSION) + 1),
    ]
}
