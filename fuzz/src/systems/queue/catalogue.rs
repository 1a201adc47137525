//! The queue's facts, invariants and known bugs, as the program lists them.

use crate::system::{Defect, Invariant};
use rehearsal_model::queue::deploy::COORDINATION;

/// Every kind of fact that a fault may wait for.
pub(super) const FACT_KINDS: &[&str] = &[
    "BrokerRegistered",
    "BrokerGone",
    "ControllerChanged",
    "PartitionChanged",
    "CoordinationRecovered",
    "CoordinationChanged",
    "CoordinationAsked",
    "CoordinationAnswered",
    "SessionOpened",
    "SessionClosed",
    "SessionExpired",
    "SnapshotInstalled",
    "CoordinationLed",
    "VoteGiven",
    "VoteRefused",
    "ReadsRefused",
    "WatchRenewed",
    "Recovered",
    "Led",
    "Followed",
    "Appended",
    "DuplicateAbsorbed",
    "Refused",
    "Replicated",
    "Truncated",
    "Persisted",
    "WatermarkMoved",
    "StaleRequestRefused",
    "SetShrinks",
    "SetGrows",
    "SetRefused",
    "CoordinatorLoaded",
    "MemberFenced",
    "Sent",
    "SentAgain",
    "Told",
    "Assigned",
    "LetGo",
    "Positioned",
    "Processed",
    "CommitConfirmed",
    "OffsetOutOfRange",
];

/// Facts worth striking at; one that is listed twice is struck at twice as often.
pub(super) const FACTS: &[&str] = &[
    "Appended",
    "Appended",
    "Replicated",
    "Replicated",
    "WatermarkMoved",
    "WatermarkMoved",
    "Persisted",
    "PartitionChanged",
    "PartitionChanged",
    "ControllerChanged",
    "BrokerRegistered",
    "BrokerGone",
    "Led",
    "Led",
    "Followed",
    "Truncated",
    "Recovered",
    "SetShrinks",
    "SetGrows",
    "SetRefused",
    "SentAgain",
    "Told",
    "CoordinatorLoaded",
    "MemberFenced",
    "Assigned",
    "LetGo",
    "Positioned",
    "Processed",
    "CommitConfirmed",
];

const FIRST: &str = "broker-0";
const SECOND: &str = "broker-1";
const THIRD: &str = "broker-2";
const CONSUMER: &str = "consumer-0";
const COORDINATIONS: [&str; 3] = [COORDINATION, "coordination-1", "coordination-2"];

/// When a member of a coordination service of several has most to lose.
const AGREEING: &[&str] = &["VoteGiven", "CoordinationLed", "CoordinationChanged"];

/// Moments at which a crash costs most; those of a node that is not there are left out.
const CRITICAL: &[(&str, &str)] = &[
    ("Assigned", CONSUMER),
    ("Processed", CONSUMER),
    ("CommitConfirmed", CONSUMER),
    ("PartitionChanged", COORDINATION),
    ("ControllerChanged", COORDINATION),
    ("Appended", FIRST),
    ("Replicated", FIRST),
    ("Persisted", FIRST),
    ("WatermarkMoved", FIRST),
    ("Led", FIRST),
    ("Truncated", FIRST),
    ("SetGrows", FIRST),
    ("Appended", SECOND),
    ("Replicated", SECOND),
    ("Persisted", SECOND),
    ("WatermarkMoved", SECOND),
    ("Led", SECOND),
    ("Truncated", SECOND),
    ("SetGrows", SECOND),
    ("Appended", THIRD),
    ("Replicated", THIRD),
    ("Persisted", THIRD),
    ("WatermarkMoved", THIRD),
    ("Led", THIRD),
    ("Truncated", THIRD),
    ("SetGrows", THIRD),
];

/// The moments of these nodes at which a crash costs most.
pub(super) fn critical(nodes: &[String]) -> Vec<(&'static str, &'static str)> {
    let is_there = |(_, node): &&(&str, &str)| nodes.iter().any(|name| name == node);
    let is_of_several = nodes.iter().any(|name| name == COORDINATIONS[1]);
    let of_one = CRITICAL.iter().filter(is_there).copied();
    let agree = COORDINATIONS.iter().flat_map(|node| AGREEING.iter().map(move |fact| (*fact, *node)));
    of_one.chain(agree.filter(|_| is_of_several)).collect()
}

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
    invariant("start-below-watermark", "what a leader calls its watermark lies within its own log"),
    invariant(
        "lost-only-as-allowed",
        "what only the leader or nobody acknowledged is lost only with its leader or its request",
    ),
    invariant(
        "placement-spread",
        "each partition has as many copies as was asked for, each on a broker of its own",
    ),
    invariant(
        "coordination-linearizes",
        "the coordination service is one register: no answer is older than one before, each change is done once",
    ),
    invariant(
        "session-honest",
        "a session stays while it is renewed and goes when it is not, and all that it owns with it",
    ),
    invariant("watch-tells-all", "a watch tells every change, in order, once"),
];

const fn defect(
    name: &'static str,
    invariant: &'static str,
    stands_for: &'static str,
    needs: &'static [&'static str],
) -> Defect {
    Defect { name, invariant, stands_for, needs }
}

/// Without these nothing is promised of what was acknowledged.
const ALL: &[&str] = &["queue.acks=all", "queue.unclean_election=false"];
/// As [`ALL`], where disks are what counts.
const ALL_ON_DISK: &[&str] = &["queue.acks=all", "queue.unclean_election=false", "queue.flush=before-ack"];
/// As [`ALL`], where memories are what counts.
const ALL_IN_MEMORY: &[&str] = &["queue.acks=all", "queue.unclean_election=false", "queue.flush=background"];
const IDEMPOTENT: &[&str] = &["queue.acks=all", "queue.idempotent=true"];

const CONSENSUS: &[&str] = &["queue.coordination=consensus"];
/// As [`CONSENSUS`], where members do not all hear each other and crash when they have voted.
const STRIFE: &[&str] =
    &["queue.coordination=consensus", "families.partitions=true", "families.crashes=true"];

/// Known bugs: of replication, then of producers, consumers and their groups. Those rules of the replica whose absence a
/// campaign does not notice soon are left out one by one in the exhaustive search.
pub(super) const DEFECTS: &[Defect] = &[
    defect(
        "acknowledges-before-sync",
        "isr-ordering",
        "acknowledgements of what is in memory alone, where a disk is promised",
        ALL_ON_DISK,
    ),
    defect(
        "acknowledges-before-replication",
        "acked-not-lost",
        "acks = all answered like acks = 1, by the leader's own log",
        ALL,
    ),
    defect(
        "minimum-is-enough",
        "acked-not-lost",
        "min.insync.replicas taken for a quorum: who did not have it is elected all the same",
        &["queue.acks=all", "queue.unclean_election=false", "queue.min_insync=1"],
    ),
    defect(
        "truncates-to-watermark",
        "acked-not-lost",
        "KIP-101: a follower cuts at its own watermark, which lags, and is elected then",
        ALL,
    ),
    defect(
        "never-truncates",
        "isr-ordering",
        "a returning follower that goes on behind a tail of its own",
        &[],
    ),
    defect(
        "watermark-ignores-proposal",
        "isr-ordering",
        "KIP-497: the watermark counts the accepted set while a larger one is on its way",
        &[],
    ),
    defect(
        "deposed-leader-acknowledges",
        "isr-ordering",
        "a leader that is cut off counts on a smaller set that nobody granted",
        ALL,
    ),
    defect(
        "watermark-counts-departed",
        "isr-ordering",
        "a watermark by the number of copies, those of members that have left included",
        &[],
    ),
    defect(
        "set-written-blindly",
        "isr-ordering",
        "an in-sync set written without comparing versions: an old leader's overwrites a new one's",
        &[],
    ),
    defect(
        "broker-epoch-ignored",
        "acked-not-lost",
        "KIP-903: a restarted broker joins the set by what its former life had fetched",
        &[],
    ),
    defect(
        "unclean-restart-stays",
        "acked-not-lost",
        "KIP-966: the last replica standing restarts without its tail and leads",
        ALL_IN_MEMORY,
    ),
    defect(
        "restarted-leader-keeps-epoch",
        "logs-agree",
        "a leader that lost its tail in a crash appends anew in the same epoch",
        &["queue.flush=background"],
    ),
    defect("keeps-torn-batch", "isr-ordering", "recovery that leaves half a batch where it is", ALL),
    defect(
        "sequence-unchecked",
        "partition-order",
        "KIP-98: a batch that is sent again after a lost answer is appended again",
        IDEMPOTENT,
    ),
    defect(
        "in-flight-without-sequence",
        "partition-order",
        "retries with max.in.flight.requests.per.connection > 1 and no idempotence: a later batch overtakes",
        IDEMPOTENT,
    ),
    defect("zombie-commits", "one-owner", "a commit of an earlier generation is taken: no fencing", &[]),
    defect(
        "two-owners",
        "group-settles",
        "a member that was replaced works on, since nothing tells it that its partitions are another's",
        &[],
    ),
    defect(
        "expired-session-owns",
        "group-settles",
        "a member that died stays in its group, and nobody reads its partitions",
        &[],
    ),
    defect(
        "answers-while-loading",
        "one-owner",
        "a coordinator that tells offsets before it has read its partition to the end",
        &[],
    ),
    defect(
        "commits-before-processing",
        "offsets-move-forward",
        "enable.auto.commit with work handed to another thread: what it had not done is skipped",
        &["queue.delivery=at-least-once", "queue.acks=all", "queue.unclean_election=false"],
    ),
    defect(
        "vote-not-synced",
        "coordination-linearizes",
        "a vote that a crash takes back is given twice in one term, and two lead",
        STRIFE,
    ),
    defect(
        "deposed-leader-reads",
        "coordination-linearizes",
        "reads served by a leader on its own word: it was replaced, and nobody has told it",
        CONSENSUS,
    ),
    defect(
        "new-leader-keeps-silence",
        "session-honest",
        "a failover that expires sessions which were renewed at the leader before",
        CONSENSUS,
    ),
    defect(
        "watch-lost-on-reconnect",
        "watch-tells-all",
        "a client that watches from now on when its connection was lost, and misses what came between",
        &[],
    ),
];
