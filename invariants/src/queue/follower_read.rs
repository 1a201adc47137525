//! `follower-read`: what a follower serves to consumers is what the leader has there, below a watermark that a leader has
//! told; and of an offset that it does not have yet it says "wait", never "out of range". *Global*: it is compared
//! with whoever leads.
//!
//! After an election from outside of those who have everything a partition is not judged.
//!
//! Broken by: a follower that serves all it has; a follower that takes what it has for all there is, so that consumers
//! start over (KIP-392).

use super::cluster::SharedCluster;
use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::queue::facts::{Fact, Stretch};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeMap;

const NAME: &str = "follower-read";

/// Remembers the highest watermarks.
#[derive(Debug)]
pub struct FollowerRead {
    cluster: SharedCluster,
    watermarks: BTreeMap<Partition, Offset>,
}

impl FollowerRead {
    /// Judges with this cluster's logs.
    pub fn new(cluster: SharedCluster) -> FollowerRead {
        FollowerRead { cluster, watermarks: BTreeMap::new() }
    }
}

impl Monitor<Fact> for FollowerRead {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        match fact {
            Fact::WatermarkMoved { partition, to, .. } => {
                let highest = self.watermarks.entry(*partition).or_default();
                *highest = (*highest).max(*to);
            }
            Fact::FollowerServed { partition, served } if cluster.unclean(*partition).is_none() => {
                let told = self.watermarks.get(partition).copied().unwrap_or_default();
                let Some(last) = served.last() else { return Ok(()) };
                if last.end > told {
                    let text = format!(
                        "a follower serves {partition} up to {}, and no leader's watermark was ever above {told}",
                        last.end
                    );
                    return Err(Violation::new(NAME, text, [stamp.number]));
                }
                let Some(log) = cluster.leaders_log(*partition) else { return Ok(()) };
                let differs = |stretch: &&Stretch| {
                    log.batch_at(stretch.base).is_some_and(|placed| placed.stretch != **stretch)
                };
                if let Some(stretch) = served.iter().find(differs) {
                    let placed = log.batch_at(stretch.base).map(|placed| placed.number);
                    let text = format!(
                        "a follower serves another batch at offset {} of {partition} than its leader has there",
                        stretch.base
                    );
                    return Err(Violation::new(NAME, text, placed.into_iter().chain([stamp.number])));
                }
            }
            Fact::FollowerSaidOutOfRange { partition, offset } => {
                let text = format!("a follower says that offset {offset} of {partition} is out of range");
                return Err(Violation::new(NAME, text, [stamp.number]));
            }
            _ => {}
        }
        Ok(())
    }
}
