//! The rules that can be removed, in the order of the protocol.

use crate::explore::core::Rule;

/// What the searches of the table share: no more than the ways there need.
const SMALL: &[(&str, &str)] = &[("partitions", "1")];
/// Another coordinator takes over, and nothing else goes wrong.
const TAKEN_OVER: &[(&str, &str)] =
    &[("partitions", "1"), ("deaths", "0"), ("silences", "0"), ("messages", "0"), ("deposed", "asked")];
const AT_MOST_ONCE: &[(&str, &str)] = &[("partitions", "1"), ("delivery", "at-most-once")];
/// A long way, but there is nothing beside it.
const CALM: &[(&str, &str)] =
    &[("records", "2"), ("deaths", "0"), ("takeovers", "0"), ("silences", "0"), ("messages", "0")];

/// With what all rules together are searched.
pub(super) const SOUND: &[&[(&str, &str)]] = &[
    &[],
    &[("delivery", "at-most-once")],
    &[("partitions", "1"), ("timeouts", "1")],
    &[
        ("partitions", "1"),
        ("records", "2"),
        ("deaths", "0"),
        ("timeouts", "1"),
        ("delivery", "at-most-once"),
    ],
    &[("partitions", "1"), ("generations", "3"), ("deaths", "0")],
    &[("consumers", "3"), ("partitions", "1"), ("deaths", "0"), ("takeovers", "0"), ("timeouts", "1")],
    &[("partitions", "1"), ("deaths", "0"), ("timeouts", "1"), ("deposed", "asked")],
    &[("partitions", "1"), ("timeouts", "1"), ("delivery", "at-most-once"), ("deposed", "asked")],
];

const fn rule(defect: &'static str, says: &'static str, source: &'static str) -> Rule {
    Rule { defect, says, source, needs: SMALL }
}

pub(super) const RULES: &[Rule] = &[
    rule("generation-told-before-written", "a generation is on the log before its members hear of it", ""),
    rule("two-owners", "who is left behind in an earlier generation is told so", "KIP-62"),
    rule("expired-session-owns", "who is silent for its session is a member no more", "KIP-62"),
    rule("zombie-commits", "only members of the present generation commit", "KIP-62"),
    rule("commit-told-before-written", "a commit is on the log before it is confirmed", ""),
    rule("answers-while-loading", "a new coordinator reads all of its log before it answers", ""),
    Rule {
        needs: TAKEN_OVER,
        ..rule(
            "deposed-coordinator-answers",
            "who says where to go on has found out that it was not replaced",
            "Raft, 6.4",
        )
    },
    Rule { needs: CALM, ..rule("joins-without-letting-go", "who joins again lets go of everything", "") },
    rule("commits-before-processing", "at least once: only what is processed is committed", ""),
    Rule {
        needs: AT_MOST_ONCE,
        ..rule("begins-before-confirmed", "at most once: a record is begun when its commit is confirmed", "")
    },
];
