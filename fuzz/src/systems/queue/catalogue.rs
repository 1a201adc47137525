//! The queue's invariants, as the program lists them.

use crate::atlas::{Beyond, Family};
use crate::system::Invariant;

const fn invariant(name: &'static str, says: &'static str) -> Invariant {
    Invariant { name, says }
}

/// What must hold.
pub(super) const INVARIANTS: &[Invariant] = &[
    invariant(
        "logs-agree",
        "an epoch and an offset name one batch for ever, and below the watermark in-sync logs are the same",
    ),
    invariant(
        "acked-not-lost",
        "what was acknowledged by all stays readable while one in-sync disk is whole",
    ),
    invariant(
        "isr-ordering",
        "the leader is in its set, which changes by compare-and-set, and no member lags the watermark",
    ),
    invariant("one-leader-per-epoch", "at most one broker appends to a partition in one leader epoch"),
    invariant("one-controller-per-epoch", "at most one broker gives orders in one controller epoch"),
    invariant(
        "at-least-once",
        "a group that commits after processing has processed all that was acknowledged, by the end of the calm",
    ),
    invariant("at-most-once", "a group that commits before processing processes no message twice"),
    invariant(
        "exactly-once",
        "what comes of a message in a transaction is to be seen once, and nothing that was aborted",
    ),
    invariant(
        "last-stable-moves",
        "no transaction stays open when its time is out, and no marker ends a later one",
    ),
    invariant(
        "follower-read",
        "a follower serves what its leader has, below the watermark, and says \"wait\" where it has nothing yet",
    ),
    invariant(
        "partition-order",
        "a consumer skips nothing and goes back to nothing, and a producer's records stand in order, once each",
    ),
    invariant(
        "one-owner",
        "in a generation a partition has one owner, and earlier generations commit nothing",
    ),
    invariant(
        "offsets-move-forward",
        "what a group has committed never falls by itself and never passes what it processed",
    ),
    invariant("group-settles", "in the calm every partition has an owner, and no group lags"),
    invariant("every-message-told", "in the calm a producer knows of each message what became of it"),
    invariant("start-below-watermark", "on every replica start ≤ watermark ≤ end"),
    invariant(
        "retention-honest",
        "what is within retention or not archived is not dropped, and what was archived replays byte for byte",
    ),
    invariant("bytes-intact", "a batch that lost a bit on its way is never in a log and never processed"),
    invariant(
        "lost-only-as-allowed",
        "what only the leader or nobody acknowledged is lost only with its leader or its request",
    ),
    invariant(
        "placement-spread",
        "each partition has as many copies as was asked for, and copies and leads are spread evenly in the calm",
    ),
    invariant(
        "reassignment-keeps-copies",
        "who moves a partition takes no copy away before the new one is in sync, and is done by the end of the calm",
    ),
    invariant(
        "brokers-return",
        "who stops in order leads nothing and finds all again that it had, and in the calm every member is registered",
    ),
    invariant(
        "not-before-due",
        "nobody sees a delayed message before its delay, or its appointment, is over",
    ),
    invariant("moved-once", "a delayed message comes to its target, and once"),
    invariant("retried-or-dead", "a message that failed is processed in the end, or is a dead letter"),
    invariant(
        "taken-by-one",
        "a message that is lent is lent to no other until its time is out, and removed if and only if acknowledged",
    ),
    invariant(
        "key-order-kept",
        "where that is promised, a key keeps its order although its partition changes",
    ),
    invariant(
        "retired-drains",
        "nothing is appended to a retired partition, and when nothing is left in it nobody is given it",
    ),
    invariant(
        "coordination-linearizes",
        "the coordination service is one register: no answer is older than one before, each change is done once",
    ),
    invariant(
        "within-credit",
        "what is pushed to a consumer and not worked through costs no more than its credit",
    ),
    invariant(
        "session-honest",
        "a session stays while it is renewed, then goes with all that it owns, and nothing is done in the name of that",
    ),
    invariant("watch-tells-all", "a watch tells every change, in order, once"),
];

/// It promises to survive every family of faults there is.
pub(super) const BEYOND: &[Beyond] = &[
    Beyond {
        family: Family::WallClocks,
        because: "what a broker appends by a wrong clock is as old as that says, and retention goes by it",
        gives_up: &["retention-honest"],
    },
    Beyond {
        family: Family::FailedDisks,
        because: "what goes with a failed write is none of the losses that are told apart by their causes",
        gives_up: &["at-least-once", "lost-only-as-allowed"],
    },
    Beyond {
        family: Family::Suspensions,
        because: "who borrows a message and does not know that it stood still cannot tell how old its loan is",
        gives_up: &["taken-by-one"],
    },
    Beyond {
        family: Family::Rot,
        because: "a broker whose log has rotted stops and is left to people; so does a coordination service of one node",
        gives_up: &[
            "acked-not-lost",
            "brokers-return",
            "lost-only-as-allowed",
            "isr-ordering",
            "at-least-once",
            "group-settles",
            "one-owner",
            "coordination-linearizes",
            "session-honest",
            "clients-finish",
        ],
    },
    Beyond {
        family: Family::LostDisks,
        because: "a broker that comes back empty before its session has ended counts as in sync (KIP-966)",
        gives_up: &[
            "acked-not-lost",
            "brokers-return",
            "lost-only-as-allowed",
            "isr-ordering",
            "at-least-once",
            "group-settles",
            "one-owner",
            "coordination-linearizes",
            "session-honest",
            "clients-finish",
        ],
    },
];
