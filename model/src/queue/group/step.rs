//! What goes into a group's coordinator and what comes out: the whole of its contact with the world.

use super::entry::GroupEntry;
use super::error::GroupError;
use super::ids::{Generation, MemberId, RequestId, WriteId};
use super::registration::{Interest, Registration};
use super::strategy::{Plan, StrategyName};
use crate::queue::identity::ProducerIdentity;
use crate::queue::offset::Offset;
use crate::queue::partition::{Partition, Topic};
use crate::queue::record::Verdict;
use crate::queue::topics::Shares;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What may happen to a group. Every request is answered once, under its number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A consumer wants to be in the next generation. Answered when that is formed and on the log.
    Join {
        /// Its number.
        request: RequestId,
        /// Who it is, if it was a member before.
        member: Option<MemberId>,
        /// Who it will be if it was none: an id that was never given before.
        fresh: MemberId,
        /// What it says of itself.
        registration: Registration,
    },
    /// A member asks what it owns in a generation. Answered when the leader's plan is on the log.
    Sync {
        /// Its number.
        request: RequestId,
        /// Who asks.
        member: MemberId,
        /// In which generation.
        generation: Generation,
        /// The plan, if the leader asks; not looked at otherwise. The leader is trusted to give a partition to one
        /// member only.
        plan: Plan,
    },
    /// A member says that it lives.
    Heartbeat {
        /// Its number.
        request: RequestId,
        /// Who says so.
        member: MemberId,
        /// In which generation it thinks it is.
        generation: Generation,
    },
    /// A member goes. This is not written: a new coordinator may know the member still, until its session ends.
    Leave {
        /// Its number.
        request: RequestId,
        /// Who goes.
        member: MemberId,
    },
    /// A consumer says where to go on. Answered when that is on the log.
    Commit {
        /// Its number.
        request: RequestId,
        /// Who, and in which generation; nobody for a consumer that is in no group, which may commit only while the
        /// group has no members.
        member: Option<(MemberId, Generation)>,
        /// Where to go on in each partition.
        offsets: BTreeMap<Partition, Offset>,
    },
    /// A consumer says where to go on if the transaction is committed in which it says so (KIP-447). Answered when that is
    /// on the log. The shell has had the transaction verified.
    CommitWithin {
        /// Its number.
        request: RequestId,
        /// Who, and in which generation.
        member: (MemberId, Generation),
        /// Whose transaction.
        producer: ProducerIdentity,
        /// Where to go on in each partition.
        offsets: BTreeMap<Partition, Offset>,
    },
    /// A transaction's marker is on the log, for good. Others' markers, and repeated ones, do nothing.
    TransactionEnded {
        /// The marker's identity: its transaction had a smaller epoch.
        producer: ProducerIdentity,
        /// How it ended.
        verdict: Verdict,
    },
    /// Somebody asks where to go on. Only what is on the log is told, and nothing while that depends on an open
    /// transaction; and not before something that was written since is on the log.
    Fetch {
        /// Its number.
        request: RequestId,
        /// In which partitions.
        partitions: BTreeSet<Partition>,
    },
    /// What of the topics whose partitions have changed may be shared out, and when. Of all others everything may.
    Topics(BTreeMap<Topic, Shares>),
    /// A timer that was set has run out. One that was canceled, or is stale, does nothing.
    TimerFired(Timer),
    /// The write is on the log, for good. Writes stand there in the order in which they were given out, and are to be
    /// reported in that order: else one who is told of its new partitions may read offsets that are older than what the
    /// one before it had committed.
    Persisted {
        /// Which.
        write: WriteId,
    },
    /// The append failed or was fenced. The write may be on the log nevertheless: then a later coordinator knows more than
    /// this one, and a committed offset may seem to fall after it took over. Where the log can still tell, wait for it.
    NotPersisted {
        /// Which.
        write: WriteId,
    },
}

/// What the coordinator wants done, and what it wants known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Answer this request.
    Answer {
        /// Which.
        request: RequestId,
        /// What came of it.
        result: Result<Answer, GroupError>,
    },
    /// Append this to the group's partition of the offsets topic, after all before it, under `acks = all`; then come back
    /// with [`Input::Persisted`] or [`Input::NotPersisted`].
    Persist {
        /// Its number.
        write: WriteId,
        /// What to append.
        entry: GroupEntry,
    },
    /// Come back with [`Input::TimerFired`] after this time.
    SetTimer {
        /// The timer's name.
        timer: Timer,
        /// How long from now.
        after: Duration,
    },
    /// This timer is not wanted any more. It may have fired already.
    CancelTimer(Timer),
    /// For observers: a generation is formed that is not given these yet.
    Withheld(BTreeSet<Partition>),
    /// For observers: a member is none any more.
    MemberRemoved {
        /// Who.
        member: MemberId,
        /// Why.
        why: Removal,
    },
}

/// Why a member is none any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Removal {
    /// It said so.
    Left,
    /// It was silent for its session timeout.
    SessionExpired,
    /// It did not join again within the rebalance timeout.
    DidNotRejoin,
}

/// A good answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// To a join: the generation is formed.
    Joined(JoinAnswer),
    /// To a sync: what the member owns.
    Synced {
        /// In which generation.
        generation: Generation,
        /// Its partitions.
        partitions: BTreeSet<Partition>,
    },
    /// To a heartbeat: go on.
    Alive,
    /// To a leave.
    Left,
    /// To a commit: it is on the log.
    Committed,
    /// To a fetch: where to go on, in those of the partitions in which anything was committed.
    Fetched(BTreeMap<Partition, Offset>),
}

/// The answer to a join.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JoinAnswer {
    /// The generation that the member is in now.
    pub generation: Generation,
    /// Who it is.
    pub member: MemberId,
    /// Who plans.
    pub leader: MemberId,
    /// By which strategy.
    pub strategy: StrategyName,
    /// All members of the generation and what they want: to the leader only, and empty to others.
    pub members: BTreeMap<MemberId, Interest>,
    /// What of the topics whose partitions have changed is to be shared out: to the leader only, and empty to others. Of all
    /// other topics everything is.
    #[serde(default)]
    pub topics: BTreeMap<Topic, BTreeSet<u32>>,
}

/// The name of a timer. Each has its own number, so that an earlier one is known to be stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// Its number.
    pub number: u64,
    /// What it is for.
    pub kind: TimerKind,
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerKind {
    /// The silence of a member.
    Session(MemberId),
    /// The members' time to join again.
    Rebalance,
    /// The wait of an empty group for more members than the first (KIP-134).
    InitialDelay,
}

/// What an operator can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Knobs {
    /// How long the first member of an empty group waits for others (`group.initial.rebalance.delay.ms`, 3 s). Kafka
    /// waits anew for each that comes meanwhile; here the wait is one.
    pub initial_delay: Duration,
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs { initial_delay: Duration::from_secs(3) }
    }
}
