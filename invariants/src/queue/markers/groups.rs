//! The markers that only some groups reach: where their offsets are kept apart, where members leave, and where one goes
//! back.

use super::super::cluster::Cluster;
use super::OFFSETS_OUTLIVED_COORDINATOR;
use rehearsal_env::{Marker, Stamp};
use rehearsal_model::queue::facts::{Fact, OfGroups};

/// What is remembered of them.
#[derive(Debug, Default)]
pub(super) struct GroupMarkers;

impl GroupMarkers {
    /// Looks at a fact after it has changed the cluster.
    pub(super) fn witness(
        &mut self,
        stamp: &Stamp,
        fact: &Fact,
        cluster: &Cluster,
        reached: &mut dyn FnMut(Marker),
    ) {
        if let Fact::OfGroups(OfGroups::OffsetsClaimed { by: Some(by), groups, .. }) = *fact
            && groups > 0
            && cluster.broker(stamp.node).is_some_and(|broker| broker != by)
        {
            reached(OFFSETS_OUTLIVED_COORDINATOR);
        }
    }
}
