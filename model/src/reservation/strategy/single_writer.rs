//! Single writer: each room type has one owner, who takes its nights and gives them back one request after the other.
//! So it may check and write back as plainly as `unprotected` does, and need not even read again what it wrote
//! itself: what it owns it knows.
//!
//! Who the owner is the queue says: the room type's partition is one member's of the group of writers. But a member that
//! stood still, or does not hear that its group went on without it, takes itself for the owner still (a zombie), and
//! what it knows is old. So the owner is written down where the nights are, as the generation in which it became so,
//! and every transaction first locks that row: an older writer finds a later generation and writes nothing (a fencing
//! token; Kleppmann, "How to do distributed locking", 2016), and the first writer of a later generation waits for
//! what an older one has begun, before it reads.

use super::{Taken, Terms, nights};
use crate::database::{Expression, Keys, Row, RowLock, Statement, Transaction, TransactionError, Value};
use crate::reservation::stay::{Night, RoomType, Stay};
use crate::reservation::tables::{Tables, inventory, owner, read_inventory, read_night, read_owner};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// In whose name a writer writes, and what it knows by that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// In which generation of its group it owns the room type.
    generation: i64,
    /// Whether the database is asked who owns the room type; not under the defect `single-writer-unfenced`.
    fenced: bool,
    /// The nights that it has written, as it wrote them.
    known: RefCell<BTreeMap<Night, Row>>,
}

impl Ownership {
    /// That of a writer of this generation, who knows nothing yet.
    pub fn new(generation: i64, fenced: bool) -> Ownership {
        Ownership { generation, fenced, known: RefCell::default() }
    }

    /// What it thought to have written is not surely so, or not surely as its own: it must read again.
    pub fn forget(&self) {
        self.known.borrow_mut().clear();
    }

    /// The stay's nights, if it knows them all.
    fn recall(&self, stay: &Stay) -> Option<Vec<Row>> {
        let known = self.known.borrow();
        stay.nights().map(|night| known.get(&night).cloned()).collect()
    }
}

/// 1. Own the room type. 2. Know the nights. 3. Check each. 4. Write back each sum.
///
/// Whoever asked for it must [forget](Ownership::forget) unless the transaction is surely committed.
///
/// # Panics
/// When who takes them is no writer.
pub(super) async fn take<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    terms: &Terms<'_>,
) -> Result<Taken, TransactionError> {
    let ownership = terms.writer.expect("only a writer takes nights");
    let Some(rows) = own(transaction, stay, ownership).await? else { return Ok(Taken::Fenced) };
    if !terms.all_fit(stay, &rows) {
        return Ok(Taken::SoldOut);
    }
    write_back(transaction, rows, stay.rooms, ownership);
    Ok(Taken::All)
}

/// 1. Own the room type. 2. Know the nights. 3. Write back each sum. What else is as in [`take`].
///
/// # Panics
/// When who gives them back is no writer.
pub(super) async fn give_back<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    terms: &Terms<'_>,
) -> Result<Taken, TransactionError> {
    let ownership = terms.writer.expect("only a writer gives nights back");
    let Some(rows) = own(transaction, stay, ownership).await? else { return Ok(Taken::Fenced) };
    write_back(transaction, rows, -stay.rooms, ownership);
    Ok(Taken::All)
}

/// The stay's nights; None when a later writer has owned the room type. From here to the end of the transaction none
/// can.
async fn own<T: Transaction>(
    transaction: &mut T,
    stay: &Stay,
    ownership: &Ownership,
) -> Result<Option<Vec<Row>>, TransactionError> {
    if ownership.fenced && !is_owner(transaction, stay.room_type, ownership.generation).await? {
        return Ok(None);
    }
    match ownership.recall(stay) {
        Some(rows) => Ok(Some(rows)),
        None => transaction.select(Tables::INVENTORY, nights(stay), None, None).await.map(Some),
    }
}

async fn is_owner<T: Transaction>(
    transaction: &mut T,
    RoomType { hotel, kind }: RoomType,
    generation: i64,
) -> Result<bool, TransactionError> {
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
fn write_back<T: Transaction>(transaction: &mut T, rows: Vec<Row>, rooms: i64, ownership: &Ownership) {
    for mut row in rows {
        let (_, reserved, version) = read_inventory(&row);
        let (night, reserved, version) = (read_night(&row), reserved + rooms, version + 1);
        let key = Keys::one([night.room_type.hotel, night.room_type.kind, night.date]);
        let set = vec![
            (inventory::RESERVED, Expression::constant(reserved)),
            (inventory::VERSION, Expression::constant(version)),
        ];
        transaction.later(Statement::update(Tables::INVENTORY, key, None, set));
        row[inventory::RESERVED] = Value::Int(reserved);
        row[inventory::VERSION] = Value::Int(version);
        ownership.known.borrow_mut().insert(night, row);
    }
}
