//! The reservation server: stateless, one of several. What it knows the database knows.
//!
//! Every request becomes a task: look, order, book, cancel, history.

mod book;
mod cancel;
mod look;
mod order;
mod through_writer;

use super::booking::Bookkeeper;
use super::facts::{Answer, Fact};
use super::ids::IdSupply;
use super::plan::Plan;
use super::protocol::{GuestRequest, Settle, Settled};
use super::stay::ReservationId;
use super::writer::Writers;
use crate::rpc::{Caller, Desk, Question};
use rehearsal_env::{Env, NodeId};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// Whom a server talks to.
#[derive(Clone, Debug)]
pub struct Neighbours {
    /// The database.
    pub database: NodeId,
    /// The id service.
    pub ids: NodeId,
    /// The payment service.
    pub payment: NodeId,
    /// The brokers of the queue to the writers; none unless the strategy is `single-writer`.
    pub brokers: Vec<NodeId>,
}

/// The parts of one server.
struct Server<E: Env> {
    books: Bookkeeper<E>,
    ids: IdSupply<E>,
    payments: Caller<E, Settle, Settled>,
    payment: NodeId,
    /// Orders that a task of this server is booking.
    under_way: RefCell<BTreeSet<ReservationId>>,
    /// Who takes nights and gives them back in its place, under the strategy `single-writer`.
    writers: Option<Writers<E>>,
}

/// Runs a reservation server on this node.
pub async fn serve<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, neighbours: Neighbours) {
    let desk = Desk::<E, GuestRequest, Answer>::bind(&env);
    let server = Rc::new(Server {
        books: Bookkeeper::new(&env, plan.clone(), neighbours.database),
        ids: IdSupply::new(&env, neighbours.ids),
        payments: Caller::bind(&env),
        payment: neighbours.payment,
        under_way: RefCell::default(),
        writers: Writers::if_any(&env, &plan, neighbours.brokers),
    });
    loop {
        let question = desk.next().await;
        env.spawn(answer(server.clone(), desk.clone(), question));
    }
}

async fn answer<E: Env<Fact = Fact>>(
    server: Rc<Server<E>>,
    desk: Desk<E, GuestRequest, Answer>,
    question: Question<GuestRequest>,
) {
    let answer = match question.body {
        GuestRequest::Availability(stay) => look::availability(&server, &stay).await,
        GuestRequest::Order { guest, stay } => order::place(&server, guest, stay).await,
        GuestRequest::Book { order, backwards } => book::book_alone(&server, &order, backwards).await,
        GuestRequest::Cancel { id } => cancel::cancel(&server, id).await,
        GuestRequest::History { guest } => look::history(&server, guest).await,
    };
    desk.answer(question.from, question.call, answer);
}
