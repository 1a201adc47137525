//! The agreement of members on a log: it is searched to its end, every rule is missed, and names make no difference.

use crate::cores::{Missed, are_missed, chosen, everything, is_verified, key, next_keys, without_reductions};
use proptest::prelude::*;
use rehearsal::explore::Core;
use rehearsal::explore::consensus::Consensus;
use rehearsal::explore::consensus::action::{Action, Move};
use rehearsal::explore::consensus::state::{Letter, State};
use rehearsal_model::coordination::consensus::MemberId;

const CORE: &str = "coordination-consensus";

const MISSED: [Missed; 12] = [
    ("vote-not-synced", "terms=1 proposals=0 reads=0 crashes=1 messages=2", "one-leader-per-term", 9),
    ("votes-twice", "terms=1 proposals=0 reads=0 crashes=0 messages=2", "one-leader-per-term", 6),
    ("votes-for-shorter-log", "terms=2 proposals=0 reads=0 crashes=0 messages=2", "leader-has-all", 9),
    ("counts-stale-votes", "terms=2 proposals=0 reads=0 crashes=0 messages=2", "one-leader-per-term", 7),
    (
        "appends-answered-before-sync",
        "terms=1 proposals=0 reads=0 crashes=0 messages=1",
        "committed-on-disks",
        8,
    ),
    (
        "leader-counts-before-sync",
        "terms=1 proposals=0 reads=0 crashes=0 messages=1",
        "committed-on-disks",
        5,
    ),
    ("commits-earlier-term", "terms=3 proposals=0 reads=0 crashes=1 messages=1", "electable-has-all", 15),
    ("late-append-cuts", "terms=1 proposals=1 reads=0 crashes=0 messages=2", "committed-on-disks", 9),
    ("obeys-stale-leader", "terms=2 proposals=0 reads=0 crashes=0 messages=2", "committed-on-disks", 10),
    ("counts-stale-answers", "terms=2 proposals=0 reads=0 crashes=1 messages=2", "committed-on-disks", 10),
    ("deposed-leader-reads", "terms=2 proposals=0 reads=1 crashes=0 messages=2", "reads-are-fresh", 10),
    ("reads-before-first-commit", "terms=2 proposals=0 reads=1 crashes=0 messages=2", "reads-are-fresh", 12),
];

#[test]
fn small_worlds_are_searched_to_their_ends_and_found_sound() {
    is_verified(CORE, "terms=1 proposals=1 reads=1 crashes=1 messages=1");
    is_verified(CORE, "terms=2 proposals=0 reads=0 crashes=1 messages=1");
}

#[test]
fn without_any_one_rule_a_promise_breaks_and_with_all_of_them_none() {
    are_missed(CORE, &MISSED);
}

/// What clients and disks can see of a state, whoever is called what: what was committed and when, how often somebody
/// led, and what was asked and answered.
type Visible = (Vec<(u32, Option<u8>, u32)>, Vec<u32>, [u8; 4]);

fn visible(state: &State) -> Visible {
    let committed = state.committed.iter();
    (
        committed.map(|known| (known.entry.term.0, known.entry.command, known.term.0)).collect(),
        state.leaders.iter().map(|(term, _)| term.0).collect(),
        [state.proposed, state.asked, state.answered, state.crashes],
    )
}

#[test]
fn all_that_is_visible_is_seen_with_and_without_reductions() {
    for bounds in [
        "members=2 terms=1 proposals=1 reads=1 crashes=1 messages=1",
        "members=2 terms=2 proposals=0 reads=1 crashes=0 messages=1",
        "members=3 terms=1 proposals=0 reads=0 crashes=1 messages=1",
    ] {
        let choice = chosen(CORE, bounds, &[]);
        let (few, one, reduced) = everything::<Consensus, _>(&choice, visible);
        let (many, _, whole) = everything::<Consensus, _>(&without_reductions(&choice), visible);
        assert_eq!(reduced, whole, "{bounds}");
        assert!(few < many && one > 0, "{bounds}: {few} of {many}, {one} taken for one");
    }
}

type Names = [u8; 3];

fn renamed(names: Names, action: &Action) -> Action {
    let name = |id: &MemberId| MemberId(names[usize::from(id.0)]);
    let letter =
        |one: &Letter| Letter { from: name(&one.from), to: name(&one.to), message: one.message.clone() };
    let what = match &action.what {
        Move::Stand(id) => Move::Stand(name(id)),
        Move::Beat(id) => Move::Beat(name(id)),
        Move::Propose(id) => Move::Propose(name(id)),
        Move::Read(id) => Move::Read(name(id)),
        Move::Deliver(one) => Move::Deliver(letter(one)),
        Move::Sync(id, through) => Move::Sync(name(id), *through),
        Move::Crash(id, kept) => Move::Crash(name(id), *kept),
    };
    Action { what, lost: action.lost.iter().map(letter).collect() }
}

fn defects() -> impl Strategy<Value = Vec<&'static str>> {
    let one = prop::sample::select(MISSED.map(|(defect, ..)| defect).to_vec());
    prop_oneof![1 => Just(Vec::new()), 1 => one.prop_map(|name| vec![name])]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// The same walk of members with other names goes through the same states, and everywhere the same can happen next.
    #[test]
    fn a_walk_under_other_names_goes_through_the_same_states(
        names in Just([0_u8, 1, 2]).prop_shuffle(),
        defects in defects(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
    ) {
        let bounds = "terms=4 proposals=2 reads=2 crashes=2 messages=2";
        let core = Consensus::chosen(&chosen(CORE, bounds, &defects)).expect("it fits");
        let (mut left, mut right) = (core.first(), core.first());
        for choice in choices {
            prop_assert_eq!(key(&left), key(&right));
            prop_assert_eq!(next_keys(&core, &left), next_keys(&core, &right));
            let mut actions = Vec::new();
            core.actions(&left, &mut actions);
            if actions.is_empty() {
                break;
            }
            let action = choice.get(&actions);
            (left, right) = (core.next(&left, action), core.next(&right, &renamed(names, action)));
        }
    }
}
