//! A client: asks, waits, asks again, until it is answered.

use super::facts::CounterFact;
use super::messages::{Add, Added, Request};
use rehearsal_env::{Env, NodeId, Port};
use std::time::Duration;

/// What a client is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Work {
    /// How many requests it makes, one after the other.
    pub requests: u32,
    /// The longest pause before a request.
    pub longest_pause: Duration,
    /// How long it waits for an answer before it asks again.
    pub patience: Duration,
}

/// Makes its requests, each until it is answered.
pub async fn work<E: Env<Fact = CounterFact>>(env: E, server: NodeId, client: u32, work: Work) {
    let (requests, answers) = (env.bind::<Add>(), env.bind::<Added>());
    for number in 0..work.requests {
        let pause = env.below(work.longest_pause.as_nanos() as u64 + 1);
        env.sleep(Duration::from_nanos(pause)).await;
        let request = Request { client, number };
        let amount = 1 + env.below(9) as u32;
        for attempt in 0.. {
            env.observe(CounterFact::Asked { request, attempt, amount });
            requests.send(server, Add { request, attempt, amount });
            if let Ok(added) = env.timeout(work.patience, answer(&answers, request)).await {
                env.observe(CounterFact::Acknowledged { added, retries: attempt });
                break;
            }
        }
    }
}

/// The answer to this request; those to earlier ones come late or twice, and are passed over.
async fn answer(answers: &impl Port<Added>, request: Request) -> Added {
    loop {
        let added = answers.recv().await.message;
        if added.request == request {
            return added;
        }
    }
}
