//! Constraint: add the rooms, and let the database's `CHECK` refuse what does not fit.
//!
//! `CHECK (total_reserved >= 0 AND total_reserved * 100 <= total_inventory * (100 + overbooking_percent))`. A
//! waiter is checked against the row as it is when its turn comes, so no update is lost.

use super::{Taken, add_rooms, nights};
use crate::database::{DatabaseError, Transaction, TransactionError};
use crate::reservation::stay::Stay;
use crate::reservation::tables::Tables;

/// 1. Add the rooms. A refusal undoes the whole statement and aborts the transaction.
pub(super) async fn take<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
) -> Result<Taken, TransactionError> {
    match transaction.update(Tables::INVENTORY, nights(stay), None, add_rooms(stay.rooms)).await {
        Ok(changed) if changed as i64 == stay.length() => Ok(Taken::All),
        Ok(_) | Err(TransactionError::Refused(DatabaseError::CheckViolation)) => Ok(Taken::SoldOut),
        Err(other) => Err(other),
    }
}
