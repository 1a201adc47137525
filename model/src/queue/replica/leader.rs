//! The leader's half: append, serve, count, and keep the in-sync set.

use super::{
    EndAnswer, EndRequest, EpochEnd, FetchAnswer, FetchRequest, Replica, Role, SetRequest, Settings,
};
use crate::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use crate::queue::controller::PartitionState;
use crate::queue::defects::Defect;
use crate::queue::offset::{LeaderEpoch, Offset};
use std::collections::BTreeMap;

/// How far a follower is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Progress {
    /// Which life of it.
    pub life: BrokerEpoch,
    /// Everything before it is held there.
    pub held: Offset,
    /// Whether a fetch of an earlier epoch said so; only known bugs write such a thing down.
    pub stale: bool,
}

/// What a leader knows besides its log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leadership {
    pub(super) epoch: LeaderEpoch,
    /// Where the log ended when the epoch began.
    pub(super) begins: Offset,
    pub(super) in_sync: Brokers,
    pub(super) replicas: Brokers,
    /// The set that was asked for and not answered yet.
    pub(super) proposed: Option<SetRequest>,
    /// Followers that were heard of in this epoch.
    pub(super) followers: BTreeMap<BrokerId, Progress>,
}

/// Why a leader refused: nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// This replica does not lead, or not in the epoch of who asks.
    #[error("this replica does not lead in that epoch")]
    NotLeader,
    /// Too few replicas are in sync for an append that waits for all of them.
    #[error("too few replicas are in sync")]
    NotEnoughReplicas,
    /// The follower's log does not lie within the leader's.
    #[error("the offset is outside of the log, which holds {start} to {end}")]
    OutOfRange {
        /// Where the leader's log starts.
        start: Offset,
        /// Where it ends.
        end: Offset,
    },
}

impl Leadership {
    pub(super) fn begun(state: &PartitionState, begins: Offset) -> Leadership {
        Leadership {
            epoch: state.epoch,
            begins,
            in_sync: state.in_sync,
            replicas: state.replicas,
            proposed: None,
            followers: BTreeMap::new(),
        }
    }

    /// The controller's state in this epoch: whatever was proposed is in it, or was refused because of it.
    pub(super) fn accepted(&mut self, state: &PartitionState) {
        self.in_sync = state.in_sync;
        self.replicas = state.replicas;
        self.proposed = None;
    }

    /// Its epoch.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// Where the log ended when the epoch began.
    pub fn begins(&self) -> Offset {
        self.begins
    }

    /// The accepted set.
    pub fn in_sync(&self) -> Brokers {
        self.in_sync
    }

    /// What was asked of the controller and not answered yet; to be sent again until it is.
    pub fn proposed(&self) -> Option<&SetRequest> {
        self.proposed.as_ref()
    }

    /// How far a follower is known to be.
    pub fn progress(&self, broker: BrokerId) -> Option<Progress> {
        self.followers.get(&broker).copied()
    }

    /// Whoever is in the accepted set or may be in it already (R2).
    fn maximal_set(&self, settings: Settings) -> Brokers {
        let defects = settings.defects;
        match &self.proposed {
            Some(proposed) if defects.has(Defect::DeposedLeaderAcknowledges) => proposed.in_sync,
            Some(proposed) if !defects.has(Defect::WatermarkIgnoresProposal) => {
                self.in_sync.or(proposed.in_sync)
            }
            _ => self.in_sync,
        }
    }

    fn held_by(&self, broker: BrokerId, settings: Settings) -> Offset {
        let counts = |progress: &&Progress| !progress.stale || settings.defects.has(Defect::CountsStaleFetch);
        self.followers.get(&broker).filter(counts).map_or(Offset::ZERO, |progress| progress.held)
    }

    /// Up to where everybody who must has it.
    fn held_by_all(&self, me: BrokerId, own: Offset, settings: Settings) -> Offset {
        let held = |broker| if broker == me { own } else { self.held_by(broker, settings) };
        let set = self.maximal_set(settings);
        if settings.defects.has(Defect::WatermarkCountsDeparted) {
            let mut all: Vec<Offset> = self.replicas.or(set).iter().map(held).collect();
            all.sort_by(|one, other| other.cmp(one));
            return all[set.len().max(1) - 1];
        }
        set.iter().map(held).min().unwrap_or(Offset::ZERO)
    }
}

impl Replica {
    /// Appends a batch of so many records (R1); where its first one stands. `all` demands that enough replicas are in
    /// sync.
    ///
    /// # Errors
    /// [`Refusal`]: the batch was definitely not appended.
    pub fn append(&mut self, records: u64, all: bool, settings: Settings) -> Result<Offset, Refusal> {
        let Role::Leading(leadership) = &self.role else { return Err(Refusal::NotLeader) };
        if all && self.lacks_replicas(settings) {
            return Err(Refusal::NotEnoughReplicas);
        }
        let base = self.end;
        self.lineage.appended(leadership.epoch, base);
        self.end = base.plus(records);
        self.advance(settings);
        Ok(base)
    }

    /// Whether it leads with too few replicas in sync: what it has appended is acknowledged to nobody who waits for all of
    /// them until the set has grown again (KIP-966, strict minimum).
    pub fn lacks_replicas(&self, settings: Settings) -> bool {
        matches!(&self.role, Role::Leading(leadership) if leadership.in_sync.len() < settings.min_insync)
    }

    /// Up to where appended records may be acknowledged to producers that wait for all in-sync replicas.
    pub fn acknowledged(&self, settings: Settings) -> Offset {
        let Role::Leading(leadership) = &self.role else { return Offset::ZERO };
        if settings.defects.has(Defect::AcknowledgesBeforeReplication) {
            return self.held(settings).max(self.watermark);
        }
        if settings.defects.has(Defect::MinimumIsEnough) {
            let own = self.held(settings);
            let others = leadership.in_sync.without(self.me);
            let mut held: Vec<Offset> =
                others.iter().map(|broker| leadership.held_by(broker, settings)).collect();
            held.push(own);
            held.sort_by(|one, other| other.cmp(one));
            return held
                .get(settings.min_insync.max(1) - 1)
                .copied()
                .unwrap_or(Offset::ZERO)
                .max(self.watermark);
        }
        self.watermark
    }

    /// The end of what consumers may read, as "latest offset"; none while the watermark may still be behind what an
    /// earlier leader has shown (KIP-207).
    pub fn latest(&self) -> Option<Offset> {
        match &self.role {
            Role::Leading(leadership) if self.watermark >= leadership.begins => Some(self.watermark),
            _ => None,
        }
    }

    /// Answers a follower that wants to know where an epoch ends (R3, R4).
    ///
    /// # Errors
    /// [`Refusal::NotLeader`] when this replica does not lead in the follower's epoch.
    pub fn end_of_epoch(&self, request: &EndRequest, settings: Settings) -> Result<EndAnswer, Refusal> {
        let Role::Leading(leadership) = &self.role else { return Err(Refusal::NotLeader) };
        let fenced = leadership.epoch != request.asker.epoch;
        if fenced && !settings.defects.has(Defect::AnswersStaleTruncation) {
            return Err(Refusal::NotLeader);
        }
        let mut end = self.lineage.end_of(request.last, self.end);
        if settings.defects.has(Defect::GuessesEndOfEpoch) {
            end = EpochEnd { found: Some(request.last), end: end.end };
        }
        Ok(EndAnswer { request: *request, end })
    }

    /// Takes note of a follower's fetch and answers it (R2, R4); the batches from the request's offset on are to be
    /// sent with the answer.
    ///
    /// # Errors
    /// [`Refusal::NotLeader`] when this replica does not lead in the follower's epoch, [`Refusal::OutOfRange`] when the
    /// follower's log ends outside of this one.
    pub fn fetch(&mut self, request: &FetchRequest, settings: Settings) -> Result<FetchAnswer, Refusal> {
        let (start, end) = (self.start, self.end);
        let defects = settings.defects;
        let Role::Leading(leadership) = &mut self.role else { return Err(Refusal::NotLeader) };
        let stale = leadership.epoch != request.asker.epoch;
        let counted = defects.has(Defect::CountsStaleFetch) || defects.has(Defect::ExpandsOnStaleFetch);
        if !stale || counted {
            leadership.note(request, request.offset.min(end), stale);
        }
        if stale && !defects.has(Defect::ServesStaleFetch) {
            self.advance(settings);
            return Err(Refusal::NotLeader);
        }
        if !(start..=end).contains(&request.offset) {
            return Err(Refusal::OutOfRange { start, end });
        }
        self.advance(settings);
        Ok(FetchAnswer { request: *request, watermark: self.watermark })
    }

    /// Moves the watermark as far as it may go.
    pub(super) fn advance(&mut self, settings: Settings) {
        let own = self.held(settings);
        let Role::Leading(leadership) = &self.role else { return };
        if self.lacks_replicas(settings) {
            return;
        }
        let held = leadership.held_by_all(self.me, own, settings);
        self.watermark = self.watermark.max(held.min(self.end));
    }

    /// Who may join the set now (R5).
    pub fn caught_up(&self, settings: Settings) -> Brokers {
        let Role::Leading(leadership) = &self.role else { return Brokers::NONE };
        if leadership.proposed.is_some() {
            return Brokers::NONE;
        }
        let outside = leadership.replicas.minus(leadership.in_sync);
        outside.iter().filter(|broker| self.is_caught_up(leadership, *broker, settings)).collect()
    }

    fn is_caught_up(&self, leadership: &Leadership, broker: BrokerId, settings: Settings) -> bool {
        let defects = settings.defects;
        let Some(progress) = leadership.followers.get(&broker) else { return false };
        let seen = !progress.stale || defects.has(Defect::ExpandsOnStaleFetch);
        let has_watermark = progress.held >= self.watermark || defects.has(Defect::ExpandsBelowWatermark);
        let has_start = progress.held >= leadership.begins || defects.has(Defect::ExpandsBelowEpochStart);
        seen && has_watermark && has_start
    }

    /// Asks for a set with `joining`, who has caught up. None when there is a question open, or it has not.
    pub fn expand(&mut self, joining: BrokerId, settings: Settings) -> Option<SetRequest> {
        if !self.caught_up(settings).has(joining) {
            return None;
        }
        let Role::Leading(leadership) = &self.role else { return None };
        let life = leadership.followers[&joining].life;
        self.propose(leadership.in_sync.with(joining), Some((joining, life)))
    }

    /// Asks for a set without `leaving`, who lag behind. None when there is a question open, or nobody would leave. The
    /// leader never leaves its own set.
    pub fn shrink(&mut self, leaving: Brokers, settings: Settings) -> Option<SetRequest> {
        let Role::Leading(leadership) = &self.role else { return None };
        let rest = leadership.in_sync.minus(leaving.without(self.me));
        if leadership.proposed.is_some() || rest == leadership.in_sync {
            return None;
        }
        let request = self.propose(rest, None);
        self.advance(settings);
        request
    }

    fn propose(&mut self, in_sync: Brokers, joining: Option<(BrokerId, BrokerEpoch)>) -> Option<SetRequest> {
        let (leader, version) = (self.me, self.version?);
        let Role::Leading(leadership) = &mut self.role else { return None };
        let request = SetRequest { leader, epoch: leadership.epoch, version, in_sync, joining };
        leadership.proposed = Some(request);
        Some(request)
    }

    /// The controller will never accept this request. (A request that was refused because the state had changed is
    /// another matter: an earlier copy of it may be what changed the state. Only news of the state settles that.)
    pub fn set_refused(&mut self, request: &SetRequest, settings: Settings) {
        if let Role::Leading(leadership) = &mut self.role
            && leadership.proposed.as_ref() == Some(request)
        {
            leadership.proposed = None;
            self.advance(settings);
        }
    }
}

impl Leadership {
    /// A follower's progress in one life never falls; another life of it begins anew.
    fn note(&mut self, request: &FetchRequest, held: Offset, stale: bool) {
        let life = request.asker.life;
        let progress = Progress { life, held, stale };
        let known = self.followers.entry(request.asker.broker).or_insert(progress);
        if life > known.life || (known.stale && !stale) {
            *known = progress;
        } else if life == known.life && (stale || !known.stale) {
            known.held = known.held.max(held);
        }
    }
}
