//! A lock with leases. Its holder stands still, wakes up, and writes, while somebody else has the lease: M. Kleppmann,
//! "How to do distributed locking", 2016. The storage is saved by fencing tokens.

use rehearsal::prelude::*;

rehearsal::facts! {
    /// What can have happened.
    pub enum LockFact {
        /// The lock service gave a worker the lease.
        Granted { worker: u32, token: u64 } => "grants worker-{worker} the lease, with token {token}",
        /// The storage took a write.
        Wrote { worker: u32, token: u64 } => "takes the write of worker-{worker} under token {token}",
        /// The storage refused a write: a newer token was there before.
        Refused { worker: u32, token: u64 } => "refuses the write of worker-{worker} under token {token}",
    }
}

#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
struct Acquire(u32, u64);
#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
struct Lease(u64, u64);
#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
struct Write(u32, u64);

/// Gives one worker at a time the lease, which ends by itself.
async fn lock(env: impl Env<Fact = LockFact>, place: Place) {
    let (questions, leases) = (env.bind::<Acquire>(), env.bind::<Lease>());
    let (mut token, mut free_from) = (0, env.now());
    loop {
        let Received { from, message: Acquire(worker, round) } = questions.recv().await;
        if env.now() >= free_from {
            (token, free_from) = (token + 1, env.now() + place.knobs.span("lease"));
            env.observe(LockFact::Granted { worker, token });
            leases.send(from, Lease(round, token));
        }
    }
}

/// Takes what is written, unless somebody with a newer token has written before.
async fn storage(env: impl Env<Fact = LockFact>, place: Place) {
    let (writes, mut newest) = (env.bind::<Write>(), 0);
    loop {
        let Write(worker, token) = writes.recv().await.message;
        if token < newest && !place.knobs.has_defect("no-fencing") {
            env.observe(LockFact::Refused { worker, token });
            continue;
        }
        newest = token;
        env.observe(LockFact::Wrote { worker, token });
    }
}

/// Gets the lease, sees that enough is left of it for what it has to do, does it, and writes.
async fn worker(env: impl Env<Fact = LockFact>, place: Place) {
    let (questions, leases, writes) = (env.bind::<Acquire>(), env.bind::<Lease>(), env.bind::<Write>());
    let (lease, effort) = (place.knobs.span("lease"), place.knobs.span("effort"));
    for round in 0.. {
        env.sleep(Duration::from_millis(env.below(300))).await;
        // It counts from when it asked, so its lease never ends later than the lock service thinks.
        let ends = env.now() + lease;
        questions.send(place.node("lock"), Acquire(place.number, round));
        let Ok(Lease(of_round, token)) = env.timeout(lease, async { leases.recv().await.message }).await
        else {
            continue;
        };
        if of_round == round && env.now() + effort < ends {
            env.sleep(effort).await;
            writes.send(place.node("storage"), Write(place.number, token));
        }
    }
}

/// The system.
pub fn system() -> Declaration<LockFact> {
    declare("lock", "workers write to a storage, under leases of a lock service")
        .node("lock", lock)
        .node("storage", storage)
        .nodes("worker", 2..=4, worker)
        .spare("lock")
        .spare("storage")
        .knob("lease", Span::millis(500)..=Span::millis(2_000))
        .knob("effort", Span::millis(10)..=Span::millis(100))
        .request("Granted")
        .always(
            "newest-writes-last",
            "who has written under a newer lease is never overwritten under an older one",
            |last: &mut (u64, u64), stamp, fact| match fact {
                LockFact::Wrote { worker, token } if *token < last.0 => {
                    let what = format!(
                        "worker-{worker} writes under token {token} what was written under {}",
                        last.0
                    );
                    Err(Objection::new(what).because(last.1))
                }
                LockFact::Wrote { token, .. } => {
                    *last = (*token, stamp.number);
                    Ok(())
                }
                _ => Ok(()),
            },
        )
        .marker("stale-write-refused", |fact| matches!(fact, LockFact::Refused { .. }))
        .defect("no-fencing", "newest-writes-last", "a storage that trusts whoever once had the lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_storage_is_saved_by_fencing_tokens() {
        check(system()).seeds(500).require_markers().run();
    }

    #[test]
    fn a_holder_that_stood_still_overwrites_the_next_one() {
        let broken = check(system()).defect("no-fencing").only(&["pauses"]).must_break("newest-writes-last");
        assert_eq!(broken.scenario.faults.len(), 1, "{}", broken.story_text());
    }
}
