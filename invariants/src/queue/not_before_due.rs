//! `not-before-due`: a delayed message is appended to its target no sooner than its delay after it was first appended to
//! the delayed topic; one with an appointment is begun to be moved no sooner than the mover's wall clock shows it; and
//! one that failed and is tried again from a retry topic is so no sooner than the backoff after it failed first. *Global*:
//! the two appends are those of two brokers.
//!
//! Delays are compared by the time of whoever orders the facts, appointments by what the mover's wall clock showed. A
//! message that was appended to the delayed topic more than once counts from the first time: that is a bound for all.
//!
//! Broken by: a mover that counts the delay by wall clocks and from when the producer made the record.

use super::cluster::SharedCluster;
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::delay::Due;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::partition::{Partition, Topic};
use std::collections::BTreeMap;

const NAME: &str = "not-before-due";

/// Remembers what is due when.
#[derive(Debug)]
pub struct NotBeforeDue {
    cluster: SharedCluster,
    postponed: BTreeMap<MessageId, (Partition, Due)>,
    /// When each was appended to the delayed topic first, and the number of the fact.
    held: BTreeMap<MessageId, (Time, u64)>,
    /// When each failed first in each group, and the number of the fact.
    failed: BTreeMap<(u32, MessageId), (Time, u64)>,
}

impl NotBeforeDue {
    /// Judges by this cluster's rules.
    pub fn new(cluster: SharedCluster) -> NotBeforeDue {
        let (postponed, held, failed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        NotBeforeDue { cluster, postponed, held, failed }
    }

    fn arrives(&self, stamp: &Stamp, target: Partition, message: MessageId) -> Result<(), Violation> {
        let Some((_, Due::After(delay))) = self.postponed.get(&message).filter(|(to, _)| *to == target)
        else {
            return Ok(());
        };
        let Some((since, number)) = self.held.get(&message) else { return Ok(()) };
        let waited = stamp.time.since(*since);
        if waited >= delay.duration() {
            return Ok(());
        }
        let (asked, waited) = (delay.duration().as_millis(), waited.as_millis());
        let message =
            format!("{message} stands in {target} after {waited} ms, and was delayed by {asked} ms");
        Err(Violation::new(NAME, message, [*number, stamp.number]))
    }

    fn tried_again(&self, stamp: &Stamp, group: u32, message: MessageId) -> Result<(), Violation> {
        let backoff = self.cluster.borrow().rules().retry_backoff.duration();
        match self.failed.get(&(group, message)) {
            Some((failed, number)) if stamp.time.since(*failed) < backoff => {
                let waited = stamp.time.since(*failed).as_millis();
                let message =
                    format!("group {group} tries {message} again after {waited} ms, before it is due");
                Err(Violation::new(NAME, message, [*number, stamp.number]))
            }
            _ => Ok(()),
        }
    }
}

impl Monitor<Fact> for NotBeforeDue {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match *fact {
            Fact::Postponed { message, target, due, .. } => {
                self.postponed.insert(message, (target, due));
            }
            Fact::Appended { partition, ref stretch } if partition.topic == Topic::Delayed => {
                for message in &stretch.messages {
                    self.held.entry(*message).or_insert((stamp.time, stamp.number));
                }
            }
            Fact::Appended { partition, ref stretch } => {
                let mut arrive = stretch.messages.iter();
                return arrive.try_for_each(|message| self.arrives(stamp, partition, *message));
            }
            Fact::Released { message, target, wall, .. } => match self.postponed.get(&message) {
                Some((to, Due::At(at))) if *to == target && wall < *at => {
                    let early = at.micros() - wall.micros();
                    let message = format!("{message} is moved to {target} {early} us before its appointment");
                    return Err(Violation::new(NAME, message, [stamp.number]));
                }
                _ => {}
            },
            Fact::Failed { group, message, partition, .. } => {
                let first = !self.failed.contains_key(&(group, message));
                if first {
                    self.failed.insert((group, message), (stamp.time, stamp.number));
                } else if matches!(partition.topic, Topic::Retry(_)) {
                    return self.tried_again(stamp, group, message);
                }
            }
            Fact::Processed { group, message, partition, .. }
                if matches!(partition.topic, Topic::Retry(_)) =>
            {
                return self.tried_again(stamp, group, message);
            }
            _ => {}
        }
        Ok(())
    }
}
