//! Pessimistic: lock the nights, then check, then update.
//!
//! `SELECT … FOR UPDATE` makes every other booking of these nights wait until this one has ended. Locked in the order
//! of the calendar nobody waits in a circle; locked in the order in which the guest named them, two
//! bookings may each hold what the other wants, and the database aborts one of them.

use super::{Taken, Terms, add_rooms, nights};
use crate::database::{Keys, Row, RowLock, Transaction, TransactionError};
use crate::reservation::knobs::LockOrder;
use crate::reservation::stay::{Night, Stay};
use crate::reservation::tables::Tables;

/// 1. Lock the nights. 2. Check each. 3. Add the rooms.
pub(super) async fn take<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    backwards: bool,
    terms: &Terms<'_>,
) -> Result<Taken, TransactionError> {
    let rows = match terms.lock_order {
        LockOrder::Sorted => {
            transaction.select(Tables::INVENTORY, nights(stay), None, Some(RowLock::WAIT)).await?
        }
        LockOrder::AsAsked => lock_as_asked(transaction, stay, backwards).await?,
    };
    if !terms.all_fit(stay, &rows) {
        return Ok(Taken::SoldOut);
    }
    transaction.update(Tables::INVENTORY, nights(stay), None, add_rooms(stay.rooms)).await?;
    Ok(Taken::All)
}

async fn lock_as_asked<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    backwards: bool,
) -> Result<Vec<Row>, TransactionError> {
    let mut asked: Vec<Night> = stay.nights().collect();
    if backwards {
        asked.reverse();
    }
    let mut rows = Vec::with_capacity(asked.len());
    for night in asked {
        let key = Keys::one([night.room_type.hotel, night.room_type.kind, night.date]);
        rows.extend(transaction.select(Tables::INVENTORY, key, None, Some(RowLock::WAIT)).await?);
    }
    Ok(rows)
}
