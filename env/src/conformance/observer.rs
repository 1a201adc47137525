//! The promises of [`Observer`](crate::Observer).

use super::{AT_MOST, Check, check};
use crate::{Env, Port};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Step(u32);

pub(super) fn checks<E: Env>(fact: E::Fact) -> Vec<Check<E>>
where
    E::Fact: Send,
{
    let observing = move |env| observing_disturbs_nobody(env, fact.clone());
    vec![check("observer::observing_disturbs_nobody", observing)]
}

/// Reporting facts and asking for rare branches take no turn away: messages come once and in order, and time goes on.
pub async fn observing_disturbs_nobody<E: Env>(env: E, fact: E::Fact) {
    let port = env.bind::<Step>();
    for number in 0..20 {
        port.send(env.id(), Step(number));
        env.observe(fact.clone());
        env.rarely("conformance");
        let begun = env.now();
        env.sleep(Duration::from_micros(100)).await;
        assert!(env.now() > begun);
        env.observe(fact.clone());
        let received = env.timeout(AT_MOST, port.recv()).await.expect("it is reliable");
        assert_eq!(received.message, Step(number));
    }
}
