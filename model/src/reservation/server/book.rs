//! Booking, as guests ask for it: tried until it is decided, and its payment seen through.

use super::{Server, through_writer};
use crate::database::{Keys, Value};
use crate::reservation::booking::book::{Tried, record, try_to_book};
use crate::reservation::defects::Defect;
use crate::reservation::facts::{Answer, Fact};
use crate::reservation::knobs::StrategyName;
use crate::reservation::protocol::Settle;
use crate::reservation::stay::{Order, OrderState, ReservationId, Status};
use crate::reservation::tables::{Tables, read_reservation};
use rehearsal_env::Env;

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
    let answer = match &server.writers {
        Some(writers) => through_writer::book(server, writers, order).await,
        None => book(server, order, backwards).await,
    };
    server.under_way.borrow_mut().remove(&order.id);
    answer
}

/// Tries until the order is decided, or as often as a server tries.
async fn book<E: Env<Fact = Fact>>(server: &Server<E>, order: &Order, backwards: bool) -> Answer {
    let (id, terms) = (order.id, server.books.terms());
    for tried in 0..server.books.plan.knobs.tries {
        let outcome = match try_to_book(&server.books, order, backwards, &terms).await {
            Ok(Tried::SoldOut) => record(&server.books, id, OrderState::SoldOut, Answer::SoldOut).await,
            Ok(Tried::Expired) => record(&server.books, id, OrderState::Expired, Answer::Expired).await,
            other => other,
        };
        match outcome {
            Ok(Tried::Recorded(answer)) => {
                server.books.env.observe(Fact::DuplicateAbsorbed { reservation: id });
                return answer;
            }
            Ok(Tried::Refused(answer)) => return answer,
            Ok(Tried::SoldOut | Tried::Expired) => unreachable!("these were recorded"),
            Ok(Tried::Held) => return see_payment_through(server, id).await,
            Err(again) => server.books.again(id, tried, &again).await,
        }
    }
    let optimistic = server.books.plan.knobs.strategy == StrategyName::Optimistic;
    if optimistic && server.books.has(Defect::OptimisticGivesUpAsSoldOut) {
        return Answer::SoldOut;
    }
    Answer::Busy
}

/// Asks the payment service to do its part now, and then the database how it stands.
pub(super) async fn see_payment_through<E: Env<Fact = Fact>>(
    server: &Server<E>,
    id: ReservationId,
) -> Answer {
    let patience = server.books.plan.knobs.payment_patience.duration() * 2;
    if server.payments.call(server.payment, Settle { id }, patience).await.is_err() {
        return Answer::Pending;
    }
    let read = server.books.database.read(Tables::RESERVATION, Keys::prefix([Value::Int(id.0)]), None).await;
    let status = read.ok().and_then(|rows| rows.first().map(|row| read_reservation(row).1));
    match status {
        Some(Status::Paid) => Answer::Booked,
        Some(Status::Rejected) => Answer::Rejected,
        Some(Status::Canceled | Status::Refunded) => Answer::Canceled,
        Some(Status::Pending) | None => Answer::Pending,
    }
}
