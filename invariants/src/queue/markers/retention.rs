//! The markers that retention reaches.

use super::super::cluster::Cluster;
use super::super::copy::LogCopy;
use super::{DROPPED_BY_SIZE, DROPPED_BY_TIME, FOLLOWER_BEGAN_ANEW, TAKEN_UNREAD};
use rehearsal_env::{Marker, Stamp};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeSet;

/// What is remembered of messages.
#[derive(Debug, Default)]
pub(super) struct RetentionMarkers {
    processed: BTreeSet<(u32, MessageId)>,
}

impl RetentionMarkers {
    pub(super) fn witness(
        &mut self,
        stamp: &Stamp,
        fact: &Fact,
        cluster: &Cluster,
        reached: &mut dyn FnMut(Marker),
    ) {
        match *fact {
            Fact::Processed { group, message, .. } => {
                self.processed.insert((group, message));
            }
            Fact::Dropped { partition, left, at, .. } => {
                let Some(copy) = cluster.own_copy(partition, stamp.node) else { return };
                let Some(retention) = cluster.rules().retention.get(&partition) else { return };
                let newest = copy.dropped().iter().map(|placed| placed.stretch.appended).max();
                let is_old = |newest| retention.age_micros.is_some_and(|age| at - newest > age);
                if newest.is_some_and(is_old) {
                    reached(DROPPED_BY_TIME);
                }
                if retention.bytes.is_some_and(|kept| left >= kept) {
                    reached(DROPPED_BY_SIZE);
                }
                if self.was_unread(cluster, partition, copy) {
                    reached(TAKEN_UNREAD);
                }
            }
            Fact::BeganAnew { at, .. } if at > Offset::ZERO => reached(FOLLOWER_BEGAN_ANEW),
            _ => {}
        }
    }

    fn was_unread(&self, cluster: &Cluster, partition: Partition, copy: &LogCopy) -> bool {
        let mut messages = copy.dropped().iter().flat_map(|placed| &placed.stretch.messages);
        messages.any(|message| {
            cluster.rules().readers(partition.topic).any(|group| !self.processed.contains(&(group, *message)))
        })
    }
}
