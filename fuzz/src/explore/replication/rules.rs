//! The rules that can be removed, in the order of the protocol.

use crate::explore::core::Rule;

/// What the searches of the table share: smaller than the plain choice where that is enough.
const SMALL: &[(&str, &str)] = &[("slots", "2"), ("records", "2")];
/// Who syncs before it acknowledges loses nothing in a crash that anybody counted on.
const BACKGROUND: &[(&str, &str)] = &[("slots", "2"), ("records", "2"), ("flush", "background")];
const TWO: &[(&str, &str)] = &[("slots", "2"), ("records", "2"), ("min_insync", "2")];

/// With what all rules together are searched.
pub(super) const SOUND: &[&[(&str, &str)]] = &[
    &[],
    &[("slots", "2"), ("records", "2"), ("epochs", "4"), ("crashes", "0"), ("changes", "1")],
    &[("slots", "2"), ("records", "2"), ("crashes", "2"), ("changes", "1")],
    &[("slots", "2"), ("records", "2"), ("min_insync", "2")],
    &[("slots", "2"), ("records", "2"), ("flush", "background")],
    &[("slots", "2"), ("records", "2"), ("flush", "background"), ("min_insync", "2")],
];

const fn rule(defect: &'static str, says: &'static str, source: &'static str) -> Rule {
    Rule { defect, says, source, needs: SMALL }
}

pub(super) const RULES: &[Rule] = &[
    rule("acknowledges-before-sync", "a record counts as held when the disk has it", ""),
    rule("acknowledges-before-replication", "a record is acknowledged when the whole set has it", ""),
    Rule {
        needs: TWO,
        ..rule("minimum-is-enough", "all of the set must have it, not as many as the minimum asks for", "")
    },
    rule(
        "truncates-to-watermark",
        "a follower cuts where the logs part, not at its watermark (R3)",
        "KIP-101",
    ),
    rule("guesses-end-of-epoch", "it asks again until both agree on the last epoch (R3)", "KIP-279"),
    rule("never-truncates", "a follower cuts before it fetches (R3)", "KIP-101"),
    rule(
        "answers-stale-truncation",
        "where to cut is said to followers of the same epoch alone (R4)",
        "KIP-320",
    ),
    rule("serves-stale-fetch", "records are served to followers of the same epoch alone (R4)", "KIP-320"),
    rule(
        "counts-stale-fetch",
        "what was fetched in another epoch does not move the watermark (R2)",
        "KIP-320",
    ),
    rule("expands-on-stale-fetch", "nor does it let a follower join the set (R5)", "KIP-320"),
    rule("expands-below-epoch-start", "who joins has the start of the leader's epoch (R5)", "KIP-320"),
    rule("expands-below-watermark", "who joins has the leader's watermark (R5)", "KIP-966"),
    rule(
        "watermark-ignores-proposal",
        "the watermark waits for who may be in the set already (R2)",
        "KIP-497",
    ),
    rule("deposed-leader-acknowledges", "it waits for who may be in the set still (R2)", "KIP-497"),
    rule("watermark-counts-departed", "it waits for the members of the set, not for as many others (R2)", ""),
    rule("set-written-blindly", "the set is written by compare-and-set (R6)", "KIP-497"),
    Rule {
        needs: BACKGROUND,
        ..rule("broker-epoch-ignored", "who joins does so in the life that was seen (R5)", "KIP-903")
    },
    Rule {
        needs: BACKGROUND,
        ..rule("unclean-restart-stays", "who may have lost its tail leaves the set", "KIP-966")
    },
    rule("restarted-leader-keeps-epoch", "a leader that restarts leads no more, until it is elected", ""),
    rule("obeys-orders-for-another-life", "an order is for one life of a broker", "KIP-380"),
    rule("elects-out-of-sync", "leaders are elected from the set (R7)", ""),
    rule("takes-stale-answer", "an answer is taken in the epoch and life of its question", "KIP-966"),
    rule("takes-misplaced-answer", "an answer is taken where it continues the log", "KIP-966"),
];
