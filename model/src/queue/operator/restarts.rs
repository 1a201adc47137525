//! Brokers that are asked to stop and to come back, one after the other.
//!
//! 1. Wait until the broker lives, and ask that life to stop, unless it has gone meanwhile.
//! 2. Wait until the broker lives another life and is in sync again wherever it has a copy.
//! 3. When the time for it is over, leave it as it is: what was begun comes to its end without an operator.

use super::super::brokers::{BrokerEpoch, BrokerId};
use super::super::facts::Fact;
use super::super::keys::{self, News};
use super::super::operation::Operation;
use super::super::restart::Stop;
use crate::coordination::{Check, Coordination, Edit, View};
use rehearsal_env::{Env, Span, Time};
use std::time::Duration;

/// How long the operator waits before it looks again.
const LOOK: Duration = Duration::from_millis(250);

/// What is asked of one broker.
#[derive(Clone, Copy, Debug)]
struct Wish {
    broker: BrokerId,
    down: Span,
    limit: Span,
    until: Time,
}

/// Has brokers stop and come back, in this order.
pub(super) async fn restart<E: Env<Fact = Fact>>(
    env: &E,
    service: &Coordination<E>,
    operations: &[Operation],
) {
    for operation in operations {
        let Operation::RestartBroker { at, broker, down, limit, until } = *operation else { continue };
        env.sleep_until(Time(at.0)).await;
        let wish = Wish { broker: BrokerId::numbered(broker), down, limit, until: Time(until.0) };
        if let Some(life) = ask(env, service, wish).await {
            wait_until_back(env, service, wish, life).await;
        }
    }
}

/// Asks a broker to stop. The life that is to end; none when the time for it is over.
async fn ask<E: Env<Fact = Fact>>(env: &E, service: &Coordination<E>, wish: Wish) -> Option<BrokerEpoch> {
    while env.now() < wish.until {
        if let Ok(view) = service.read_prefix(keys::ALL).await
            && let Some(life) = life(&view, wish.broker)
        {
            let asked = news(&view)
                .any(|news| matches!(news, News::Stop(of, stop) if of == wish.broker && stop.life == life));
            if asked || write(service, &view, wish, life).await {
                return Some(life);
            }
        }
        env.sleep(LOOK).await;
    }
    None
}

/// Writes the wish, if the broker still lives this life. Whether it is written for sure.
async fn write<E: Env<Fact = Fact>>(
    service: &Coordination<E>,
    view: &View,
    Wish { broker, down, limit, .. }: Wish,
    life: BrokerEpoch,
) -> bool {
    let (key, lives) = (keys::stop(broker), keys::broker(broker));
    let unchanged = Check::unchanged(&key, view.entries.get(&key).map(keys::version));
    let still = Check::version(&lives, keys::version(&view.entries[&lives]));
    let wish = Edit::put(&key, keys::encode(&Stop { life, down, limit }));
    service.transact(vec![unchanged, still], vec![wish]).await.is_ok()
}

async fn wait_until_back<E: Env<Fact = Fact>>(
    env: &E,
    service: &Coordination<E>,
    wish: Wish,
    before: BrokerEpoch,
) {
    while env.now() < wish.until {
        if let Ok(view) = service.read_prefix(keys::ALL).await
            && life(&view, wish.broker).is_some_and(|life| life != before)
            && is_in_sync(&view, wish.broker)
        {
            return;
        }
        env.sleep(LOOK).await;
    }
}

fn news(view: &View) -> impl Iterator<Item = News> + '_ {
    view.entries.iter().filter_map(|(key, entry)| keys::news(key, Some(entry)))
}

fn life(view: &View, broker: BrokerId) -> Option<BrokerEpoch> {
    view.entries.get(&keys::broker(broker)).map(|entry| keys::life_of(keys::version(entry)))
}

/// Whether a broker is in sync wherever it has a copy.
fn is_in_sync(view: &View, broker: BrokerId) -> bool {
    let lags = |news| matches!(news, News::Partition(_, state) if state.replicas.has(broker) && !state.in_sync.has(broker));
    !news(view).any(lags)
}
