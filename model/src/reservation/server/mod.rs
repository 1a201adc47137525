//! The reservation server: stateless, one of several. What it knows the database knows.
//!
//! Every request becomes a task: look, order, book, cancel, history.

mod book;
mod cancel;
mod look;
mod order;

use super::defects::Defect;
use super::facts::{Answer, Fact, RetryReason};
use super::ids::IdSupply;
use super::plan::Plan;
use super::protocol::{GuestRequest, Settle, Settled};
use super::stay::ReservationId;
use super::strategy::Terms;
use crate::database::{DatabaseError, RemoteDatabase, TransactionError};
use crate::rpc::{Caller, Desk, Question};
use crate::session::Patience;
use rehearsal_env::{Env, NodeId};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Whom a server talks to.
#[derive(Clone, Copy, Debug)]
pub struct Neighbours {
    /// The database.
    pub database: NodeId,
    /// The id service.
    pub ids: NodeId,
    /// The payment service.
    pub payment: NodeId,
}

/// The parts of one server.
struct Server<E: Env> {
    env: E,
    plan: Arc<Plan>,
    database: RemoteDatabase<E>,
    ids: IdSupply<E>,
    payments: Caller<E, Settle, Settled>,
    payment: NodeId,
    /// Orders that a task of this server is booking.
    under_way: RefCell<BTreeSet<ReservationId>>,
}

/// Why a try at a booking or cancellation has to be made again.
enum Again {
    /// For this reason; nothing was committed.
    Because(RetryReason),
    /// Whether the commit happened is unknown: the next try will see.
    CommitUnknown,
}

impl From<TransactionError> for Again {
    fn from(error: TransactionError) -> Again {
        Again::Because(match error {
            TransactionError::Refused(DatabaseError::DeadlockDetected) => RetryReason::Deadlock,
            TransactionError::Refused(DatabaseError::LockNotAvailable) => RetryReason::LockTimeout,
            TransactionError::Refused(_) => RetryReason::Refused,
            TransactionError::Lost => RetryReason::SessionLost,
        })
    }
}

/// Runs a reservation server on this node.
pub async fn serve<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, neighbours: Neighbours) {
    let patience = Patience { resend: plan.knobs.resend.duration(), silence: plan.knobs.silence.duration() };
    let desk = Desk::<E, GuestRequest, Answer>::bind(&env);
    let server = Rc::new(Server {
        database: RemoteDatabase::connect(&env, neighbours.database, patience),
        ids: IdSupply::new(&env, neighbours.ids),
        payments: Caller::bind(&env),
        payment: neighbours.payment,
        under_way: RefCell::default(),
        env: env.clone(),
        plan,
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

impl<E: Env<Fact = Fact>> Server<E> {
    fn has(&self, defect: Defect) -> bool {
        self.plan.defects.has(defect)
    }

    fn terms(&self) -> Terms {
        let knobs = &self.plan.knobs;
        Terms {
            strategy: knobs.strategy,
            lock_order: knobs.lock_order,
            overbooking_percent: knobs.overbooking_percent,
            limit_rounds_up: self.has(Defect::LimitRoundsUp),
        }
    }

    /// Says that `id` is tried again, and waits a little: up to the backoff, doubled for each try.
    async fn again(&self, id: ReservationId, tried: u32, again: &Again) {
        self.env.observe(match again {
            Again::Because(reason) => Fact::Retried { reservation: id, reason: *reason },
            Again::CommitUnknown => Fact::CommitAnswerLost { reservation: id },
        });
        let longest = self.plan.knobs.backoff.0.max(1) << tried.min(6);
        self.env.sleep(Duration::from_nanos(self.env.below(longest))).await;
    }
}
