//! Ending a live stay: its nights go back, and what is to be done about its money is written down, in one transaction.

use super::{Again, Bookkeeper, commit};
use crate::database::{
    Database, Expression, Isolation, Keys, RemoteTransaction, RowLock, Statement, Transaction,
};
use crate::reservation::facts::{Fact, RetryReason};
use crate::reservation::stay::{Order, ReservationId, Status, StepKind};
use crate::reservation::strategy::{Taken, Terms, give_back};
use crate::reservation::tables::{Tables, read_reservation, reservation, step};
use rehearsal_env::Env;
use serde::{Deserialize, Serialize};

/// Why a stay ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Ending {
    /// The guest canceled it: what was paid is given back, and what may be on its way is voided.
    Canceled,
    /// The provider refused the charge: no money stands.
    Refused,
    /// The hold is over: a charge that may be on its way is voided.
    HoldOver,
}

/// Ends the stay of this reservation, if it is live and may still end so. False when not: nothing was changed then.
///
/// # Errors
/// Why it has to be tried again.
pub(in crate::reservation) async fn try_to_end<E: Env<Fact = Fact>>(
    books: &Bookkeeper<E>,
    id: ReservationId,
    ending: Ending,
    terms: &Terms<'_>,
) -> Result<bool, Again> {
    let mut transaction = books.database.begin(Isolation::ReadCommitted).await?;
    if ending != Ending::Canceled {
        return reject(transaction, id, ending, terms).await;
    }
    let (key, lock) = (Keys::prefix([id.0]), Some(RowLock::WAIT));
    let rows = transaction.select(Tables::RESERVATION, key, None, lock).await?;
    match rows.first().map(|row| read_reservation(row)) {
        Some((order, status)) if status.is_live() => {
            cancel_stay(transaction, &order, status, terms).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Cancels a live stay in this transaction, and commits.
pub(in crate::reservation) async fn cancel_stay<E: Env>(
    mut transaction: RemoteTransaction<E>,
    order: &Order,
    status: Status,
    terms: &Terms<'_>,
) -> Result<(), Again> {
    let canceled = vec![(reservation::STATUS, Expression::constant(Status::Canceled.code()))];
    let key = Keys::prefix([order.id.0]);
    transaction.later(Statement::update(Tables::RESERVATION, key, None, canceled));
    give_nights_back(&mut transaction, order, terms).await?;
    let kind = if status == Status::Paid { StepKind::Refund } else { StepKind::Void };
    // There is a step, the charge, only where the stay is not paid.
    transaction.later(Statement::delete(Tables::STEP, Keys::one([order.id.0]), None));
    let row = [order.id.0, kind.code(), order.price].map(Expression::constant);
    let row = row.into_iter().chain([Expression::Now]).collect();
    transaction.later(Statement::insert(Tables::STEP, row));
    commit(transaction).await
}

/// Rejects what is pending, in one compare-and-set: whoever finds it ended has nothing to give back.
async fn reject<E: Env>(
    mut transaction: RemoteTransaction<E>,
    id: ReservationId,
    ending: Ending,
    terms: &Terms<'_>,
) -> Result<bool, Again> {
    let key = Keys::prefix([id.0]);
    let still = Expression::column(reservation::STATUS).equals(Status::Pending.code());
    let rejected = vec![(reservation::STATUS, Expression::constant(Status::Rejected.code()))];
    if transaction.update(Tables::RESERVATION, key.clone(), Some(still), rejected).await? == 0 {
        transaction.rollback().await;
        return Ok(false);
    }
    let rows = transaction.select(Tables::RESERVATION, key, None, None).await?;
    let Some(row) = rows.first() else { return Ok(false) };
    give_nights_back(&mut transaction, &read_reservation(row).0, terms).await?;
    let key = Keys::one([id.0]);
    transaction.later(if ending == Ending::HoldOver {
        let void = vec![(step::KIND, Expression::constant(StepKind::Void.code()))];
        Statement::update(Tables::STEP, key, None, void)
    } else {
        Statement::delete(Tables::STEP, key, None)
    });
    commit(transaction).await?;
    Ok(true)
}

async fn give_nights_back<E: Env>(
    transaction: &mut RemoteTransaction<E>,
    order: &Order,
    terms: &Terms<'_>,
) -> Result<(), Again> {
    match give_back(transaction, &order.stay, terms).await? {
        Taken::Fenced => Err(Again::Because(RetryReason::Fenced)),
        Taken::All | Taken::SoldOut | Taken::Again => Ok(()),
    }
}
