//! A counter on several replicas that need not agree on anything: each keeps for every replica how much was added there,
//! and tells the others what it knows; where two differ, the larger one is the newer (a grow-only counter: Shapiro,
//! Preguiça, Baquero, Zawirski, "Conflict-free Replicated Data Types", 2011). Messages may be lost, doubled and late.

use rehearsal::prelude::*;
use std::collections::BTreeMap;

rehearsal::facts! {
    /// What can have happened.
    pub enum CounterFact {
        /// Something was added at a replica.
        Added { amount: u64 } => "adds {amount}",
        /// A replica heard of another, and says what the counter is now.
        Shown { replica: u32, total: u64 } => "has heard of another replica, and shows {total}",
    }
}

/// What was added at each replica, by its number, as far as the sender knows.
#[derive(Clone, Debug, Default, Hash, Serialize, Deserialize)]
struct Counts(BTreeMap<u32, u64>);

impl Counts {
    fn merge(&mut self, heard: Counts, merge_adds: bool) {
        for (replica, count) in heard.0 {
            let mine = self.0.entry(replica).or_default();
            *mine = if merge_adds { *mine + count } else { count.max(*mine) };
        }
    }

    fn total(&self) -> u64 {
        self.0.values().fold(0, |total, count| total.saturating_add(*count))
    }
}

/// Adds what is its work, hears of others, and tells them what it knows from time to time.
async fn replica(env: impl Env<Fact = CounterFact>, place: Place) {
    let (wire, mut counts) = (env.bind::<Counts>(), Counts::default());
    let mut work: Vec<(Time, u64)> =
        place.work("add").map(|item| (item.time("at"), item.number("amount"))).collect();
    work.sort_unstable_by(|one, other| other.cmp(one));
    let mut tells_at = env.now();
    loop {
        let next = work.last().map_or(tells_at, |(at, _)| tells_at.min(*at));
        if let Ok(heard) = env.timeout(next.since(env.now()), wire.recv()).await {
            counts.merge(heard.message, place.knobs.has_defect("merge-adds"));
            env.observe(CounterFact::Shown { replica: place.number, total: counts.total() });
        }
        while let Some((_, amount)) = work.pop_if(|(at, _)| *at <= env.now()) {
            *counts.0.entry(place.number).or_default() += amount;
            env.observe(CounterFact::Added { amount });
        }
        if tells_at <= env.now() {
            place.others().for_each(|other| wire.send(other, counts.clone()));
            tells_at = env.now() + place.knobs.span("interval");
        }
    }
}

/// What an invariant remembers: all that was added, and what each replica shows.
#[derive(Default)]
struct Seen {
    added: u64,
    shown: BTreeMap<u32, (u64, u64)>,
}

impl Seen {
    fn note(&mut self, stamp: &Stamp, fact: &CounterFact) {
        match fact {
            CounterFact::Added { amount } => self.added += amount,
            CounterFact::Shown { replica, total } => {
                self.shown.insert(*replica, (*total, stamp.number));
            }
        }
    }
}

/// The system.
pub fn system() -> Declaration<CounterFact> {
    declare("replicas", "a counter that grows on several replicas, which tell each other")
        .nodes("replica", 2..=4, replica)
        // They keep everything in memory: what a crash takes was never anywhere else.
        .spare("replica")
        .knob("interval", Span::millis(100)..=Span::millis(1_000))
        .work(
            "add",
            Work::items(1..=12).of("replica").field("at", Span(0)..=Span::seconds(8)).field("amount", 1..=9),
        )
        .request("Added")
        .always(
            "nothing-is-invented",
            "no replica shows more than was added anywhere",
            |seen: &mut Seen, stamp, fact| {
                seen.note(stamp, fact);
                match fact {
                    CounterFact::Shown { total, .. } if *total > seen.added => {
                        Err(format!("{total} is shown, and {} was added", seen.added).into())
                    }
                    _ => Ok(()),
                }
            },
        )
        .finally("replicas-agree", "in the calm every replica shows all that was added", Seen::note, |seen| {
            match seen.shown.iter().find(|(_, (total, _))| *total != seen.added) {
                None => Ok(()),
                Some((replica, (total, number))) => {
                    let what =
                        format!("replica-{replica} shows {total} in the end, and {} was added", seen.added);
                    Err(Objection::new(what).because(*number))
                }
            }
        })
        .defect("merge-adds", "nothing-is-invented", "counts that are added up when two replicas meet")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_agree_whatever_the_network_does() {
        check(system()).seeds(300).twice().run();
    }

    #[test]
    fn counts_that_are_added_up_are_convicted_by_one_addition() {
        let broken = check(system()).defect("merge-adds").must_break("nothing-is-invented");
        assert_eq!(broken.scenario.knobs["add"].as_array().map(Vec::len), Some(1), "{}", broken.story_text());
        assert_eq!(broken.scenario.topology["replica"].as_integer(), Some(2), "{}", broken.story_text());
    }
}
