//! The rules that can be removed, in the order of the protocol.

use crate::explore::core::Rule;

/// What the searches of the table share: no more than the ways there need.
const PLAIN: &[(&str, &str)] = &[("proposals", "0"), ("messages", "2")];
/// Figure 8 takes three leaders; with a fourth what was committed would be gone.
const FIGURE_8: &[(&str, &str)] = &[("terms", "3"), ("proposals", "0")];
const PROPOSAL: &[(&str, &str)] = &[("terms", "1"), ("crashes", "0"), ("messages", "2")];
const READ: &[(&str, &str)] = &[("proposals", "0"), ("reads", "1"), ("crashes", "0"), ("messages", "2")];

/// With what all rules together are searched.
pub(super) const SOUND: &[&[(&str, &str)]] = &[
    &[],
    &[("proposals", "0"), ("messages", "2")],
    &[("terms", "3"), ("proposals", "0")],
    &[("proposals", "0"), ("reads", "1")],
    &[("terms", "1"), ("proposals", "2"), ("reads", "1")],
];

const fn rule(defect: &'static str, says: &'static str, source: &'static str) -> Rule {
    Rule { defect, says, source, needs: PLAIN }
}

pub(super) const RULES: &[Rule] = &[
    rule("vote-not-synced", "a vote is on the disk before it is given", "Raft, 5.2"),
    rule("votes-twice", "one vote a term", "Raft, 5.2"),
    rule("votes-for-shorter-log", "no vote for a log that is less up to date", "Raft, 5.4.1"),
    rule("counts-stale-votes", "a vote counts in its term alone", "Raft, 5.2"),
    rule(
        "appends-answered-before-sync",
        "a follower's entries are on its disk before it says so",
        "Raft, 5.3",
    ),
    rule(
        "leader-counts-before-sync",
        "a leader counts itself for what is on its disk",
        "dissertation, 10.2.1",
    ),
    Rule {
        needs: FIGURE_8,
        ..rule("commits-earlier-term", "only entries of the leader's own term are counted", "Raft, 5.4.2")
    },
    Rule { needs: PROPOSAL, ..rule("late-append-cuts", "what is there already stays", "Raft, 5.3") },
    rule("obeys-stale-leader", "entries of an earlier term's leader are refused", "Raft, 5.1"),
    rule("counts-stale-answers", "what followers have counts in the term in which they said it", "Raft, 5.1"),
    Rule {
        needs: READ,
        ..rule(
            "deposed-leader-reads",
            "a leader asks whether it still leads before it answers a read",
            "dissertation, 6.4",
        )
    },
    Rule {
        needs: READ,
        ..rule(
            "reads-before-first-commit",
            "and not before it has committed an entry of its own",
            "dissertation, 6.4",
        )
    },
];
