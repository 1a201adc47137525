//! `at-most-once`: with `delivery = at-most-once` a group processes nothing twice: no offset of a partition, and, where
//! repeated batches are known again, no message. *Global*: two consumers can each do it once.
//!
//! A producer that crashed and begins anew may write its messages again. After an election from outside of those who have everything, in the partition or in the one where the groups keep
//! their offsets, nothing is judged: what is given out anew, or forgotten, may come again. And what comes again there a
//! pipeline writes again, so that those who read what it writes find it at another place.
//!
//! Broken by: a consumer that processes before its commit is confirmed; a commit that is lost with its coordinator; a
//! repeated batch that is appended again.

use super::cluster::{Cluster, SharedCluster};
use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::knobs::Delivery;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::plan::Plan;
use std::collections::BTreeMap;

const NAME: &str = "at-most-once";

/// Remembers what was processed, and by which fact.
#[derive(Debug)]
pub struct AtMostOnce {
    cluster: SharedCluster,
    places: BTreeMap<(u32, Partition, Offset), u64>,
    messages: BTreeMap<(u32, Topic, MessageId), u64>,
}

impl AtMostOnce {
    /// Judges by this cluster's rules.
    pub fn new(cluster: SharedCluster) -> AtMostOnce {
        AtMostOnce { cluster, places: BTreeMap::new(), messages: BTreeMap::new() }
    }
}

/// Whether what a pipeline reads to write this topic, or where it goes on in that, may have been lost.
fn may_be_written_again(cluster: &Cluster, topic: Topic) -> bool {
    let rules = cluster.rules();
    let mut pipes = rules.pipes.iter().filter(|pipe| pipe.into == topic);
    pipes.any(|pipe| {
        let offsets = Plan::offsets_partition(pipe.group);
        let sources = rules.partitions.iter().filter(|partition| partition.topic == pipe.from);
        sources.chain([&offsets]).any(|partition| cluster.unclean(*partition).is_some())
    })
}

impl Monitor<Fact> for AtMostOnce {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::Processed { group, partition, offset, message, .. } = *fact else { return Ok(()) };
        let cluster = self.cluster.borrow();
        let rules = cluster.rules();
        let forgotten = cluster.unclean(partition).or(cluster.unclean(Plan::offsets_partition(group)));
        if rules.delivery != Delivery::AtMostOnce || forgotten.is_some() {
            return Ok(());
        }
        let number = stamp.number;
        if let Some(before) = self.places.insert((group, partition, offset), number) {
            let message = format!("group {group} processes offset {offset} of {partition} twice");
            return Err(Violation::new(NAME, message, [before, number]));
        }
        match self.messages.insert((group, partition.topic, message), number) {
            Some(before)
                if rules.idempotent
                    && !cluster.has_begun_anew(message.producer)
                    && !may_be_written_again(&cluster, partition.topic) =>
            {
                let message = format!("group {group} processes {message} twice, at two places");
                Err(Violation::new(NAME, message, [before, number]))
            }
            _ => Ok(()),
        }
    }
}
