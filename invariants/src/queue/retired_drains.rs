//! `retired-drains`: once its leader knows that a partition is retired, or was elected after that was decided, nothing is
//! appended to it; it counts as drained only when no message is left in it that retention has not taken; and then, in the
//! calm, nobody owns it. Where there is an archive nothing is drained: what retention took is there to be read. *Global*: the decision comes from the coordination service, the appends from brokers.
//!
//! "Once" and "after" go by leader epochs: an append counts against the epoch of the batch. What was appended before may be
//! acknowledged later. That every record stays readable until its retention ends is promised by `retention-honest` and
//! `acked-not-lost`, and that a group reads it by `group-settles`.
//!
//! Broken by: a leader that takes what producers send as ever; a partition that is given up while records stand in it, or
//! is given out for ever although it is empty.

use super::cluster::{Cluster, SharedCluster};
use super::consumers::{Holding, SharedConsumers};
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::facts::{Fact, OfTopics};
use rehearsal_model::queue::offset::LeaderEpoch;
use rehearsal_model::queue::partition::{Partition, Topic};
use std::collections::BTreeMap;

const NAME: &str = "retired-drains";

/// Remembers since when nothing is to be appended.
#[derive(Debug)]
pub struct RetiredDrains {
    cluster: SharedCluster,
    consumers: SharedConsumers,
    /// When each partition was retired: the number of the fact.
    decided: BTreeMap<Partition, u64>,
    /// The first epoch in which nothing is to be appended any more, and the number of the fact that says so.
    closed: BTreeMap<Partition, (LeaderEpoch, u64)>,
}

impl RetiredDrains {
    /// Judges this cluster and these consumers.
    pub fn new(cluster: SharedCluster, consumers: SharedConsumers) -> RetiredDrains {
        RetiredDrains { cluster, consumers, decided: BTreeMap::new(), closed: BTreeMap::new() }
    }

    fn close(&mut self, partition: Partition, epoch: LeaderEpoch, number: u64) {
        let closed = self.closed.entry(partition).or_insert((epoch, number));
        if epoch < closed.0 {
            *closed = (epoch, number);
        }
    }

    fn changed(&mut self, topic: u32, number: u64) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let Some(state) = cluster.topic(topic).filter(|_| !cluster.is_repeat()) else { return Ok(()) };
        let partition = |number| Partition { topic: Topic::Named(topic), number };
        for retired in state.retired().map(partition) {
            self.decided.entry(retired).or_insert(number);
        }
        let mut drained = state.drained().map(partition);
        drained.try_for_each(|drained| is_empty(&cluster, drained, number))
    }

    fn owners(&self, partition: Partition, calm: Time) -> impl Iterator<Item = u64> {
        let consumers = self.consumers.borrow();
        let owns = |holding: &&Holding| holding.partitions.contains(&partition) && holding.heard >= calm;
        consumers.holdings().filter(owns).map(|holding| holding.assigned).collect::<Vec<u64>>().into_iter()
    }
}

/// Whether no message is left that retention has not taken from any copy.
fn is_empty(cluster: &Cluster, partition: Partition, number: u64) -> Result<(), Violation> {
    let Some(book) = cluster.partition(partition).filter(|book| book.unclean.is_none()) else {
        return Ok(());
    };
    let left = book.leaders_log().and_then(|log| {
        log.batches()
            .iter()
            .find(|placed| placed.stretch.end > book.taken && !placed.stretch.messages.is_empty())
    });
    match left {
        Some(left) => {
            let message =
                format!("{partition} counts as drained, and offset {} is still in it", left.stretch.base);
            Err(Violation::new(NAME, message, [left.number, number]))
        }
        None => Ok(()),
    }
}

impl Monitor<Fact> for RetiredDrains {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::OfTopics(OfTopics::Changed { topic, .. }) => self.changed(*topic, stamp.number),
            Fact::OfTopics(OfTopics::Retired { partition, epoch }) => {
                self.close(*partition, *epoch, stamp.number);
                Ok(())
            }
            Fact::PartitionChanged { partition, state } if self.decided.contains_key(partition) => {
                let cluster = self.cluster.clone();
                let cluster = cluster.borrow();
                let before = cluster.partition(*partition).and_then(|book| book.before.as_ref());
                let elected = before.is_some_and(|before| before.state.epoch < state.epoch);
                if elected && !cluster.is_repeat() {
                    self.close(*partition, state.epoch, stamp.number);
                }
                Ok(())
            }
            Fact::Appended { partition, stretch } => match self.closed.get(partition) {
                Some((epoch, number)) if stretch.epoch >= *epoch => {
                    let message = format!(
                        "{partition} is retired since before epoch {epoch} ended, and offset {} is appended in epoch {}",
                        stretch.base, stretch.epoch
                    );
                    Err(Violation::new(NAME, message, [*number, stamp.number]))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let calm = cluster.rules().calm_begins;
        for (partition, decided) in &self.decided {
            if cluster.is_drained(*partition) {
                if cluster.rules().archive {
                    let message =
                        format!("{partition} is given up, and its records can be read from the archive");
                    return Err(Violation::new(NAME, message, [*decided]));
                }
                if let Some(owner) = self.owners(*partition, calm).next() {
                    let message = format!("at the end somebody owns {partition}, in which nothing is left");
                    return Err(Violation::new(NAME, message, [*decided, owner]));
                }
            } else if !cluster.rules().archive
                && cluster.leaders_log(*partition).is_some_and(|log| log.start() == log.end())
            {
                let message = format!("at the end nothing is left in {partition}, and it is still given out");
                return Err(Violation::new(NAME, message, [*decided]));
            }
        }
        Ok(())
    }
}
