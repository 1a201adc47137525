//! A consumer's time in its group, as is wished for: it is there from its start on, but for the times when it is to be
//! away. Then it leaves in an orderly way, so that the group goes on at once and not when its session is over. And now and
//! then it is to go back and work through what it owns again.
//!
//! A consumer that comes up again has missed what was wished for meanwhile.

use super::client::{Seat, Work};
use super::facts::Fact;
use super::operation::Operation;
use super::plan::Plan;
use crate::race::race;
use rehearsal_env::{Env, Time};
use std::rc::Rc;
use std::time::Duration;

/// For how long a consumer that cannot go back at once, because it owns nothing or is about to commit, may do so later.
const SOON: Duration = Duration::from_secs(2);

/// Takes the seat of consumer `number`, for ever.
pub(super) async fn attend<E: Env<Fact = Fact>, W: Work>(
    env: &E,
    plan: &Plan,
    number: u32,
    seat: Rc<Seat<E>>,
    work: Rc<W>,
) {
    let now = env.now();
    let mut wishes = plan.wishes_of(number);
    wishes.retain(|wish| Time(wish.at().0) >= now);
    for wish in &wishes {
        if let Operation::Replay { at, .. } = wish {
            env.spawn(go_back(env.clone(), Time(at.0), seat.clone(), work.clone()));
        }
    }
    for wish in wishes {
        if let Operation::StopConsumer { at, away, .. } = wish {
            race(seat.clone().run(work.clone()), env.sleep_until(Time(at.0))).await;
            seat.leave().await;
            env.sleep(away.duration()).await;
        }
    }
    seat.run(work).await;
}

/// Goes back at that time, or soon after.
async fn go_back<E: Env<Fact = Fact>, W: Work>(env: E, at: Time, seat: Rc<Seat<E>>, work: Rc<W>) {
    env.sleep_until(at).await;
    while env.now() <= at + SOON && !seat.go_back(&work).await {
        seat.pause().await;
    }
}
