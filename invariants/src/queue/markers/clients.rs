//! The markers that producers and consumers reach.

use super::super::cluster::Cluster;
use super::super::copy::End;
use super::{
    ABORTED_RECORDS_PASSED, CONSUMER_CRASHED_WITH_UNCOMMITTED_WORK, NEW_LEADER_WHILE_PRODUCERS_WRITE,
    OTHER_TAG_PASSED, PROCESSED_TWICE, REBALANCED,
};
use rehearsal_env::{Incarnation, Marker, NodeId, Stamp};
use rehearsal_model::queue::facts::{Fact, OfGroups};
use rehearsal_model::queue::group::{Generation, MemberId};
use rehearsal_model::queue::knobs::Delivery;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::record::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What is remembered of producers and consumers.
#[derive(Debug, Default)]
pub(super) struct ClientMarkers {
    /// How many messages are under way to each partition.
    under_way: BTreeMap<Partition, BTreeSet<MessageId>>,
    /// Who was assigned partitions in each generation, and in which generations of a group anybody was.
    members: BTreeMap<(u32, Generation), BTreeSet<MemberId>>,
    processed: BTreeSet<(u32, MessageId)>,
    /// Where each consumer goes on.
    next: BTreeMap<(NodeId, Partition), Offset>,
    lives: BTreeMap<NodeId, Incarnation>,
    /// What a consumer has processed and not committed: where each partition goes on.
    uncommitted: BTreeMap<NodeId, BTreeMap<Partition, Offset>>,
}

impl ClientMarkers {
    pub(super) fn witness(
        &mut self,
        stamp: &Stamp,
        fact: &Fact,
        cluster: &Cluster,
        reached: &mut dyn FnMut(Marker),
    ) {
        self.lived(stamp, reached);
        match fact {
            Fact::Sent { message, partition, .. } => {
                self.under_way.entry(*partition).or_default().insert(*message);
            }
            Fact::Told { message, partition, .. } => {
                self.under_way.entry(*partition).or_default().remove(message);
            }
            Fact::PartitionChanged { partition, .. } if !cluster.is_repeat() => {
                let under_way = self.under_way.get(partition).is_some_and(|messages| !messages.is_empty());
                if under_way && has_new_leader(cluster, *partition) {
                    reached(NEW_LEADER_WHILE_PRODUCERS_WRITE);
                }
            }
            Fact::Assigned { group, member, generation, .. } => {
                let members = self.members.entry((*group, *generation)).or_default();
                members.insert(*member);
                let later = |(of, number): &(u32, Generation)| of == group && number < generation;
                if members.len() > 1 && self.members.keys().any(later) {
                    reached(REBALANCED);
                }
                self.uncommitted.remove(&stamp.node);
            }
            Fact::LetGo { .. } => {
                self.uncommitted.remove(&stamp.node);
            }
            Fact::Positioned { partition, offset, .. }
            | Fact::OfGroups(OfGroups::Sought { partition, to: offset, .. }) => {
                self.next.insert((stamp.node, *partition), *offset);
            }
            Fact::Processed { group, message, partition, offset, .. } => {
                let next = self.next.insert((stamp.node, *partition), offset.plus(1));
                if next.is_some_and(|next| passes_aborted_records(cluster, *partition, next..*offset)) {
                    reached(ABORTED_RECORDS_PASSED);
                }
                if next.is_some_and(|next| passes_another_tag(cluster, *group, *partition, next..*offset)) {
                    reached(OTHER_TAG_PASSED);
                }
                if !self.processed.insert((*group, *message)) {
                    reached(PROCESSED_TWICE);
                }
                let rules = cluster.rules();
                if !rules.is_lent(*group) && rules.delivery != Delivery::AtMostOnce {
                    self.uncommitted.entry(stamp.node).or_default().insert(*partition, offset.plus(1));
                }
            }
            Fact::CommitConfirmed { offsets, .. } => {
                let committed =
                    |partition: &_, next: &_| offsets.get(partition).is_some_and(|offset| offset >= next);
                if let Some(uncommitted) = self.uncommitted.get_mut(&stamp.node) {
                    uncommitted.retain(|partition, next| !committed(partition, next));
                }
            }
            _ => {}
        }
    }

    fn lived(&mut self, stamp: &Stamp, reached: &mut dyn FnMut(Marker)) {
        let before = self.lives.insert(stamp.node, stamp.incarnation);
        if before.is_some_and(|before| before < stamp.incarnation) {
            let uncommitted = self.uncommitted.remove(&stamp.node);
            if uncommitted.is_some_and(|uncommitted| !uncommitted.is_empty()) {
                reached(CONSUMER_CRASHED_WITH_UNCOMMITTED_WORK);
            }
        }
    }
}

fn passes_another_tag(cluster: &Cluster, group: u32, partition: Partition, offsets: Range<Offset>) -> bool {
    let Some(log) = cluster.leaders_log(partition) else { return false };
    let messages = (offsets.start.0..offsets.end.0).filter_map(|offset| log.message_at(Offset(offset)));
    messages.into_iter().any(|message| !cluster.rules().wants(group, message))
}

fn passes_aborted_records(cluster: &Cluster, partition: Partition, offsets: Range<Offset>) -> bool {
    let Some(log) = cluster.leaders_log(partition) else { return false };
    let mut offsets = (offsets.start.0..offsets.end.0).map(Offset);
    offsets.any(|offset| matches!(log.end_at(offset), End::Ended(Verdict::Abort, _)))
}

pub(super) fn has_new_leader(cluster: &Cluster, partition: Partition) -> bool {
    let Some(book) = cluster.partition(partition) else { return false };
    let before = book.before.as_ref().map(|before| before.state.epoch);
    book.leader().is_some() && before.is_some_and(|before| before < book.epoch())
}
