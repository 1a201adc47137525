//! The offsets that groups have committed, where those are kept in the coordination service: what their
//! [keeper](Keeper) wants is asked of the service, one thing after the other.
//!
//! 1. Whoever leads a partition of the offsets topic claims its key before its desk is taken up.
//! 2. What groups want is done in the order in which they want it, as long as this broker is at the desk.

use super::super::defects::Defect;
use super::super::facts::{Fact, OfGroups};
use super::super::group::keeper::{Errand, Keep, Keeper, KeptOffsets, Settled};
use super::super::keys;
use super::super::knobs::OffsetsIn;
use super::super::offset::LeaderEpoch;
use super::super::partition::Partition;
use super::desk::{Coordinator, leads_in};
use super::groups::Groups;
use super::{Broker, Host};
use crate::coordination::{Check, CoordinationError, Edit, Revision};
use rehearsal_env::Env;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The keepers of the desks that this broker has, by the partition of the desk.
#[derive(Debug, Default)]
pub(super) struct Keepers {
    keepers: RefCell<BTreeMap<Partition, Keeper>>,
    /// Whose wants are being done.
    at_work: RefCell<BTreeSet<(Partition, LeaderEpoch)>>,
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Whether committed offsets are kept in the coordination service.
    pub(super) fn keeps_offsets_apart(&self) -> bool {
        self.plan.knobs.offsets == OffsetsIn::Coordination
    }

    /// Claims the key of a partition, however long that takes; or until this broker leads in that epoch no more.
    pub(super) async fn claim_offsets(&self, host: &Host, epoch: LeaderEpoch) {
        while leads_in(host) == Some(epoch) {
            if let Some(keeper) = self.try_to_claim(host.partition, epoch).await {
                self.keepers.keepers.borrow_mut().insert(host.partition, keeper);
                return;
            }
            self.env.sleep(self.plan.knobs.backoff.duration()).await;
        }
    }

    async fn try_to_claim(&self, partition: Partition, epoch: LeaderEpoch) -> Option<Keeper> {
        let (version, found) = self.read_offsets(partition).await.ok()?;
        let found = found.filter(|_| !self.plan.defects.has(Defect::ClaimsOffsetsUnread));
        let before = found.as_ref().map(|found| (found.coordinator, found.groups.len()));
        let claimed = KeptOffsets::claimed(found, self.me, epoch)?;
        let written = self.write_offsets(partition, version, &claimed).await.ok()?;
        let (by, groups) = before.unzip();
        let groups = groups.unwrap_or_default() as u32;
        self.env.observe(Fact::OfGroups(OfGroups::OffsetsClaimed { partition, epoch, by, groups }));
        Some(Keeper::begin(claimed, written))
    }

    /// What groups had committed when this broker claimed the key of their partition.
    pub(super) fn with_kept_offsets<T>(
        &self,
        partition: Partition,
        with: impl FnOnce(&Keeper) -> T,
    ) -> Option<T> {
        self.keepers.keepers.borrow().get(&partition).map(with)
    }

    /// A group at the desk of `partition` wants something.
    pub(super) fn keep(self: &Rc<Self>, partition: Partition, epoch: LeaderEpoch, keep: Keep) {
        self.with_keeper(partition, epoch, |keeper| keeper.want(keep));
        if self.keepers.at_work.borrow_mut().insert((partition, epoch)) {
            let broker = self.clone();
            self.env.spawn(async move {
                while broker.do_next(partition, epoch).await {}
                broker.keepers.at_work.borrow_mut().remove(&(partition, epoch));
            });
        }
    }

    /// Asks the service for what is wanted next. False when nothing is.
    async fn do_next(self: &Rc<Self>, partition: Partition, epoch: LeaderEpoch) -> bool {
        if !self.is_at_desk::<Groups>(partition, epoch) {
            return false;
        }
        let Some(errand) = self.with_keeper(partition, epoch, Keeper::next_errand).flatten() else {
            return false;
        };
        let settled = match self.carry_out_errand(partition, errand).await {
            Ok(Found::Written(version)) => {
                self.with_keeper(partition, epoch, |keeper| keeper.written(version))
            }
            Ok(Found::Stands(found)) => self.with_keeper(partition, epoch, |keeper| keeper.found(found)),
            Err(_) => {
                self.env.sleep(self.plan.knobs.backoff.duration()).await;
                return true;
            }
        };
        self.tell_groups(partition, epoch, settled.unwrap_or_default());
        true
    }

    async fn carry_out_errand(
        &self,
        partition: Partition,
        errand: Errand,
    ) -> Result<Found, CoordinationError> {
        if let Errand::Write(known, table) = errand {
            match self.write_offsets(partition, Some(known), &table).await {
                Ok(version) => return Ok(Found::Written(version)),
                Err(CoordinationError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let (version, found) = self.read_offsets(partition).await?;
        Ok(Found::Stands(version.zip(found)))
    }

    async fn read_offsets(
        &self,
        partition: Partition,
    ) -> Result<(Option<Revision>, Option<KeptOffsets>), CoordinationError> {
        let key = keys::offsets(partition);
        let entry = self.coordination.read(&key).await?;
        let kept = entry.as_ref().and_then(|entry| keys::kept_offsets(&key, entry));
        Ok((entry.as_ref().map(keys::version), kept))
    }

    /// Has the key hold this, if it is as it is known to be.
    async fn write_offsets(
        &self,
        partition: Partition,
        known: Option<Revision>,
        table: &KeptOffsets,
    ) -> Result<Revision, CoordinationError> {
        let key = keys::offsets(partition);
        let mut checks = Vec::new();
        if !self.plan.defects.has(Defect::CommitsUnfenced) {
            checks.push(Check::unchanged(&key, known));
        }
        self.coordination.transact(checks, vec![Edit::put(key, keys::encode(table))]).await
    }

    fn tell_groups(self: &Rc<Self>, partition: Partition, epoch: LeaderEpoch, settled: Vec<Settled>) {
        for (group, write, done) in settled {
            if self.is_at_desk::<Groups>(partition, epoch) {
                let input = <Groups as Coordinator<E>>::settled((group, write), done);
                self.step_desk::<Groups>(partition, input);
            }
        }
    }

    fn with_keeper<T>(
        &self,
        partition: Partition,
        epoch: LeaderEpoch,
        with: impl FnOnce(&mut Keeper) -> T,
    ) -> Option<T> {
        let mut keepers = self.keepers.keepers.borrow_mut();
        keepers.get_mut(&partition).filter(|keeper| keeper.epoch() == epoch).map(with)
    }
}

/// What came of an errand.
enum Found {
    /// It was written, as this version.
    Written(Revision),
    /// The key holds this; a write was refused for it.
    Stands(Option<(Revision, KeptOffsets)>),
}
