//! `group-settles`: in the end every partition that a group reads has exactly one owner who lives, and the group has
//! committed everything that stands in it. *Final*.
//!
//! An owner counts as living if it belongs to the group's newest generation, or has reported anything in the calm: one
//! that crashed and never came up again says nothing, a zombie goes on. After an unclean election, of the partition or
//! of the one where the groups keep their offsets, what is committed is not judged; nor is it where a consumer whose offset was
//! gone was to report that and go no further (`reset = error`). What is lent has no owner: that is for `taken-by-one`.
//!
//! Broken by: a rebalance that never ends; a member that is gone and owns on, or goes on with what was taken from it; a
//! consumer that waits at an offset where nothing ever comes.

use super::cluster::{Cluster, SharedCluster};
use super::consumers::{Holding, SharedConsumers};
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::facts::{Fact, OfGroups};
use rehearsal_model::queue::group::Generation;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "group-settles";

/// Remembers the newest commits and generations.
#[derive(Debug)]
pub struct GroupSettles {
    cluster: SharedCluster,
    consumers: SharedConsumers,
    /// The highest commit since anybody went back by wish, as it was confirmed or found, and the number of the fact.
    committed: BTreeMap<(u32, Partition), (Offset, u64)>,
    generations: BTreeMap<u32, Generation>,
    /// Who found its offset gone and was told to report that and to read no further.
    given_up: BTreeSet<(u32, Partition)>,
}

impl GroupSettles {
    /// Judges these consumers.
    pub fn new(cluster: SharedCluster, consumers: SharedConsumers) -> GroupSettles {
        let (committed, generations) = (BTreeMap::new(), BTreeMap::new());
        GroupSettles { cluster, consumers, committed, generations, given_up: BTreeSet::new() }
    }

    fn committed(&mut self, group: u32, partition: Partition, offset: Offset, number: u64) {
        let highest = self.committed.entry((group, partition)).or_insert((offset, number));
        if offset >= highest.0 {
            *highest = (offset, number);
        }
    }

    fn is_owned_once(&self, cluster: &Cluster, group: u32, partition: Partition) -> Result<(), Violation> {
        let newest = self.generations.get(&group);
        let calm = cluster.rules().calm_begins;
        let lives = |holding: &&Holding| Some(&holding.generation) == newest || holding.heard >= calm;
        let consumers = self.consumers.borrow();
        let owns = |holding: &&Holding| holding.group == group && holding.partitions.contains(&partition);
        let owners: Vec<&Holding> = consumers.holdings().filter(owns).filter(lives).collect();
        let facts = owners.iter().map(|holding| holding.assigned);
        match owners[..] {
            [_] => Ok(()),
            [] => {
                let message = format!("at the end nobody in group {group} owns {partition}");
                Err(Violation::new(NAME, message, facts))
            }
            [one, other, ..] => {
                let message = format!(
                    "at the end {} and {} of group {group} both believe to own {partition}",
                    one.member, other.member
                );
                Err(Violation::new(NAME, message, facts))
            }
        }
    }

    fn has_no_lag(&self, cluster: &Cluster, group: u32, partition: Partition) -> Result<(), Violation> {
        let offsets = Plan::offsets_partition(group);
        if cluster.unclean(partition).is_some() || cluster.unclean(offsets).is_some() {
            return Ok(());
        }
        let Some(log) = cluster.leaders_log(partition) else { return Ok(()) };
        let committed = self.committed.get(&(group, partition));
        let (offset, number) =
            committed.map_or((Offset::ZERO, None), |(offset, number)| (*offset, Some(*number)));
        // Replicas drop what is out of retention each for itself: what one that led has dropped, its successor may have, and
        // the group began behind it.
        let taken = cluster.partition(partition).map_or(Offset::ZERO, |book| book.taken);
        let is_gone = log.start() == log.end() || taken >= log.end();
        if offset >= log.end() || is_gone || self.given_up.contains(&(group, partition)) {
            return Ok(());
        }
        let last = log.last().map(|last| last.number);
        let message = format!(
            "at the end group {group} has committed {offset} in {partition}, and the log ends at {}",
            log.end()
        );
        Err(Violation::new(NAME, message, number.into_iter().chain(last)))
    }
}

impl Monitor<Fact> for GroupSettles {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Final
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::Assigned { group, generation, .. } => {
                // A coordinator that has lost what was written goes on from an earlier generation.
                let forgotten = self.cluster.borrow().unclean(Plan::offsets_partition(*group)).is_some();
                let newest = self.generations.entry(*group).or_default();
                *newest = if forgotten { *generation } else { (*newest).max(*generation) };
            }
            Fact::OffsetOutOfRange { group, partition, reset: None, .. } => {
                self.given_up.insert((*group, *partition));
            }
            Fact::Positioned { group, partition, offset, committed: true, .. } => {
                self.committed(*group, *partition, *offset, stamp.number);
            }
            // Who goes back is to commit again what it comes to.
            Fact::OfGroups(OfGroups::Sought { group, partition, to, .. }) => {
                self.committed.insert((*group, *partition), (*to, stamp.number));
            }
            Fact::CommitConfirmed { group, offsets, .. } => {
                for (partition, offset) in offsets {
                    self.committed(*group, *partition, *offset, stamp.number);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let seated = cluster.rules().groups.keys().filter(|group| !cluster.rules().is_lent(**group));
        for group in seated {
            // Who owns what is drained is judged by `retired-drains`.
            let read =
                cluster.rules().partitions_of(*group).filter(|partition| !cluster.is_drained(*partition));
            for partition in read {
                self.is_owned_once(&cluster, *group, partition)?;
                self.has_no_lag(&cluster, *group, partition)?;
            }
        }
        Ok(())
    }
}
