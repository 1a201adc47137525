//! `key-order-kept`: with `key_order = kept` a group processes the messages of one producer with one key in the order in
//! which they were sent, also when the key has moved to another partition meanwhile. *Causal*.
//!
//! Judged is when a group processes a message first: what it does once more it may do late. Within one partition the order
//! is promised by `partition-order`, so what stands in the same partition is not judged. One that its producer gave up, not
//! knowing what became of it, may still have been on its way, and a producer that begins anew may write its messages again.
//!
//! Broken by: a new partition that is given out before the group is through with the old ones; an append by an old state
//! behind the place that was told to be the last.

use super::cluster::SharedCluster;
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::queue::facts::{Fact, Fate};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::topics::KeyOrder;
use std::collections::{BTreeMap, BTreeSet};

const NAME: &str = "key-order-kept";

/// What a group processes in order: what one producer has sent to one topic with one key.
type Sequence = (u32, Topic, u32, u32);

/// Remembers what each group has processed.
#[derive(Debug)]
pub struct KeyOrderKept {
    cluster: SharedCluster,
    given_up: BTreeSet<MessageId>,
    /// Where each message of a sequence stood when it was processed first, and the number of that fact.
    processed: BTreeMap<Sequence, BTreeMap<MessageId, (Partition, u64)>>,
}

impl KeyOrderKept {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> KeyOrderKept {
        KeyOrderKept { cluster, given_up: BTreeSet::new(), processed: BTreeMap::new() }
    }

    fn processed(
        &mut self,
        stamp: &Stamp,
        group: u32,
        partition: Partition,
        message: MessageId,
    ) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let Some(key) = cluster.rules().keys.get(&message).copied() else { return Ok(()) };
        let sequence = (group, partition.topic, message.producer, key);
        let processed = self.processed.entry(sequence).or_default();
        if processed.contains_key(&message) {
            return Ok(());
        }
        let mut later = processed.range(message..).filter(|(_, (place, _))| *place != partition);
        let is_judged = !self.given_up.contains(&message) && !cluster.has_begun_anew(message.producer);
        if let Some((overtakes, (elsewhere, number))) = later.next().filter(|_| is_judged) {
            let message = format!(
                "group {group} processes {message} from {partition} after {overtakes} from {elsewhere}: both have key {key}"
            );
            return Err(Violation::new(NAME, message, [*number, stamp.number]));
        }
        processed.insert(message, (partition, stamp.number));
        Ok(())
    }
}

impl Monitor<Fact> for KeyOrderKept {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Causal
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match *fact {
            _ if self.cluster.borrow().rules().key_order != KeyOrder::Kept => Ok(()),
            Fact::Told { message, fate: Fate::Unknown, .. } => {
                self.given_up.insert(message);
                Ok(())
            }
            Fact::Processed { group, partition, message, .. }
                if matches!(partition.topic, Topic::Named(_)) =>
            {
                self.processed(stamp, group, partition, message)
            }
            _ => Ok(()),
        }
    }
}
