//! A consumer group: it is searched to its end, every rule is missed, and which consumer is which makes no difference.

use crate::cores::{Missed, are_missed, chosen, everything, is_verified, next_keys, without_reductions};
use proptest::prelude::*;
use rehearsal::explore::Core;
use rehearsal::explore::group::Consumers;
use rehearsal::explore::group::state::State;

const CORE: &str = "queue-group";

const MISSED: [Missed; 10] = [
    (
        "generation-told-before-written",
        "partitions=1 records=1 deaths=0 timeouts=0 messages=0",
        "zombie-is-told",
        9,
    ),
    ("two-owners", "partitions=1 records=1 deaths=0 takeovers=0 timeouts=0 messages=0", "zombie-is-told", 8),
    (
        "expired-session-owns",
        "partitions=1 records=1 deaths=0 takeovers=0 timeouts=0 messages=0",
        "silence-ends-membership",
        4,
    ),
    ("zombie-commits", "partitions=1 records=1 deaths=0 takeovers=0 timeouts=0", "zombie-is-fenced", 14),
    (
        "commit-told-before-written",
        "partitions=1 records=1 deaths=0 takeovers=0 silences=0 timeouts=0 messages=0",
        "offsets-move-forward",
        9,
    ),
    (
        "answers-while-loading",
        "partitions=1 records=1 deaths=0 silences=0 timeouts=0 messages=0",
        "offsets-move-forward",
        11,
    ),
    (
        "deposed-coordinator-answers",
        "partitions=1 records=1 deaths=0 silences=0 timeouts=0 messages=0 deposed=asked",
        "offsets-move-forward",
        16,
    ),
    (
        "joins-without-letting-go",
        "deaths=0 takeovers=0 silences=0 timeouts=0 messages=0 records=2",
        "offsets-move-forward",
        26,
    ),
    (
        "commits-before-processing",
        "partitions=1 records=1 deaths=0 takeovers=0 silences=0 timeouts=0 messages=0",
        "commits-what-is-processed",
        9,
    ),
    (
        "begins-before-confirmed",
        "partitions=1 records=1 deaths=1 takeovers=0 silences=1 timeouts=0 messages=0 delivery=at-most-once",
        "at-most-once",
        16,
    ),
];

#[test]
fn small_worlds_are_searched_to_their_ends_and_found_sound() {
    is_verified(CORE, "partitions=1 deaths=0 takeovers=0 silences=1 timeouts=1");
    is_verified(CORE, "partitions=1 deaths=0 timeouts=0 delivery=at-most-once");
    is_verified(CORE, "partitions=1 deaths=0 silences=0 messages=0 deposed=asked");
}

#[test]
fn without_any_one_rule_a_promise_breaks_and_with_all_of_them_none() {
    are_missed(CORE, &MISSED);
}

/// What is told to consumers, and what they do: the newest generation, what was confirmed, and what was processed.
fn visible(state: &State) -> (u32, Vec<u64>, Vec<Vec<bool>>, Vec<u32>) {
    let chronicle = &state.chronicle;
    let processed = chronicle.processed.values();
    let mut owners: Vec<u32> = state.consumers.iter().filter_map(|one| Some(one.owned()?.0.0)).collect();
    owners.sort_unstable();
    (
        chronicle.told.0,
        chronicle.confirmed.values().map(|offset| offset.0).collect(),
        processed.map(|times| times.iter().map(|times| *times > 0).collect()).collect(),
        owners,
    )
}

#[test]
fn all_that_is_visible_is_seen_with_and_without_reductions() {
    for bounds in [
        "partitions=1 records=1 deaths=0 takeovers=0 silences=0 timeouts=1 messages=0",
        "partitions=1 records=1 deaths=1 takeovers=0 silences=1 timeouts=0 messages=0 delivery=at-most-once",
    ] {
        let choice = chosen(CORE, bounds, &[]);
        let (few, one, reduced) = everything::<Consumers, _>(&choice, visible);
        let (many, _, whole) = everything::<Consumers, _>(&without_reductions(&choice), visible);
        assert_eq!(reduced, whole, "{bounds}");
        assert!(few < many && one > 0, "{bounds}: {few} of {many}, {one} taken for one");
    }
}

fn defects() -> impl Strategy<Value = Vec<&'static str>> {
    let one = prop::sample::select(vec!["zombie-commits", "two-owners", "joins-without-letting-go"]);
    prop_oneof![1 => Just(Vec::new()), 1 => one.prop_map(|name| vec![name])]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Wherever a walk leads: whichever consumer is which, the same can happen next.
    #[test]
    fn consumers_in_another_order_can_do_the_same(
        order in Just([0_usize, 1, 2]).prop_shuffle(),
        defects in defects(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..60),
    ) {
        let bounds = "consumers=3 generations=4 deaths=2 takeovers=2 silences=2 timeouts=2 messages=2";
        let core = Consumers::chosen(&chosen(CORE, bounds, &defects)).expect("it fits");
        let mut state = core.first();
        for choice in choices {
            let mut other = state.clone();
            other.consumers = order.iter().map(|number| state.consumers[*number].clone()).collect();
            prop_assert_eq!(next_keys(&core, &state), next_keys(&core, &other));
            let mut actions = Vec::new();
            core.actions(&state, &mut actions);
            if actions.is_empty() {
                break;
            }
            state = core.next(&state, choice.get(&actions));
        }
    }
}
