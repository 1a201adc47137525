//! The markers that subscriptions reach.

use super::{CREDIT_RAN_OUT, PUSH_WAS_LOST, SUBSCRIPTION_ENDED_BY_BROKER, TAKEN_UP_WHERE_IT_STOOD};
use rehearsal_env::{Marker, NodeId, Stamp};
use rehearsal_model::queue::facts::{Fact, OfGroups, PushFact};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::pushing::Ending;
use std::collections::{BTreeMap, BTreeSet};

/// What is remembered of subscriptions.
#[derive(Debug, Default)]
pub(super) struct PushMarkers {
    /// Where each consumer goes on that has processed something, since it was given the partition.
    next: BTreeMap<(NodeId, Partition), Offset>,
    /// Where a consumer that was at work began another subscription.
    again: BTreeMap<(NodeId, Partition), Offset>,
    /// The consumers that are at work.
    at_work: BTreeSet<NodeId>,
}

impl PushMarkers {
    pub(super) fn witness(&mut self, stamp: &Stamp, fact: &Fact, reached: &mut dyn FnMut(Marker)) {
        let node = stamp.node;
        match fact {
            Fact::Assigned { .. } => {
                self.at_work.insert(node);
            }
            Fact::LetGo { .. } => {
                self.at_work.remove(&node);
            }
            Fact::Positioned { partition, .. } | Fact::OfGroups(OfGroups::Sought { partition, .. }) => {
                self.next.remove(&(node, *partition));
                self.again.remove(&(node, *partition));
            }
            Fact::Processed { partition, offset, .. } => {
                if self.again.remove(&(node, *partition)).is_some_and(|from| from == *offset) {
                    reached(TAKEN_UP_WHERE_IT_STOOD);
                }
                self.next.insert((node, *partition), offset.plus(1));
            }
            Fact::Pushing(PushFact::Subscribed { partition, offset, .. })
                if self.next.get(&(node, *partition)) == Some(offset) =>
            {
                self.again.insert((node, *partition), *offset);
            }
            Fact::Pushing(PushFact::CreditSpent { .. }) => reached(CREDIT_RAN_OUT),
            Fact::Pushing(PushFact::Over { ending, .. }) => match ending {
                Ending::Lost => reached(PUSH_WAS_LOST),
                Ending::Refused(_) | Ending::Forgotten | Ending::Silent if self.at_work.contains(&node) => {
                    reached(SUBSCRIPTION_ENDED_BY_BROKER);
                }
                _ => {}
            },
            _ => {}
        }
    }
}
