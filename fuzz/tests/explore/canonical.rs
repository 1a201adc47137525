//! That brokers' names make no difference.

use proptest::prelude::*;
use rehearsal::explore::Core;
use rehearsal::explore::replication::Replication;
use rehearsal::explore::replication::action::{Action, Left};
use rehearsal::explore::replication::state::{Message, State};
use rehearsal_model::queue::brokers::BrokerId;
use rehearsal_model::queue::replica::{Asker, EndAnswer, EndRequest, FetchAnswer, FetchRequest};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::verdicts::chosen;

type Names = [u8; 3];

fn replication(defects: &[&str], leader: BrokerId) -> Replication {
    let bounds = "slots=3 records=4 epochs=4 crashes=2 changes=5 messages=2";
    Replication { leader, ..Replication::chosen(&chosen(bounds, defects)).expect("it fits") }
}

fn key(state: &State) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

fn broker(names: Names, broker: BrokerId) -> BrokerId {
    BrokerId(names[usize::from(broker.0)])
}

fn asker(names: Names, asker: Asker) -> Asker {
    Asker { broker: broker(names, asker.broker), ..asker }
}

fn message(names: Names, message: &Message) -> Message {
    let fetch = |request: FetchRequest| FetchRequest { asker: asker(names, request.asker), ..request };
    match message {
        Message::Fetch(to, request) => Message::Fetch(broker(names, *to), fetch(*request)),
        Message::Fetched(answer, entry) => {
            Message::Fetched(FetchAnswer { request: fetch(answer.request), ..*answer }, *entry)
        }
        Message::End(answer) => {
            let request = EndRequest { asker: asker(names, answer.request.asker), ..answer.request };
            Message::End(EndAnswer { request, ..*answer })
        }
    }
}

fn left(names: Names, left: &Left) -> Left {
    match left {
        Left::FetchInsteadOf(lost) => Left::FetchInsteadOf(message(names, lost)),
        other => other.clone(),
    }
}

/// The same step of brokers with other names.
fn renamed(names: Names, action: &Action) -> Action {
    let name = |one: &BrokerId| broker(names, *one);
    match action {
        Action::Hear(one, epoch, behind) => Action::Hear(name(one), *epoch, left(names, behind)),
        Action::Append(one) => Action::Append(name(one)),
        Action::Sync(one, through) => Action::Sync(name(one), *through),
        Action::Serve(one, answer) => Action::Serve(name(one), *answer),
        Action::Deliver(one) => Action::Deliver(message(names, one)),
        Action::Lose(one) => Action::Lose(message(names, one)),
        Action::Expand(one, other) => Action::Expand(name(one), name(other)),
        Action::Shrink(one, other) => Action::Shrink(name(one), name(other)),
        Action::Decide(one) => Action::Decide(name(one)),
        Action::Bury(one) => Action::Bury(name(one)),
        Action::Elect(one, old) => Action::Elect(name(one), *old),
        Action::Restart(one, kept, behind, learnt) => {
            Action::Restart(name(one), *kept, left(names, behind), *learnt)
        }
    }
}

fn names() -> impl Strategy<Value = Names> {
    Just([0, 1, 2]).prop_shuffle()
}

/// None, or one of those that change what the key has to tell apart.
fn defects() -> impl Strategy<Value = Vec<&'static str>> {
    let one = prop::sample::select(vec![
        "takes-stale-answer",
        "serves-stale-fetch",
        "set-written-blindly",
        "obeys-orders-for-another-life",
        "expands-below-watermark",
    ]);
    prop_oneof![2 => Just(Vec::new()), 1 => one.prop_map(|name| vec![name])]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// The same walk of brokers with other names goes through the same states, and everywhere the same can happen next.
    #[test]
    fn a_walk_under_other_names_goes_through_the_same_states(
        names in names(),
        defects in defects(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let (one, other) = (replication(&defects, BrokerId(0)), replication(&defects, BrokerId(names[0])));
        let (mut left, mut right) = (one.first(), other.first());
        for choice in choices {
            prop_assert_eq!(key(&left), key(&right));
            let (mut actions, mut there) = (Vec::new(), Vec::new());
            one.actions(&left, &mut actions);
            other.actions(&right, &mut there);
            prop_assert_eq!(actions.len(), there.len());
            let expected: Vec<Action> = actions.iter().map(|action| renamed(names, action)).collect();
            prop_assert!(expected.iter().all(|action| there.contains(action)), "{expected:?} {there:?}");
            let after = |core: &Replication, state: &State, actions: &[Action]| -> BTreeSet<u64> {
                actions.iter().map(|action| key(&core.next(state, action))).collect()
            };
            prop_assert_eq!(after(&one, &left, &actions), after(&other, &right, &there));
            if actions.is_empty() {
                break;
            }
            let action = choice.get(&actions);
            (left, right) = (one.next(&left, action), other.next(&right, &renamed(names, action)));
        }
    }

    /// No two steps that are possible in one state are told by the same words: a kept path is no riddle.
    #[test]
    fn steps_are_told_apart_by_their_words(
        defects in defects(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let core = replication(&defects, BrokerId(0));
        let mut state = core.first();
        for choice in choices {
            let mut actions = Vec::new();
            core.actions(&state, &mut actions);
            let words: BTreeSet<String> = actions.iter().map(Replication::label).collect();
            prop_assert_eq!(words.len(), actions.len());
            if actions.is_empty() {
                break;
            }
            state = core.next(&state, choice.get(&actions));
        }
    }
}
