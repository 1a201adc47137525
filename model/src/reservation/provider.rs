//! The payment provider: outside the chain, and not to be relied on. It answers late, twice or never, but what it
//! did it did, and a key is charged at most once.

use super::facts::Fact;
use super::plan::Plan;
use super::protocol::{ProviderAnswer, ProviderRequest};
use crate::rpc::{Desk, Question};
use rehearsal_env::{Env, Observer, Time};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// What the provider's books say about each key: (charged or not, amount).
type Accounts = Rc<RefCell<BTreeMap<u64, Account>>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Account {
    Charged(i64),
    Refused,
    GivenBack,
}

/// Runs the provider on this node.
pub async fn serve<E: Env<Fact = Fact>>(env: E, plan: Arc<Plan>) {
    let desk = Desk::<E, ProviderRequest, ProviderAnswer>::bind(&env);
    let accounts = Accounts::default();
    loop {
        let question = desk.next().await;
        env.spawn(answer(env.clone(), plan.clone(), desk.clone(), accounts.clone(), question));
    }
}

/// 1. Perhaps dawdle. 2. Do it, unless it was done. 3. Answer once, twice or never.
async fn answer<E: Env<Fact = Fact>>(
    env: E,
    plan: Arc<Plan>,
    desk: Desk<E, ProviderRequest, ProviderAnswer>,
    accounts: Accounts,
    question: Question<ProviderRequest>,
) {
    let knobs = &plan.knobs;
    let in_trouble =
        |env: &E, share: u64| env.now() < Time(knobs.provider_recovers.0) && env.below(100) < share;
    if in_trouble(&env, knobs.provider_late) {
        env.sleep(Duration::from_nanos(env.below(knobs.provider_late_max.0.max(1)))).await;
    }
    let refuses = env.below(100) < knobs.provider_refuses;
    let answer = carry_out(&env, &mut accounts.borrow_mut(), question.body, refuses);
    if in_trouble(&env, knobs.provider_never) {
        return;
    }
    desk.answer(question.from, question.call, answer);
    if in_trouble(&env, knobs.provider_twice) {
        desk.answer(question.from, question.call, answer);
    }
}

fn carry_out<O: Observer<Fact = Fact>>(
    observer: &O,
    accounts: &mut BTreeMap<u64, Account>,
    request: ProviderRequest,
    refuses: bool,
) -> ProviderAnswer {
    match request {
        ProviderRequest::Charge { key, reservation, amount } => match accounts.get(&key) {
            Some(Account::Charged(_)) => {
                observer.observe(Fact::ProviderRepeat { reservation });
                ProviderAnswer::Charged
            }
            Some(Account::Refused | Account::GivenBack) => {
                observer.observe(Fact::ProviderRepeat { reservation });
                ProviderAnswer::Refused
            }
            None if refuses => {
                accounts.insert(key, Account::Refused);
                observer.observe(Fact::ChargeRefused { reservation });
                ProviderAnswer::Refused
            }
            None => {
                accounts.insert(key, Account::Charged(amount));
                observer.observe(Fact::Charged { reservation, amount });
                ProviderAnswer::Charged
            }
        },
        ProviderRequest::GiveBack { key, reservation } => {
            match accounts.insert(key, Account::GivenBack) {
                Some(Account::Charged(amount)) => {
                    observer.observe(Fact::MoneyReturned { reservation, amount });
                }
                Some(Account::GivenBack) => observer.observe(Fact::ProviderRepeat { reservation }),
                Some(Account::Refused) | None => {}
            }
            ProviderAnswer::GivenBack
        }
    }
}
