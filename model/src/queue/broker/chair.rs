//! The controller's chair: one broker at a time sits in it, and what it orders is written in its name.

use super::super::controller::{Change, Metadata, Rules};
use super::super::defects::Defect;
use super::super::facts::Fact;
use super::super::keys::{self, PartitionEntry};
use super::super::partition::{Partition, Topic};
use super::Broker;
use crate::coordination::{Check, CoordinationError, Edit, Revision};
use rehearsal_env::Env;
use std::rc::Rc;
use std::time::Duration;

/// How long a controller waits for news before it looks again.
const LOOK: Duration = Duration::from_secs(1);
/// How long nobody must have come or gone for leads to pass on for the sake of evenness alone: a broker that restarts
/// would have them come back, or they would go to one that is about to die.
const QUIET: Duration = Duration::from_secs(3);

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Step 6.
    pub(super) async fn stand_for_controller(self: Rc<Self>) {
        loop {
            if let Some(epoch) = self.take_chair().await {
                self.control(epoch).await;
            }
            self.wait_for_news(LOOK).await;
            while self.known.borrow().controller.is_some_and(|(broker, _)| broker != self.me) {
                self.wait_for_news(LOOK).await;
            }
        }
    }

    /// The controller epoch, when this broker sits in the chair. It may sit there unawares: the answer that told it so can
    /// be lost.
    async fn take_chair(&self) -> Option<Revision> {
        let chair = Edit::put_ephemeral(keys::CONTROLLER, keys::encode(&self.me));
        match self.session.transact(vec![Check::absent(keys::CONTROLLER)], vec![chair]).await {
            Ok(epoch) => Some(epoch),
            Err(_) => {
                self.wait_for_news(LOOK).await;
                if self.known.borrow().controller.is_some_and(|(broker, _)| broker != self.me) {
                    return None;
                }
                let chair = self.coordination.read(keys::CONTROLLER).await.ok()??;
                (chair.owner == Some(self.session.id())).then(|| keys::version(&chair))
            }
        }
    }

    async fn wait_for_news(&self, at_most: Duration) {
        let _ = self.env.timeout(at_most, self.news.notified()).await;
    }

    /// Sees to it that every partition has a leader and no dead members, until another sits in the chair.
    async fn control(&self, epoch: Revision) {
        while self.known.borrow().through < epoch {
            self.wait_for_news(LOOK).await;
        }
        let all: Vec<Partition> = self.plan.partitions().collect();
        let rules = Rules {
            factor: self.plan.factor as usize,
            unclean_election: self.plan.knobs.unclean_election,
            settings: self.plan.settings(),
        };
        let (mut seen, mut since) = (self.known.borrow().live.clone(), self.env.now());
        loop {
            if seen != self.known.borrow().live {
                (seen, since) = (self.known.borrow().live.clone(), self.env.now());
            }
            let quiet = self.env.now().since(since) >= QUIET;
            let due = self.metadata(quiet).due_together(&self.wanted(&all), rules);
            let nothing = due.is_empty();
            if !nothing {
                match self.write(epoch, due).await {
                    Ok(()) => {}
                    Err(CoordinationError::Conflict { key, .. }) if key == keys::CONTROLLER => return,
                    Err(CoordinationError::SessionExpired) => return,
                    // What stands in the way is heard of soon.
                    Err(_) => self.wait_for_news(self.plan.knobs.backoff.duration()).await,
                }
            }
            if nothing || self.is_replaced(epoch) {
                self.wait_for_news(LOOK).await;
            }
            if self.is_replaced(epoch) && !self.plan.defects.has(Defect::StaleControllerObeyed) {
                return;
            }
        }
    }

    /// The partitions that there are to be, as far as is known.
    fn wanted(&self, all: &[Partition]) -> Vec<Partition> {
        let is_wanted = |partition: &&Partition| match partition.topic {
            Topic::Named(topic) => partition.number < self.topic(topic).partitions(),
            _ => true,
        };
        all.iter().filter(is_wanted).copied().collect()
    }

    fn is_replaced(&self, epoch: Revision) -> bool {
        self.known.borrow().controller != Some((self.me, epoch))
    }

    fn metadata(&self, quiet: bool) -> Metadata {
        let known = self.known.borrow();
        let states = known.partitions.iter().map(|(partition, (state, _))| (*partition, state.clone()));
        Metadata {
            live: known.live.clone(),
            noted: known.noted.clone(),
            after: known.after.clone(),
            stopping: known.stopping(),
            members: known.members.unwrap_or_else(|| self.plan.first_members()),
            quiet,
            partitions: states.collect(),
        }
    }

    /// Writes changes, all or none, if this broker is still the controller and nothing has changed since they were
    /// decided. That it is, is looked at twice: the chair is of this epoch, and the session that it hangs on is open.
    async fn write(&self, epoch: Revision, changes: Vec<Change>) -> Result<(), CoordinationError> {
        let obeyed = self.plan.defects.has(Defect::StaleControllerObeyed);
        let mut checks = Vec::new();
        if !obeyed {
            checks.push(Check::version(keys::CONTROLLER, epoch));
        }
        let (mut writes, mut entries, mut noted) = (Vec::new(), Vec::new(), Vec::new());
        for change in changes {
            if let Change::Life { broker, life, .. } = change {
                checks.push(Check::version(keys::broker(broker), Revision(life.0)));
                writes.push(Edit::put(keys::life(broker), keys::encode(&life)));
                noted.push((broker, life));
            }
            for (partition, state) in change.states() {
                checks.push(self.unchanged(partition));
                entries.push(PartitionEntry { partition, state, ordered: Some(epoch) });
            }
        }
        writes.extend(
            entries.iter().map(|entry| Edit::put(keys::partition(entry.partition), keys::encode(entry))),
        );
        let revision = match obeyed {
            true => self.coordination.transact(checks, writes).await?,
            false => self.session.transact(checks, writes).await?,
        };
        self.known.borrow_mut().noted.extend(noted);
        for entry in &entries {
            self.told(entry, revision);
        }
        Ok(())
    }

    /// That a partition's state is still the one that this broker knows, or that there still is none.
    fn unchanged(&self, partition: Partition) -> Check {
        let revision = self.known.borrow().partitions.get(&partition).map(|(_, revision)| *revision);
        Check::unchanged(keys::partition(partition), revision)
    }
}
