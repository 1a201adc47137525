//! Booking: the order becomes a reservation, its nights are taken, its payment is set going, all in one
//! transaction.
//!
//! The order's row decides about repeats: it is locked first, so that of two clicks at once the second waits
//! for the first and then finds its outcome recorded. Whoever does not know how its commit ended simply
//! tries again and finds out.

use super::{Again, Bookkeeper, commit};
use crate::database::{
    Database, Expression, Isolation, Keys, RemoteTransaction, RowLock, Statement, Transaction,
};
use crate::reservation::defects::Defect;
use crate::reservation::facts::{Answer, Fact, RetryReason};
use crate::reservation::stay::{Order, OrderState, ReservationId, Status, Stay, StepKind};
use crate::reservation::strategy::{Taken, Terms, take_nights};
use crate::reservation::tables::{Tables, orders, read_order, read_order_state, read_reservation};
use rehearsal_env::Env;

/// What one try came to.
pub(in crate::reservation) enum Tried {
    /// The order was decided before; this is how.
    Recorded(Answer),
    /// It cannot be booked.
    Refused(Answer),
    /// A night is full.
    SoldOut,
    /// The order's time is over.
    Expired,
    /// The reservation is pending.
    Held,
}

/// 1. Lock the order; its outcome may be recorded. 2. Take the nights. 3. Write the reservation, the step
///    that charges it, and the order's new state. 4. Commit.
pub(in crate::reservation) async fn try_to_book<E: Env<Fact = Fact>>(
    books: &Bookkeeper<E>,
    order: &Order,
    backwards: bool,
    terms: &Terms<'_>,
) -> Result<Tried, Again> {
    if books.has(Defect::KeyCheckedOutside)
        && let Some(decided) = standing(books, order).await?
    {
        return Ok(decided);
    }
    let transaction = books.database.begin(Isolation::ReadCommitted).await?;
    let (mut transaction, decided) = if books.has(Defect::KeyCheckedOutside) {
        (transaction, None)
    } else {
        look_up(transaction, order, Some(RowLock::WAIT)).await?
    };
    if let Some(decided) = decided {
        return Ok(decided);
    }
    let taken_now = first_part(books, &order.stay);
    match take_nights(&mut transaction, &taken_now, backwards, terms).await? {
        Taken::All => {}
        Taken::SoldOut => {
            transaction.rollback().await;
            return Ok(Tried::SoldOut);
        }
        Taken::Again => {
            transaction.rollback().await;
            return Err(Again::Because(RetryReason::VersionChanged));
        }
        Taken::Fenced => {
            transaction.rollback().await;
            return Err(Again::Because(RetryReason::Fenced));
        }
    }
    write(books, &mut transaction, order);
    commit(transaction).await?;
    take_the_rest(books, &order.stay, &taken_now, backwards, terms).await;
    Ok(Tried::Held)
}

/// How an order stands, if it is decided or cannot be booked, as a look without a lock tells.
///
/// # Errors
/// Nothing was to be changed.
pub(in crate::reservation) async fn standing<E: Env<Fact = Fact>>(
    books: &Bookkeeper<E>,
    order: &Order,
) -> Result<Option<Tried>, Again> {
    let transaction = books.database.begin(Isolation::ReadCommitted).await?;
    Ok(look_up(transaction, order, None).await?.1)
}

/// The transaction, and what the order's row says if it is decided or cannot be booked; the transaction is
/// over then.
async fn look_up<E: Env>(
    mut transaction: RemoteTransaction<E>,
    order: &Order,
    lock: Option<RowLock>,
) -> Result<(RemoteTransaction<E>, Option<Tried>), Again> {
    let key = Keys::one([order.id.0]);
    // By the database's clock. Looked at first, so that an order that is over takes no night's lock.
    let in_time = Expression::column(orders::EXPIRES).at_least(Expression::Now);
    let decided = Expression::column(orders::STATE).differs_from(OrderState::Open.code());
    let rows = transaction.select(Tables::ORDERS, key.clone(), Some(decided.or(in_time)), lock).await?;
    let Some(row) = rows.first() else {
        let exists = !transaction.select(Tables::ORDERS, key, None, None).await?.is_empty();
        let tried = if exists { Tried::Expired } else { Tried::Refused(Answer::NoSuchOrder) };
        return Ok((transaction, Some(tried)));
    };
    if read_order(row) != *order {
        return Ok((transaction, Some(Tried::Refused(Answer::Conflict))));
    }
    let decided = match read_order_state(row) {
        OrderState::Open => None,
        OrderState::SoldOut => Some(Tried::Recorded(Answer::SoldOut)),
        OrderState::Expired => Some(Tried::Recorded(Answer::Expired)),
        OrderState::Withdrawn => Some(Tried::Recorded(Answer::Canceled)),
        OrderState::Booked => Some(Tried::Recorded(outcome(&mut transaction, order.id).await?)),
    };
    Ok((transaction, decided))
}

/// How the reservation of a booked order stands.
async fn outcome<T: Transaction>(transaction: &mut T, id: ReservationId) -> Result<Answer, Again> {
    let rows = transaction.select(Tables::RESERVATION, Keys::prefix([id.0]), None, None).await?;
    let status = rows.first().map(|row| read_reservation(row).1);
    Ok(match status {
        Some(Status::Paid) => Answer::Booked,
        Some(Status::Rejected) => Answer::Rejected,
        Some(Status::Canceled | Status::Refunded) => Answer::Canceled,
        Some(Status::Pending) | None => Answer::Pending,
    })
}

/// What is written with the nights. Nothing of it is for an answer to decide, so it travels with the commit.
fn write<E: Env<Fact = Fact>>(books: &Bookkeeper<E>, transaction: &mut RemoteTransaction<E>, order: &Order) {
    let Order { id, guest, stay, price } = *order;
    let copy = if books.has(Defect::KeyCheckedOutside) { books.env.below(1 << 32) as i64 } else { 0 };
    let (hotel, kind) = (stay.room_type.hotel, stay.room_type.kind);
    let pending = Status::Pending.code();
    let row = [id.0, copy, guest, hotel, kind, stay.start, stay.end, stay.rooms, price, pending];
    transaction.later(Statement::insert(Tables::RESERVATION, row.map(Expression::constant).to_vec()));
    let hold = (books.plan.knobs.hold.0 / 1_000) as i64;
    let key = Keys::one([id.0]);
    if books.has(Defect::KeyCheckedOutside) {
        transaction.later(Statement::delete(Tables::STEP, key.clone(), None));
    }
    let step = [id.0, StepKind::Charge.code(), price].map(Expression::constant);
    let hold_until = Expression::Now + hold;
    let step = step.into_iter().chain([hold_until]).collect();
    transaction.later(Statement::insert(Tables::STEP, step));
    let booked = vec![(orders::STATE, Expression::constant(OrderState::Booked.code()))];
    transaction.later(Statement::update(Tables::ORDERS, key, None, booked));
}

/// The order will not be booked: from now on the answer for its id is this, whoever asks.
pub(in crate::reservation) async fn record<E: Env<Fact = Fact>>(
    books: &Bookkeeper<E>,
    id: ReservationId,
    state: OrderState,
    answer: Answer,
) -> Result<Tried, Again> {
    let mut transaction = books.database.begin(Isolation::ReadCommitted).await?;
    let open = Expression::column(orders::STATE).equals(OrderState::Open.code());
    let decided = vec![(orders::STATE, Expression::constant(state.code()))];
    let changed = transaction.update(Tables::ORDERS, Keys::one([id.0]), Some(open), decided).await?;
    if changed == 0 {
        transaction.rollback().await;
        // Somebody decided it meanwhile: the next try will read how.
        return Err(Again::Because(RetryReason::DecidedMeanwhile));
    }
    commit(transaction).await?;
    Ok(Tried::Refused(answer))
}

/// The nights taken together with the reservation: all, unless a defect takes them one by one.
fn first_part<E: Env<Fact = Fact>>(books: &Bookkeeper<E>, stay: &Stay) -> Stay {
    if books.has(Defect::NightsInSeparateTransactions) && stay.length() > 1 {
        return Stay { end: stay.start + 1, ..*stay };
    }
    *stay
}

/// The defect's other nights, each in a transaction of its own.
async fn take_the_rest<E: Env<Fact = Fact>>(
    books: &Bookkeeper<E>,
    stay: &Stay,
    taken: &Stay,
    backwards: bool,
    terms: &Terms<'_>,
) {
    for start in taken.end..stay.end {
        let night = Stay { start, end: start + 1, ..*stay };
        let Ok(mut transaction) = books.database.begin(Isolation::ReadCommitted).await else { return };
        if let Ok(Taken::All) = take_nights(&mut transaction, &night, backwards, terms).await {
            let _ = transaction.commit().await;
        }
    }
}
