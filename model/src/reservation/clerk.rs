//! The clerk changes prices while guests book.

use super::plan::{Plan, RateChange};
use super::tables::{Tables, rate};
use crate::database::{Database, Expression, Isolation, Keys, RemoteDatabase, Transaction};
use crate::session::Patience;
use rehearsal_env::{Env, NodeId, Time};
use std::sync::Arc;
use std::time::Duration;

/// How long the clerk waits before trying a change again that was not confirmed.
const PAUSE: Duration = Duration::from_secs(1);

/// Makes every change at its time, each until it is confirmed; then the clerk is done.
pub async fn work<E: Env>(env: E, plan: Arc<Plan>, database: NodeId) {
    let patience = Patience { resend: plan.knobs.resend.duration(), silence: plan.knobs.silence.duration() };
    let database = RemoteDatabase::connect(&env, database, patience);
    for change in &plan.rate_changes {
        env.sleep_until(Time(change.at.0)).await;
        // Setting a price twice sets the same price.
        while !set_price(&database, change).await {
            env.sleep(PAUSE).await;
        }
    }
}

async fn set_price<E: Env>(database: &RemoteDatabase<E>, change: &RateChange) -> bool {
    let Ok(mut transaction) = database.begin(Isolation::ReadCommitted).await else { return false };
    let key = Keys::one([change.hotel, change.kind, change.date]);
    let set = vec![(rate::PRICE, Expression::constant(change.price))];
    let updated = transaction.update(Tables::RATE, key, None, set).await;
    updated.is_ok() && transaction.commit().await.is_ok()
}
