//! That what the search leaves out cannot matter: without any reduction it comes to the same.

use crate::cores::without_reductions;
use crate::verdicts::{chosen, search};
use rehearsal::explore::replication::Replication;
use rehearsal::explore::replication::state::{Entry, State};
use rehearsal::explore::{Choice, Core, Limits, Verdict};
use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

fn key(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// What clients and the next election can see of a state in which somebody leads, whoever is called what: how much was
/// appended, in which epoch, what was acknowledged, in whose time, and the logs of those who may be elected.
type Visible = (u8, usize, Vec<u32>, Vec<Vec<u32>>);

fn visible(state: &State) -> Visible {
    let epochs = |log: &[Entry]| -> Vec<u32> { log.iter().map(|entry| entry.epoch.0).collect() };
    let present = state.present();
    let may_lead = present.in_sync.or(present.eligible);
    let mut logs: Vec<_> = may_lead.iter().map(|broker| epochs(&state.node(broker).log)).collect();
    logs.sort();
    (state.appended, state.orders.len(), epochs(&state.promised), logs)
}

fn everything_visible(choice: &Choice) -> (usize, BTreeSet<Visible>) {
    let core = Replication::chosen(choice).expect("it fits");
    let first = core.first();
    let mut known = HashSet::from([key(&first)]);
    let mut waiting = vec![first];
    let mut seen = BTreeSet::new();
    let mut actions = Vec::new();
    while let Some(state) = waiting.pop() {
        if state.present().leader.is_some() {
            seen.insert(visible(&state));
        }
        core.actions(&state, &mut actions);
        for action in actions.drain(..) {
            let next = core.next(&state, &action);
            if known.insert(key(&next)) {
                waiting.push(next);
            }
        }
    }
    (known.len(), seen)
}

#[test]
fn all_that_is_visible_is_seen_with_and_without_reductions() {
    for bounds in [
        "slots=1 records=1 epochs=2 crashes=0 changes=1 messages=0",
        "slots=1 records=1 epochs=2 crashes=1 changes=0 messages=1",
        "replicas=2 slots=2 records=2 epochs=2 crashes=1 changes=1 messages=1",
        "replicas=2 slots=2 records=2 epochs=2 crashes=1 changes=1 messages=0 flush=background",
    ] {
        let choice = chosen(bounds, &[]);
        let (few, reduced) = everything_visible(&choice);
        let (many, whole) = everything_visible(&without_reductions(&choice));
        let missing: Vec<_> = whole.difference(&reduced).collect();
        let more: Vec<_> = reduced.difference(&whole).collect();
        assert!(missing.is_empty() && more.is_empty(), "{bounds}: missing {missing:?}, more {more:?}");
        assert!(few < many);
    }
}

/// Where no reduction is used, each rule is missed too, and by the same promise or by one that its steps break earlier.
#[test]
fn what_is_refuted_with_reductions_is_refuted_without() {
    for (bounds, defect) in [
        ("slots=1 records=1 epochs=1 crashes=0 messages=0 changes=0", "acknowledges-before-sync"),
        ("slots=1 records=1 epochs=1 crashes=0 messages=0 changes=0", "acknowledges-before-replication"),
        ("slots=1 records=1 epochs=2 crashes=0 messages=0 changes=0", "truncates-to-watermark"),
        ("slots=1 records=1 epochs=2 crashes=0 messages=0 changes=0", "never-truncates"),
        ("slots=1 records=1 epochs=2 crashes=0 messages=0 changes=1", "deposed-leader-acknowledges"),
        ("slots=1 records=1 epochs=2 crashes=0 messages=0 changes=1", "elects-out-of-sync"),
        ("slots=1 records=1 epochs=2 crashes=1 messages=0 changes=0", "obeys-orders-for-another-life"),
        ("slots=1 records=2 epochs=1 crashes=1 messages=0 changes=0", "restarted-leader-keeps-epoch"),
    ] {
        let choice = chosen(bounds, &[defect]);
        for choice in [without_reductions(&choice), choice] {
            let found = search(&choice, &Limits::default());
            assert!(matches!(found.verdict, Verdict::Refuted(_)), "{defect}: {:?}", found.verdict);
        }
        let sound = without_reductions(&chosen(bounds, &[]));
        let limits = Limits { states: Some(100_000), ..Limits::default() };
        assert!(!matches!(search(&sound, &limits).verdict, Verdict::Refuted(_)), "{bounds}");
    }
}
