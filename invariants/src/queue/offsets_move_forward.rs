//! `offsets-move-forward`: what a group has committed in a partition never falls by itself; a consumer never starts
//! below what had been committed before it got the partition; and at least once, no commit passes what the group has
//! processed, moved, or seen fail and written on. *Global*: the commits of a partition come from one owner after the other.
//!
//! Where offsets are kept in the coordination service, only a coordinator of the same epoch or of a later one writes over
//! what a coordinator has written.
//!
//! Where a consumer goes back because that is wished for, its group may commit less again; and what is confirmed
//! afterwards counts only if it was certainly committed afterwards.
//!
//! A confirmation may come late: a lower commit convicts only if it was certainly sent after the higher one was
//! confirmed. What retention took before a consumer had read it counts as processed; and where nothing was committed, a
//! group may go on behind it. When the log ends before a consumer's offset, its group starts anew, and so does this
//! invariant. After an unclean election, of the partition or of the one where the groups keep their offsets, nothing is
//! judged.
//!
//! Broken by: a coordinator that answers before it has read its partition to the end, or its key; one that was replaced and
//! writes on; a zombie whose commits are taken;
//! a commit of what was only fetched.

use super::cluster::{Cluster, SharedCluster};
use super::consumers::SharedConsumers;
use crate::Monitor;
use rehearsal_env::{NodeId, Stamp, Violation};
use rehearsal_model::coordination::{Change, Happening, Revision};
use rehearsal_model::queue::facts::{Fact, OfGroups};
use rehearsal_model::queue::group::keeper::KeptOffsets;
use rehearsal_model::queue::keys;
use rehearsal_model::queue::knobs::Delivery;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

const NAME: &str = "offsets-move-forward";

/// How far a group has processed a partition.
#[derive(Debug)]
struct Prefix {
    /// Everything before it was processed, from where the group began.
    next: Offset,
    /// What was processed beyond.
    beyond: BTreeSet<Offset>,
    /// The number of the fact that moved it last.
    number: u64,
}

impl Prefix {
    fn processed(&mut self, offset: Offset, number: u64) {
        if offset >= self.next {
            self.beyond.insert(offset);
        }
        while self.beyond.remove(&self.next) {
            (self.next, self.number) = (self.next.plus(1), number);
        }
    }
}

/// Remembers what is committed and what is processed.
#[derive(Debug)]
pub struct OffsetsMoveForward {
    cluster: SharedCluster,
    consumers: SharedConsumers,
    /// The highest commit that was confirmed, and the number of the fact.
    confirmed: BTreeMap<(u32, Partition), (Offset, u64)>,
    /// The same as it was when this consumer got the partition.
    found: BTreeMap<(NodeId, u32, Partition), (Offset, u64)>,
    processed: BTreeMap<(u32, Partition), Prefix>,
    /// The number of the last fact by which a consumer went back since that was wished for.
    sought: BTreeMap<(u32, Partition), u64>,
    /// In which epoch what each key holds was written, as which revision, and the number of the fact.
    kept: BTreeMap<String, (LeaderEpoch, Revision, u64)>,
}

impl OffsetsMoveForward {
    /// Judges these consumers.
    pub fn new(cluster: SharedCluster, consumers: SharedConsumers) -> OffsetsMoveForward {
        OffsetsMoveForward {
            cluster,
            consumers,
            confirmed: BTreeMap::new(),
            found: BTreeMap::new(),
            processed: BTreeMap::new(),
            sought: BTreeMap::new(),
            kept: BTreeMap::new(),
        }
    }

    fn assigned(&mut self, node: NodeId, group: u32, partitions: &BTreeSet<Partition>) {
        self.found.retain(|(of, _, _), _| *of != node);
        for partition in partitions {
            if let Some(confirmed) = self.confirmed.get(&(group, *partition)) {
                self.found.insert((node, group, *partition), *confirmed);
            }
        }
    }

    fn positioned(
        &mut self,
        cluster: &Cluster,
        stamp: &Stamp,
        (group, partition): (u32, Partition),
        offset: Offset,
        committed: bool,
    ) -> Result<(), Violation> {
        let taken = cluster.partition(partition).map_or(Offset::ZERO, |book| book.taken);
        let fresh = || Prefix { next: offset, beyond: BTreeSet::new(), number: stamp.number };
        let prefix = self.processed.entry((group, partition)).or_insert_with(fresh);
        // Nothing was committed, and retention has taken what the group might have begun with. Others of it may be further.
        if !committed && offset <= taken {
            (prefix.next.0..offset.0).for_each(|taken| prefix.processed(Offset(taken), stamp.number));
        }
        match self.found.get(&(stamp.node, group, partition)) {
            Some((found, number)) if !committed || offset < *found => {
                let word = if committed { "" } else { ", as if nothing were committed" };
                let message = format!(
                    "group {group} had committed {found} in {partition}, and a consumer starts at {offset}{word}"
                );
                Err(Violation::new(NAME, message, [*number, stamp.number]))
            }
            _ => Ok(()),
        }
    }

    fn committed(
        &mut self,
        cluster: &Cluster,
        (group, partition): (u32, Partition),
        offset: Offset,
        number: u64,
    ) -> Result<(), Violation> {
        let (highest, fact) = *self.confirmed.get(&(group, partition)).unwrap_or(&(offset, number));
        let sent_after = self.consumers.borrow().sent_after();
        if offset < highest && fact <= sent_after {
            let message =
                format!("what group {group} has committed in {partition} falls from {highest} to {offset}");
            return Err(Violation::new(NAME, message, [fact, sent_after, number]));
        }
        let since_sought = self.sought.get(&(group, partition)).is_none_or(|sought| *sought <= sent_after);
        if offset >= highest && since_sought {
            self.confirmed.insert((group, partition), (offset, number));
        }
        if cluster.rules().delivery == Delivery::AtMostOnce {
            return Ok(());
        }
        let Some(prefix) = self.processed.get(&(group, partition)) else { return Ok(()) };
        let missed =
            |at: &Offset| !prefix.beyond.contains(at) && cluster.shown(group, partition, *at).is_some();
        match (prefix.next.0..offset.0).map(Offset).find(missed) {
            Some(missed) => {
                let message = format!(
                    "group {group} has committed {offset} in {partition}, and processed everything before {missed} only"
                );
                Err(Violation::new(NAME, message, [prefix.number, number]))
            }
            None => Ok(()),
        }
    }

    /// A consumer passes over what is not in the log any more. Others of its group may know nothing of it, and be further.
    fn pass_over(&mut self, stamp: &Stamp, of: (u32, Partition), range: Range<Offset>) {
        self.found.remove(&(stamp.node, of.0, of.1));
        if let Some(prefix) = self.processed.get_mut(&of) {
            (range.start.0..range.end.0).for_each(|offset| prefix.processed(Offset(offset), stamp.number));
        }
    }

    /// A consumer goes back, since that is wished for: from now on its group may have committed as little.
    fn sought(&mut self, (group, partition): (u32, Partition), to: Offset, number: u64) {
        self.sought.insert((group, partition), number);
        let found = self.found.iter_mut().filter(|((_, of, at), _)| (*of, *at) == (group, partition));
        let confirmed = self.confirmed.get_mut(&(group, partition));
        for committed in found.map(|(_, found)| found).chain(confirmed) {
            if committed.0 > to {
                *committed = (to, number);
            }
        }
    }

    /// A key of the coordination service has changed. What is told once more after a restart is known already.
    fn kept(&mut self, change: &Change, number: u64) -> Result<(), Violation> {
        let Some(entry) = &change.entry else { return Ok(()) };
        let Some(KeptOffsets { epoch, .. }) = keys::kept_offsets(&change.key, entry) else { return Ok(()) };
        let before = self.kept.get(&change.key).copied();
        match before {
            Some((_, revision, _)) if change.revision <= revision => return Ok(()),
            Some((later, _, fact)) if epoch < later => {
                let message = format!(
                    "a coordinator of epoch {epoch} writes over {} what one of epoch {later} had written",
                    change.key
                );
                return Err(Violation::new(NAME, message, [fact, number]));
            }
            _ => {}
        }
        self.kept.insert(change.key.clone(), (epoch, change.revision, number));
        Ok(())
    }

    /// The group starts anew in this partition.
    fn forget(&mut self, group: u32, partition: Partition) {
        self.confirmed.remove(&(group, partition));
        self.processed.remove(&(group, partition));
        self.found.retain(|(_, of, at), _| (*of, *at) != (group, partition));
    }
}

impl Monitor<Fact> for OffsetsMoveForward {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let cluster = self.cluster.clone();
        let cluster = cluster.borrow();
        let judged = |group, partition| {
            let offsets = Plan::offsets_partition(group);
            cluster.unclean(partition).is_none() && cluster.unclean(offsets).is_none()
        };
        if let Some((group, partition, offset, _)) = cluster.rules().done_with(fact)
            && let Some(prefix) = self.processed.get_mut(&(group, partition))
        {
            prefix.processed(offset, stamp.number);
        }
        match fact {
            Fact::Assigned { group, partitions, .. } => self.assigned(stamp.node, *group, partitions),
            Fact::Positioned { group, partition, offset, committed, .. } if judged(*group, *partition) => {
                return self.positioned(&cluster, stamp, (*group, *partition), *offset, *committed);
            }
            Fact::CommitConfirmed { group, offsets, .. } => {
                let mut judged = offsets.iter().filter(|(partition, _)| judged(*group, **partition));
                return judged.try_for_each(|(partition, offset)| {
                    self.committed(&cluster, (*group, *partition), *offset, stamp.number)
                });
            }
            Fact::Coordination(happening) => {
                if let Happening::Changed(change) = &**happening {
                    return self.kept(change, stamp.number);
                }
            }
            Fact::OfGroups(OfGroups::Sought { group, partition, to, .. }) => {
                self.sought((*group, *partition), *to, stamp.number);
            }
            Fact::OffsetOutOfRange { group, partition, offset, reset: Some(reset) } if offset <= reset => {
                self.pass_over(stamp, (*group, *partition), *offset..*reset);
            }
            Fact::OffsetOutOfRange { group, partition, reset: Some(_), .. } => {
                self.forget(*group, *partition)
            }
            _ => {}
        }
        Ok(())
    }
}
