//! One replica of one partition: the rules of in-sync replication, without disk, network or clock.
//!
//! It holds no records. What it knows of its log is where it ends, how far the disk has it, and which epoch wrote
//! which stretch ([`Lineage`]); the records lie in the partition log beside it.
//!
//! ```text
//!  start        watermark          persisted     end
//!    │ everybody in sync has it │ on this disk │ not yet │
//! ```
//!
//! | rule | says | source |
//! |---|---|---|
//! | R1 | only who believes to lead appends, and stamps its epoch | KIP-101 |
//! | R2 | the watermark moves when every member of the maximal set (accepted or proposed) has fetched past it in the leader's epoch, and the set is large enough | KIP-497, KIP-966 |
//! | R3 | a follower first cuts its log where it parts from its leader's, asking a leader of the same epoch until both agree on the last epoch that is left | KIP-101, KIP-279 |
//! | R4 | what comes from another epoch is neither served nor counted | KIP-320 |
//! | R5 | a follower joins the set when it was seen in this epoch, in its present life, and has the watermark and the start of the epoch | KIP-320, KIP-903 |
//! | R6 | the set is written by compare-and-set on epoch and version | KIP-497 |
//! | R7 | leaders are elected from the set | |
//! | R8 | consumers read up to the watermark | |
//!
//! R6 and R7 are the controller's ([`PartitionState`]).

mod follower;
mod leader;
mod lineage;
mod messages;
mod serving;

pub use follower::Discarded;
pub use leader::{Leadership, Progress, Refusal};
pub use lineage::{EpochEnd, Lineage};
pub use messages::{Asker, EndAnswer, EndRequest, FetchAnswer, FetchRequest, OutOfRangeAnswer, SetRequest};

use super::brokers::{BrokerEpoch, BrokerId};
use super::controller::{Leader, PartitionState};
use super::defects::{Defect, Defects};
use super::offset::{LeaderEpoch, Offset};
use serde::{Deserialize, Serialize};

/// When a record counts as held by a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flush {
    /// When its disk has it for sure.
    BeforeAck,
    /// When its memory has it; the disk follows. Safe as long as one in-sync memory or disk is whole.
    Background,
}

/// What is the same for all replicas of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// When a record counts as held.
    pub flush: Flush,
    /// How many members the set must have for anything to be acknowledged by all of them.
    pub min_insync: usize,
    /// Known bugs.
    pub defects: Defects,
}

/// What a replica is at the moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Nothing: it has not been told yet, or nobody leads.
    Idle,
    /// It finds out where its log parts from the leader's.
    Truncating(BrokerId),
    /// It fetches.
    Fetching(BrokerId),
    /// It leads, or believes so.
    Leading(Leadership),
}

/// The core of one replica.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Replica {
    me: BrokerId,
    life: BrokerEpoch,
    /// The newest epoch that it was told of in this life.
    epoch: LeaderEpoch,
    /// The newest version of the partition's state that it was told of in this life, once it was.
    version: Option<u32>,
    start: Offset,
    watermark: Offset,
    persisted: Offset,
    end: Offset,
    lineage: Lineage,
    role: Role,
}

impl Replica {
    /// The replica of a broker that begins this life and finds such a log on its disk. All of it counts as persisted:
    /// recovery syncs what it keeps. The watermark is what was remembered of it, and is never beyond the log.
    ///
    /// # Panics
    /// When the log would end before it starts.
    pub fn recovered(
        me: BrokerId,
        life: BrokerEpoch,
        log: std::ops::Range<Offset>,
        lineage: Lineage,
        watermark: Offset,
    ) -> Replica {
        assert!(log.start <= log.end, "a log cannot end before it starts");
        Replica {
            me,
            life,
            epoch: LeaderEpoch::default(),
            version: None,
            start: log.start,
            watermark: watermark.clamp(log.start, log.end),
            persisted: log.end,
            end: log.end,
            lineage,
            role: Role::Idle,
        }
    }

    /// The controller says who leads and who is in sync, and for which life of this broker. What this replica must drop
    /// first of its log, if anything: everything from there on; and if [`start`](Replica::start) is another then, all
    /// that is before it as well: the log begins anew there.
    ///
    /// A broker that is to have no copy any more keeps none: the disk is wanted for others, and should it be called back it
    /// is a follower that has nothing, as any new one.
    ///
    /// Older news than it knows is ignored, and so is what was meant for another life of it (KIP-380): an order that was
    /// on its way when the broker died may speak of an epoch that ended before it came back. A leader that is not of
    /// this life is none (its successor comes): what it appended last may be gone, and would be written anew in the same
    /// epoch.
    pub fn ordered(
        &mut self,
        state: &PartitionState,
        life: BrokerEpoch,
        settings: Settings,
    ) -> Option<Offset> {
        let for_me = life == self.life || settings.defects.has(Defect::ObeysOrdersForAnotherLife);
        let known = self.version.is_some_and(|known| known >= state.version) || state.epoch < self.epoch;
        if !for_me || known {
            return None;
        }
        let new_epoch = self.version.is_none() || state.epoch > self.epoch;
        (self.epoch, self.version) = (state.epoch, Some(state.version));
        if !state.replicas.has(self.me) {
            self.role = Role::Idle;
            return self.cut(Offset::ZERO);
        }
        match state.leader {
            Some(leader) if leader.broker == self.me => self.told_to_lead(leader, state, settings),
            Some(leader) if new_epoch || self.role == Role::Idle => {
                return self.told_to_follow(leader.broker, settings);
            }
            Some(_) => {}
            None => self.role = Role::Idle,
        }
        None
    }

    fn told_to_lead(&mut self, leader: Leader, state: &PartitionState, settings: Settings) {
        if leader.life != self.life && !settings.defects.has(Defect::RestartedLeaderKeepsEpoch) {
            self.role = Role::Idle;
            return;
        }
        match &mut self.role {
            Role::Leading(leadership) if leadership.epoch() == state.epoch => leadership.accepted(state),
            role => *role = Role::Leading(Leadership::begun(state, self.end)),
        }
        self.advance(settings);
    }

    /// Everything up to there is on the disk for sure.
    pub fn persisted(&mut self, through: Offset, settings: Settings) {
        self.persisted = self.persisted.max(through.min(self.end));
        self.advance(settings);
    }

    /// Drops everything from there on.
    fn cut(&mut self, to: Offset) -> Option<Offset> {
        if to >= self.end {
            return None;
        }
        if to < self.start {
            return Some(self.begin_anew(to));
        }
        self.end = to;
        self.persisted = self.persisted.min(to);
        self.watermark = self.watermark.min(to);
        self.lineage.truncated(to);
        Some(to)
    }

    /// Drops everything, and goes on there. Nothing counts as persisted until the disk has that: before, a crash brings
    /// back what was there.
    fn begin_anew(&mut self, at: Offset) -> Offset {
        (self.start, self.watermark, self.end) = (at, at, at);
        self.persisted = Offset::ZERO;
        self.lineage = Lineage::default();
        at
    }

    /// Retention has dropped everything before `start`: of what lies below the watermark alone.
    pub fn expired(&mut self, start: Offset) {
        self.start = self.start.max(start);
        self.watermark = self.watermark.max(start);
        self.lineage.expired(start);
        if start >= self.end {
            self.lineage = Lineage::default();
            // Where it parts from the leader's need not be found out of a log in which nothing is left.
            if let Role::Truncating(leader) = self.role {
                self.role = Role::Fetching(leader);
            }
        }
    }

    /// How far the leader may count on this replica.
    pub fn held(&self, settings: Settings) -> Offset {
        match settings.flush {
            Flush::BeforeAck if !settings.defects.has(Defect::AcknowledgesBeforeSync) => self.persisted,
            Flush::BeforeAck | Flush::Background => self.end,
        }
    }

    /// Everything before it is gone by retention; the first record that can be read.
    pub fn start(&self) -> Offset {
        self.start
    }

    /// Where the next record will stand.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Everything before it is held by all in-sync replicas, as far as this one knows: what consumers may read (R8).
    pub fn watermark(&self) -> Offset {
        self.watermark
    }

    /// How far its disk has its log for sure.
    pub fn persisted_end(&self) -> Offset {
        self.persisted
    }

    /// The newest epoch that it was told of in this life.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// The newest version of the partition's state that it was told of in this life, if it was told of any.
    pub fn version(&self) -> Option<u32> {
        self.version
    }

    /// Which life of which broker it belongs to.
    pub fn life(&self) -> (BrokerId, BrokerEpoch) {
        (self.me, self.life)
    }

    /// What it is at the moment.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// Which epoch wrote which stretch of its log.
    pub fn lineage(&self) -> &Lineage {
        &self.lineage
    }
}
