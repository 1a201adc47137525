//! What is asked of every core alike.

use rehearsal::explore::{Choice, Core, Explorable, Found, Limits, Order, Verdict, named};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::AtomicBool;

/// Which known bug, in bounds about as small as it allows; which promise breaks; in how many steps.
pub type Missed = (&'static str, &'static str, &'static str, usize);

fn core(name: &str) -> Box<dyn Explorable> {
    named(name).unwrap_or_else(|| panic!("there is no core {name}"))
}

/// The plain choice with these values, without these rules.
pub fn chosen(name: &str, bounds: &str, defects: &[&str]) -> Choice {
    let core = core(name);
    let mut choice = Choice::plain(core.knobs());
    for bound in bounds.split_whitespace() {
        let (name, value) = bound.split_once('=').expect("a bound");
        choice.set(core.knobs(), name, value).expect("it can be chosen");
    }
    choice.defects = defects.iter().map(|name| (*name).to_owned()).collect();
    choice
}

/// The same, with nothing left out.
pub fn without_reductions(choice: &Choice) -> Choice {
    let mut choice = choice.clone();
    choice.reduced = false;
    choice
}

pub fn search(name: &str, choice: &Choice, limits: &Limits) -> Found {
    core(name).search(choice, limits, &AtomicBool::new(false), &mut |_| {}).expect("it can be searched")
}

pub fn is_verified(name: &str, bounds: &str) {
    let found = search(name, &chosen(name, bounds, &[]), &Limits::default());
    assert!(matches!(found.verdict, Verdict::Verified), "{bounds}: {:?}", found.verdict);
    assert_eq!(found.never, Vec::<&str>::new(), "{bounds}");
    assert!(found.unique > 500 && found.states > found.unique, "{} of {}", found.unique, found.states);
}

/// Every rule of the core is among these, and is missed as it says; with all of them nothing is.
pub fn are_missed(name: &str, missed: &[Missed]) {
    for (defect, bounds, promise, steps) in missed {
        let found = search(name, &chosen(name, bounds, &[defect]), &Limits::default());
        let Verdict::Refuted(violation) = found.verdict else { panic!("{defect}: {:?}", found.verdict) };
        let told = (violation.promise, violation.steps.len());
        assert_eq!(told, (*promise, *steps), "{defect}: {:#?}", violation.story);
        let limits = Limits { order: Order::Depth, states: Some(3_000), ..Limits::default() };
        let sound = search(name, &chosen(name, bounds, &[]), &limits);
        assert!(!matches!(sound.verdict, Verdict::Refuted(_)), "{bounds}: {:?}", sound.verdict);
    }
    let tried: BTreeSet<&str> = missed.iter().map(|(defect, ..)| *defect).collect();
    let there: BTreeSet<&str> = core(name).rules().iter().map(|rule| rule.defect).collect();
    assert_eq!(tried, there);
}

pub fn key<S: Hash>(state: &S) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// The keys of all that can come next.
pub fn next_keys<C: Core>(core: &C, state: &C::State) -> BTreeSet<u64> {
    let mut actions = Vec::new();
    core.actions(state, &mut actions);
    actions.iter().map(|action| key(&core.next(state, action))).collect()
}

/// Walks to every state within bounds, and says how many there are and what is visible in them. States that are taken
/// for one must go on in the same way; how many were, though they differ, is said too.
pub fn everything<C: Core, V: Ord>(
    choice: &Choice,
    visible: impl Fn(&C::State) -> V,
) -> (usize, usize, BTreeSet<V>) {
    let core = C::chosen(choice).expect("it fits");
    let mut known = BTreeMap::<u64, (C::State, BTreeSet<u64>)>::new();
    let mut waiting = vec![core.first()];
    let (mut seen, mut taken_for_one) = (BTreeSet::new(), 0);
    while let Some(state) = waiting.pop() {
        if let Some((other, next)) = known.get(&key(&state)) {
            if *other != state {
                taken_for_one += 1;
                assert_eq!(
                    next_keys(&core, &state),
                    *next,
                    "{:#?} {:#?}",
                    core.picture(other),
                    core.picture(&state)
                );
            }
            continue;
        }
        seen.insert(visible(&state));
        let mut actions = Vec::new();
        core.actions(&state, &mut actions);
        let labels: BTreeSet<String> = actions.iter().map(C::label).collect();
        assert_eq!(labels.len(), actions.len(), "no two steps are told by the same words: {labels:#?}");
        waiting.extend(actions.iter().map(|action| core.next(&state, action)));
        let next = next_keys(&core, &state);
        known.insert(key(&state), (state, next));
    }
    (known.len(), taken_for_one, seen)
}
