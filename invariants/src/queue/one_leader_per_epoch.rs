//! `one-leader-per-epoch`: all appends in an epoch of a partition come from one life of one broker, and that is the
//! broker that was elected in it. *Causal*: who appends has heard of its election.
//!
//! Broken by: a leader that restarts and goes on in its old epoch; a broker that leads before it was elected, or on the
//! word of a stale controller.

use super::cluster::SharedCluster;
use super::copy::LogCopy;
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::queue::brokers::BrokerId;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::offset::LeaderEpoch;
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeMap;

const NAME: &str = "one-leader-per-epoch";

/// Remembers who appends in which epoch.
#[derive(Debug)]
pub struct OneLeaderPerEpoch {
    cluster: SharedCluster,
    /// Who appended first in it, in which life, and the number of the fact.
    leaders: BTreeMap<(Partition, LeaderEpoch), (BrokerId, u32, u64)>,
}

impl OneLeaderPerEpoch {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> OneLeaderPerEpoch {
        OneLeaderPerEpoch { cluster, leaders: BTreeMap::new() }
    }
}

impl Monitor<Fact> for OneLeaderPerEpoch {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Causal
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::Appended { partition, stretch } = fact else { return Ok(()) };
        let epoch = stretch.epoch;
        let cluster = self.cluster.borrow();
        let Some(broker) = cluster.broker(stamp.node) else { return Ok(()) };
        let life = cluster.copy(*partition, broker).map_or(0, LogCopy::lives);
        let me = (broker, life, stamp.number);
        let first = *self.leaders.entry((*partition, epoch)).or_insert(me);
        if (first.0, first.1) != (me.0, me.1) {
            let who = if first.0 == me.0 { "another life of its leader" } else { "another broker" };
            let message = format!("{who} appends to {partition} in epoch {epoch} too");
            return Err(Violation::new(NAME, message, [first.2, stamp.number]));
        }
        match cluster.partition(*partition).and_then(|book| book.leaders.get(&epoch)) {
            Some((leader, _)) if leader.broker == broker => Ok(()),
            Some((leader, elected)) => {
                let message = format!(
                    "{broker} appends to {partition} in epoch {epoch}, in which {} leads",
                    leader.broker
                );
                Err(Violation::new(NAME, message, [*elected, stamp.number]))
            }
            None => {
                let message =
                    format!("{broker} appends to {partition} in epoch {epoch}, in which nobody was elected");
                Err(Violation::new(NAME, message, [stamp.number]))
            }
        }
    }
}
