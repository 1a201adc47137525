//! The queue's known bugs, as the program lists them: which invariant convicts each, what it stands for, and what a scenario
//! must have for it to show.

use crate::system::Defect;

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
/// As [`ALL_ON_DISK`], where disks tear what they were writing when their node crashes.
const TORN: &[&str] = &[
    "families.crashes=true",
    "families.disks=true",
    "queue.acks=all",
    "queue.unclean_election=false",
    "queue.flush=before-ack",
];
/// As [`ALL`], where memories are what counts.
const ALL_IN_MEMORY: &[&str] = &["queue.acks=all", "queue.unclean_election=false", "queue.flush=background"];
/// Pipelines that read, process and write in transactions.
const EXACTLY_ONCE: &[&str] =
    &["workload.pipe=true", "queue.delivery=exactly-once", "queue.acks=all", "queue.unclean_election=false"];
const IDEMPOTENT: &[&str] = &["queue.acks=all", "queue.idempotent=true"];

/// Something fails, and is tried again through the delayed topic.
const FAILING_IN_A_TOPIC: &[&str] = &[
    "workload.failing=30",
    "workload.groups=1",
    "queue.retry=topic",
    "queue.delivery=at-least-once",
    "queue.flush=before-ack",
    "queue.unclean_election=false",
];

/// Some messages are lent.
const LENT: &[&str] = &[
    "workload.lent=true",
    "workload.groups=2",
    "queue.delivery=at-least-once",
    "queue.archive=false",
    "queue.unclean_election=false",
];
/// A topic gets more partitions.
const GROWING: &[&str] = &[
    "workload.grows=true",
    "workload.retires=false",
    "workload.pipe=false",
    "workload.delayed=0",
    "workload.failing=0",
    "queue.delivery=at-least-once",
    "queue.acks=all",
    "queue.unclean_election=false",
];
/// A topic gets more partitions, and a key keeps its order.
const GROWING_IN_ORDER: &[&str] = &[
    "workload.grows=true",
    "workload.retires=false",
    "workload.pipe=false",
    "workload.delayed=0",
    "workload.groups=1",
    "queue.key_order=kept",
    "queue.acks=all",
    "queue.idempotent=true",
    "queue.flush=before-ack",
    "queue.unclean_election=false",
    "queue.delivery=at-least-once",
    "queue.retry=none",
    "queue.retention_age=0s",
    "queue.retention_bytes=0",
];
/// A partition is retired.
const RETIRING: &[&str] =
    &["workload.retires=true", "workload.pipe=false", "workload.delayed=0", "queue.acks=all"];

const CONSENSUS: &[&str] = &["queue.coordination=consensus"];
/// As [`CONSENSUS`], where members do not all hear each other and crash when they have voted.
const STRIFE: &[&str] =
    &["queue.coordination=consensus", "families.partitions=true", "families.crashes=true"];

/// Brokers push, to groups that own partitions.
const PUSH: &[&str] = &["queue.fetch=push", "workload.lent=false"];
/// As [`PUSH`], where nothing that was acknowledged is lost and no order is given up.
const PUSH_IN_ORDER: &[&str] = &[
    "queue.fetch=push",
    "workload.lent=false",
    "workload.groups=2",
    "queue.acks=all",
    "queue.unclean_election=false",
];
/// What consumers have read is cut off, and the log goes on beyond that.
const UNCLEAN: &[&str] = &[
    "families.crashes=true",
    "families.partitions=true",
    "queue.unclean_election=true",
    "queue.min_insync=1",
    "queue.lag=500ms",
    "workload.groups=2",
    "workload.lent=false",
];
/// Old segments are read from the disk, by consumers that come back to them.
const FROM_DISK: &[&str] = &[
    "queue.cached_segments=1",
    "queue.segment_bytes=512",
    "queue.batch_records=8",
    "queue.acks=all",
    "queue.unclean_election=false",
    "workload.groups=2",
    "workload.lent=false",
    "workload.delayed=0",
    "workload.failing=0",
];
/// What groups commit is kept in the coordination service.
const KEPT_APART: &[&str] = &[
    "queue.offsets=coordination",
    "queue.delivery=at-least-once",
    "queue.unclean_election=false",
    "workload.lent=false",
];
/// As [`KEPT_APART`], where leads pass on while their brokers are at work, or stand still.
const HANDED_ON_LATE: &[&str] = &[
    "families.pauses=true",
    "queue.offsets=coordination",
    "queue.delivery=at-least-once",
    "queue.unclean_election=false",
    "workload.lent=false",
    "workload.groups=2",
    "workload.rolling_restart=orderly",
];
/// Consumers leave, with work in hand.
const LEAVING: &[&str] = &[
    "workload.leaves=true",
    "workload.groups=2",
    "workload.pipe=false",
    "workload.lent=false",
    "workload.slow_consumers=true",
    "queue.delivery=at-least-once",
    "queue.unclean_election=false",
];
/// Consumers go back, with work in hand.
const REPLAYING: &[&str] = &[
    "workload.replays=true",
    "workload.groups=2",
    "workload.pipe=false",
    "workload.lent=false",
    "workload.failing=0",
    "workload.slow_consumers=true",
    "queue.delivery=at-least-once",
    "queue.key_order=announced",
    "queue.unclean_election=false",
];
/// Groups begin where the log ends.
const BEGINNING_LATE: &[&str] = &[
    "queue.start=latest",
    "workload.groups=2",
    "workload.grows=false",
    "workload.retires=false",
    "workload.pipe=false",
    "workload.lent=false",
    "queue.delivery=at-least-once",
    "queue.acks=all",
    "queue.unclean_election=false",
];
/// A leader loses its tail and leads again at once, and a follower asks it in its old epoch before it hears of that.
const DEAF_FOLLOWER: &[&str] = &[
    "families.crashes=true",
    "families.partitions=true",
    "workload.ordeal=deaf-follower",
    "queue.fetch_wait=500ms",
    "queue.broker_session=3s",
    "queue.flush=before-ack",
];
/// One that lags is elected, and dies before anybody has followed it.
const LAGGING_HEIR: &[&str] =
    &["families.crashes=true", "families.partitions=true", "workload.ordeal=lagging-heir"];
/// A controller stands still amid its orders, until another has its chair.
const LATE_CONTROLLER: &[&str] = &["families.pauses=true", "workload.ordeal=late-controller"];

/// Brokers are added and removed.
const MEMBERS_CHANGE: &[&str] = &["workload.members_change=true"];

/// Brokers are restarted in order, one after the other.
const ROLLING: &[&str] = &["workload.rolling_restart=orderly"];

/// The leader's word alone counts, and nobody reads.
const LEADERS_WORD: &[&str] = &[
    "workload.groups=0",
    "workload.delayed=0",
    "queue.acks=leader",
    "queue.unclean_election=false",
    "queue.flush=before-ack",
];
/// Little is kept of what idempotent producers send, so that nothing is known of them soon.
const FORGOTTEN_PRODUCER: &[&str] = &[
    "workload.delayed=0",
    "workload.failing=0",
    "workload.pipe=false",
    "queue.acks=all",
    "queue.unclean_election=false",
    "queue.idempotent=true",
    "queue.retention_age=500ms",
    "queue.segment_bytes=512",
];

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
        "logs-agree",
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
        "isr-ordering",
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
        "expands-below-watermark",
        "isr-ordering",
        "KIP-966: a set that grows before the replica that joins has what the set has",
        &[],
    ),
    defect(
        "expands-below-epoch-start",
        "isr-ordering",
        "KIP-320: a new leader that takes in who lacks what an earlier leader had acknowledged",
        &[],
    ),
    defect(
        "serves-stale-fetch",
        "logs-agree",
        "KIP-320: a follower that has not heard of an election goes on where its log and its leader's have parted",
        DEAF_FOLLOWER,
    ),
    defect(
        "counts-stale-fetch",
        "isr-ordering",
        "KIP-320: what a follower has of an earlier epoch counts for what its leader has written there since",
        DEAF_FOLLOWER,
    ),
    defect(
        "guesses-end-of-epoch",
        "logs-agree",
        "KIP-279: after two quick elections a follower keeps a tail that its leader never had",
        LAGGING_HEIR,
    ),
    defect(
        "takes-misplaced-answer",
        "logs-agree",
        "KIP-966: an answer that does not go on where the log ends is appended all the same",
        &[],
    ),
    defect(
        "elects-out-of-sync",
        "isr-ordering",
        "unclean.leader.election.enable=false, and a replica that lags is elected all the same",
        &["queue.unclean_election=false"],
    ),
    defect(
        "stale-controller-obeyed",
        "one-controller-per-epoch",
        "an order of a controller that was replaced while it stood still",
        LATE_CONTROLLER,
    ),
    defect(
        "restarted-leader-keeps-epoch",
        "one-leader-per-epoch",
        "a leader that lost its tail in a crash appends anew in the same epoch",
        &["queue.flush=background"],
    ),
    defect(
        "answers-before-appending",
        "lost-only-as-allowed",
        "acks = 1 answered without a look at what became of it: that it was refused, nobody learns",
        &["queue.acks=leader", "queue.unclean_election=false"],
    ),
    defect(
        "keeps-torn-batch",
        "brokers-return",
        "recovery that leaves half a batch where it is: the next one finds a corrupt log, and the broker stays away",
        TORN,
    ),
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
    defect(
        "after-append-is-definite",
        "every-message-told",
        "a refusal that came after the append is told as: it was not written (NotEnoughReplicasAfterAppend is retriable)",
        &["queue.acks=all", "queue.delivery_timeout=1500ms"],
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
        "begins-before-confirmed",
        "at-most-once",
        "a record is begun when its commit is sent, and not when that is confirmed",
        &["queue.delivery=at-most-once", "queue.unclean_election=false"],
    ),
    defect(
        "starts-at-the-end",
        "at-least-once",
        "auto.offset.reset = latest in a partition that was added: what came before the group looked is never read",
        GROWING,
    ),
    defect(
        "commit-told-before-written",
        "offsets-move-forward",
        "a commit is confirmed while it is on its way to the log, and gone with its coordinator",
        &["queue.delivery=at-least-once", "queue.acks=all", "queue.unclean_election=false"],
    ),
    defect(
        "marker-missing",
        "last-stable-moves",
        "a transaction's end that is not written to one of its partitions",
        EXACTLY_ONCE,
    ),
    defect(
        "hanging-transaction",
        "last-stable-moves",
        "KIP-890: a batch that comes late, when its transaction has ended, begins another that nobody ends",
        EXACTLY_ONCE,
    ),
    defect(
        "offsets-outside-transaction",
        "exactly-once",
        "offsets committed by the consumer, and not by the transaction that holds what came of the records",
        EXACTLY_ONCE,
    ),
    defect(
        "shows-uncommitted",
        "exactly-once",
        "isolation.level = read_committed, answered up to the high watermark",
        EXACTLY_ONCE,
    ),
    defect(
        "producer-epoch-unfenced",
        "partition-order",
        "KIP-360: a producer that another has replaced goes on writing",
        EXACTLY_ONCE,
    ),
    defect(
        "follower-serves-all",
        "follower-read",
        "KIP-392 without the watermark: what may still be cut off is read from a follower",
        &["queue.read_from=in-sync", "queue.unclean_election=false"],
    ),
    defect(
        "follower-says-out-of-range",
        "follower-read",
        "a follower that lags takes the offset for one that is out of range, and the consumer starts over",
        &["queue.read_from=in-sync"],
    ),
    defect(
        "filtered-tail-lags",
        "group-settles",
        "a filtered fetch that matched nothing and does not say where to go on",
        &["workload.tags=2"],
    ),
    defect(
        "drops-active-segment",
        "retention-honest",
        "retention that takes the segment too that is being written",
        &["queue.retention_age=500ms", "queue.segment_bytes=512"],
    ),
    defect(
        "retention-overtakes-watermark",
        "start-below-watermark",
        "retention that asks how old a segment is and not whether it is in sync",
        &["queue.retention_age=500ms", "queue.segment_bytes=512"],
    ),
    defect(
        "retention-by-producers-time",
        "retention-honest",
        "KIP-32: retention by the time that producers claim, and what was long on its way is gone at once",
        &["queue.retention_age=500ms", "queue.segment_bytes=512"],
    ),
    defect(
        "retention-overtakes-archiver",
        "retention-honest",
        "retention that does not wait for the archive: what was to be kept for ever is gone",
        &["queue.retention_age=500ms", "queue.segment_bytes=512", "queue.archive=true"],
    ),
    defect(
        "checksum-rewritten",
        "bytes-intact",
        "a broker that computes the checksum anew where it should compare it: damage is sealed for good",
        &["queue.flips=50"],
    ),
    defect(
        "fetched-unchecked",
        "bytes-intact",
        "check.crcs=false: a consumer hands on what it fetched without a look at the checksum",
        &["queue.flips=50"],
    ),
    defect(
        "delays-by-wall",
        "not-before-due",
        "a delay counted by wall clocks, from the producer's timestamp: what came late into the log is seen early",
        &["workload.delayed=30"],
    ),
    defect(
        "moves-again",
        "moved-once",
        "a mover that dies between the copy and the note of it, and whose successor copies once more",
        &["workload.delayed=30"],
    ),
    defect(
        "forgets-to-wait-for-retry",
        "retried-or-dead",
        "a consumer that commits while the retry topic has not acknowledged what failed, and crashes",
        FAILING_IN_A_TOPIC,
    ),
    defect(
        "parked-key-overtaken",
        "partition-order",
        "retries that keep no order: a later record of a key is processed while an earlier one is tried again",
        &["workload.failing=30", "queue.retry=park-key", "queue.delivery=at-least-once"],
    ),
    defect(
        "late-acknowledgement-taken",
        "taken-by-one",
        "a slow consumer whose message is another's by now removes it all the same: a receipt that outlives its loan",
        LENT,
    ),
    defect(
        "lends-twice",
        "taken-by-one",
        "what is being lent is given to the next who asks, since the first loan is not yet written",
        LENT,
    ),
    defect(
        "acknowledged-before-written",
        "taken-by-one",
        "an acknowledgement answered from memory and lost with the lender: what was removed is delivered again",
        LENT,
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
    defect(
        "key-order-without-the-wait",
        "key-order-kept",
        "partitions added to a topic with keys: a key's later records are read before its earlier ones elsewhere",
        GROWING_IN_ORDER,
    ),
    defect(
        "retired-takes-appends",
        "retired-drains",
        "a partition that is taken out of service and goes on taking what producers send who have not heard",
        RETIRING,
    ),
    defect(
        "trims-before-in-sync",
        "reassignment-keeps-copies",
        "a reassignment that removes the old replica when the new one is started, and not when it is in sync",
        MEMBERS_CHANGE,
    ),
    defect(
        "trims-in-old-epoch",
        "reassignment-keeps-copies",
        "a replica that was removed and comes back empty is in sync at once, by what its former copy had",
        MEMBERS_CHANGE,
    ),
    defect(
        "never-balances",
        "placement-spread",
        "auto.leader.rebalance.enable=false: who was up when the others restarted leads everything from then on",
        &[],
    ),
    defect(
        "stops-without-handing-over",
        "brokers-return",
        "controlled.shutdown.enable=false: partitions have no leader until the controller notices",
        ROLLING,
    ),
    defect(
        "stops-before-syncing",
        "brokers-return",
        "a clean-shutdown file that is written before the logs are flushed: the broker's next life is trusted",
        ROLLING,
    ),
    defect(
        "gives-up-when-registered",
        "brokers-return",
        "KAFKA-1387: a broker that comes back before its session has ended finds its own node there, and stays away",
        &["families.crashes=true"],
    ),
    defect(
        "push-skips-on-resubscribe",
        "partition-order",
        "a stream taken up again behind what was received, and not behind what was processed",
        PUSH_IN_ORDER,
    ),
    defect(
        "push-gap-ignored",
        "partition-order",
        "pushes over a network that loses some, and nobody who looks at their numbers",
        PUSH_IN_ORDER,
    ),
    defect(
        "pushes-without-credit",
        "within-credit",
        "no back pressure: a slow consumer is sent all there is, and holds it in its memory",
        PUSH,
    ),
    defect(
        "reads-from-next-batch",
        "partition-order",
        "an offset index that is searched for the first batch at or behind an offset, not for the one that holds it",
        FROM_DISK,
    ),
    defect(
        "consumer-epoch-ignored",
        "partition-order",
        "before KIP-320: after an unclean election a consumer reads on in a log that is another, and nobody tells it",
        UNCLEAN,
    ),
    defect(
        "only-first-tag-counts",
        "partition-order",
        "a filter that knows one tag of a message: what has another besides is never shown",
        &["workload.tags=3", "workload.groups=2"],
    ),
    defect(
        "full-buffer-drops-oldest",
        "every-message-told",
        "a bounded queue that makes room by dropping: who gave it a message never learns that it was not sent",
        &["workload.pipe=false", "workload.bursts=true", "queue.buffer_bytes=1024"],
    ),
    defect(
        "begins-anew-without-watermark",
        "start-below-watermark",
        "KAFKA-9491: a replica that begins at its leader's start and is elected before it has heard a watermark",
        &["queue.retention_age=500ms", "queue.segment_bytes=512"],
    ),
    defect(
        "leader-begins-at-watermark",
        "lost-only-as-allowed",
        "acks = 1 and a failover that throws away what the new leader had fetched and nobody had called committed",
        LEADERS_WORD,
    ),
    defect(
        "unknown-producer-taken",
        "partition-order",
        "KIP-360: retention has taken all that a leader knew of a producer, and a batch that is sent again is appended again",
        FORGOTTEN_PRODUCER,
    ),
    defect(
        "commits-unfenced",
        "offsets-move-forward",
        "a consumer's offsets in ZooKeeper, written by whoever comes: one that was replaced takes back what was committed since",
        HANDED_ON_LATE,
    ),
    defect(
        "claims-offsets-unread",
        "offsets-move-forward",
        "a new coordinator that begins with an empty cache, and writes that over what the one before it had kept",
        KEPT_APART,
    ),
    defect(
        "leave-commits-fetched",
        "offsets-move-forward",
        "enable.auto.commit when a consumer is closed: what poll() has returned is committed, worked through or not",
        LEAVING,
    ),
    defect(
        "seek-keeps-work-in-hand",
        "partition-order",
        "a seek that takes effect behind what a consumer has fetched already",
        REPLAYING,
    ),
    defect(
        "start-not-committed",
        "at-least-once",
        "auto.offset.reset=latest and a consumer that dies before its first commit: the next begins at a later end",
        BEGINNING_LATE,
    ),
];
