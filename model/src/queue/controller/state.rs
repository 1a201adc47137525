//! Who leads a partition and who is in sync with the leader: one value, changed by compare-and-set alone.

use crate::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::LeaderEpoch;
use crate::queue::replica::SetRequest;
use serde::{Deserialize, Serialize};

/// A leader is one life of a broker: what comes back after a crash has to be elected anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Leader {
    /// The broker.
    pub broker: BrokerId,
    /// Which life of it.
    pub life: BrokerEpoch,
}

/// The state of one partition, as the controller keeps it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionState {
    /// Rises with every change.
    pub version: u32,
    /// Rises with every election.
    pub epoch: LeaderEpoch,
    /// Who leads in this epoch; nobody while nobody can.
    pub leader: Option<Leader>,
    /// Who has everything that was acknowledged.
    pub in_sync: Brokers,
    /// Who left the set when it was too small to acknowledge anything, and so still has everything that was
    /// acknowledged (KIP-966, eligible leader replicas).
    pub eligible: Brokers,
    /// Who has a copy, or shall have one; while the partition moves, those who are to go as well.
    pub replicas: Brokers,
    /// Who of them is new, while the partition moves.
    pub adding: Brokers,
    /// Who of them is to go when all others are in sync.
    pub removing: Brokers,
}

/// Why a change of the set was refused: it definitely did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
pub enum SetRefusal {
    /// Who asks does not lead in that epoch, or the state has changed since.
    #[error("the partition's state has changed since")]
    Stale,
    /// Who shall join lives another life by now (KIP-903).
    #[error("the replica that shall join has restarted since")]
    AnotherLife,
    /// The set would lack its leader, or hold somebody who has no copy.
    #[error("the set must hold its leader, and replicas only")]
    NotASet,
}

impl PartitionState {
    /// A new partition: everybody who shall have a copy is in sync, since there is nothing to have.
    pub fn new(replicas: Brokers, leader: Leader) -> PartitionState {
        PartitionState {
            version: 0,
            epoch: LeaderEpoch(0),
            leader: Some(leader),
            in_sync: replicas,
            eligible: Brokers::NONE,
            replicas,
            adding: Brokers::NONE,
            removing: Brokers::NONE,
        }
    }

    /// The state after the leader's request (rule R6). `life_of` is the registered life of a broker that lives.
    ///
    /// # Errors
    /// [`SetRefusal`]: nothing has changed.
    pub fn change_set(
        &self,
        request: &SetRequest,
        life_of: impl Fn(BrokerId) -> Option<BrokerEpoch>,
        min_insync: usize,
        defects: Defects,
    ) -> Result<PartitionState, SetRefusal> {
        let leads = self.leader.is_some_and(|leader| leader.broker == request.leader);
        let current = leads && self.epoch == request.epoch && self.version == request.version;
        if !current && !defects.has(Defect::SetWrittenBlindly) {
            return Err(SetRefusal::Stale);
        }
        if !request.in_sync.has(request.leader) || request.in_sync.and(self.replicas) != request.in_sync {
            return Err(SetRefusal::NotASet);
        }
        if let Some((broker, life)) = request.joining
            && life_of(broker) != Some(life)
            && !defects.has(Defect::BrokerEpochIgnored)
        {
            return Err(SetRefusal::AnotherLife);
        }
        Ok(self.with_set(request.in_sync, Brokers::NONE, min_insync))
    }

    /// With another set; `gone` are those who may have lost something, and are not eligible either.
    fn with_set(&self, in_sync: Brokers, gone: Brokers, min_insync: usize) -> PartitionState {
        let eligible = if in_sync.len() >= min_insync {
            Brokers::NONE
        } else {
            self.in_sync.or(self.eligible).minus(in_sync).minus(gone)
        };
        PartitionState { version: self.version + 1, in_sync, eligible, ..self.clone() }
    }

    /// The state when a broker has died: it leaves the set unless it is the last in it, and leads no more.
    pub fn departed(&self, broker: BrokerId, min_insync: usize) -> PartitionState {
        let rest = self.in_sync.without(broker);
        let in_sync = if rest.is_empty() { self.in_sync } else { rest };
        self.with_set(in_sync, Brokers::NONE, min_insync).without_leader(broker)
    }

    /// The state when a broker begins another life. It leads no more: what it appended last may be gone, and would be
    /// written anew in the same epoch. One that may have lost what it acknowledged (it stopped uncleanly, and
    /// acknowledged what was not on its disk) leaves the set, even as its last member (KIP-966).
    pub fn restarted(
        &self,
        broker: BrokerId,
        may_have_lost: bool,
        min_insync: usize,
        defects: Defects,
    ) -> PartitionState {
        let leaves = may_have_lost && !defects.has(Defect::UncleanRestartStays);
        let gone = if leaves { Brokers::only(broker) } else { Brokers::NONE };
        let state = self.with_set(self.in_sync.minus(gone), gone, min_insync);
        state.without_leader(broker)
    }

    fn without_leader(self, broker: BrokerId) -> PartitionState {
        let leader = self.leader.filter(|leader| leader.broker != broker);
        PartitionState { leader, ..self }
    }

    /// Who may be elected without losing anything: the set, or those as good as it when nobody in it lives (rule R7).
    pub fn candidates(&self, live: Brokers, defects: Defects) -> Brokers {
        let in_sync = self.in_sync.and(live);
        match () {
            () if !in_sync.is_empty() => in_sync,
            () if defects.has(Defect::ElectsOutOfSync) => self.replicas.and(live),
            () => self.eligible.and(live),
        }
    }

    /// The state with a new leader, in an epoch of its own. Whoever is elected from outside of the set is the whole
    /// set, since nobody else is known to agree with it; from outside of the eligible ones too, it is the truth from
    /// now on, whatever the others have (unclean election).
    #[must_use]
    pub fn elected(&self, leader: Leader, min_insync: usize) -> PartitionState {
        let broker = leader.broker;
        let state = match () {
            () if self.in_sync.has(broker) => PartitionState { version: self.version + 1, ..self.clone() },
            () if self.eligible.has(broker) => {
                self.with_set(Brokers::only(broker), Brokers::NONE, min_insync)
            }
            () => PartitionState {
                eligible: Brokers::NONE,
                ..self.with_set(Brokers::only(broker), self.replicas, 0)
            },
        };
        PartitionState { epoch: LeaderEpoch(self.epoch.0 + 1), leader: Some(leader), ..state }
    }
}
