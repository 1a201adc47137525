//! Unprotected: read, check, write back. Wrong on purpose.
//!
//! Two bookings that read the same row before either writes both find room, and the second write
//! buries the first: a lost update (P4), which READ COMMITTED allows. The column ends up too small and
//! the night oversold.

use super::{Taken, Terms, nights};
use crate::database::{Expression, Keys, Transaction, TransactionError};
use crate::reservation::stay::Stay;
use crate::reservation::tables::{Tables, inventory, read_inventory, read_night};

/// 1. Read the nights. 2. Check each. 3. Write back each sum.
pub(super) async fn take<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    terms: &Terms<'_>,
) -> Result<Taken, TransactionError> {
    let rows = transaction.select(Tables::INVENTORY, nights(stay), None, None).await?;
    if !terms.all_fit(stay, &rows) {
        return Ok(Taken::SoldOut);
    }
    for row in rows {
        let (_, reserved, version) = read_inventory(&row);
        let night = read_night(&row);
        let key = Keys::one([night.room_type.hotel, night.room_type.kind, night.date]);
        let set = vec![
            (inventory::RESERVED, Expression::constant(reserved + stay.rooms)),
            (inventory::VERSION, Expression::constant(version + 1)),
        ];
        transaction.update(Tables::INVENTORY, key, None, set).await?;
    }
    Ok(Taken::All)
}
