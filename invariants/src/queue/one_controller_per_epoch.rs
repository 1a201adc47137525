//! `one-controller-per-epoch`: the epochs of controllers rise, each names one controller or none, and in the end there
//! is one, which lives. *Local* to the coordination service, but for its end: *final*.
//!
//! Broken by: two brokers that both believe to be the controller of an epoch; an election that nobody wins.

use super::cluster::SharedCluster;
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::brokers::BrokerId;
use rehearsal_model::queue::facts::Fact;
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
}

impl Monitor<Fact> for OneControllerPerEpoch {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
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

    fn conclude(&mut self, _end: Time) -> Result<(), Violation> {
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
