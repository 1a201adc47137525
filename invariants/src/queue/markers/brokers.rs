//! The markers that brokers and the coordination service reach.

use super::super::cluster::{Cluster, PartitionBook};
use super::{
    CONTROLLER_FAILED_OVER, COORDINATOR_FAILED_OVER, FOLLOWER_SAID_WAIT, LEADER_DIED_BEFORE_REPLICATION,
    MEMBER_JOINED_AGAIN, SET_SHRANK_TO_ONE, WATERMARK_BEHIND_EPOCH_START,
};
use rehearsal_env::{Marker, NodeId, Stamp};
use rehearsal_model::queue::brokers::{BrokerId, Brokers};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::group::Generation;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::{BTreeMap, BTreeSet};

/// What is remembered of brokers.
#[derive(Debug, Default)]
pub(super) struct BrokerMarkers {
    /// Former leaders that had more than anybody else when they lost the lead, and have done nothing since.
    alone: BTreeSet<(Partition, BrokerId)>,
    /// Who has left an in-sync set at some time.
    left: BTreeMap<Partition, Brokers>,
    watermarks: BTreeMap<Partition, Offset>,
    controllers: BTreeSet<BrokerId>,
    newest_controller: u64,
    coordinators: BTreeMap<u32, NodeId>,
}

/// Whether this broker has something that no other has.
fn has_most(book: &PartitionBook, broker: BrokerId) -> bool {
    let end = |broker| book.copies.get(&broker).map_or(Offset::ZERO, |copy| copy.end());
    let longest = book.copies.keys().filter(|other| **other != broker).map(|other| end(*other)).max();
    longest.unwrap_or_default() < end(broker)
}

impl BrokerMarkers {
    /// Looks at a fact before it has changed the cluster.
    pub(super) fn before(&mut self, fact: &Fact, cluster: &Cluster, reached: &mut dyn FnMut(Marker)) {
        match fact {
            Fact::Recovered { broker, partition, .. } => {
                let Some(book) = cluster.partition(*partition) else { return };
                let led = book.leader() == Some(*broker) && has_most(book, *broker);
                if led || self.alone.contains(&(*partition, *broker)) {
                    reached(LEADER_DIED_BEFORE_REPLICATION);
                }
                self.alone.remove(&(*partition, *broker));
            }
            Fact::PartitionChanged { partition, state } => {
                let Some(book) = cluster.partition(*partition) else { return };
                let Some(leader) = book.leader().filter(|_| state.epoch >= book.epoch()) else { return };
                if state.leader.is_none_or(|next| next.broker != leader) && has_most(book, leader) {
                    self.alone.insert((*partition, leader));
                }
            }
            _ => {}
        }
    }

    /// Looks at it afterwards.
    pub(super) fn after(
        &mut self,
        stamp: &Stamp,
        fact: &Fact,
        cluster: &Cluster,
        reached: &mut dyn FnMut(Marker),
    ) {
        match *fact {
            Fact::PartitionChanged { partition, .. } if !cluster.is_repeat() => {
                cluster
                    .partition(partition)
                    .into_iter()
                    .for_each(|book| self.changed(partition, book, reached));
            }
            Fact::FollowerSaidWait { partition, offset }
                if self.watermarks.get(&partition).is_some_and(|told| *told > offset) =>
            {
                reached(FOLLOWER_SAID_WAIT);
            }
            Fact::WatermarkMoved { partition, to, .. } => {
                let highest = self.watermarks.entry(partition).or_default();
                *highest = (*highest).max(to);
            }
            Fact::Led { partition, begins, .. } => {
                if self.watermarks.get(&partition).copied().unwrap_or_default() < begins {
                    reached(WATERMARK_BEHIND_EPOCH_START);
                }
                self.lives_on(stamp, partition, cluster);
            }
            // It lives, and has learned that it leads no more.
            Fact::Followed { partition, .. } => self.lives_on(stamp, partition, cluster),
            Fact::ControllerChanged { broker: Some(broker), epoch } if epoch > self.newest_controller => {
                self.newest_controller = epoch;
                if self.controllers.insert(broker) && self.controllers.len() > 1 {
                    reached(CONTROLLER_FAILED_OVER);
                }
            }
            Fact::CoordinatorLoaded { group, generation } if generation > Generation(0) => {
                let before = self.coordinators.insert(group, stamp.node);
                if before.is_some_and(|before| before != stamp.node) {
                    reached(COORDINATOR_FAILED_OVER);
                }
            }
            Fact::CoordinatorLoaded { group, .. } => {
                self.coordinators.insert(group, stamp.node);
            }
            _ => {}
        }
    }

    fn changed(&mut self, partition: Partition, book: &PartitionBook, reached: &mut dyn FnMut(Marker)) {
        let (Some(now), Some(before)) = (&book.now, &book.before) else { return };
        let (now, before) = (now.state.in_sync, before.state.in_sync);
        if now.len() == 1 && before.len() > 1 {
            reached(SET_SHRANK_TO_ONE);
        }
        let left = self.left.entry(partition).or_insert(Brokers::NONE);
        if !left.and(now).minus(before).is_empty() {
            reached(MEMBER_JOINED_AGAIN);
        }
        *left = left.or(before.minus(now));
    }

    fn lives_on(&mut self, stamp: &Stamp, partition: Partition, cluster: &Cluster) {
        if let Some(broker) = cluster.broker(stamp.node) {
            self.alone.remove(&(partition, broker));
        }
    }
}
