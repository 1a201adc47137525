//! Canceling: the stay ends, its nights go back, and its money is set on its way back, in one transaction.

use super::book::commit;
use super::{Again, Server};
use crate::database::{
    Database, Expression, Isolation, Keys, RemoteTransaction, RowLock, Statement, Transaction,
};
use crate::reservation::defects::Defect;
use crate::reservation::facts::{Answer, Fact};
use crate::reservation::protocol::Settle;
use crate::reservation::stay::{Order, OrderState, ReservationId, Status, StepKind};
use crate::reservation::strategy::give_back;
use crate::reservation::tables::{Tables, orders, read_order_state, read_reservation, reservation};
use rehearsal_env::Env;

/// What one try came to.
enum Tried {
    /// A live stay was ended just now.
    Ended,
    /// There was nothing to end; this is how it stands.
    Said(Answer),
}

/// Tries until it is canceled, or as often as a server tries.
pub(super) async fn cancel<E: Env<Fact = Fact>>(server: &Server<E>, id: ReservationId) -> Answer {
    for tried in 0..server.plan.knobs.tries {
        match try_once(server, id).await {
            Ok(Tried::Ended) => return see_money_back(server, id).await,
            Ok(Tried::Said(answer)) => return answer,
            Err(again) => server.again(id, tried, &again).await,
        }
    }
    Answer::Busy
}

/// 1. Lock the order. Not booked yet: withdraw it, so that no late click can book it. 2. Lock the
///    reservation. Ended already: say how. 3. Set it canceled, give the nights back, set the step that
///    takes care of the money. 4. Commit.
async fn try_once<E: Env<Fact = Fact>>(server: &Server<E>, id: ReservationId) -> Result<Tried, Again> {
    let mut transaction = server.database.begin(Isolation::ReadCommitted).await?;
    let lock = (!server.has(Defect::NightsGivenBackTwice)).then_some(RowLock::WAIT);
    let rows = transaction.select(Tables::ORDERS, Keys::one([id.0]), None, lock).await?;
    let Some(row) = rows.first() else { return Ok(Tried::Said(Answer::NoSuchOrder)) };
    match read_order_state(row) {
        OrderState::Open => return withdraw(transaction, id).await,
        OrderState::Withdrawn => return Ok(recorded(server, id, Answer::Canceled)),
        OrderState::SoldOut => return Ok(recorded(server, id, Answer::SoldOut)),
        OrderState::Expired => return Ok(recorded(server, id, Answer::Expired)),
        OrderState::Booked => {}
    }
    let rows = transaction.select(Tables::RESERVATION, Keys::prefix([id.0]), None, lock).await?;
    let Some(row) = rows.first() else { return Ok(Tried::Said(Answer::NoSuchOrder)) };
    let (order, status) = read_reservation(row);
    match status {
        Status::Pending | Status::Paid => end_stay(transaction, &order, status).await,
        Status::Rejected => Ok(recorded(server, id, Answer::Rejected)),
        Status::Canceled | Status::Refunded => Ok(recorded(server, id, Answer::Canceled)),
    }
}

fn recorded<E: Env<Fact = Fact>>(server: &Server<E>, id: ReservationId, answer: Answer) -> Tried {
    server.env.observe(Fact::DuplicateAbsorbed { reservation: id });
    Tried::Said(answer)
}

/// The payment service gives back what was paid, now or later.
async fn see_money_back<E: Env<Fact = Fact>>(server: &Server<E>, id: ReservationId) -> Answer {
    let patience = server.plan.knobs.payment_patience.duration() * 2;
    // The step is in the database: what is not done now is done at the next sweep.
    let _ = server.payments.call(server.payment, Settle { id }, patience).await;
    Answer::Canceled
}

async fn withdraw<E: Env>(mut transaction: RemoteTransaction<E>, id: ReservationId) -> Result<Tried, Again> {
    let open = Expression::column(orders::STATE).equals(OrderState::Open.code());
    let withdrawn = vec![(orders::STATE, Expression::constant(OrderState::Withdrawn.code()))];
    transaction.later(Statement::update(Tables::ORDERS, Keys::one([id.0]), Some(open), withdrawn));
    commit(transaction).await?;
    Ok(Tried::Said(Answer::Canceled))
}

async fn end_stay<E: Env>(
    mut transaction: RemoteTransaction<E>,
    order: &Order,
    status: Status,
) -> Result<Tried, Again> {
    let canceled = vec![(reservation::STATUS, Expression::constant(Status::Canceled.code()))];
    let key = Keys::prefix([order.id.0]);
    transaction.later(Statement::update(Tables::RESERVATION, key, None, canceled));
    give_back(&mut transaction, &order.stay);
    let kind = if status == Status::Paid { StepKind::Refund } else { StepKind::Void };
    // There is a step, the charge, only where the stay is not paid.
    transaction.later(Statement::delete(Tables::STEP, Keys::one([order.id.0]), None));
    let row = [order.id.0, kind.code(), order.price].map(Expression::constant);
    let row = row.into_iter().chain([Expression::Now]).collect();
    transaction.later(Statement::insert(Tables::STEP, row));
    commit(transaction).await?;
    Ok(Tried::Ended)
}
