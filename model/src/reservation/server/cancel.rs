//! Canceling: the stay ends, its nights go back, and its money is set on its way back, in one transaction.

use super::Server;
use crate::database::{
    Database, Expression, Isolation, Keys, RemoteTransaction, RowLock, Statement, Transaction,
};
use crate::reservation::booking::end::{Ending, cancel_stay};
use crate::reservation::booking::{Again, commit};
use crate::reservation::defects::Defect;
use crate::reservation::facts::{Answer, Fact};
use crate::reservation::protocol::Settle;
use crate::reservation::stay::{Order, OrderState, ReservationId, Status};
use crate::reservation::tables::{Tables, orders, read_order_state, read_reservation};
use crate::reservation::writer::Change;
use rehearsal_env::Env;

/// What one try came to.
enum Tried {
    /// A live stay was ended just now.
    Ended,
    /// It is live, and a writer has to end it.
    Live(Order),
    /// There was nothing to end; this is how it stands.
    Said(Answer),
    /// It was decided before; this is how.
    Recorded(Answer),
}

/// Tries until it is canceled, or as often as a server tries.
pub(super) async fn cancel<E: Env<Fact = Fact>>(server: &Server<E>, id: ReservationId) -> Answer {
    let mut asked = false;
    for tried in 0..server.books.plan.knobs.tries {
        match (try_once(server, id).await, &server.writers) {
            (Ok(Tried::Ended), _) => return see_money_back(server, id).await,
            (Ok(Tried::Recorded(Answer::Canceled)), Some(_)) if asked => {
                return see_money_back(server, id).await;
            }
            (Ok(Tried::Live(order)), Some(writers)) => {
                asked = true;
                let change = Change::End { id, room_type: order.stay.room_type, ending: Ending::Canceled };
                writers.ask(change, server.books.plan.knobs.patience.duration()).await;
            }
            (Ok(Tried::Live(_)), None) => unreachable!("a server without writers ends it itself"),
            (Ok(Tried::Said(answer)), _) => return answer,
            (Ok(Tried::Recorded(answer)), _) => {
                server.books.env.observe(Fact::DuplicateAbsorbed { reservation: id });
                return answer;
            }
            (Err(again), _) => server.books.again(id, tried, &again).await,
        }
    }
    Answer::Busy
}

/// 1. Lock the order. Not booked yet: withdraw it, so that no late click can book it. 2. Lock the
///    reservation. Ended already: say how. 3. Set it canceled, give the nights back, set the step that
///    takes care of the money. 4. Commit.
async fn try_once<E: Env<Fact = Fact>>(server: &Server<E>, id: ReservationId) -> Result<Tried, Again> {
    let mut transaction = server.books.database.begin(Isolation::ReadCommitted).await?;
    let lock = (!server.books.has(Defect::NightsGivenBackTwice)).then_some(RowLock::WAIT);
    let rows = transaction.select(Tables::ORDERS, Keys::one([id.0]), None, lock).await?;
    let Some(row) = rows.first() else { return Ok(Tried::Said(Answer::NoSuchOrder)) };
    match read_order_state(row) {
        OrderState::Open => return withdraw(transaction, id).await,
        OrderState::Withdrawn => return Ok(Tried::Recorded(Answer::Canceled)),
        OrderState::SoldOut => return Ok(Tried::Recorded(Answer::SoldOut)),
        OrderState::Expired => return Ok(Tried::Recorded(Answer::Expired)),
        OrderState::Booked => {}
    }
    let rows = transaction.select(Tables::RESERVATION, Keys::prefix([id.0]), None, lock).await?;
    let Some(row) = rows.first() else { return Ok(Tried::Said(Answer::NoSuchOrder)) };
    let (order, status) = read_reservation(row);
    match status {
        Status::Pending | Status::Paid if server.writers.is_some() => Ok(Tried::Live(order)),
        Status::Pending | Status::Paid => {
            cancel_stay(transaction, &order, status, &server.books.terms()).await?;
            Ok(Tried::Ended)
        }
        Status::Rejected => Ok(Tried::Recorded(Answer::Rejected)),
        Status::Canceled | Status::Refunded => Ok(Tried::Recorded(Answer::Canceled)),
    }
}

/// The payment service gives back what was paid, now or later.
async fn see_money_back<E: Env<Fact = Fact>>(server: &Server<E>, id: ReservationId) -> Answer {
    let patience = server.books.plan.knobs.payment_patience.duration() * 2;
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
