//! `logs-agree`: an epoch and an offset name one batch for ever, over all brokers and all their lives; and two logs
//! that agree there agree in everything below it. A log has no hole, and its epochs never fall (KIP-101). *Causal*: each
//! batch is compared with the one of its name that was told first.
//!
//! Two logs that hold the same batch must have the same batch before it; so, by induction, they agree below.
//!
//! Broken by: a leader that restarts and goes on in its old epoch; a follower that keeps a divergent tail, or cuts it at
//! its own watermark; a follower that takes an answer which does not continue its log; a torn batch that is kept.

use super::cluster::SharedCluster;
use super::copy::{LogCopy, Placed};
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::queue::facts::{Fact, Stretch};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeMap;

const NAME: &str = "logs-agree";

/// The batch before it: none for the first.
type Previous = Option<(LeaderEpoch, Offset)>;

/// What is known of a batch: itself, the batch before it as soon as anybody had that, and the number of the fact that told
/// it first.
#[derive(Debug)]
struct Named {
    stretch: Stretch,
    previous: Option<Previous>,
    number: u64,
}

/// Remembers the batch of every name.
#[derive(Debug)]
pub struct LogsAgree {
    cluster: SharedCluster,
    named: BTreeMap<(Partition, LeaderEpoch, Offset), Named>,
}

impl LogsAgree {
    /// Judges the logs of this cluster.
    pub fn new(cluster: SharedCluster) -> LogsAgree {
        LogsAgree { cluster, named: BTreeMap::new() }
    }

    fn judge(
        &mut self,
        partition: Partition,
        placed: &Placed,
        before: Option<&Placed>,
        number: u64,
    ) -> Result<(), Violation> {
        let Placed { stretch, .. } = placed;
        let Stretch { base, epoch, .. } = *stretch;
        if let Some(before) = before
            && (before.stretch.end != base || before.stretch.epoch > epoch)
        {
            let message = format!(
                "in a log of {partition} offset {base} of epoch {epoch} follows a batch that ends at {} in epoch {}",
                before.stretch.end, before.stretch.epoch
            );
            return Err(Violation::new(NAME, message, [before.number, number]));
        }
        let previous = match before {
            Some(before) => Some(Some((before.stretch.epoch, before.stretch.base))),
            // Retention, or a beginning behind the first offset, has taken what was before it.
            None if base > Offset::ZERO => None,
            None => Some(None),
        };
        let fresh = || Named { stretch: stretch.clone(), previous, number };
        let named = self.named.entry((partition, epoch, base)).or_insert_with(fresh);
        if named.stretch != *stretch {
            let message = format!("offset {base} of epoch {epoch} in {partition} is two different batches");
            return Err(Violation::new(NAME, message, [named.number, number]));
        }
        named.previous = named.previous.or(previous);
        if previous.is_some() && named.previous != previous {
            let message = format!(
                "two logs of {partition} agree at offset {base} of epoch {epoch}, and not in the batch before it"
            );
            return Err(Violation::new(NAME, message, [named.number, number]));
        }
        Ok(())
    }

    fn judge_all(&mut self, partition: Partition, copy: &LogCopy, number: u64) -> Result<(), Violation> {
        let mut before = None;
        for placed in copy.batches() {
            self.judge(partition, placed, before, number)?;
            before = Some(placed);
        }
        Ok(())
    }
}

impl Monitor<Fact> for LogsAgree {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Causal
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let cluster = self.cluster.clone();
        let cluster = cluster.borrow();
        match fact {
            Fact::Appended { partition, .. } | Fact::Replicated { partition, .. } => {
                let Some(copy) = cluster.own_copy(*partition, stamp.node) else { return Ok(()) };
                match copy.batches() {
                    [.., before, placed] => self.judge(*partition, placed, Some(before), stamp.number),
                    [placed] => self.judge(*partition, placed, None, stamp.number),
                    [] => Ok(()),
                }
            }
            Fact::Recovered { broker, partition, .. } => match cluster.copy(*partition, *broker) {
                Some(copy) => self.judge_all(*partition, copy, stamp.number),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
