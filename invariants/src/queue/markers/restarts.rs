//! The markers that are reached when brokers stop in order and come back.

use super::super::cluster::Cluster;
use super::{
    LED_BY_ANOTHER_BEFORE_STOP, REGISTERED_OVER_ITSELF, STOPPED_AND_TAKEN_BACK, STOPPED_WHEN_TIME_WAS_OUT,
};
use rehearsal_env::Marker;
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::facts::{Fact, OfRestarts};
use std::collections::BTreeSet;

/// What is remembered of brokers that stop.
#[derive(Debug, Default)]
pub(super) struct RestartMarkers {
    /// The lives of which a lead has passed on, since they are to stop.
    relieved: BTreeSet<(BrokerId, BrokerEpoch)>,
    /// Who has stopped in order at some time.
    stopped: Brokers,
    /// Who is registered.
    registered: Brokers,
}

impl RestartMarkers {
    /// Looks at a fact after it has changed the cluster.
    pub(super) fn witness(&mut self, fact: &Fact, cluster: &Cluster, reached: &mut dyn FnMut(Marker)) {
        match fact {
            Fact::OfRestarts(OfRestarts::Stopped { broker, life, handed_over }) => {
                self.stopped = self.stopped.with(*broker);
                match handed_over {
                    true if self.relieved.contains(&(*broker, *life)) => reached(LED_BY_ANOTHER_BEFORE_STOP),
                    true => {}
                    false => reached(STOPPED_WHEN_TIME_WAS_OUT),
                }
            }
            Fact::BrokerRegistered { broker, .. } if !cluster.is_repeat() => {
                if self.registered.has(*broker) {
                    reached(REGISTERED_OVER_ITSELF);
                }
                self.registered = self.registered.with(*broker);
            }
            Fact::BrokerGone { broker } => self.registered = self.registered.without(*broker),
            Fact::PartitionChanged { partition, .. } if !cluster.is_repeat() => {
                let Some(book) = cluster.partition(*partition) else { return };
                let (Some(before), Some(now)) = (&book.before, &book.now) else { return };
                let (before, now) = (&before.state, &now.state);
                if !now.in_sync.minus(before.in_sync).and(self.stopped).is_empty() {
                    reached(STOPPED_AND_TAKEN_BACK);
                }
                if let (Some(old), Some(new)) = (before.leader, now.leader)
                    && old.broker != new.broker
                    && cluster.is_to_stop(old)
                {
                    self.relieved.insert((old.broker, old.life));
                }
            }
            _ => {}
        }
    }
}
