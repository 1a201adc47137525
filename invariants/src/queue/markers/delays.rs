//! The markers that movers reach, and consumers whose messages fail.

use super::super::cluster::Cluster;
use super::clients::has_new_leader;
use super::{HELD_THROUGH_FAILOVER, MESSAGE_RETRIED, MOVER_TOOK_OVER};
use rehearsal_env::{Marker, NodeId, Stamp};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::{Partition, Topic};
use std::collections::{BTreeMap, BTreeSet};

/// What is remembered of delayed messages and of those that failed.
#[derive(Debug, Default)]
pub(super) struct DelayMarkers {
    /// What a partition of the delayed topic holds and is not known to be moved.
    held: BTreeMap<Partition, BTreeSet<Offset>>,
    /// Who found anything due in a partition last.
    movers: BTreeMap<Partition, NodeId>,
    failed: BTreeSet<(u32, MessageId)>,
}

impl DelayMarkers {
    pub(super) fn witness(
        &mut self,
        stamp: &Stamp,
        fact: &Fact,
        cluster: &Cluster,
        reached: &mut dyn FnMut(Marker),
    ) {
        match fact {
            Fact::Appended { partition, stretch } if partition.topic == Topic::Delayed => {
                let offsets = (stretch.base.0..stretch.end.0).map(Offset);
                self.held.entry(*partition).or_default().extend(offsets);
            }
            Fact::Moved { partition, offset, .. } => {
                self.held.entry(*partition).or_default().remove(offset);
            }
            Fact::PartitionChanged { partition, .. } if !cluster.is_repeat() => {
                let holds = self.held.get(partition).is_some_and(|held| !held.is_empty());
                if holds && has_new_leader(cluster, *partition) {
                    reached(HELD_THROUGH_FAILOVER);
                }
            }
            Fact::Released { partition, .. } => {
                let before = self.movers.insert(*partition, stamp.node);
                if before.is_some_and(|before| before != stamp.node) {
                    reached(MOVER_TOOK_OVER);
                }
            }
            Fact::Failed { group, message, .. } => {
                self.failed.insert((*group, *message));
            }
            Fact::Processed { group, message, .. } if self.failed.contains(&(*group, *message)) => {
                reached(MESSAGE_RETRIED);
            }
            _ => {}
        }
    }
}
