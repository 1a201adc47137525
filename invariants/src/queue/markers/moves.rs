//! The markers that are reached when copies and leads pass from broker to broker.

use super::super::cluster::{Cluster, PartitionBook};
use super::{
    BROKER_LEFT_EMPTY, LEADER_HANDED_OVER, LEADERS_BALANCED, MOVE_OUTLIVED_CONTROLLER, NEW_COPY_CAUGHT_UP,
};
use rehearsal_env::Marker;
use rehearsal_model::queue::brokers::Brokers;
use rehearsal_model::queue::controller::PartitionState;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeMap;

/// What is remembered of moves.
#[derive(Debug, Default)]
pub(super) struct MoveMarkers {
    /// The newest controller epoch.
    controller: u64,
    /// In which controller epoch each move began that is not done.
    begun: BTreeMap<Partition, u64>,
}

impl MoveMarkers {
    /// Looks at a fact after it has changed the cluster.
    pub(super) fn witness(&mut self, fact: &Fact, cluster: &Cluster, reached: &mut dyn FnMut(Marker)) {
        match fact {
            Fact::ControllerChanged { broker: Some(_), epoch } => {
                self.controller = self.controller.max(*epoch);
            }
            Fact::PartitionChanged { partition, .. } if !cluster.is_repeat() => {
                let Some(book) = cluster.partition(*partition) else { return };
                let (Some(before), Some(now)) = (&book.before, &book.now) else { return };
                let (before, now) = (&before.state, &now.state);
                self.moved(*partition, now, reached);
                passed_on(cluster, before, now, reached);
                let new = now.in_sync.minus(before.in_sync).and(now.adding);
                if !new.is_empty() && has_records(book) {
                    reached(NEW_COPY_CAUGHT_UP);
                }
                let gone = before.replicas.minus(now.replicas).minus(cluster.members());
                if !gone.minus(holders(cluster)).is_empty() {
                    reached(BROKER_LEFT_EMPTY);
                }
            }
            _ => {}
        }
    }

    fn moved(&mut self, partition: Partition, now: &PartitionState, reached: &mut dyn FnMut(Marker)) {
        if now.moves() {
            self.begun.entry(partition).or_insert(self.controller);
        } else if self.begun.remove(&partition).is_some_and(|epoch| epoch != self.controller) {
            reached(MOVE_OUTLIVED_CONTROLLER);
        }
    }
}

/// Elections follow on a death in two steps, of which the first leaves nobody to lead; what is done at once is done while
/// the leader lives.
fn passed_on(
    cluster: &Cluster,
    before: &PartitionState,
    now: &PartitionState,
    reached: &mut dyn FnMut(Marker),
) {
    let (Some(old), Some(new)) = (before.leader, now.leader) else { return };
    if old.broker != new.broker && cluster.lives(old) && !cluster.is_to_stop(old) {
        let goes = before.removing.has(old.broker);
        reached(if goes { LEADER_HANDED_OVER } else { LEADERS_BALANCED });
    }
}

fn has_records(book: &PartitionBook) -> bool {
    book.leaders_log().is_some_and(|log| log.end() > Offset::ZERO)
}

/// Everybody who has a copy, or is to have one.
fn holders(cluster: &Cluster) -> Brokers {
    let states = cluster.partitions().filter_map(|(_, book)| book.now.as_ref());
    states.fold(Brokers::NONE, |all, known| all.or(known.state.replicas))
}
