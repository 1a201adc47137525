//! Optimistic: read with the version, update where the version is as it was read.
//!
//! Nothing is locked while the guest's booking is thought over; whoever comes second finds another version,
//! takes nothing, and begins again. The update itself locks its rows, so that the check and the change
//! are one.

use super::{Taken, Terms, add_rooms, nights};
use crate::database::{Expression, Row, Transaction, TransactionError};
use crate::reservation::stay::Stay;
use crate::reservation::tables::{Tables, inventory, read_inventory, read_night};

/// 1. Read the nights with their versions. 2. Check each. 3. Add the rooms where the versions are the same:
///    every night, or begin again.
pub(super) async fn take<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    terms: &Terms<'_>,
) -> Result<Taken, TransactionError> {
    let rows = transaction.select(Tables::INVENTORY, nights(stay), None, None).await?;
    if !terms.all_fit(stay, &rows) {
        return Ok(Taken::SoldOut);
    }
    let unchanged = rows.iter().map(as_read).reduce(either);
    let changed =
        transaction.update(Tables::INVENTORY, nights(stay), unchanged, add_rooms(stay.rooms)).await?;
    Ok(if changed as i64 == stay.length() { Taken::All } else { Taken::Again })
}

/// `date = … AND version = …`
fn as_read(row: &Row) -> Expression {
    let (_, _, version) = read_inventory(row);
    let same_night = Expression::column(inventory::DATE).equals(read_night(row).date);
    same_night.and(Expression::column(inventory::VERSION).equals(version))
}

fn either(one: Expression, other: Expression) -> Expression {
    one.or(other)
}
