//! `placement-spread`: each partition has as many copies as was asked for, each on a broker of its own. *Local* to the
//! coordination service.
//!
//! A set of brokers holds each once, so its size says all. Whether the partitions' *leaders* are spread evenly is not
//! judged: the controller moves no leader for the sake of balance.
//!
//! Broken by: a placement that counts a broker twice, or goes on while too few brokers live.

use super::cluster::SharedCluster;
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::queue::facts::Fact;

const NAME: &str = "placement-spread";

/// Counts the copies.
#[derive(Debug)]
pub struct PlacementSpread {
    cluster: SharedCluster,
}

impl PlacementSpread {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> PlacementSpread {
        PlacementSpread { cluster }
    }
}

impl Monitor<Fact> for PlacementSpread {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Local
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::PartitionChanged { partition, state } = fact else { return Ok(()) };
        let cluster = self.cluster.borrow();
        let rules = cluster.rules();
        let (copies, factor) = (state.replicas.len(), rules.factor as usize);
        if copies != factor {
            let message = format!("{partition} has {copies} copies instead of {factor}");
            return Err(Violation::new(NAME, message, [stamp.number]));
        }
        if let Some(unknown) = state.replicas.iter().find(|broker| u32::from(broker.0) >= rules.brokers) {
            let message = format!("{partition} is placed on {unknown}, which there is not");
            return Err(Violation::new(NAME, message, [stamp.number]));
        }
        Ok(())
    }
}
