//! `retried-or-dead`: a message whose processing failed before the calm is, in the end, processed by its group, or stands
//! among the group's dead letters. *Final*.
//!
//! With a retry topic it is on its way through several logs. After an unclean election of any of them, or of the partition
//! where its group or the movers keep their offsets, it is not looked for; nor where acknowledged messages may be lost
//! with the memory of all brokers (`flush = background`).
//!
//! Broken by: a commit before the message is known to stand where it will be tried again, and a crash between the two.

use super::cluster::{Cluster, SharedCluster};
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::delay::MOVERS;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::plan::Plan;
use rehearsal_model::queue::replica::Flush;
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "retried-or-dead";

/// Remembers what failed and what was processed.
#[derive(Debug)]
pub struct RetriedOrDead {
    cluster: SharedCluster,
    /// Where each failed first, and the number of the fact.
    failed: BTreeMap<(u32, MessageId), (Partition, u64)>,
    processed: BTreeSet<(u32, MessageId)>,
}

impl RetriedOrDead {
    /// Judges with this cluster's logs.
    pub fn new(cluster: SharedCluster) -> RetriedOrDead {
        RetriedOrDead { cluster, failed: BTreeMap::new(), processed: BTreeSet::new() }
    }
}

/// Whether everything that a failed message of this group went through kept what it had acknowledged.
fn is_judged(cluster: &Cluster, group: u32, partition: Partition) -> bool {
    let target = Plan::retry_partition(group);
    let way = [
        partition,
        Plan::delayed_partition(target),
        target,
        Plan::dead_partition(group),
        Plan::offsets_partition(group),
        Plan::offsets_partition(MOVERS),
    ];
    cluster.rules().flush == Flush::BeforeAck && way.iter().all(|passed| cluster.unclean(*passed).is_none())
}

impl Monitor<Fact> for RetriedOrDead {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Final
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match *fact {
            Fact::Failed { group, partition, message, .. }
                if stamp.time < self.cluster.borrow().rules().calm_begins =>
            {
                self.failed.entry((group, message)).or_insert((partition, stamp.number));
            }
            Fact::Processed { group, message, .. } => {
                self.processed.insert((group, message));
            }
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        for ((group, message), (partition, number)) in &self.failed {
            if self.processed.contains(&(*group, *message)) || !is_judged(&cluster, *group, *partition) {
                continue;
            }
            let dead = cluster.leaders_log(Plan::dead_partition(*group));
            if dead.is_some_and(|dead| dead.place_of(*message).is_none()) {
                let message = format!(
                    "{message} failed in group {group}, was never processed, and is not among its dead letters"
                );
                return Err(Violation::new(NAME, message, [*number]));
            }
        }
        Ok(())
    }
}
