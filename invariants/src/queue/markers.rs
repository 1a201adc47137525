//! What a campaign on the queue must have reached, or its silence proves nothing. Each is a predicate over facts; those
//! of losses are remarked by `lost-only-as-allowed` when a run is over.

mod brokers;
mod clients;
mod delays;
mod groups;
mod loans;
mod moves;
mod placing;
mod pushes;
mod restarts;
mod retention;
mod tokens;
mod topics;

use super::cluster::SharedCluster;
use super::rules::Rules;
use crate::{MarkerWatch, Monitor};
use brokers::BrokerMarkers;
use clients::ClientMarkers;
use delays::DelayMarkers;
use groups::GroupMarkers;
use loans::LoanMarkers;
use moves::MoveMarkers;
use placing::PlacingMarkers;
use pushes::PushMarkers;
use rehearsal_env::{Marker, NodeId, Stamp};
use rehearsal_model::coordination::{Happening, Outcome, Refusal as VoteRefusal, Response};
use rehearsal_model::queue::facts::{Fact, Fate, OfGroups, OfLogs, OfTopics};
use rehearsal_model::queue::partition::Topic;
use rehearsal_model::queue::protocol::Refusal;
use rehearsal_model::queue::record::Verdict;
use restarts::RestartMarkers;
use retention::RetentionMarkers;
use std::rc::Rc;
use tokens::TokenMarkers;
use topics::TopicMarkers;

/// A leader's life ended, and it had appended messages that no other broker had.
pub const LEADER_DIED_BEFORE_REPLICATION: Marker = Marker("leader-died-before-replication");
/// A replica dropped what its leader did not have.
pub const DIVERGENT_TAIL_TRUNCATED: Marker = Marker("divergent-tail-truncated");
/// An in-sync set that had more members has one left.
pub const SET_SHRANK_TO_ONE: Marker = Marker("set-shrank-to-one");
/// A replica that had left an in-sync set is in it again.
pub const MEMBER_JOINED_AGAIN: Marker = Marker("member-joined-again");
/// A leader did not answer a request of another epoch.
pub const STALE_REQUEST_REFUSED: Marker = Marker("stale-request-refused");
/// A change of an in-sync set was refused, since something had changed meanwhile.
pub const SET_WRITE_REFUSED: Marker = Marker("set-write-refused");
/// A leader knew a repeated batch again.
pub const DUPLICATE_ABSORBED: Marker = Marker("duplicate-absorbed");
/// A producer sent a batch once more.
pub const SENT_AGAIN: Marker = Marker("sent-again");
/// A coordinator refused a member of an earlier generation.
pub const GENERATION_FENCED_A_ZOMBIE: Marker = Marker("generation-fenced-a-zombie");
/// A later generation of a group has two members or more.
pub const REBALANCED: Marker = Marker("rebalanced");
/// Another broker took a group over that had begun.
pub const COORDINATOR_FAILED_OVER: Marker = Marker("coordinator-failed-over");
/// Another broker became the controller.
pub const CONTROLLER_FAILED_OVER: Marker = Marker("controller-failed-over");
/// A broker cut a torn batch off when it came up.
pub const TORN_BATCH_CUT: Marker = Marker("torn-batch-cut");
/// A producer was told that nobody knows.
pub const TOLD_UNKNOWN: Marker = Marker("told-unknown");
/// A new leader was elected in a partition for which messages were under way.
pub const NEW_LEADER_WHILE_PRODUCERS_WRITE: Marker = Marker("new-leader-elected-while-producers-write");
/// A group processed a message twice.
pub const PROCESSED_TWICE: Marker = Marker("processed-twice");
/// A consumer came up again, and its life before had processed what it had not committed.
pub const CONSUMER_CRASHED_WITH_UNCOMMITTED_WORK: Marker = Marker("consumer-crashed-with-uncommitted-work");
/// A leader's epoch began beyond every watermark that was ever told, so that it has to wait before it answers with a
/// latest offset (KIP-207).
pub const WATERMARK_BEHIND_EPOCH_START: Marker = Marker("watermark-behind-epoch-start");
/// A new leader was elected in a partition of the delayed topic while a message was held there.
pub const HELD_THROUGH_FAILOVER: Marker = Marker("delayed-message-held-through-a-failover");
/// A mover found a message due in a partition that another mover had found messages due in.
pub const MOVER_TOOK_OVER: Marker = Marker("mover-took-over-from-another");
/// A message that had failed was processed.
pub const MESSAGE_RETRIED: Marker = Marker("message-retried");
/// A message was written to a group's dead letters.
pub const MESSAGE_DEAD_LETTERED: Marker = Marker("message-dead-lettered");
/// A record waited, since one before it with its key was to be tried again.
pub const LATER_RECORD_OF_A_KEY_WAITED: Marker = Marker("later-record-of-a-key-waited");

/// A transaction was committed.
pub const TRANSACTION_COMMITTED: Marker = Marker("transaction-committed");
/// A transaction was aborted since another took its transactional id over.
pub const TRANSACTION_ABORTED_BY_FENCING: Marker = Marker("transaction-aborted-by-fencing");
/// A coordinator went on with the end of a transaction that one before it had decided.
pub const TRANSACTION_TAKEN_UP: Marker = Marker("transaction-taken-up");
/// A consumer went on behind records of a transaction that was aborted.
pub const ABORTED_RECORDS_PASSED: Marker = Marker("aborted-records-passed");

/// A follower served a consumer.
pub const FOLLOWER_SERVED: Marker = Marker("follower-served");
/// A follower had not yet what a consumer asked for, and the leader had.
pub const FOLLOWER_SAID_WAIT: Marker = Marker("follower-said-wait");
/// A consumer went on behind a message that has not the tag which its group wants.
pub const OTHER_TAG_PASSED: Marker = Marker("other-tag-passed");
/// Retention dropped a segment because it was old.
pub const DROPPED_BY_TIME: Marker = Marker("segment-dropped-by-time");
/// Retention dropped a segment because enough was left without it.
pub const DROPPED_BY_SIZE: Marker = Marker("segment-dropped-by-size");
/// A consumer's offset was not in the log any more, and it went on elsewhere.
pub const OFFSET_RESET: Marker = Marker("offset-out-of-range-reset");
/// A consumer's offset was not in the log any more, and it reported that.
pub const OFFSET_ERROR: Marker = Marker("offset-out-of-range-reported");
/// A consumer read from the archive what retention had taken from the log.
pub const REPLAYED_FROM_ARCHIVE: Marker = Marker("replayed-from-the-archive");
/// A follower whose log ended before its leader's start began anew there.
pub const FOLLOWER_BEGAN_ANEW: Marker = Marker("follower-began-anew-at-the-leaders-start");
/// Retention took a message that a group had not processed.
pub const TAKEN_UNREAD: Marker = Marker("retention-took-an-unread-message");
/// A broker refused a batch whose checksum did not fit.
pub const CORRUPT_BATCH_REFUSED: Marker = Marker("corrupt-batch-refused");
/// A consumer threw a batch away whose checksum did not fit.
pub const CORRUPT_BATCH_THROWN_AWAY: Marker = Marker("corrupt-batch-thrown-away");
/// Another node was elected to lead the coordination service than before.
pub const COORDINATION_LEADER_CHANGED: Marker = Marker("coordination-leader-changed");
/// A member of the coordination service refused its vote to one whose term was over.
pub const VOTE_REFUSED_BY_TERM: Marker = Marker("vote-refused-by-term");
/// A member of the coordination service refused its vote to one who lacked what it had.
pub const VOTE_REFUSED_BY_LOG: Marker = Marker("vote-refused-by-log");
/// A member of the coordination service lacked so much that it was sent a snapshot.
pub const CAUGHT_UP_BY_SNAPSHOT: Marker = Marker("follower-caught-up-by-snapshot");
/// A leader of the coordination service that was replaced had questions to answer, and did not.
pub const DEPOSED_LEADER_REFUSED_A_READ: Marker = Marker("deposed-leader-refused-a-read");
/// A session ended by its silence.
pub const SESSION_EXPIRED: Marker = Marker("session-expired");
/// A client lost the connection over which it watched, and went on over another.
pub const WATCH_RENEWED: Marker = Marker("watch-renewed-after-reconnect");
/// Whoever watched was told that it is too late: what changed is forgotten.
pub const WATCH_TOO_LATE: Marker = Marker("watch-too-late");
/// A message was lent again whose loan had run out.
pub const LENT_AGAIN_WHEN_TIME_WAS_OUT: Marker = Marker("lent-again-when-its-time-was-out");
/// A consumer was told that its acknowledgement came too late.
pub const LATE_ACKNOWLEDGEMENT_REFUSED: Marker = Marker("late-acknowledgement-refused");
/// An acknowledgement counted under a loan that a lender before had given.
pub const LOAN_SURVIVED_FAILOVER: Marker = Marker("loan-survived-the-lenders-failover");
/// A consumer failed at a message that was lent to it, and gave it back.
pub const MESSAGE_GIVEN_BACK: Marker = Marker("lent-message-given-back");
/// A topic got more partitions while messages were under way to it.
pub const PARTITIONS_ADDED_UNDER_WAY: Marker = Marker("partitions-added-while-messages-were-under-way");
/// A producer was told that the state of the topic by which it sent is old, and sent the message elsewhere or anew.
pub const OLD_ROUTING_TOLD: Marker = Marker("producer-was-told-that-its-routing-was-old");
/// A new partition was withheld from a group that was not through with what its keys had elsewhere.
pub const NEW_PARTITION_WAITED: Marker = Marker("new-partition-waited-for-the-old-ones");
/// A partition was retired in which messages stood.
pub const RETIRED_WITH_RECORDS: Marker = Marker("partition-retired-with-records-in-it");
/// A retired partition in which messages had stood was found empty.
pub const RETIRED_DRAINED: Marker = Marker("retired-partition-drained");
/// The controller under which a partition began to move is not the one under which it was done.
pub const MOVE_OUTLIVED_CONTROLLER: Marker = Marker("move-outlived-its-controller");
/// A leader that lives passed its lead on, because its copy was to go.
pub const LEADER_HANDED_OVER: Marker = Marker("leader-handed-over");
/// A copy was added to a partition with records, and came to be in sync.
pub const NEW_COPY_CAUGHT_UP: Marker = Marker("new-copy-caught-up");
/// A broker that was removed has no copies any more.
pub const BROKER_LEFT_EMPTY: Marker = Marker("broker-left-empty");
/// A leader that lives passed its lead on for the sake of evenness alone.
pub const LEADERS_BALANCED: Marker = Marker("leaders-balanced");
/// A lead passed on because its broker was asked to stop, and then that stopped.
pub const LED_BY_ANOTHER_BEFORE_STOP: Marker = Marker("lead-passed-on-before-its-broker-stopped");
/// A broker that had stopped in order was taken into an in-sync set again.
pub const STOPPED_AND_TAKEN_BACK: Marker = Marker("stopped-broker-taken-back-into-the-set");
/// A broker stopped in order before others were there in its place: it had waited long enough.
pub const STOPPED_WHEN_TIME_WAS_OUT: Marker = Marker("stopped-when-its-time-was-out");
/// A broker registered for a new life while its life before was still registered.
pub const REGISTERED_OVER_ITSELF: Marker = Marker("broker-registered-over-its-former-life");
/// A consumer went on, under another subscription, with the record behind the last that it had processed.
pub const TAKEN_UP_WHERE_IT_STOOD: Marker = Marker("subscription-taken-up-where-it-stood");
/// A broker had more for a consumer than the consumer had credit for.
pub const CREDIT_RAN_OUT: Marker = Marker("credit-ran-out");
/// A consumer missed a push.
pub const PUSH_WAS_LOST: Marker = Marker("push-was-lost");
/// The broker of a subscription refused it, had forgotten it or was silent, and its consumer was at work.
pub const SUBSCRIPTION_ENDED_BY_BROKER: Marker = Marker("subscription-ended-by-its-broker");
/// A broker read batches from its disk that it did not keep in memory.
pub const READ_FROM_DISK: Marker = Marker("read-from-disk");
/// A consumer was told that what it had read does not stand in the log any more.
pub const CONSUMER_SAW_TRUNCATION: Marker = Marker("consumer-saw-truncation");

/// Records of one producer stand in a partition in another order than they were sent in, which only those keep who number
/// their batches or have one under way at a time.
pub const RECORDS_REORDERED: Marker = Marker("records-reordered");
/// A producer had no room for a message, and let it wait.
pub const PRODUCER_BUFFER_FULL: Marker = Marker("producer-buffer-full");
/// A message waited for room as long as it may, and was refused.
pub const REFUSED_FOR_ROOM: Marker = Marker("record-refused-for-want-of-room");
/// A record without a key, which could have gone anywhere, was sent again to the partition where it had gone.
pub const KEYLESS_SENT_AGAIN: Marker = Marker("record-without-a-key-sent-again");
/// A producer's own rule named a partition that takes no more: what was to go there is refused.
pub const REFUSED_WHERE_RETIRED: Marker = Marker("record-refused-where-its-partition-is-retired");
/// A consumer that wants a tag was shown what has it beside another.
pub const SHOWN_BY_ONE_OF_TAGS: Marker = Marker("shown-by-one-of-several-tags");
/// A message of which nobody waits to hear was acknowledged, and no broker has ever heard of it.
pub const LOST_WITH_ITS_REQUEST: Marker = Marker("lost-with-its-request");
/// A message of which nobody waits to hear was acknowledged, and refused.
pub const LOST_SINCE_REFUSED: Marker = Marker("lost-since-it-was-refused");
/// A message that its leader alone acknowledged is missing: the next leader had not fetched it.
pub const LOST_WITH_ITS_LEADER: Marker = Marker("lost-with-its-leader");
/// The same, and the next leader was elected from outside of those who had everything.
pub const LOST_IN_UNCLEAN_ELECTION: Marker = Marker("lost-in-an-unclean-election");
/// What was to be done as long as a session stands was refused, since that had ended.
pub const REFUSED_WITH_SESSION: Marker = Marker("change-refused-since-its-session-had-ended");
/// A coordinator read, in the coordination service, what groups had committed at another.
pub const OFFSETS_OUTLIVED_COORDINATOR: Marker = Marker("offsets-outlived-their-coordinator");
/// A member left its group in an orderly way.
pub const MEMBER_LEFT: Marker = Marker("member-left");
/// A consumer went back since that was wished for, and processed again what it had processed.
pub const CONSUMER_REPLAYED: Marker = Marker("consumer-replayed");
/// A group began behind messages that it is not to read, since it begins where the log ends.
pub const GROUP_BEGAN_AT_THE_END: Marker = Marker("group-began-at-the-end");

/// Every marker of the queue.
pub const MARKERS: &[Marker] = &[
    LEADER_DIED_BEFORE_REPLICATION,
    DIVERGENT_TAIL_TRUNCATED,
    SET_SHRANK_TO_ONE,
    MEMBER_JOINED_AGAIN,
    STALE_REQUEST_REFUSED,
    SET_WRITE_REFUSED,
    DUPLICATE_ABSORBED,
    SENT_AGAIN,
    GENERATION_FENCED_A_ZOMBIE,
    REBALANCED,
    COORDINATOR_FAILED_OVER,
    CONTROLLER_FAILED_OVER,
    TORN_BATCH_CUT,
    TOLD_UNKNOWN,
    NEW_LEADER_WHILE_PRODUCERS_WRITE,
    PROCESSED_TWICE,
    CONSUMER_CRASHED_WITH_UNCOMMITTED_WORK,
    WATERMARK_BEHIND_EPOCH_START,
    TRANSACTION_COMMITTED,
    TRANSACTION_ABORTED_BY_FENCING,
    TRANSACTION_TAKEN_UP,
    ABORTED_RECORDS_PASSED,
    FOLLOWER_SERVED,
    FOLLOWER_SAID_WAIT,
    OTHER_TAG_PASSED,
    DROPPED_BY_TIME,
    DROPPED_BY_SIZE,
    OFFSET_RESET,
    OFFSET_ERROR,
    REPLAYED_FROM_ARCHIVE,
    FOLLOWER_BEGAN_ANEW,
    TAKEN_UNREAD,
    CORRUPT_BATCH_REFUSED,
    CORRUPT_BATCH_THROWN_AWAY,
    HELD_THROUGH_FAILOVER,
    MOVER_TOOK_OVER,
    MESSAGE_RETRIED,
    MESSAGE_DEAD_LETTERED,
    LATER_RECORD_OF_A_KEY_WAITED,
    COORDINATION_LEADER_CHANGED,
    VOTE_REFUSED_BY_TERM,
    VOTE_REFUSED_BY_LOG,
    CAUGHT_UP_BY_SNAPSHOT,
    DEPOSED_LEADER_REFUSED_A_READ,
    SESSION_EXPIRED,
    WATCH_RENEWED,
    WATCH_TOO_LATE,
    LENT_AGAIN_WHEN_TIME_WAS_OUT,
    LATE_ACKNOWLEDGEMENT_REFUSED,
    LOAN_SURVIVED_FAILOVER,
    MESSAGE_GIVEN_BACK,
    PARTITIONS_ADDED_UNDER_WAY,
    OLD_ROUTING_TOLD,
    NEW_PARTITION_WAITED,
    RETIRED_WITH_RECORDS,
    RETIRED_DRAINED,
    MOVE_OUTLIVED_CONTROLLER,
    LEADER_HANDED_OVER,
    NEW_COPY_CAUGHT_UP,
    BROKER_LEFT_EMPTY,
    LEADERS_BALANCED,
    LED_BY_ANOTHER_BEFORE_STOP,
    STOPPED_AND_TAKEN_BACK,
    STOPPED_WHEN_TIME_WAS_OUT,
    REGISTERED_OVER_ITSELF,
    TAKEN_UP_WHERE_IT_STOOD,
    CREDIT_RAN_OUT,
    PUSH_WAS_LOST,
    SUBSCRIPTION_ENDED_BY_BROKER,
    READ_FROM_DISK,
    CONSUMER_SAW_TRUNCATION,
    RECORDS_REORDERED,
    PRODUCER_BUFFER_FULL,
    REFUSED_FOR_ROOM,
    KEYLESS_SENT_AGAIN,
    REFUSED_WHERE_RETIRED,
    SHOWN_BY_ONE_OF_TAGS,
    LOST_WITH_ITS_REQUEST,
    LOST_SINCE_REFUSED,
    LOST_WITH_ITS_LEADER,
    LOST_IN_UNCLEAN_ELECTION,
    REFUSED_WITH_SESSION,
    OFFSETS_OUTLIVED_COORDINATOR,
    MEMBER_LEFT,
    CONSUMER_REPLAYED,
    GROUP_BEGAN_AT_THE_END,
];

/// Looks out for the markers.
#[derive(Debug)]
pub struct Markers {
    cluster: SharedCluster,
    brokers: BrokerMarkers,
    moves: MoveMarkers,
    clients: ClientMarkers,
    retention: RetentionMarkers,
    delays: DelayMarkers,
    loans: LoanMarkers,
    topics: TopicMarkers,
    restarts: RestartMarkers,
    pushes: PushMarkers,
    placing: PlacingMarkers,
    tokens: TokenMarkers,
    groups: GroupMarkers,
    /// Who was elected last to lead the coordination service.
    leads: Option<NodeId>,
}

impl Markers {
    /// For a deployment with these rules.
    pub fn new(rules: Rules) -> Markers {
        let cluster = super::cluster::Cluster::shared(Rc::new(rules));
        Markers {
            cluster,
            brokers: BrokerMarkers::default(),
            moves: MoveMarkers::default(),
            clients: ClientMarkers::default(),
            retention: RetentionMarkers::default(),
            delays: DelayMarkers::default(),
            loans: LoanMarkers::default(),
            topics: TopicMarkers::default(),
            restarts: RestartMarkers::default(),
            pushes: PushMarkers::default(),
            placing: PlacingMarkers::default(),
            tokens: TokenMarkers::default(),
            groups: GroupMarkers::default(),
            leads: None,
        }
    }
}

/// A fact that is a marker by itself.
fn at_once(fact: &Fact) -> Option<Marker> {
    Some(match fact {
        Fact::Truncated { to, from, .. } if to < from => DIVERGENT_TAIL_TRUNCATED,
        Fact::StaleRequestRefused { .. } => STALE_REQUEST_REFUSED,
        Fact::SetRefused { .. } => SET_WRITE_REFUSED,
        Fact::DuplicateAbsorbed { .. } => DUPLICATE_ABSORBED,
        Fact::SentAgain { .. } => SENT_AGAIN,
        Fact::RefusedForRoom { .. } => REFUSED_FOR_ROOM,
        Fact::WaitsForRoom { .. } => PRODUCER_BUFFER_FULL,
        Fact::MemberFenced { .. } => GENERATION_FENCED_A_ZOMBIE,
        Fact::Recovered { torn: true, .. } => TORN_BATCH_CUT,
        Fact::Told { fate: Fate::Unknown, .. } => TOLD_UNKNOWN,
        Fact::TransactionEnding { verdict: Verdict::Commit, .. } => TRANSACTION_COMMITTED,
        Fact::TransactionEnding { fenced: true, .. } => TRANSACTION_ABORTED_BY_FENCING,
        Fact::TransactionTakenUp { .. } => TRANSACTION_TAKEN_UP,
        Fact::FollowerServed { .. } => FOLLOWER_SERVED,
        Fact::OffsetOutOfRange { reset: Some(_), .. } => OFFSET_RESET,
        Fact::OffsetOutOfRange { reset: None, .. } => OFFSET_ERROR,
        Fact::Replayed { .. } => REPLAYED_FROM_ARCHIVE,
        Fact::Refused { why, .. } if *why == Refusal::Corrupt.to_string() => CORRUPT_BATCH_REFUSED,
        Fact::DamageFound { .. } => CORRUPT_BATCH_THROWN_AWAY,
        Fact::Parked { .. } => LATER_RECORD_OF_A_KEY_WAITED,
        Fact::Forwarded { to, .. } if matches!(to.topic, Topic::Dead(_)) => MESSAGE_DEAD_LETTERED,
        Fact::Coordination(happening) => return of_coordination(happening),
        Fact::OfGroups(OfGroups::MemberLeft { .. }) => MEMBER_LEFT,
        Fact::OfTopics(OfTopics::Rerouted { .. }) => OLD_ROUTING_TOLD,
        Fact::OfTopics(OfTopics::Withheld { .. }) => NEW_PARTITION_WAITED,
        Fact::OfLogs(OfLogs::ReadFromDisk { .. }) => READ_FROM_DISK,
        Fact::OfLogs(OfLogs::TruncationSeen { .. }) => CONSUMER_SAW_TRUNCATION,
        _ => return None,
    })
}

fn of_coordination(happening: &Happening) -> Option<Marker> {
    Some(match happening {
        Happening::VoteRefused { why: VoteRefusal::OldTerm, .. } => VOTE_REFUSED_BY_TERM,
        Happening::VoteRefused { why: VoteRefusal::ShorterLog, .. } => VOTE_REFUSED_BY_LOG,
        Happening::SnapshotInstalled { .. } => CAUGHT_UP_BY_SNAPSHOT,
        Happening::ReadsRefused { .. } => DEPOSED_LEADER_REFUSED_A_READ,
        Happening::SessionExpired { .. } => SESSION_EXPIRED,
        Happening::WatchRenewed { .. } => WATCH_RENEWED,
        Happening::Returned { outcome: Outcome::Answered(Response::Compacted { .. }), .. } => WATCH_TOO_LATE,
        _ => return None,
    })
}

fn is_elected(fact: &Fact) -> bool {
    matches!(fact, Fact::Coordination(happening) if matches!(**happening, Happening::Led { .. }))
}

impl MarkerWatch<Fact> for Markers {
    fn witness(&mut self, stamp: &Stamp, fact: &Fact, reached: &mut dyn FnMut(Marker)) {
        at_once(fact).into_iter().for_each(&mut *reached);
        if is_elected(fact) && self.leads.replace(stamp.node).is_some_and(|before| before != stamp.node) {
            reached(COORDINATION_LEADER_CHANGED);
        }
        // What a broker had before it came up is known before the cluster hears of it.
        self.brokers.before(fact, &self.cluster.borrow(), reached);
        // The cluster never objects.
        let _ = Monitor::witness(&mut self.cluster, stamp, fact);
        let cluster = self.cluster.borrow();
        self.brokers.after(stamp, fact, &cluster, reached);
        self.moves.witness(fact, &cluster, reached);
        self.clients.witness(stamp, fact, &cluster, reached);
        self.retention.witness(stamp, fact, &cluster, reached);
        self.delays.witness(stamp, fact, &cluster, reached);
        self.loans.witness(fact, reached);
        self.topics.witness(fact, &cluster, reached);
        self.restarts.witness(fact, &cluster, reached);
        self.pushes.witness(stamp, fact, reached);
        self.placing.witness(stamp, fact, &cluster, reached);
        self.tokens.witness(stamp, fact, reached);
        self.groups.witness(stamp, fact, &cluster, reached);
    }
}
