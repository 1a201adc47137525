//! Reading: what is left, and what a guest has booked.

use super::Server;
use crate::database::Keys;
use crate::reservation::facts::{Answer, Fact};
use crate::reservation::stay::{Stay, limit};
use crate::reservation::strategy::nights;
use crate::reservation::tables::{Tables, read_inventory, read_reservation, reservation};
use rehearsal_env::Env;

/// How many rooms are left on the scarcest night of the stay. It is history when the guest reads it.
pub(super) async fn availability<E: Env<Fact = Fact>>(server: &Server<E>, stay: &Stay) -> Answer {
    let Ok(rows) = server.books.database.read(Tables::INVENTORY, nights(stay), None).await else {
        return Answer::Busy;
    };
    let left = rows.iter().map(|row| {
        let (total, reserved, _) = read_inventory(row);
        limit(total, server.books.plan.knobs.overbooking_percent) - reserved
    });
    Answer::Available(left.min().unwrap_or(0))
}

/// A guest's reservations, by id.
pub(super) async fn history<E: Env<Fact = Fact>>(server: &Server<E>, guest: i64) -> Answer {
    let keys = Keys::Index { index: reservation::BY_GUEST, key: vec![guest.into()] };
    let Ok(rows) = server.books.database.read(Tables::RESERVATION, keys, None).await else {
        return Answer::Busy;
    };
    let list = rows.iter().map(|row| {
        let (order, status) = read_reservation(row);
        (order.id, status)
    });
    Answer::History(list.collect())
}
