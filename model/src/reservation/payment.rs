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

use super::defects::Defect;
use super::facts::Fact;
use super::plan::Plan;
use super::protocol::{ProviderAnswer, ProviderRequest, Settle, Settled};
use super::stay::{ReservationId, Status, StepKind};
use super::strategy::{give_back, nights};
use super::tables::{Tables, rate, read_amount, read_reservation, read_step, reservation, step};
use crate::database::{
    CommitError, Database, Expression, Isolation, Keys, RemoteDatabase, RemoteTransaction, Row, Statement,
    Transaction, TransactionError,
};
use crate::rpc::{Caller, Desk, Question};
use crate::session::Patience;
use rehearsal_env::{Env, NodeId};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

struct Payments<E: Env> {
    env: E,
    plan: Arc<Plan>,
    database: RemoteDatabase<E>,
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

/// Runs the payment service on this node.
pub async fn serve<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>, database: NodeId, provider_node: NodeId) {
    let patience = Patience { resend: plan.knobs.resend.duration(), silence: plan.knobs.silence.duration() };
    let desk = Desk::<E, Settle, Settled>::bind(&env);
    let payments = Rc::new(Payments {
        database: RemoteDatabase::connect(&env, database, patience),
        provider: Caller::bind(&env),
        provider_node,
        busy: RefCell::default(),
        env: env.clone(),
        plan,
    });
    if !payments.plan.defects.has(Defect::StepsNotResumed) {
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
            self.env.sleep(self.plan.knobs.sweep.duration()).await;
            let Ok(steps) = self.database.read(Tables::STEP, Keys::All, None).await else { continue };
            if steps.is_empty() {
                continue;
            }
            self.end_holds().await;
            // Side by side: one that the provider keeps waiting must not keep the others waiting.
            for row in steps {
                self.env.spawn(self.clone().resume(read_step(&row).0));
            }
        }
    }

    async fn end_holds(&self) {
        let over = Expression::column(step::KIND)
            .equals(StepKind::Charge.code())
            .and(Expression::column(step::HOLD_UNTIL).less_than(Expression::Now));
        // What fails now is there at the next sweep.
        for row in self.database.read(Tables::STEP, Keys::All, Some(over)).await.unwrap_or_default() {
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
        let rows = self.database.read(Tables::STEP, Keys::one([id.0]), None).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let (_, kind) = read_step(row);
        if resumed {
            self.env.observe(Fact::StepResumed { reservation: id, step: kind });
        }
        match kind {
            StepKind::Charge => self.charge(id, row, resumed).await,
            StepKind::Void | StepKind::Refund => self.return_money(id, kind).await,
        }
    }

    async fn charge(&self, id: ReservationId, row: &Row, resumed: bool) -> Result<(), Later> {
        let amount = self.amount(id, row).await?;
        let again = resumed && self.plan.defects.has(Defect::ChargedAgainOnRetry);
        let key = if again { self.env.bits() } else { id.0 as u64 };
        let request = ProviderRequest::Charge { key, reservation: id, amount };
        let patience = self.plan.knobs.payment_patience.duration();
        self.env.observe(Fact::ChargeSent { reservation: id });
        let answer = self.provider.call(self.provider_node, request, patience).await;
        match answer {
            Ok(ProviderAnswer::Charged) => self.env.observe(Fact::ChargeConfirmed { reservation: id }),
            Ok(ProviderAnswer::Refused | ProviderAnswer::GivenBack) => return self.reject(id).await,
            Err(_) if self.plan.defects.has(Defect::PaidWithoutConfirmation) => {}
            Err(_) => return Err(Later),
        }
        let mut transaction = self.database.begin(Isolation::ReadCommitted).await?;
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
        if !self.plan.defects.has(Defect::PriceReadAgainAtCharge) {
            return Ok(read_amount(row));
        }
        let rows = self.database.read(Tables::RESERVATION, Keys::prefix([id.0]), None).await?;
        let (order, _) = read_reservation(rows.first().ok_or(Later)?);
        if order.stay.length() == 0 {
            return Ok(0);
        }
        let rates = self.database.read(Tables::RATE, nights(&order.stay), None).await?;
        let sum: i64 = rates.iter().filter_map(|row| row[rate::PRICE].int()).sum();
        Ok(sum * order.stay.rooms)
    }

    /// The provider refused: nothing stands, and the nights go back.
    async fn reject(&self, id: ReservationId) -> Result<(), Later> {
        let mut transaction = self.rejected(id).await?;
        transaction.later(Statement::delete(Tables::STEP, Keys::one([id.0]), None));
        Ok(transaction.commit().await?)
    }

    /// The hold is over: the nights go back, and a charge that may be on its way must be voided.
    async fn end_hold(&self, id: ReservationId) -> Result<(), Later> {
        let mut transaction = self.rejected(id).await?;
        let void = vec![(step::KIND, Expression::constant(StepKind::Void.code()))];
        transaction.later(Statement::update(Tables::STEP, Keys::one([id.0]), None, void));
        Ok(transaction.commit().await?)
    }

    /// A transaction in which what was pending is rejected and gives its nights back; `Later` when it is not
    /// pending any more.
    async fn rejected(&self, id: ReservationId) -> Result<RemoteTransaction<E>, Later> {
        let mut transaction = self.database.begin(Isolation::ReadCommitted).await?;
        let (key, still, rejected) = change(id, Status::Pending, Status::Rejected);
        if transaction.update(Tables::RESERVATION, key.clone(), still, rejected).await? == 0 {
            transaction.rollback().await;
            return Err(Later);
        }
        let rows = transaction.select(Tables::RESERVATION, key, None, None).await?;
        let (order, _) = read_reservation(rows.first().ok_or(Later)?);
        give_back(&mut transaction, &order.stay);
        Ok(transaction)
    }

    async fn return_money(&self, id: ReservationId, kind: StepKind) -> Result<(), Later> {
        let request = ProviderRequest::GiveBack { key: id.0 as u64, reservation: id };
        let patience = self.plan.knobs.payment_patience.duration();
        let answer = self.provider.call(self.provider_node, request, patience).await;
        let Ok(ProviderAnswer::GivenBack) = answer else { return Err(Later) };
        let mut transaction = self.database.begin(Isolation::ReadCommitted).await?;
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
