//! `one-controller-per-epoch`: the epochs of controllers rise, each names one controller or none; what a controller has
//! ordered stands in its own epoch, before another's began; and in the end there is one, which lives. *Local* to the
//! coordination service; and the end: *final*.
//!
//! Broken by: two brokers that both believe to be the controller of an epoch; an order of a controller that was replaced
//! while it stood still; an election that nobody wins.

use super::cluster::SharedCluster;
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::coordination::{Change, Happening};
use rehearsal_model::queue::brokers::BrokerId;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::keys;
use std::collections::BTreeMap;

const NAME: &str = "one-controller-per-epoch";

/// Remembers the controllers.
#[derive(Debug)]
pub struct OneControllerPerEpoch {
    cluster: SharedCluster,
    /// The controller of each epoch, and the number of the fact that said so first.
    epochs: BTreeMap<u64, (Option<BrokerId>, u64)>,
}

impl OneControllerPerEpoch {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> OneControllerPerEpoch {
        OneControllerPerEpoch { cluster, epochs: BTreeMap::new() }
    }

    /// An order was carried out at a revision at which its controller's epoch, which begins at another, must not be over.
    fn ordered(&self, change: &Change, stamp: &Stamp) -> Result<(), Violation> {
        let Some(epoch) = change.entry.as_ref().and_then(|entry| keys::ordered_in(&change.key, entry)) else {
            return Ok(());
        };
        let next = self.epochs.range(epoch.0 + 1..).next();
        match next.filter(|(next, _)| **next <= change.revision.0) {
            Some((_, (_, ended))) => {
                let message = format!(
                    "what the controller of epoch {epoch} ordered is carried out at revision {at}, when that epoch is over",
                    epoch = epoch.0,
                    at = change.revision.0
                );
                Err(Violation::new(NAME, message, [*ended, stamp.number]))
            }
            None => Ok(()),
        }
    }
}

impl Monitor<Fact> for OneControllerPerEpoch {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Local
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        if let Fact::Coordination(happening) = fact
            && let Happening::Changed(change) = &**happening
        {
            return self.ordered(change, stamp);
        }
        let Fact::ControllerChanged { broker, epoch } = *fact else { return Ok(()) };
        let newest = self.epochs.last_key_value().map(|(newest, (_, number))| (*newest, *number));
        let (known, first) = *self.epochs.entry(epoch).or_insert((broker, stamp.number));
        if known != broker {
            let message = format!("controller epoch {epoch} is given out twice");
            return Err(Violation::new(NAME, message, [first, stamp.number]));
        }
        match newest {
            // Who restarts tells its last changes again.
            Some((newest, number)) if epoch < newest && first == stamp.number => {
                let message = format!("controller epoch {epoch} comes after {newest}");
                Err(Violation::new(NAME, message, [number, stamp.number]))
            }
            _ => Ok(()),
        }
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let last = self.epochs.last_key_value();
        let (controller, number) =
            last.map_or((None, None), |(_, (broker, number))| (*broker, Some(*number)));
        match controller {
            Some(broker) if self.cluster.borrow().live().has(broker) => Ok(()),
            Some(broker) => {
                let message = format!("at the end {broker} is the controller, and does not live");
                Err(Violation::new(NAME, message, number))
            }
            None => Err(Violation::new(NAME, "at the end there is no controller", number)),
        }
    }
}
