//! Conditional: add the rooms where they fit, and count the rows.
//!
//! `UPDATE … WHERE total_reserved + n <= limit`: after a lock wait the database looks at the row again, so
//! that the condition is judged on what is there. A night that is full is left out without an error; only
//! the count tells.

use super::{Taken, Terms, add_rooms, nights};
use crate::database::{Transaction, TransactionError};
use crate::reservation::stay::Stay;
use crate::reservation::tables::Tables;

/// 1. Add the rooms to the nights where they fit. 2. Fewer than all nights: nothing may be committed.
pub(super) async fn take<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    terms: &Terms<'_>,
) -> Result<Taken, TransactionError> {
    let fits = Some(terms.fits(stay.rooms));
    let changed = transaction.update(Tables::INVENTORY, nights(stay), fits, add_rooms(stay.rooms)).await?;
    Ok(if changed as i64 == stay.length() { Taken::All } else { Taken::SoldOut })
}
