//! Single writer: each room type has one owner, who takes its nights and gives them back one request after the other,
//! and so may read, check and write back as plainly as `unprotected` does.
//!
//! Who that is the queue says: the room type's partition is one member's of the group of writers. But a member that
//! stood still, or does not hear that its group went on without it, takes itself for the owner still (a zombie). So
//! the owner is written down where the nights are, as the generation in which it became so, and every transaction
//! first locks that row: an older writer finds a later generation and writes nothing (a fencing token; Kleppmann,
//! "How to do distributed locking", 2016), and the first writer of a later generation waits for what an older one has
//! begun.

use super::{Taken, Terms, Writer, nights};
use crate::database::{Expression, Keys, Row, RowLock, Statement, Transaction, TransactionError};
use crate::reservation::stay::{RoomType, Stay};
use crate::reservation::tables::{Tables, inventory, owner, read_inventory, read_night, read_owner};

/// 1. Own the room type. 2. Read the nights. 3. Check each. 4. Write back each sum.
///
/// # Panics
/// When who takes them is no writer.
pub(super) async fn take<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    terms: &Terms,
) -> Result<Taken, TransactionError> {
    if !owns(transaction, stay.room_type, terms).await? {
        return Ok(Taken::Fenced);
    }
    let rows = transaction.select(Tables::INVENTORY, nights(stay), None, None).await?;
    if !terms.all_fit(stay, &rows) {
        return Ok(Taken::SoldOut);
    }
    write_back(transaction, &rows, stay.rooms);
    Ok(Taken::All)
}

/// 1. Own the room type. 2. Read the nights. 3. Write back each sum.
///
/// # Panics
/// When who gives them back is no writer.
pub(super) async fn give_back<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    terms: &Terms,
) -> Result<Taken, TransactionError> {
    if !owns(transaction, stay.room_type, terms).await? {
        return Ok(Taken::Fenced);
    }
    let rows = transaction.select(Tables::INVENTORY, nights(stay), None, None).await?;
    write_back(transaction, &rows, -stay.rooms);
    Ok(Taken::All)
}

/// Whether no later writer has owned the room type. From here to the end of the transaction none can.
async fn owns<T: Transaction>(
    transaction: &mut T,
    RoomType { hotel, kind }: RoomType,
    terms: &Terms,
) -> Result<bool, TransactionError> {
    let Writer { generation, fenced } = terms.writer.expect("only a writer takes nights and gives them back");
    if !fenced {
        return Ok(true);
    }
    let key = Keys::one([hotel, kind]);
    let rows = transaction.select(Tables::OWNER, key.clone(), None, Some(RowLock::WAIT)).await?;
    let newest = rows.first().map_or(generation, |row| read_owner(row));
    if newest < generation {
        let mine = vec![(owner::GENERATION, Expression::constant(generation))];
        transaction.later(Statement::update(Tables::OWNER, key, None, mine));
    }
    Ok(newest <= generation)
}

/// Writes each sum as it was thought out; no answer is waited for, since nothing can have come between.
fn write_back<T: Transaction>(transaction: &mut T, rows: &[Row], rooms: i64) {
    for row in rows {
        let (_, reserved, version) = read_inventory(row);
        let night = read_night(row);
        let key = Keys::one([night.room_type.hotel, night.room_type.kind, night.date]);
        let set = vec![
            (inventory::RESERVED, Expression::constant(reserved + rooms)),
            (inventory::VERSION, Expression::constant(version + 1)),
        ];
        transaction.later(Statement::update(Tables::INVENTORY, key, None, set));
    }
}
