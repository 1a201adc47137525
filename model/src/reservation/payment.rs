//! The payment service: sees every step of the log of steps through, once begun or left behind.
//!
//! The log of steps is the table `step`: a row says what still has to be done with the provider, and goes when it
//! is done. The key of a charge is the reservation's id, so that it may be asked again and again; what the provider
//! says is written in one transaction with the status that follows from it.
//!
//! ```text
//! charge ── confirmed ──▶ pending → paid
//!        ── refused ────▶ pending → rejected, nights given back
//!        ── hold over ──▶ pending → rejected, nights given back, then void
//! void   ── given back ─▶ (nothing stands)
//! refund ── given back ─▶ canceled → refunded
//! ```

use super::booking::Bookkeeper;
use super::booking::end::{Ending, try_to_end};
use super::defects::Defect;
use super::facts::Fact;
use super::plan::Plan;
use super::protocol::{ProviderAnswer, ProviderRequest, Settle, Settled};
use super::stay::{ReservationId, Status, StepKind};
use super::strategy::nights;
use super::tables::{Tables, rate, read_amount, read_reservation, read_step, reservation, step};
use super::writer::{Change, Writers};
use crate::database::{
    CommitError, Database, Expression, Isolation, Keys, Row, Statement, Transaction, TransactionError,
};
use crate::rpc::{Caller, Desk, Question};
use rehearsal_env::{Env, NodeId};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

struct Payments<E: Env> {
    books: Bookkeeper<E>,
    /// Who gives nights back in its place, under the strategy `single-writer`.
    writers: Option<Writers<E>>,
    provider: Caller<E, ProviderRequest, ProviderAnswer>,
    provider_node: NodeId,
    /// Reservations whose step some task of this node is busy with.
    busy: RefCell<BTreeSet<ReservationId>>,
}

/// A step could not be seen through now; the next sweep tries again.
struct Later;

impl From<TransactionError> for Later {
    fn from(_: TransactionError) -> Later {
        Later
    }
}

impl From<CommitError> for Later {
    fn from(_: CommitError) -> Later {
        Later
    }
}

/// Runs the payment service on this node. The brokers are those of the queue to the writers, if there are any.
pub async fn serve<E: Env<Fact = Fact>>(
    env: E,
    plan: Arc<Plan>,
    database: NodeId,
    provider_node: NodeId,
    brokers: Vec<NodeId>,
) {
    let desk = Desk::<E, Settle, Settled>::bind(&env);
    let payments = Rc::new(Payments {
        writers: Writers::if_any(&env, &plan, brokers),
        books: Bookkeeper::new(&env, plan, database),
        provider: Caller::bind(&env),
        provider_node,
        busy: RefCell::default(),
    });
    if !payments.books.has(Defect::StepsNotResumed) {
        env.spawn(payments.clone().sweep());
    }
    loop {
        let question = desk.next().await;
        env.spawn(answer(payments.clone(), desk.clone(), question));
    }
}

async fn answer<E: Env<Fact = Fact>>(
    payments: Rc<Payments<E>>,
    desk: Desk<E, Settle, Settled>,
    question: Question<Settle>,
) {
    payments.settle(question.body.id, false).await;
    desk.answer(question.from, question.call, Settled);
}

impl<E: Env<Fact = Fact>> Payments<E> {
    /// Ends holds that are over, and takes up steps that nobody is busy with, again and again.
    async fn sweep(self: Rc<Self>) {
        loop {
            self.books.env.sleep(self.books.plan.knobs.sweep.duration()).await;
            let Ok(steps) = self.books.database.read(Tables::STEP, Keys::All, None).await else { continue };
            if steps.is_empty() {
                continue;
            }
            self.end_holds().await;
            // Side by side: one that the provider keeps waiting must not keep the others waiting.
            for row in steps {
                self.books.env.spawn(self.clone().resume(read_step(&row).0));
            }
        }
    }

    async fn end_holds(&self) {
        let over = Expression::column(step::KIND)
            .equals(StepKind::Charge.code())
            .and(Expression::column(step::HOLD_UNTIL).less_than(Expression::Now));
        // What fails now is there at the next sweep.
        for row in self.books.database.read(Tables::STEP, Keys::All, Some(over)).await.unwrap_or_default() {
            let _ = self.end_hold(read_step(&row).0).await;
        }
    }

    async fn resume(self: Rc<Self>, id: ReservationId) {
        self.settle(id, true).await;
    }

    /// Sees the step of a reservation through, as far as that goes now.
    async fn settle(&self, id: ReservationId, resumed: bool) {
        if !self.busy.borrow_mut().insert(id) {
            return;
        }
        // What fails now is there at the next sweep.
        let _ = self.see_through(id, resumed).await;
        self.busy.borrow_mut().remove(&id);
    }

    async fn see_through(&self, id: ReservationId, resumed: bool) -> Result<(), Later> {
        let rows = self.books.database.read(Tables::STEP, Keys::one([id.0]), None).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let (_, kind) = read_step(row);
        if resumed {
            self.books.env.observe(Fact::StepResumed { reservation: id, step: kind });
        }
        match kind {
            StepKind::Charge => self.charge(id, row, resumed).await,
            StepKind::Void | StepKind::Refund => self.return_money(id, kind).await,
        }
    }

    async fn charge(&self, id: ReservationId, row: &Row, resumed: bool) -> Result<(), Later> {
        let amount = self.amount(id, row).await?;
        let again = resumed && self.books.has(Defect::ChargedAgainOnRetry);
        let key = if again { self.books.env.bits() } else { id.0 as u64 };
        let request = ProviderRequest::Charge { key, reservation: id, amount };
        let patience = self.books.plan.knobs.payment_patience.duration();
        self.books.env.observe(Fact::ChargeSent { reservation: id });
        let answer = self.provider.call(self.provider_node, request, patience).await;
        match answer {
            Ok(ProviderAnswer::Charged) => self.books.env.observe(Fact::ChargeConfirmed { reservation: id }),
            Ok(ProviderAnswer::Refused | ProviderAnswer::GivenBack) => return self.reject(id).await,
            Err(_) if self.books.has(Defect::PaidWithoutConfirmation) => {}
            Err(_) => return Err(Later),
        }
        let mut transaction = self.books.database.begin(Isolation::ReadCommitted).await?;
        let (key, still, paid) = change(id, Status::Pending, Status::Paid);
        if transaction.update(Tables::RESERVATION, key, still, paid).await? == 0 {
            // It ended meanwhile; whoever ended it has set the step that gives the money back.
            transaction.rollback().await;
            return Err(Later);
        }
        transaction.later(Statement::delete(Tables::STEP, Keys::one([id.0]), None));
        Ok(transaction.commit().await?)
    }

    /// What to charge: the order's price, as the step has it.
    async fn amount(&self, id: ReservationId, row: &Row) -> Result<i64, Later> {
        if !self.books.has(Defect::PriceReadAgainAtCharge) {
            return Ok(read_amount(row));
        }
        let rows = self.books.database.read(Tables::RESERVATION, Keys::prefix([id.0]), None).await?;
        let (order, _) = read_reservation(rows.first().ok_or(Later)?);
        if order.stay.length() == 0 {
            return Ok(0);
        }
        let rates = self.books.database.read(Tables::RATE, nights(&order.stay), None).await?;
        let sum: i64 = rates.iter().filter_map(|row| row[rate::PRICE].int()).sum();
        Ok(sum * order.stay.rooms)
    }

    /// The provider refused: nothing stands, and the nights go back.
    async fn reject(&self, id: ReservationId) -> Result<(), Later> {
        let Some(writers) = &self.writers else { return self.end(id, Ending::Refused).await };
        let change = self.ending(id, Ending::Refused).await?;
        writers.ask(change, self.books.plan.knobs.payment_patience.duration()).await;
        Ok(())
    }

    /// The hold is over: the nights go back, and a charge that may be on its way must be voided.
    async fn end_hold(&self, id: ReservationId) -> Result<(), Later> {
        let Some(writers) = &self.writers else { return self.end(id, Ending::HoldOver).await };
        // The next sweep sees whether it was done.
        writers.tell(self.ending(id, Ending::HoldOver).await?);
        Ok(())
    }

    async fn end(&self, id: ReservationId, ending: Ending) -> Result<(), Later> {
        match try_to_end(&self.books, id, ending, &self.books.terms()).await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Later),
        }
    }

    /// What a writer is asked for.
    async fn ending(&self, id: ReservationId, ending: Ending) -> Result<Change, Later> {
        let rows = self.books.database.read(Tables::RESERVATION, Keys::prefix([id.0]), None).await?;
        let (order, _) = read_reservation(rows.first().ok_or(Later)?);
        Ok(Change::End { id, room_type: order.stay.room_type, ending })
    }

    async fn return_money(&self, id: ReservationId, kind: StepKind) -> Result<(), Later> {
        let request = ProviderRequest::GiveBack { key: id.0 as u64, reservation: id };
        let patience = self.books.plan.knobs.payment_patience.duration();
        let answer = self.provider.call(self.provider_node, request, patience).await;
        let Ok(ProviderAnswer::GivenBack) = answer else { return Err(Later) };
        let mut transaction = self.books.database.begin(Isolation::ReadCommitted).await?;
        if kind == StepKind::Refund {
            let (key, still, refunded) = change(id, Status::Canceled, Status::Refunded);
            transaction.later(Statement::update(Tables::RESERVATION, key, still, refunded));
        }
        let same = Expression::column(step::KIND).equals(kind.code());
        transaction.later(Statement::delete(Tables::STEP, Keys::one([id.0]), Some(same)));
        Ok(transaction.commit().await?)
    }
}

/// Changes a status in one compare-and-set: the row, the condition, what is set.
fn change(
    id: ReservationId,
    from: Status,
    to: Status,
) -> (Keys, Option<Expression>, Vec<(usize, Expression)>) {
    let still = Expression::column(reservation::STATUS).equals(from.code());
    let set = vec![(reservation::STATUS, Expression::constant(to.code()))];
    (Keys::prefix([id.0]), Some(still), set)
}
