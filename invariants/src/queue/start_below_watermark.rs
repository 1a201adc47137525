//! `start-below-watermark`: what a leader calls its watermark lies within its own log. *Local*.
//!
//! Broken by: a replica that is elected before it has heard a watermark (KAFKA-9491), or that takes one over without the
//! records below it.

use super::cluster::SharedCluster;
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::queue::facts::Fact;

const NAME: &str = "start-below-watermark";

/// Compares the watermark with the log.
#[derive(Debug)]
pub struct StartBelowWatermark {
    cluster: SharedCluster,
}

impl StartBelowWatermark {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> StartBelowWatermark {
        StartBelowWatermark { cluster }
    }
}

impl Monitor<Fact> for StartBelowWatermark {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Local
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::WatermarkMoved { partition, to, .. } = *fact else { return Ok(()) };
        let cluster = self.cluster.borrow();
        let Some(copy) = cluster.own_copy(partition, stamp.node) else { return Ok(()) };
        if to <= copy.end() {
            return Ok(());
        }
        let message =
            format!("the watermark of {partition} is {to}, and the leader's log ends at {}", copy.end());
        Err(Violation::new(
            NAME,
            message,
            copy.last().map(|last| last.number).into_iter().chain([stamp.number]),
        ))
    }
}
