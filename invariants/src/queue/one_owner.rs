//! `one-owner`: in a generation of a group a partition has one owner; and once a generation has begun, no commit of an
//! earlier one is taken. *Global*: the owners know nothing of each other.
//!
//! A confirmation may come late. So a commit convicts only if it was certainly *sent* after somebody had been assigned
//! partitions in a later generation: after the consumer's commit before it was confirmed, or after it processed the
//! message just before the offset that it commits. After an unclean election in the partition where the groups keep
//! their offsets nothing is judged: the generations begin anew.
//!
//! Broken by: a zombie whose commits are taken; a plan that gives a partition away twice; a member that owns on after
//! its session has expired.

use super::cluster::SharedCluster;
use super::consumers::SharedConsumers;
use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::group::{Generation, MemberId};
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "one-owner";

/// Remembers the owners.
#[derive(Debug)]
pub struct OneOwner {
    cluster: SharedCluster,
    consumers: SharedConsumers,
    owners: BTreeMap<(u32, Generation, Partition), (MemberId, u64)>,
    /// The number of the fact by which a member of it was first assigned anything.
    begun: BTreeMap<(u32, Generation), u64>,
}

impl OneOwner {
    /// Judges these consumers.
    pub fn new(cluster: SharedCluster, consumers: SharedConsumers) -> OneOwner {
        OneOwner { cluster, consumers, owners: BTreeMap::new(), begun: BTreeMap::new() }
    }

    fn assigned(
        &mut self,
        (group, generation): (u32, Generation),
        member: MemberId,
        partitions: &BTreeSet<Partition>,
        number: u64,
    ) -> Result<(), Violation> {
        self.begun.entry((group, generation)).or_insert(number);
        for partition in partitions {
            let owner = self.owners.entry((group, generation, *partition)).or_insert((member, number));
            if owner.0 != member {
                let message = format!(
                    "{} and {member} both own {partition} in generation {generation} of group {group}",
                    owner.0
                );
                return Err(Violation::new(NAME, message, [owner.1, number]));
            }
        }
        Ok(())
    }

    fn committed(
        &self,
        (group, generation): (u32, Generation),
        member: MemberId,
        number: u64,
    ) -> Result<(), Violation> {
        let sent_after = self.consumers.borrow().sent_after();
        let later = self.begun.range((group, generation.next())..=(group, Generation(u32::MAX)));
        match later.min_by_key(|(_, begun)| **begun) {
            Some(((_, later), begun)) if *begun < sent_after => {
                let message = format!(
                    "a commit of {member} is taken in generation {generation} of group {group}, after generation \
                     {later} has begun"
                );
                Err(Violation::new(NAME, message, [*begun, sent_after, number]))
            }
            _ => Ok(()),
        }
    }
}

impl Monitor<Fact> for OneOwner {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let forgotten = |group| self.cluster.borrow().unclean(Plan::offsets_partition(group)).is_some();
        match fact {
            Fact::Assigned { group, member, generation, partitions } if !forgotten(*group) => {
                self.assigned((*group, *generation), *member, partitions, stamp.number)
            }
            Fact::CommitConfirmed { group, member, generation, .. } if !forgotten(*group) => {
                self.committed((*group, *generation), *member, stamp.number)
            }
            _ => Ok(()),
        }
    }
}
