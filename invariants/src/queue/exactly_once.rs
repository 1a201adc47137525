//! `exactly-once`: with `delivery = exactly-once`, what comes of each message that a pipeline reads is to be seen once by
//! those who read only what is committed, and nothing of a transaction that was aborted, or has not ended, is ever
//! shown to them. *Global*: they are compared with whoever leads; and for what is missing: *final*.
//!
//! A message that stands in the pipeline's own topic twice, since its producer wrote it twice, has its effect twice. What
//! came in during the calm need not be through. Where retention took anything, what is left is not counted. After an election from outside of those who have everything, of any
//! partition that a pipeline touches, nothing is judged: what was decided may be forgotten.
//!
//! Broken by: a marker that one partition does not get; offsets that are committed outside of the transaction; a consumer
//! that is shown what has not ended; a sequence that nobody checks.

use super::cluster::{Cluster, SharedCluster};
use super::copy::{End, LogCopy};
use super::rules::Pipe;
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::knobs::Delivery;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::record::Verdict;
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "exactly-once";

/// Remembers what was sent before the calm, and where groups began.
#[derive(Debug)]
pub struct ExactlyOnce {
    cluster: SharedCluster,
    sent: BTreeSet<MessageId>,
    begun: BTreeMap<(u32, Partition), Offset>,
}

impl ExactlyOnce {
    /// Judges with this cluster's logs.
    pub fn new(cluster: SharedCluster) -> ExactlyOnce {
        ExactlyOnce { cluster, sent: BTreeSet::new(), begun: BTreeMap::new() }
    }

    /// Judges one pipeline at the end.
    fn judge(&self, cluster: &Cluster, pipe: Pipe) -> Result<(), Violation> {
        let mut read: BTreeMap<MessageId, u64> = BTreeMap::new();
        for (partition, log) in logs_of(cluster, pipe.from) {
            let begun = self.begun.get(&(pipe.group, partition)).copied().unwrap_or_default();
            let read_there = committed(log).filter(|(_, offset)| *offset >= begun);
            for (message, _) in read_there.filter(|(message, _)| cluster.rules().wants(pipe.group, *message))
            {
                *read.entry(message).or_default() += 1;
            }
        }
        let mut written: BTreeMap<MessageId, Vec<(Partition, Offset, u64)>> = BTreeMap::new();
        for (partition, log) in logs_of(cluster, pipe.into) {
            for (message, offset) in committed(log) {
                let number = log.batch_at(offset).map_or(0, |placed| placed.number);
                written.entry(message).or_default().push((partition, offset, number));
            }
        }
        for (message, places) in &written {
            let expected = read.get(message).copied().unwrap_or_default();
            if places.len() as u64 > expected {
                let listed: Vec<String> =
                    places.iter().map(|(partition, offset, _)| format!("{offset} of {partition}")).collect();
                let message = format!(
                    "what came of {message}, which group {} read {expected} times, is to be seen at the offsets {}",
                    pipe.group,
                    listed.join(", ")
                );
                return Err(Violation::new(NAME, message, places.iter().map(|(_, _, number)| *number)));
            }
        }
        let missing =
            read.keys().find(|message| self.sent.contains(message) && !written.contains_key(message));
        match missing {
            Some(message) => {
                let facts = logs_of(cluster, pipe.from)
                    .filter_map(|(_, log)| Some(log.batch_at(log.place_of(*message)?)?.number));
                let text = format!("nothing that came of {message} is to be seen at the end");
                Err(Violation::new(NAME, text, facts.collect::<Vec<u64>>()))
            }
            None => Ok(()),
        }
    }
}

/// The leaders' logs of a topic.
fn logs_of(cluster: &Cluster, topic: Topic) -> impl Iterator<Item = (Partition, &LogCopy)> {
    let partitions = cluster.rules().partitions.iter().filter(move |partition| partition.topic == topic);
    partitions.filter_map(|partition| Some((*partition, cluster.leaders_log(*partition)?)))
}

/// The messages in a log that read-committed consumers see, with their places.
fn committed(log: &LogCopy) -> impl Iterator<Item = (MessageId, Offset)> + '_ {
    let seen = log.batches().iter().filter(|placed| {
        matches!(log.end_at(placed.stretch.base), End::None | End::Ended(Verdict::Commit, _))
    });
    seen.flat_map(|placed| {
        (placed.stretch.base.0..)
            .map(Offset)
            .zip(&placed.stretch.messages)
            .map(|(at, message)| (*message, at))
    })
}

impl Monitor<Fact> for ExactlyOnce {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match *fact {
            Fact::Sent { message, .. } if stamp.time < self.cluster.borrow().rules().calm_begins => {
                self.sent.insert(message);
                Ok(())
            }
            Fact::Positioned { group, partition, offset, committed: false, .. } => {
                let begun = self.begun.entry((group, partition)).or_insert(offset);
                *begun = (*begun).min(offset);
                Ok(())
            }
            Fact::Processed { partition, offset, message, .. } => {
                let cluster = self.cluster.borrow();
                if cluster.rules().delivery != Delivery::ExactlyOnce || cluster.unclean(partition).is_some() {
                    return Ok(());
                }
                let Some(log) = cluster.leaders_log(partition) else { return Ok(()) };
                let how = match log.end_at(offset) {
                    End::None | End::Ended(Verdict::Commit, _) => return Ok(()),
                    End::Ended(Verdict::Abort, _) => "was aborted",
                    End::Open => "has not ended",
                };
                let placed = log.batch_at(offset).map(|placed| placed.number);
                let text = format!(
                    "a consumer is shown {message} at offset {offset} of {partition}, whose transaction {how}"
                );
                Err(Violation::new(NAME, text, placed.into_iter().chain([stamp.number])))
            }
            _ => Ok(()),
        }
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let rules = cluster.rules();
        let forgotten = rules.partitions.iter().any(|partition| cluster.unclean(*partition).is_some());
        if rules.delivery != Delivery::ExactlyOnce || forgotten {
            return Ok(());
        }
        // What retention took cannot be counted.
        let is_whole = |topic| logs_of(&cluster, topic).all(|(_, log)| log.start() == Offset::ZERO);
        let judged = rules.pipes.iter().filter(|pipe| is_whole(pipe.from) && is_whole(pipe.into));
        judged.into_iter().try_for_each(|pipe| self.judge(&cluster, *pipe))
    }
}
