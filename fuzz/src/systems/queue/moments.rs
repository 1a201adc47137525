//! The moments of the queue's runs: kinds of facts that a fault can wait for, and at which it costs most.

use rehearsal_model::queue::deploy::{COORDINATION, OPERATOR};

/// Every kind of fact that a fault may wait for.
pub(super) const FACT_KINDS: &[&str] = &[
    "BrokerRegistered",
    "BrokerGone",
    "ControllerChanged",
    "PartitionChanged",
    "TopicChanged",
    "Retired",
    "Withheld",
    "Rerouted",
    "Unplaced",
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
    "BeganAnew",
    "Dropped",
    "SegmentClosed",
    "Archived",
    "Persisted",
    "WatermarkMoved",
    "WatermarkHeld",
    "StaleRequestRefused",
    "SetShrinks",
    "SetGrows",
    "SetRefused",
    "FollowerServed",
    "FollowerSaidWait",
    "FollowerSaidOutOfRange",
    "CoordinatorLoaded",
    "MemberFenced",
    "TransactionEnding",
    "TransactionTakenUp",
    "Sent",
    "WaitsForRoom",
    "RefusedForRoom",
    "SentAgain",
    "Told",
    "Assigned",
    "LetGo",
    "Positioned",
    "Processed",
    "CommitConfirmed",
    "OffsetOutOfRange",
    "Replayed",
    "LenderLoaded",
    "LoanRanOut",
    "Removed",
    "Borrowed",
    "Acknowledges",
    "AcknowledgementTold",
    "GivesBack",
    "BitFlipped",
    "DamageFound",
    "Postponed",
    "Released",
    "Moved",
    "Failed",
    "Forwarded",
    "Parked",
    "MembersChanged",
    "CopyDropped",
    "StopAsked",
    "StoppedInOrder",
    "Subscribed",
    "PushCame",
    "CreditGiven",
    "CreditSpent",
    "SubscriptionOver",
    "ReadFromDisk",
    "LogDamaged",
    "EpochCrossed",
    "TruncationSeen",
    "OffsetsClaimed",
    "MemberLeft",
    "Sought",
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
    "TransactionEnding",
    "TransactionEnding",
    "Assigned",
    "LetGo",
    "Positioned",
    "Processed",
    "CommitConfirmed",
    "Dropped",
    "SegmentClosed",
    "Archived",
    "Replayed",
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

/// What comes to that where an operator changes topics.
const CRITICAL_WITH_CHANGES: &[(&str, &str)] = &[
    ("TopicChanged", COORDINATION),
    ("Retired", FIRST),
    ("Retired", SECOND),
    ("Withheld", FIRST),
    ("Withheld", SECOND),
    ("Withheld", THIRD),
];

const MOVER: &str = "delay-0";
const SECOND_MOVER: &str = "delay-1";

/// As [`CRITICAL`], where anything is delayed: then there are movers, and nothing else stands at the end.
const CRITICAL_WITH_MOVERS: &[(&str, &str)] = &[
    ("Failed", CONSUMER),
    ("Failed", CONSUMER),
    ("Parked", CONSUMER),
    ("Forwarded", CONSUMER),
    ("CommitConfirmed", CONSUMER),
    ("PartitionChanged", COORDINATION),
    ("Appended", FIRST),
    ("WatermarkMoved", FIRST),
    ("Led", FIRST),
    ("Released", MOVER),
    ("Moved", MOVER),
    ("Released", SECOND_MOVER),
    ("Moved", SECOND_MOVER),
];

/// The moments of these nodes at which a crash costs most.
pub(super) fn critical(nodes: &[String]) -> Vec<(&'static str, &'static str)> {
    let has = |node: &str| nodes.iter().any(|name| name == node);
    let moments = if has(MOVER) { CRITICAL_WITH_MOVERS } else { CRITICAL };
    let there = moments.iter().filter(|(_, node)| has(node)).copied();
    let agree = COORDINATIONS.iter().flat_map(|node| AGREEING.iter().map(move |fact| (*fact, *node)));
    let changes = CRITICAL_WITH_CHANGES.iter().filter(|(_, node)| has(OPERATOR) && has(node)).copied();
    there.chain(agree.filter(|_| has(COORDINATIONS[1]))).chain(changes).collect()
}
