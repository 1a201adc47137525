//! Placing an order: an id, and a price that will not change.

use super::Server;
use crate::database::{Database, Expression, Isolation, Keys, Transaction};
use crate::reservation::defects::Defect;
use crate::reservation::facts::{Answer, Fact};
use crate::reservation::stay::{OrderState, ReservationId, Stay};
use crate::reservation::strategy::nights;
use crate::reservation::tables::{Tables, rate, read_order};
use rehearsal_env::Env;

/// 1. Take an id. 2. Write the order, with the sum of the nights' prices as they are now. 3. Read the price
///    back and commit. An order whose answer is lost is never booked and expires.
pub(super) async fn place<E: Env<Fact = Fact>>(server: &Server<E>, guest: i64, stay: Stay) -> Answer {
    let Some(id) = take_id(server).await else { return Answer::Busy };
    server.env.observe(Fact::IdTaken { id });
    match write(server, id, guest, &stay).await {
        Some(price) => Answer::Ordered(id, price),
        None => Answer::Busy,
    }
}

async fn take_id<E: Env<Fact = Fact>>(server: &Server<E>) -> Option<ReservationId> {
    if server.has(Defect::IdFromClockAndNode) {
        let seconds = server.env.wall().micros() / 1_000_000;
        return Some(ReservationId(seconds * 1_000 + i64::from(server.env.id().0)));
    }
    server.ids.take(server.plan.knobs.resend.duration()).await.map(ReservationId)
}

async fn write<E: Env<Fact = Fact>>(
    server: &Server<E>,
    id: ReservationId,
    guest: i64,
    stay: &Stay,
) -> Option<i64> {
    let mut transaction = server.database.begin(Isolation::ReadCommitted).await.ok()?;
    let price = if stay.length() == 0 {
        Expression::constant(0)
    } else {
        Expression::sum(Tables::RATE, nights(stay), rate::PRICE) * stay.rooms
    };
    let valid = (server.plan.knobs.order_valid.0 / 1_000) as i64;
    let (hotel, kind) = (stay.room_type.hotel, stay.room_type.kind);
    let head = [id.0, guest, hotel, kind, stay.start, stay.end, stay.rooms].map(Expression::constant);
    let tail = [price, Expression::Now + valid, Expression::constant(OrderState::Open.code())];
    transaction.insert(Tables::ORDERS, head.into_iter().chain(tail).collect()).await.ok()?;
    let rows = transaction.select(Tables::ORDERS, Keys::one([id.0]), None, None).await.ok()?;
    let price = read_order(rows.first()?).price;
    transaction.commit().await.ok()?;
    Some(price)
}
