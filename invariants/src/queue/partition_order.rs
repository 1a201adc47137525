//! `partition-order`: from where a consumer starts in a partition its offsets strictly rise, skip no message, and each
//! is the message that stands there. And the messages of one producer stand in a partition in the order in which they
//! were sent, if it is idempotent, or has one batch under way at a time and waits for its answer; if it is idempotent,
//! each stands there once, and is not written again when retention has taken it.
//! *Global*: a consumer is compared with whoever leads.
//!
//! When retention has taken all that a producer had in a partition, who comes up knows nothing of the producer there. Its
//! first batch is then taken if it is sent again, since nothing tells it from that of another producer, and so is what
//! follows; or what follows a batch that was given up, when the producer has a new identity (KIP-360). Neither is judged.
//! Nor is what a leader appends that does not know yet that it has been replaced: it will have to cut that off.
//!
//! A producer that crashed and begins anew may write its messages again. Without sequences a repeat may stand behind
//! what came after it: the first place of each message counts; and one that its producer gave up, not knowing what
//! became of it, may still be on its way. The log that a consumer is compared with is the leader's, as far as it is
//! known; after an election from outside of those who have everything a partition's consumers are not judged by it. But even
//! then a consumer that goes on behind what it has read does so in a log in which that stands: what was cut off it was told
//! of (KIP-320).
//!
//! With `retry = park-key` a consumer lets a record wait while one of its key before it is to be tried again, and so goes
//! back to it (`parked_keys`). What was delayed stands where it was moved to when it was due, and what failed
//! where it is tried again: those are in no order, and how often they stand there is judged by `moved-once`.
//!
//! Messages that are lent one by one come in no order (`taken-by-one`).
//! A message that was sent elsewhere since the partitions of its topic have changed stands behind what its producer had
//! sent there before, unless the order of keys is kept and it has one.
//!
//! Broken by: several batches in flight without sequences; a sequence that nobody checks; a consumer that is sent past
//! what it has not read; a parked key that nobody waits for; a leader that serves whoever asks, whatever was read before.

use super::cluster::{Cluster, SharedCluster};
use super::copy::LogCopy;
use super::parked_keys::ParkedKeys;
use crate::Monitor;
use rehearsal_env::{NodeId, Stamp, Violation};
use rehearsal_model::queue::facts::{Fact, Fate, OfGroups, OfLogs, OfTopics, Stretch};
use rehearsal_model::queue::knobs::Retry;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::production::Acks;
use rehearsal_model::queue::topics::KeyOrder;
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
    /// Messages that were delayed.
    postponed: BTreeSet<MessageId>,
    /// Messages that were sent elsewhere, and whose order is not kept.
    rerouted: BTreeSet<MessageId>,
    /// Where retention took a message from a log, and the number of the fact that had put it there.
    taken: BTreeMap<(Partition, MessageId), (LeaderEpoch, Offset, u64)>,
    /// With `retry = park-key`: how far each consumer is.
    parked: BTreeMap<(NodeId, u32, Partition), ParkedKeys>,
}

impl PartitionOrder {
    /// Judges with this cluster's logs.
    pub fn new(cluster: SharedCluster) -> PartitionOrder {
        PartitionOrder {
            cluster,
            next: BTreeMap::new(),
            given_up: BTreeSet::new(),
            postponed: BTreeSet::new(),
            rerouted: BTreeSet::new(),
            taken: BTreeMap::new(),
            parked: BTreeMap::new(),
        }
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
        is_what_stands(log, partition, (offset, message), stamp.number)
    }

    /// Retention has taken something from a log: from below the watermark, so that it had its place for good.
    fn dropped(&mut self, stamp: &Stamp, partition: Partition) {
        let cluster = self.cluster.borrow();
        if !cluster.rules().idempotent || cluster.unclean(partition).is_some() {
            return;
        }
        let dropped = cluster.own_copy(partition, stamp.node).map_or(&[][..], LogCopy::dropped);
        for placed in dropped {
            let stood = (placed.stretch.base.0..).zip(&placed.stretch.messages);
            let epoch = placed.stretch.epoch;
            let stood =
                stood.map(|(at, message)| ((partition, *message), (epoch, Offset(at), placed.number)));
            self.taken.extend(stood);
        }
    }

    /// Whether nothing of a batch that has just been appended had its place before, and retention took it from there.
    fn is_new(&self, partition: Partition, stretch: &Stretch, number: u64) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        if !cluster.rules().idempotent || cluster.unclean(partition).is_some() {
            return Ok(());
        }
        let has_given_up = |producer| self.given_up.iter().any(|message| message.producer == producer);
        let judged = |message: &MessageId| {
            !cluster.has_begun_anew(message.producer)
                && !self.postponed.contains(message)
                && !has_given_up(message.producer)
                && !began_again(&cluster, partition, message.producer)
        };
        for message in &stretch.messages {
            let taken = self.taken.get(&(partition, *message)).filter(|_| judged(message));
            if let Some((_, stood, by)) = taken.filter(|(epoch, ..)| stretch.epoch >= *epoch) {
                let base = stretch.base;
                let message = format!(
                    "{message} is appended to {partition} at {base}, and stood at {stood} until retention took it"
                );
                return Err(Violation::new(NAME, message, [*by, number]));
            }
        }
        Ok(())
    }

    /// A consumer that parks keys has come to a record, has tried it, or is done with it.
    fn parks(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let (Fact::Processed { group, partition, offset, message, .. }
        | Fact::Failed { group, partition, offset, message, .. }
        | Fact::Forwarded { group, partition, offset, message, .. }
        | Fact::Parked { group, partition, offset, message }) = *fact
        else {
            return Ok(());
        };
        let Some(parked) = self.parked.get_mut(&(stamp.node, group, partition)) else { return Ok(()) };
        let (cluster, record) = (self.cluster.borrow(), (offset, message));
        match fact {
            Fact::Parked { .. } => parked.parked(&cluster, record, stamp.number),
            Fact::Forwarded { .. } => {
                parked.done(offset);
                Ok(())
            }
            _ => {
                let log = cluster.leaders_log(partition).filter(|_| cluster.unclean(partition).is_none());
                log.map_or(Ok(()), |log| is_what_stands(log, partition, record, stamp.number))?;
                let succeeded = matches!(fact, Fact::Processed { .. });
                parked.tried(&cluster, record, stamp.number, succeeded)
            }
        }
    }
}

/// Judges a consumer that goes on at `offset` in another epoch than the one in which it has read what lies before it. All
/// logs that hold what stands there agree in what lies before (`logs-agree`).
fn crossed(
    cluster: &Cluster,
    (partition, offset): (Partition, Offset),
    (last, next): (LeaderEpoch, LeaderEpoch),
    number: u64,
) -> Result<(), Violation> {
    let (Some(book), Some(before)) = (cluster.partition(partition), offset.0.checked_sub(1)) else {
        return Ok(());
    };
    let holds_it = |log: &&LogCopy| log.batch_at(offset).is_some_and(|placed| placed.stretch.epoch == next);
    let stands = book.copies.values().find(holds_it).and_then(|log| log.batch_at(Offset(before)));
    match stands {
        Some(placed) if placed.stretch.epoch != last => {
            let message = format!(
                "a consumer of {partition} goes on at offset {offset} in epoch {next}, behind what it has read in epoch \
                 {last}, where epoch {} stands",
                placed.stretch.epoch
            );
            Err(Violation::new(NAME, message, [placed.number, number]))
        }
        _ => Ok(()),
    }
}

/// Whether the first batch that a producer had appended to a partition was appended again: what follows it in order is
/// taken then.
fn began_again(cluster: &Cluster, partition: Partition, producer: u32) -> bool {
    let Some(book) = cluster.partition(partition) else { return false };
    let all = MessageId { producer, number: 0 }..=MessageId { producer, number: u32::MAX };
    let first =
        book.appends.range(all).min_by_key(|(_, appends)| appends.first().map(|append| append.number));
    first.is_some_and(|(_, appends)| appends.len() > 1)
}

/// Judges that what a consumer gets is what stands there.
fn is_what_stands(
    log: &LogCopy,
    partition: Partition,
    (offset, message): (Offset, MessageId),
    number: u64,
) -> Result<(), Violation> {
    match log.message_at(offset) {
        Some(stands) if stands != message => {
            let placed = log.batch_at(offset).map(|placed| placed.number);
            let message = format!(
                "a consumer gets {message} from offset {offset} of {partition}, where {stands} stands"
            );
            Err(Violation::new(NAME, message, placed.into_iter().chain([number])))
        }
        _ => Ok(()),
    }
}

/// Judges the messages of a batch that has just been appended; but not those that their producer has `given_up`, none that
/// was `postponed`, and not the place of those that were `rerouted`.
fn appended(
    cluster: &Cluster,
    [given_up, postponed, rerouted]: [&BTreeSet<MessageId>; 3],
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
    let once =
        |message: &&MessageId| !cluster.has_begun_anew(message.producer) && !postponed.contains(*message);
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
        let ordered = (rules.idempotent || waits) && !rerouted.contains(message);
        let overtaken_by = log.overtaken_by(*message, |later| !postponed.contains(&later));
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

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::Positioned { group, partition, offset, .. }
            | Fact::OfGroups(OfGroups::Sought { group, partition, to: offset, .. }) => {
                self.next.insert((stamp.node, *group, *partition), (*offset, stamp.number));
                let parked = ParkedKeys::from(*group, *partition, *offset, stamp.number);
                self.parked.insert((stamp.node, *group, *partition), parked);
                Ok(())
            }
            Fact::Processed { group, .. } | Fact::Failed { group, .. }
                if self.cluster.borrow().rules().is_lent(*group) =>
            {
                Ok(())
            }
            Fact::Processed { .. } | Fact::Failed { .. } | Fact::Forwarded { .. } | Fact::Parked { .. } => {
                let retry = self.cluster.borrow().rules().retry;
                match (retry, fact) {
                    (Retry::ParkKey, _) => self.parks(stamp, fact),
                    (_, Fact::Processed { group, partition, offset, message, .. })
                    | (Retry::Topic, Fact::Failed { group, partition, offset, message, .. }) => {
                        self.processed(stamp, *group, *partition, (*offset, *message))
                    }
                    _ => Ok(()),
                }
            }
            Fact::OfLogs(OfLogs::EpochCrossed { partition, offset, last, next, .. }) => {
                crossed(&self.cluster.borrow(), (*partition, *offset), (*last, *next), stamp.number)
            }
            Fact::Postponed { message, .. } => {
                self.postponed.insert(*message);
                Ok(())
            }
            Fact::OfTopics(OfTopics::Rerouted { message, .. }) => {
                let cluster = self.cluster.borrow();
                let rules = cluster.rules();
                if rules.key_order == KeyOrder::Announced || !rules.keys.contains_key(message) {
                    self.rerouted.insert(*message);
                }
                Ok(())
            }
            Fact::Told { message, fate: Fate::Unknown, .. } => {
                self.given_up.insert(*message);
                Ok(())
            }
            Fact::Dropped { partition, .. } => {
                self.dropped(stamp, *partition);
                Ok(())
            }
            Fact::Appended { partition, stretch } if matches!(partition.topic, Topic::Named(_)) => {
                if !self.cluster.borrow().rules().is_written_by_pipes(partition.topic) {
                    self.is_new(*partition, stretch, stamp.number)?;
                }
                let cluster = self.cluster.borrow();
                match cluster.own_copy(*partition, stamp.node) {
                    Some(log) => {
                        let spared = [&self.given_up, &self.postponed, &self.rerouted];
                        appended(&cluster, spared, log, *partition, stretch, stamp.number)
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
