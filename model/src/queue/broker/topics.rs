//! Topics whose partitions change, as a broker obeys it.
//!
//! 1. A leader refuses what was routed by an older state than it has heard of, and all that comes to a retired partition.
//! 2. Where the order of keys is kept, it appends a mark that says so; when that is in sync, where it stands is written
//!    down in the coordination service.
//! 3. When nothing is left in a retired partition, its leader writes that down too.
//! 4. Coordinators of groups are told of each change.

use super::super::controller::PartitionState;
use super::super::defects::Defect;
use super::super::facts::{Fact, OfTopics};
use super::super::keys::{self, BarriersEntry, TopicEntry};
use super::super::offset::LeaderEpoch;
use super::super::partition::{Partition, Topic};
use super::super::production::Acks;
use super::super::protocol::Refusal;
use super::super::record::{Content, Payload};
use super::super::topics::{Barriers, KeyOrder, Shares, TopicState};
use super::counter::Submission;
use super::desk::leads_in;
use super::groups::{GroupInput, Groups};
use super::{Broker, Host};
use crate::coordination::{Check, Edit, Revision};
use rehearsal_env::Env;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// How long a leader waits for news before it looks whether anything is left in a retired partition.
const LOOK: Duration = Duration::from_secs(1);

impl<E: Env<Fact = Fact>> Broker<E> {
    /// The newest state of a topic that this broker has heard of.
    pub(super) fn topic(&self, topic: u32) -> TopicState {
        let known = self.known.borrow().topics.get(&topic).map(|(state, _)| state.clone());
        known.unwrap_or_else(|| self.plan.first_state(topic))
    }

    /// Whether nothing more is to be appended to a partition, as far as this broker has heard.
    pub(super) fn is_retired(&self, partition: Partition) -> bool {
        let Topic::Named(topic) = partition.topic else { return false };
        let known = self.known.borrow();
        known.topics.get(&topic).is_some_and(|(state, _)| state.is_retired(partition.number))
    }

    /// What of each changed topic groups may share out.
    pub(super) fn shares(&self) -> BTreeMap<Topic, Shares> {
        let known = self.known.borrow();
        let (order, defects) = (self.plan.knobs.key_order, self.plan.defects);
        let shares = |(topic, (state, _)): (&u32, &(TopicState, Revision))| {
            let topic = Topic::Named(*topic);
            let barriers =
                |number| known.barriers.get(&Partition { topic, number }).map(|(barriers, _)| barriers);
            (topic, Shares::of(state, order, barriers, defects))
        };
        known.topics.iter().map(shares).collect()
    }

    /// Step 1, for a leader in this epoch. A mark of the leader's own is let through.
    ///
    /// # Errors
    /// [`Refusal`]: nothing is to be appended.
    pub(super) fn check_routing(
        &self,
        partition: Partition,
        epoch: LeaderEpoch,
        content: &Content,
        routing: Option<u32>,
    ) -> Result<(), Refusal> {
        let Topic::Named(topic) = partition.topic else { return Ok(()) };
        if !self.plan.changes(partition.topic) || matches!(content, Content::Routing(_)) {
            return Ok(());
        }
        if !self.has_heard_all_before(partition, epoch) {
            return Err(Refusal::NotLeader);
        }
        let state = self.topic(topic);
        if state.is_retired(partition.number) {
            let takes_all = self.plan.defects.has(Defect::RetiredTakesAppends);
            return if takes_all { Ok(()) } else { Err(Refusal::Retired) };
        }
        match routing {
            Some(version) if version < state.version() => Err(Refusal::OldRouting),
            _ => Ok(()),
        }
    }

    /// Whether this broker has heard of all that was written before it was elected. A controller knows of what it has
    /// written itself before it hears of what came earlier; and a leader before it may have obeyed that already.
    fn has_heard_all_before(&self, partition: Partition, epoch: LeaderEpoch) -> bool {
        let known = self.known.borrow();
        let since = |(state, revision): &(PartitionState, Revision)| {
            state.epoch > epoch || *revision <= known.through
        };
        known.partitions.get(&partition).is_some_and(since)
    }

    /// Steps 2 and 3, again and again.
    pub(super) async fn keep_topics(self: Rc<Self>) {
        let changing: Vec<Rc<Host>> =
            self.hosts.values().filter(|host| self.plan.changes(host.partition.topic)).cloned().collect();
        let mut retired: BTreeMap<Partition, LeaderEpoch> = BTreeMap::new();
        loop {
            let mut wait = LOOK;
            for host in &changing {
                let Some(epoch) = leads_in(host) else { continue };
                if self.is_retired(host.partition) && self.has_heard_all_before(host.partition, epoch) {
                    if retired.insert(host.partition, epoch) != Some(epoch) {
                        let partition = host.partition;
                        self.env.observe(Fact::OfTopics(OfTopics::Retired { partition, epoch }));
                    }
                    self.say_that_it_is_drained(host).await;
                }
                if self.plan.knobs.key_order == KeyOrder::Kept {
                    self.mark(host);
                    self.write_barriers(host).await;
                    if self.misses_barrier(host) {
                        wait = self.plan.knobs.backoff.duration();
                    }
                }
            }
            let _ = self.env.timeout(wait, self.news.notified()).await;
        }
    }

    /// The newest version of its topic that took keys from this partition.
    fn newest_additions(&self, partition: Partition) -> Option<u32> {
        let Topic::Named(topic) = partition.topic else { return None };
        self.topic(topic).newest_additions(partition.number)
    }

    /// Whether it is still to be written down, as far as this broker has heard, where the newest mark stands.
    fn misses_barrier(&self, host: &Host) -> bool {
        let known = self.known.borrow();
        let written = known.barriers.get(&host.partition).map(|(barriers, _)| barriers);
        let stands = |version| written.is_some_and(|written| written.contains_key(&version));
        self.newest_additions(host.partition).is_some_and(|version| !stands(version))
    }

    /// Appends the mark of the newest version that took keys from this partition, unless it stands there. It is tried again
    /// where it is refused.
    fn mark(&self, host: &Host) {
        let Some(version) = self.newest_additions(host.partition) else { return };
        if host.cores.borrow().routed.contains_key(&version) {
            return;
        }
        let content = Content::Routing(version);
        let payload = Payload { producer: None, transactional: false, content };
        let _ = self.append_checked(host, Acks::All, Submission::own(payload));
    }

    /// Writes down where the marks stand that are in sync. Nothing behind them will ever be lost.
    async fn write_barriers(&self, host: &Host) {
        let partition = host.partition;
        let known = self.known.borrow().barriers.get(&partition).cloned();
        let mut barriers: Barriers = known.as_ref().map(|(barriers, _)| barriers.clone()).unwrap_or_default();
        {
            let cores = host.cores.borrow();
            let in_sync = cores.replica.watermark();
            let marks = cores.routed.iter().filter(|(_, at)| **at < in_sync);
            barriers.extend(marks.map(|(version, at)| (*version, *at)));
        }
        if known.as_ref().map_or(barriers.is_empty(), |(written, _)| *written == barriers) {
            return;
        }
        let key = keys::barriers(partition);
        let unchanged = Check::unchanged(&key, known.map(|(_, revision)| revision));
        let write = Edit::put(key, keys::encode(&BarriersEntry { partition, barriers }));
        // What stands in the way is heard of soon.
        let _ = self.session.transact(vec![unchanged], vec![write]).await;
    }

    /// Where there is an archive nothing is ever drained: what retention took is still there to be read.
    async fn say_that_it_is_drained(&self, host: &Host) {
        let Topic::Named(topic) = host.partition.topic else { return };
        if self.plan.has_archive() {
            return;
        }
        let is_empty = {
            let replica = &host.cores.borrow().replica;
            replica.start() == replica.end()
        };
        let known = self.known.borrow().topics.get(&topic).cloned();
        let Some((state, revision)) = known.filter(|_| is_empty) else { return };
        let Some(state) = state.with_drained(host.partition.number) else { return };
        let key = keys::topic(topic);
        let unchanged = Check::version(&key, revision);
        let write = Edit::put(key, keys::encode(&TopicEntry { topic, state }));
        let _ = self.session.transact(vec![unchanged], vec![write]).await;
    }

    /// Step 4: tells all groups at this broker's desks what was heard of topics.
    pub(super) fn tell_groups_of_topics(self: &Rc<Self>) {
        if !self.topics_heard.take() {
            return;
        }
        let offsets = self.hosts.keys().filter(|partition| partition.topic == Topic::Offsets);
        for partition in offsets.copied().collect::<Vec<_>>() {
            self.step_desk::<Groups>(partition, GroupInput::Topics);
        }
    }
}
