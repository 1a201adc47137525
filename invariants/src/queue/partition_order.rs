//! `partition-order`: from where a consumer starts in a partition its offsets strictly rise, skip no message, and each
//! is the message that stands there. And the messages of one producer stand in a partition in the order in which they
//! were sent, if it is idempotent, or has one batch under way at a time and waits for its answer; if it is idempotent,
//! each stands there once.
//! *Causal*.
//!
//! A producer that crashed and begins anew may write its messages again. Without sequences a repeat may stand behind
//! what came after it: the first place of each message counts; and one that its producer gave up, not knowing what
//! became of it, may still be on its way. The log that a consumer is compared with is the leader's, as far as it is
//! known; after an election from outside of those who have everything a partition's consumers are not judged.
//!
//! Broken by: several batches in flight without sequences; a sequence that nobody checks; a consumer that is sent past
//! what it has not read.

use super::cluster::{Cluster, SharedCluster};
use super::copy::LogCopy;
use crate::{Monitor, Scope};
use rehearsal_env::{NodeId, Stamp, Violation};
use rehearsal_model::queue::facts::{Fact, Fate, Stretch};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::production::Acks;
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "partition-order";

/// Remembers where each consumer goes on.
#[derive(Debug)]
pub struct PartitionOrder {
    cluster: SharedCluster,
    /// Where it goes on, and the number of the fact that says so.
    next: BTreeMap<(NodeId, u32, Partition), (Offset, u64)>,
    /// Messages that were given up: a request that is on its way still may be late.
    given_up: BTreeSet<MessageId>,
}

impl PartitionOrder {
    /// Judges with this cluster's logs.
    pub fn new(cluster: SharedCluster) -> PartitionOrder {
        PartitionOrder { cluster, next: BTreeMap::new(), given_up: BTreeSet::new() }
    }

    fn processed(
        &mut self,
        stamp: &Stamp,
        group: u32,
        partition: Partition,
        (offset, message): (Offset, MessageId),
    ) -> Result<(), Violation> {
        let going_on = (offset.plus(1), stamp.number);
        let Some((next, before)) = self.next.insert((stamp.node, group, partition), going_on) else {
            return Ok(());
        };
        if offset < next {
            let message = format!("a consumer of {partition} goes back to offset {offset}, after {next}");
            return Err(Violation::new(NAME, message, [before, stamp.number]));
        }
        let cluster = self.cluster.borrow();
        let Some(log) = cluster.leaders_log(partition).filter(|_| cluster.unclean(partition).is_none())
        else {
            return Ok(());
        };
        let mut skipped =
            (next.0..offset.0).filter_map(|at| Some((at, cluster.shown(group, partition, Offset(at))?)));
        if let Some((at, message)) = skipped.next() {
            let message = format!("a consumer of {partition} skips {message} at offset {at}");
            return Err(Violation::new(NAME, message, [before, stamp.number]));
        }
        match log.message_at(offset) {
            Some(stands) if stands != message => {
                let placed = log.batch_at(offset).map(|placed| placed.number);
                let message = format!(
                    "a consumer gets {message} from offset {offset} of {partition}, where {stands} stands"
                );
                Err(Violation::new(NAME, message, placed.into_iter().chain([stamp.number])))
            }
            _ => Ok(()),
        }
    }
}

/// Judges the messages of a batch that has just been appended; but not those that their producer has `given_up`.
fn appended(
    cluster: &Cluster,
    given_up: &BTreeSet<MessageId>,
    log: &LogCopy,
    partition: Partition,
    stretch: &Stretch,
    number: u64,
) -> Result<(), Violation> {
    let rules = cluster.rules();
    // What comes of messages stands in the order in which they were read, from several partitions.
    if rules.is_written_by_pipes(partition.topic) {
        return Ok(());
    }
    let fact_of = |place| log.batch_at(place).map_or(number, |placed| placed.number);
    let once = |message: &&MessageId| !cluster.has_begun_anew(message.producer);
    for (offset, message) in (stretch.base.0..).zip(&stretch.messages).filter(|(_, message)| once(message)) {
        let Some(first) = log.place_of(*message) else { continue };
        if first < Offset(offset) {
            if !rules.idempotent {
                continue;
            }
            let message = format!("{message} stands in {partition} twice, at offsets {first} and {offset}");
            return Err(Violation::new(NAME, message, [fact_of(first), number]));
        }
        let waits = rules.max_in_flight == 1 && rules.acks != Acks::None && !given_up.contains(message);
        let ordered = rules.idempotent || waits;
        let overtaken_by = log.later_of(*message).find(|(_, place)| *place < first);
        if let Some((later, place)) = overtaken_by.filter(|_| ordered) {
            let message =
                format!("in {partition} {later} stands at offset {place}, before {message} at {first}");
            return Err(Violation::new(NAME, message, [fact_of(place), number]));
        }
    }
    Ok(())
}

impl Monitor<Fact> for PartitionOrder {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Causal
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::Positioned { group, partition, offset, .. } => {
                self.next.insert((stamp.node, *group, *partition), (*offset, stamp.number));
                Ok(())
            }
            Fact::Processed { group, partition, offset, message, .. } => {
                self.processed(stamp, *group, *partition, (*offset, *message))
            }
            Fact::Told { message, fate: Fate::Unknown, .. } => {
                self.given_up.insert(*message);
                Ok(())
            }
            Fact::Appended { partition, stretch } => {
                let cluster = self.cluster.borrow();
                match cluster.own_copy(*partition, stamp.node) {
                    Some(log) => appended(&cluster, &self.given_up, log, *partition, stretch, stamp.number),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
