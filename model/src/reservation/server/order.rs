//! Placing an order: an id, and a price that will not change.

use super::Server;
use crate::database::{CommitError, Expression, TransactionError};
use crate::reservation::defects::Defect;
use crate::reservation::facts::{Answer, Fact};
use crate::reservation::stay::{Order, OrderState, ReservationId, Stay};
use crate::reservation::strategy::nights;
use crate::reservation::tables::{Tables, rate};
use rehearsal_env::Env;

/// 1. Take an id. 2. Read what the nights cost now: a night without a rate is not for sale. 3. Write the order with
///    their sum. An order whose answer is lost is never booked and expires.
pub(super) async fn place<E: Env<Fact = Fact>>(server: &Server<E>, guest: i64, stay: Stay) -> Answer {
    let Some(id) = take_id(server).await else { return Answer::Busy };
    server.books.env.observe(Fact::IdTaken { id });
    let Ok(rates) = rates(server, &stay).await else { return Answer::Busy };
    if (rates.len() as i64) < stay.length() {
        return Answer::SoldOut;
    }
    let price = rates.iter().sum::<i64>() * stay.rooms;
    match write(server, &Order { id, guest, stay, price }).await {
        Ok(()) => Answer::Ordered(id, price),
        Err(_) => Answer::Busy,
    }
}

async fn take_id<E: Env<Fact = Fact>>(server: &Server<E>) -> Option<ReservationId> {
    if server.books.has(Defect::IdFromClockAndNode) {
        let seconds = server.books.env.wall().micros() / 1_000_000;
        return Some(ReservationId(seconds * 1_000 + i64::from(server.books.env.id().0)));
    }
    server.ids.take(server.books.plan.knobs.resend.duration()).await.map(ReservationId)
}

/// What a room costs in each night of the stay that has a rate.
async fn rates<E: Env<Fact = Fact>>(server: &Server<E>, stay: &Stay) -> Result<Vec<i64>, TransactionError> {
    if stay.length() == 0 {
        return Ok(Vec::new());
    }
    let rows = server.books.database.read(Tables::RATE, nights(stay), None).await?;
    Ok(rows.iter().filter_map(|row| row[rate::PRICE].int()).collect())
}

async fn write<E: Env<Fact = Fact>>(server: &Server<E>, order: &Order) -> Result<(), CommitError> {
    let Order { id, guest, stay, price } = *order;
    let valid = (server.books.plan.knobs.order_valid.0 / 1_000) as i64;
    let (hotel, kind) = (stay.room_type.hotel, stay.room_type.kind);
    let head = [id.0, guest, hotel, kind, stay.start, stay.end, stay.rooms, price].map(Expression::constant);
    let tail = [Expression::Now + valid, Expression::constant(OrderState::Open.code())];
    server.books.database.insert(Tables::ORDERS, head.into_iter().chain(tail).collect()).await
}
