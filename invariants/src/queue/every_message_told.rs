//! `every-message-told`: whatever a producer was given to send before the calm, it knows in the end what became of it
//! (*final*); and what was told to be definitely not written does not stand in the leader's log: neither when that is told,
//! nor when it is appended or somebody begins to lead (*global*).
//!
//! What a producer held in its memory when it crashed nobody tells any more: once another life of it has reported
//! anything, the messages of the lives before are not waited for.
//!
//! Broken by: a producer that waits for ever; "not enough replicas" after the append, taken for "not written".

use super::cluster::{PartitionBook, SharedCluster};
use super::copy::LogCopy;
use crate::Monitor;
use rehearsal_env::{Incarnation, NodeId, Stamp, Time, Violation};
use rehearsal_model::queue::facts::{Fact, Fate, Stretch};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::partition::Partition;
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "every-message-told";

/// Remembers what is under way and what was denied.
#[derive(Debug)]
pub struct EveryMessageTold {
    cluster: SharedCluster,
    lives: BTreeMap<NodeId, Incarnation>,
    open: BTreeMap<MessageId, (NodeId, Incarnation, u64)>,
    denied: BTreeMap<(Partition, MessageId), u64>,
}

impl EveryMessageTold {
    /// Judges with this cluster's logs.
    pub fn new(cluster: SharedCluster) -> EveryMessageTold {
        EveryMessageTold { cluster, lives: BTreeMap::new(), open: BTreeMap::new(), denied: BTreeMap::new() }
    }

    /// Whether nothing that was denied in a partition stands in the log of the leader of its newest epoch. `by` is the
    /// fact at hand, where it is what brought it there.
    fn are_true(&self, partition: Partition, by: Option<u64>) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let Some(log) = cluster.leaders_log(partition) else { return Ok(()) };
        let none = MessageId { producer: 0, number: 0 };
        let denied = self.denied.range((partition, none)..).take_while(|((of, _), _)| *of == partition);
        denied.into_iter().try_for_each(|((_, message), told)| is_true(log, partition, *message, *told, by))
    }

    /// Whether the leader of the newest epoch has just appended nothing that was denied.
    fn appended(&self, stamp: &Stamp, partition: Partition, stretch: &Stretch) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let leads = |book: &PartitionBook| {
            cluster.broker(stamp.node).is_some_and(|broker| book.is_led_by(broker, stretch.epoch))
        };
        let (false, Some(book)) = (self.denied.is_empty(), cluster.partition(partition)) else {
            return Ok(());
        };
        let Some(log) = book.leaders_log().filter(|_| leads(book)) else { return Ok(()) };
        stretch.messages.iter().try_for_each(|message| match self.denied.get(&(partition, *message)) {
            Some(told) => is_true(log, partition, *message, *told, None),
            None => Ok(()),
        })
    }
}

fn is_true(
    log: &LogCopy,
    partition: Partition,
    message: MessageId,
    told: u64,
    by: Option<u64>,
) -> Result<(), Violation> {
    let Some(place) = log.place_of(message) else { return Ok(()) };
    let placed = log.batch_at(place).map(|placed| placed.number);
    let message = format!(
        "{message} was told to be definitely not written, and stands at offset {place} of {partition}"
    );
    Err(Violation::new(NAME, message, placed.into_iter().chain([told]).chain(by)))
}

impl Monitor<Fact> for EveryMessageTold {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        self.lives.insert(stamp.node, stamp.incarnation);
        match *fact {
            Fact::Sent { message, .. } if stamp.time < self.cluster.borrow().rules().calm_begins => {
                self.open.insert(message, (stamp.node, stamp.incarnation, stamp.number));
                self.denied.retain(|(_, denied), _| *denied != message);
            }
            Fact::Told { message, partition, fate } => {
                self.open.remove(&message);
                if fate == Fate::DefinitelyNot {
                    self.denied.insert((partition, message), stamp.number);
                    let cluster = self.cluster.borrow();
                    let log = cluster.leaders_log(partition);
                    return log.map_or(Ok(()), |log| is_true(log, partition, message, stamp.number, None));
                }
            }
            Fact::Appended { partition, ref stretch } => return self.appended(stamp, partition, stretch),
            Fact::Led { partition, .. } => return self.are_true(partition, Some(stamp.number)),
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let waits = |(node, life, _): &(NodeId, Incarnation, u64)| self.lives.get(node) == Some(life);
        if let Some((message, (_, _, sent))) = self.open.iter().find(|(_, sender)| waits(sender)) {
            let message = format!("nobody ever learned what became of {message}");
            return Err(Violation::new(NAME, message, [*sent]));
        }
        let partitions: BTreeSet<Partition> = self.denied.keys().map(|(partition, _)| *partition).collect();
        partitions.into_iter().try_for_each(|partition| self.are_true(partition, None))
    }
}
