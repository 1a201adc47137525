//! What is done to bookings in the database, each in one transaction, by whoever does it: a reservation server, the
//! payment service, or under the strategy `single-writer` a writer.

pub(super) mod book;
pub(super) mod end;

use super::defects::Defect;
use super::facts::{Fact, RetryReason};
use super::plan::Plan;
use super::stay::ReservationId;
use super::strategy::Terms;
use crate::database::{CommitError, DatabaseError, RemoteDatabase, Transaction, TransactionError};
use crate::session::Patience;
use rehearsal_env::{Env, NodeId};
use std::sync::Arc;
use std::time::Duration;

/// Whoever changes bookings.
pub(super) struct Bookkeeper<E: Env> {
    pub(super) env: E,
    pub(super) plan: Arc<Plan>,
    pub(super) database: RemoteDatabase<E>,
}

/// Why a try at a booking or cancellation has to be made again.
pub(super) enum Again {
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

impl<E: Env<Fact = Fact>> Bookkeeper<E> {
    /// One on this node.
    pub(super) fn new(env: &E, plan: Arc<Plan>, database: NodeId) -> Self {
        let knobs = &plan.knobs;
        let patience = Patience { resend: knobs.resend.duration(), silence: knobs.silence.duration() };
        let database = RemoteDatabase::connect(env, database, patience);
        Bookkeeper { env: env.clone(), plan, database }
    }

    pub(super) fn has(&self, defect: Defect) -> bool {
        self.plan.defects.has(defect)
    }

    /// On what terms it takes nights; a writer adds in whose name.
    pub(super) fn terms(&self) -> Terms<'static> {
        let knobs = &self.plan.knobs;
        Terms {
            strategy: knobs.strategy,
            lock_order: knobs.lock_order,
            overbooking_percent: knobs.overbooking_percent,
            limit_rounds_up: self.has(Defect::LimitRoundsUp),
            writer: None,
        }
    }

    /// Says that `id` is tried again, and waits a little: up to the backoff, doubled for each try.
    pub(super) async fn again(&self, id: ReservationId, tried: u32, again: &Again) {
        self.env.observe(match again {
            Again::Because(reason) => Fact::Retried { reservation: id, reason: *reason },
            Again::CommitUnknown => Fact::CommitAnswerLost { reservation: id },
        });
        let longest = self.plan.knobs.backoff.0.max(1) << tried.min(6);
        self.env.sleep(Duration::from_nanos(self.env.below(longest))).await;
    }
}

pub(super) async fn commit<T: Transaction>(transaction: T) -> Result<(), Again> {
    transaction.commit().await.map_err(|error| match error {
        CommitError::RolledBack => Again::Because(RetryReason::Refused),
        CommitError::Unknown => Again::CommitUnknown,
    })
}
