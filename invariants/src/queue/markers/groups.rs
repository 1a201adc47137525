//! The markers that only some groups reach: where their offsets are kept apart, where they begin at the end, and where a
//! consumer goes back.

use super::super::cluster::Cluster;
use super::{CONSUMER_REPLAYED, GROUP_BEGAN_AT_THE_END, OFFSETS_OUTLIVED_COORDINATOR};
use rehearsal_env::{Marker, NodeId, Stamp};
use rehearsal_model::queue::facts::{Fact, OfGroups};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What is remembered of them.
#[derive(Debug, Default)]
pub(super) struct GroupMarkers {
    /// What a consumer is to process again, since it went back.
    again: BTreeMap<(NodeId, Partition), Range<Offset>>,
    /// Where a consumer of each group has stood.
    begun: BTreeSet<(u32, Partition)>,
}

impl GroupMarkers {
    /// Looks at a fact after it has changed the cluster.
    pub(super) fn witness(
        &mut self,
        stamp: &Stamp,
        fact: &Fact,
        cluster: &Cluster,
        reached: &mut dyn FnMut(Marker),
    ) {
        match *fact {
            Fact::OfGroups(OfGroups::OffsetsClaimed { by: Some(by), groups, .. })
                if groups > 0 && cluster.broker(stamp.node).is_some_and(|broker| broker != by) =>
            {
                reached(OFFSETS_OUTLIVED_COORDINATOR);
            }
            Fact::OfGroups(OfGroups::Sought { partition, from, to, .. }) => {
                self.again.insert((stamp.node, partition), to..from);
            }
            Fact::Positioned { group, partition, offset, committed, .. } => {
                self.again.remove(&(stamp.node, partition));
                let begins = self.begun.insert((group, partition));
                let log = cluster.leaders_log(partition);
                let has_records = log.is_some_and(|log| log.start() < offset);
                if begins && !committed && has_records && cluster.rules().begins_at_the_end(partition) {
                    reached(GROUP_BEGAN_AT_THE_END);
                }
            }
            Fact::Processed { partition, offset, .. }
                if self.again.get(&(stamp.node, partition)).is_some_and(|again| again.contains(&offset)) =>
            {
                reached(CONSUMER_REPLAYED);
            }
            _ => {}
        }
    }
}
