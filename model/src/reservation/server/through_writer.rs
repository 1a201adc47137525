//! Booking under the strategy `single-writer`: the server asks the writer of the room type, and tells what came of it.
//!
//! A request may be lost with its server, carried out twice, or carried out after nobody waits for it any more. So a
//! server takes nothing from the answer but that it is time to look: how the order stands is in the database, and
//! what is still open there is asked for again, under the same id, unless the queue has it surely.

use super::Server;
use super::book::see_payment_through;
use crate::reservation::booking::book::{Tried, standing};
use crate::reservation::facts::{Answer, Fact};
use crate::reservation::stay::Order;
use crate::reservation::writer::{Change, Writers};
use rehearsal_env::Env;

/// 1. Look how the order stands. 2. Open: ask, wait, and look again. Still open after so many tries it is pending, and
///    not busy: what was asked for may be done yet.
pub(super) async fn book<E: Env<Fact = Fact>>(
    server: &Server<E>,
    writers: &Writers<E>,
    order: &Order,
) -> Answer {
    let (id, knobs, change) = (order.id, &server.books.plan.knobs, Change::Book(*order));
    let mut asked = false;
    for tried in 0..knobs.tries {
        match standing(&server.books, order).await {
            // That its time is over is for the writer to record.
            Ok(None | Some(Tried::Expired)) => {
                asked = true;
                writers.ask(change, knobs.patience.duration()).await;
            }
            Ok(Some(Tried::Recorded(Answer::Pending))) if asked => {
                writers.saw(&change);
                return see_payment_through(server, id).await;
            }
            Ok(Some(Tried::Recorded(answer))) => {
                writers.saw(&change);
                if !asked {
                    server.books.env.observe(Fact::DuplicateAbsorbed { reservation: id });
                }
                return answer;
            }
            Ok(Some(Tried::Refused(answer))) => return answer,
            Ok(Some(Tried::SoldOut | Tried::Held)) => unreachable!("whoever looks takes nothing"),
            Err(again) => server.books.again(id, tried, &again).await,
        }
    }
    Answer::Pending
}
