//! `moved-once`: in the log of a leader a delayed message stands no more often than it stood in the delayed topic for that
//! target; and in the end each that was due before the calm, and stands in the delayed topic, stands in its target too.
//! *Global*: a mover and its successor can each move it once.
//!
//! What stands in the delayed topic twice, because its producer sent it again without being known again, or had lost it
//! to an unclean election, is two messages to a mover; so is a message that fails twice. Where a message came from is
//! said by its movers: each place, with its leader epoch, counts once, however often it is named. After an unclean
//! election of either partition, or where acknowledged messages may be lost with the memory of all brokers
//! (`flush = background`), nobody asks where a message has gone.
//!
//! Broken by: a mover that dies between the copy and the note of it, when the copy does not say what it is a copy of.

use super::cluster::{Cluster, SharedCluster};
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::delay::Due;
use rehearsal_model::queue::facts::{Fact, Stretch};
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::{Partition, Topic};
use rehearsal_model::queue::plan::Plan;
use rehearsal_model::queue::replica::Flush;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const NAME: &str = "moved-once";

/// A message that nobody is to see at once.
#[derive(Debug)]
struct Postponed {
    target: Partition,
    /// How long it has to wait at most, from when it is appended.
    wait: Duration,
    number: u64,
}

/// Where messages come from: partition of the delayed topic, leader epoch and offset of each, and the number of the fact.
type Sources = BTreeMap<(Partition, LeaderEpoch, Offset), u64>;

/// Remembers what is to be moved, and from where.
#[derive(Debug)]
pub struct MovedOnce {
    cluster: SharedCluster,
    postponed: BTreeMap<MessageId, Postponed>,
    released: BTreeMap<(MessageId, Partition), Sources>,
    /// What was appended to the delayed topic so early that it is due before the calm.
    due: BTreeSet<MessageId>,
}

impl MovedOnce {
    /// Judges with this cluster's logs.
    pub fn new(cluster: SharedCluster) -> MovedOnce {
        let (postponed, released) = (BTreeMap::new(), BTreeMap::new());
        MovedOnce { cluster, postponed, released, due: BTreeSet::new() }
    }

    fn held(&mut self, stamp: &Stamp, stretch: &Stretch) {
        let calm_begins = self.cluster.borrow().rules().calm_begins;
        for message in &stretch.messages {
            let Some(postponed) = self.postponed.get(message) else { continue };
            if stamp.time + postponed.wait < calm_begins {
                self.due.insert(*message);
            }
        }
    }

    fn arrived(&self, stamp: &Stamp, target: Partition, stretch: &Stretch) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let Some(log) = cluster.own_copy(target, stamp.node) else { return Ok(()) };
        let is_moved = |message: &&MessageId| {
            let postponed = self.postponed.get(message).is_some_and(|postponed| postponed.target == target);
            postponed || matches!(target.topic, Topic::Retry(_))
        };
        for message in stretch.messages.iter().filter(is_moved) {
            let sources = self.released.get(&(*message, target));
            let places = log.places_of(*message);
            if places.clone().count() <= sources.map_or(0, BTreeMap::len) {
                continue;
            }
            let placed = places.filter_map(|place| log.batch_at(place)).map(|placed| placed.number);
            let facts = placed.chain(sources.into_iter().flat_map(BTreeMap::values).copied());
            let from = sources.map_or(0, BTreeMap::len);
            let message =
                format!("{message} was to be moved to {target} {from} times, and stands there once more");
            return Err(Violation::new(NAME, message, facts));
        }
        Ok(())
    }

    fn has_arrived(
        &self,
        cluster: &Cluster,
        message: MessageId,
        postponed: &Postponed,
    ) -> Result<(), Violation> {
        let target = postponed.target;
        let held = Plan::delayed_partition(target);
        if cluster.unclean(target).is_some() || cluster.unclean(held).is_some() {
            return Ok(());
        }
        let (Some(from), Some(to)) = (cluster.leaders_log(held), cluster.leaders_log(target)) else {
            return Ok(());
        };
        let Some(place) = from.place_of(message).filter(|_| to.place_of(message).is_none()) else {
            return Ok(());
        };
        let placed = from.batch_at(place).map(|placed| placed.number);
        let message = format!("{message} stands at offset {place} of {held}, is due, and is not in {target}");
        Err(Violation::new(NAME, message, placed.into_iter().chain([postponed.number])))
    }
}

impl Monitor<Fact> for MovedOnce {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match *fact {
            Fact::Postponed { message, target, due, wall } => {
                let wait = match due {
                    Due::After(delay) => delay.duration(),
                    Due::At(at) => {
                        let micros = at.micros().saturating_sub(wall.micros());
                        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
                    }
                };
                self.postponed.insert(message, Postponed { target, wait, number: stamp.number });
            }
            Fact::Released { partition, epoch, offset, message, target, .. } => {
                let sources = self.released.entry((message, target)).or_default();
                sources.entry((partition, epoch, offset)).or_insert(stamp.number);
            }
            Fact::Appended { partition, ref stretch } if partition.topic == Topic::Delayed => {
                self.held(stamp, stretch);
            }
            Fact::Appended { partition, ref stretch } => return self.arrived(stamp, partition, stretch),
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        if cluster.rules().flush == Flush::Background {
            return Ok(());
        }
        let due = self.postponed.iter().filter(|(message, _)| self.due.contains(message));
        due.into_iter().try_for_each(|(message, postponed)| self.has_arrived(&cluster, *message, postponed))
    }
}
