//! Messages that are lent to one consumer each.

use crate::stage::{at, crash, every_seed, plan};
use rehearsal_model::queue::facts::{Fact, LendingFact};
use rehearsal_model::queue::lending::{Held, LoanNumber};
use rehearsal_model::queue::plan::{ConsumerPlan, Plan};
use rehearsal_sim::Span;
use std::collections::BTreeMap;

/// As [`plan`], with two consumers who borrow, each loan for a second.
fn lending(messages: u32) -> Plan {
    let plain = plan(messages);
    let borrows = |consumer| ConsumerPlan { loan: Some(Span::seconds(1)), ..consumer };
    Plan { consumers: plain.consumers.iter().copied().map(borrows).collect(), ..plain }
}

/// Each message is removed under one loan, for which it was acknowledged.
fn is_removed_once(facts: impl Iterator<Item = Fact>, messages: usize, seed: u64) {
    let mut removed: BTreeMap<_, Vec<LoanNumber>> = BTreeMap::new();
    for fact in facts {
        if let Fact::Lending { what: LendingFact::Removed(Held { partition, offset, loan }), .. } = fact {
            removed.entry((partition, offset)).or_default().push(loan);
        }
    }
    assert_eq!(removed.len(), messages, "with seed {seed}");
    assert!(removed.values().all(|loans| loans.len() == 1), "with seed {seed}: {removed:?}");
}

#[test]
fn every_message_is_lent_and_removed_when_nothing_goes_wrong() {
    let seen = every_seed(&lending(20), |_| Vec::new());
    seen.each_processed_what_was_acknowledged(20);
    for (seed, facts) in seen.runs() {
        is_removed_once(facts.iter().map(|(_, fact)| fact.clone()), 20, *seed);
    }
}

#[test]
fn what_a_consumer_held_that_dies_is_lent_to_the_other() {
    let seen =
        every_seed(&lending(40), |seed| vec![at(1_000 + 40 * (seed % 60), crash("consumer-0", 12_000))]);
    seen.each_processed_what_was_acknowledged(40);
}

#[test]
fn what_was_lent_and_acknowledged_survives_the_lender() {
    let seen = every_seed(&lending(40), |seed| {
        vec![at(1_000 + 31 * (seed % 60), crash(&format!("broker-{}", seed % 3), 1_000))]
    });
    seen.each_processed_what_was_acknowledged(40);
    let found = seen.runs().iter().flat_map(|(_, facts)| facts).any(|(_, fact)| {
        matches!(fact, Fact::Lending { what: LendingFact::Loaded { start, .. }, .. } if start.0 > 0)
    });
    assert!(found, "no lender was ever taken over from");
}
