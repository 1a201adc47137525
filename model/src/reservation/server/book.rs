//! Booking: the order becomes a reservation, its nights are taken, its payment is set going, all in one
//! transaction.
//!
//! The order's row decides about repeats: it is locked first, so that of two clicks at once the second waits
//! for the first and then finds its outcome recorded. Whoever does not know how its commit ended simply
//! tries again and finds out.

use super::{Again, Server};
use crate::database::{
    CommitError, Database, Expression, Isolation, Keys, RemoteTransaction, RowLock, Statement, Transaction,
    Value,
};
use crate::reservation::defects::Defect;
use crate::reservation::facts::{Answer, Fact, RetryReason};
use crate::reservation::knobs::StrategyName;
use crate::reservation::protocol::Settle;
use crate::reservation::stay::{Order, OrderState, ReservationId, Status, Stay, StepKind};
use crate::reservation::strategy::{Taken, take_nights};
use crate::reservation::tables::{Tables, orders, read_order, read_order_state, read_reservation};
use rehearsal_env::Env;

/// What one try came to.
enum Tried {
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

/// Books, unless a task of this server is booking the order already: guests who ask again while the database is
/// slow must not make it slower.
pub(super) async fn book_alone<E: Env<Fact = Fact>>(
    server: &Server<E>,
    order: &Order,
    backwards: bool,
) -> Answer {
    if !server.under_way.borrow_mut().insert(order.id) {
        return Answer::Pending;
    }
    let answer = book(server, order, backwards).await;
    server.under_way.borrow_mut().remove(&order.id);
    answer
}

/// Tries until the order is decided, or as often as a server tries.
async fn book<E: Env<Fact = Fact>>(server: &Server<E>, order: &Order, backwards: bool) -> Answer {
    let id = order.id;
    for tried in 0..server.plan.knobs.tries {
        let outcome = match try_once(server, order, backwards).await {
            Ok(Tried::SoldOut) => record(server, id, OrderState::SoldOut, Answer::SoldOut).await,
            Ok(Tried::Expired) => record(server, id, OrderState::Expired, Answer::Expired).await,
            other => other,
        };
        match outcome {
            Ok(Tried::Recorded(answer)) => {
                server.env.observe(Fact::DuplicateAbsorbed { reservation: id });
                return answer;
            }
            Ok(Tried::Refused(answer)) => return answer,
            Ok(Tried::SoldOut | Tried::Expired) => unreachable!("these were recorded"),
            Ok(Tried::Held) => return see_payment_through(server, id).await,
            Err(again) => server.again(id, tried, &again).await,
        }
    }
    let optimistic = server.plan.knobs.strategy == StrategyName::Optimistic;
    if optimistic && server.has(Defect::OptimisticGivesUpAsSoldOut) {
        return Answer::SoldOut;
    }
    Answer::Busy
}

/// 1. Lock the order; its outcome may be recorded. 2. Take the nights. 3. Write the reservation, the step
///    that charges it, and the order's new state. 4. Commit.
async fn try_once<E: Env<Fact = Fact>>(
    server: &Server<E>,
    order: &Order,
    backwards: bool,
) -> Result<Tried, Again> {
    if server.has(Defect::KeyCheckedOutside) {
        let transaction = server.database.begin(Isolation::ReadCommitted).await?;
        if let Some(decided) = look_up(transaction, order, None).await?.1 {
            return Ok(decided);
        }
    }
    let transaction = server.database.begin(Isolation::ReadCommitted).await?;
    let (mut transaction, decided) = if server.has(Defect::KeyCheckedOutside) {
        (transaction, None)
    } else {
        look_up(transaction, order, Some(RowLock::WAIT)).await?
    };
    if let Some(decided) = decided {
        return Ok(decided);
    }
    let taken_now = first_part(server, &order.stay);
    match take_nights(&mut transaction, &taken_now, backwards, &server.terms()).await? {
        Taken::All => {}
        Taken::SoldOut => {
            transaction.rollback().await;
            return Ok(Tried::SoldOut);
        }
        Taken::Again => {
            transaction.rollback().await;
            return Err(Again::Because(RetryReason::VersionChanged));
        }
    }
    write(server, &mut transaction, order);
    commit(transaction).await?;
    take_the_rest(server, &order.stay, &taken_now, backwards).await;
    Ok(Tried::Held)
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
fn write<E: Env<Fact = Fact>>(server: &Server<E>, transaction: &mut RemoteTransaction<E>, order: &Order) {
    let Order { id, guest, stay, price } = *order;
    let copy = if server.has(Defect::KeyCheckedOutside) { server.env.below(1 << 32) as i64 } else { 0 };
    let (hotel, kind) = (stay.room_type.hotel, stay.room_type.kind);
    let pending = Status::Pending.code();
    let row = [id.0, copy, guest, hotel, kind, stay.start, stay.end, stay.rooms, price, pending];
    transaction.later(Statement::insert(Tables::RESERVATION, row.map(Expression::constant).to_vec()));
    let hold = (server.plan.knobs.hold.0 / 1_000) as i64;
    let key = Keys::one([id.0]);
    if server.has(Defect::KeyCheckedOutside) {
        transaction.later(Statement::delete(Tables::STEP, key.clone(), None));
    }
    let step = [id.0, StepKind::Charge.code(), price].map(Expression::constant);
    let hold_until = Expression::Now + hold;
    let step = step.into_iter().chain([hold_until]).collect();
    transaction.later(Statement::insert(Tables::STEP, step));
    let booked = vec![(orders::STATE, Expression::constant(OrderState::Booked.code()))];
    transaction.later(Statement::update(Tables::ORDERS, key, None, booked));
}

pub(super) async fn commit<T: Transaction>(transaction: T) -> Result<(), Again> {
    transaction.commit().await.map_err(|error| match error {
        CommitError::RolledBack => Again::Because(RetryReason::Refused),
        CommitError::Unknown => Again::CommitUnknown,
    })
}

/// The order will not be booked: from now on the answer for its id is this, whoever asks.
async fn record<E: Env<Fact = Fact>>(
    server: &Server<E>,
    id: ReservationId,
    state: OrderState,
    answer: Answer,
) -> Result<Tried, Again> {
    let mut transaction = server.database.begin(Isolation::ReadCommitted).await?;
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

/// Asks the payment service to do its part now, and then the database how it stands.
async fn see_payment_through<E: Env<Fact = Fact>>(server: &Server<E>, id: ReservationId) -> Answer {
    let patience = server.plan.knobs.payment_patience.duration() * 2;
    if server.payments.call(server.payment, Settle { id }, patience).await.is_err() {
        return Answer::Pending;
    }
    let read = server.database.read(Tables::RESERVATION, Keys::prefix([Value::Int(id.0)]), None).await;
    let status = read.ok().and_then(|rows| rows.first().map(|row| read_reservation(row).1));
    match status {
        Some(Status::Paid) => Answer::Booked,
        Some(Status::Rejected) => Answer::Rejected,
        Some(Status::Canceled | Status::Refunded) => Answer::Canceled,
        Some(Status::Pending) | None => Answer::Pending,
    }
}

/// The nights taken together with the reservation: all, unless a defect takes them one by one.
fn first_part<E: Env<Fact = Fact>>(server: &Server<E>, stay: &Stay) -> Stay {
    if server.has(Defect::NightsInSeparateTransactions) && stay.length() > 1 {
        return Stay { end: stay.start + 1, ..*stay };
    }
    *stay
}

/// The defect's other nights, each in a transaction of its own.
async fn take_the_rest<E: Env<Fact = Fact>>(server: &Server<E>, stay: &Stay, taken: &Stay, backwards: bool) {
    for start in taken.end..stay.end {
        let night = Stay { start, end: start + 1, ..*stay };
        let Ok(mut transaction) = server.database.begin(Isolation::ReadCommitted).await else { return };
        if let Ok(Taken::All) = take_nights(&mut transaction, &night, backwards, &server.terms()).await {
            let _ = transaction.commit().await;
        }
    }
}
