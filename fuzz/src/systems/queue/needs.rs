//! What scenarios must have for a known bug to show, where several bugs need the same, or one needs much.

/// Without these nothing is promised of what was acknowledged.
pub(super) const ALL: &[&str] = &["queue.acks=all", "queue.unclean_election=false"];
/// As [`ALL`], where disks are what counts.
pub(super) const ALL_ON_DISK: &[&str] =
    &["queue.acks=all", "queue.unclean_election=false", "queue.flush=before-ack"];
/// As [`ALL_ON_DISK`], where disks tear what they were writing when their node crashes.
pub(super) const TORN: &[&str] = &[
    "families.crashes=true",
    "families.disks=true",
    "queue.acks=all",
    "queue.unclean_election=false",
    "queue.flush=before-ack",
];
/// As [`ALL`], where memories are what counts.
pub(super) const ALL_IN_MEMORY: &[&str] =
    &["queue.acks=all", "queue.unclean_election=false", "queue.flush=background"];
/// Pipelines that read, process and write in transactions.
pub(super) const EXACTLY_ONCE: &[&str] =
    &["workload.pipe=true", "queue.delivery=exactly-once", "queue.acks=all", "queue.unclean_election=false"];
pub(super) const IDEMPOTENT: &[&str] = &["queue.acks=all", "queue.idempotent=true"];

/// Something fails, and is tried again through the delayed topic.
pub(super) const FAILING_IN_A_TOPIC: &[&str] = &[
    "workload.failing=30",
    "workload.groups=1",
    "queue.retry=topic",
    "queue.delivery=at-least-once",
    "queue.flush=before-ack",
    "queue.unclean_election=false",
];

/// Some messages are lent.
pub(super) const LENT: &[&str] = &[
    "workload.lent=true",
    "workload.groups=2",
    "queue.delivery=at-least-once",
    "queue.archive=false",
    "queue.unclean_election=false",
];
/// A topic gets more partitions.
pub(super) const GROWING: &[&str] = &[
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
pub(super) const GROWING_IN_ORDER: &[&str] = &[
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
pub(super) const RETIRING: &[&str] =
    &["workload.retires=true", "workload.pipe=false", "workload.delayed=0", "queue.acks=all"];

pub(super) const CONSENSUS: &[&str] = &["queue.coordination=consensus"];
/// As [`CONSENSUS`], where members do not all hear each other and crash when they have voted.
pub(super) const STRIFE: &[&str] =
    &["queue.coordination=consensus", "families.partitions=true", "families.crashes=true"];

/// Brokers push, to groups that own partitions.
pub(super) const PUSH: &[&str] = &["queue.fetch=push", "workload.lent=false"];
/// As [`PUSH`], where nothing that was acknowledged is lost and no order is given up.
pub(super) const PUSH_IN_ORDER: &[&str] = &[
    "queue.fetch=push",
    "workload.lent=false",
    "workload.groups=2",
    "queue.acks=all",
    "queue.unclean_election=false",
];
/// What consumers have read is cut off, and the log goes on beyond that.
pub(super) const UNCLEAN: &[&str] = &[
    "families.crashes=true",
    "families.partitions=true",
    "queue.unclean_election=true",
    "queue.min_insync=1",
    "queue.lag=500ms",
    "workload.groups=2",
    "workload.lent=false",
];
/// Old segments are read from the disk, by consumers that come back to them.
pub(super) const FROM_DISK: &[&str] = &[
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
pub(super) const KEPT_APART: &[&str] = &[
    "queue.offsets=coordination",
    "queue.delivery=at-least-once",
    "queue.unclean_election=false",
    "workload.lent=false",
];
/// As [`KEPT_APART`], where leads pass on while their brokers are at work, or stand still.
pub(super) const HANDED_ON_LATE: &[&str] = &[
    "families.pauses=true",
    "queue.offsets=coordination",
    "queue.delivery=at-least-once",
    "queue.unclean_election=false",
    "workload.lent=false",
    "workload.groups=2",
    "workload.rolling_restart=orderly",
];
/// Consumers leave, with work in hand.
pub(super) const LEAVING: &[&str] = &[
    "workload.leaves=true",
    "workload.groups=2",
    "workload.pipe=false",
    "workload.lent=false",
    "workload.slow_consumers=true",
    "queue.delivery=at-least-once",
    "queue.unclean_election=false",
];
/// Consumers go back, with work in hand.
pub(super) const REPLAYING: &[&str] = &[
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
pub(super) const BEGINNING_LATE: &[&str] = &[
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
pub(super) const DEAF_FOLLOWER: &[&str] = &[
    "families.crashes=true",
    "families.partitions=true",
    "workload.ordeal=deaf-follower",
    "queue.fetch_wait=500ms",
    "queue.broker_session=3s",
    "queue.flush=before-ack",
];
/// One that lags is elected, and dies before anybody has followed it.
pub(super) const LAGGING_HEIR: &[&str] =
    &["families.crashes=true", "families.partitions=true", "workload.ordeal=lagging-heir"];
/// A controller stands still amid its orders, until another has its chair.
pub(super) const LATE_CONTROLLER: &[&str] = &["families.pauses=true", "workload.ordeal=late-controller"];

/// Brokers are added and removed.
pub(super) const MEMBERS_CHANGE: &[&str] = &["workload.members_change=true"];

/// Brokers are restarted in order, one after the other.
pub(super) const ROLLING: &[&str] = &["workload.rolling_restart=orderly"];

/// The leader's word alone counts, and nobody reads.
pub(super) const LEADERS_WORD: &[&str] = &[
    "workload.groups=0",
    "workload.delayed=0",
    "queue.acks=leader",
    "queue.unclean_election=false",
    "queue.flush=before-ack",
];
/// Little is kept of what idempotent producers send, so that nothing is known of them soon.
pub(super) const FORGOTTEN_PRODUCER: &[&str] = &[
    "workload.delayed=0",
    "workload.failing=0",
    "workload.pipe=false",
    "queue.acks=all",
    "queue.unclean_election=false",
    "queue.idempotent=true",
    "queue.retention_age=500ms",
    "queue.segment_bytes=512",
];
