//! `bytes-intact`: a batch that lost a bit on its way is never in a log and never processed. *Causal*.
//!
//! Whoever sees a bit flip says what checksums are left of the payload and of the record: no log may hold that payload, and
//! no archive, and no consumer may process that record. And whatever a consumer processes at an offset, once any bit has
//! flipped, was appended there by some leader: for the bit may have been in no record.
//!
//! Broken by: a broker that does not compare what it gets with its producer's checksum, or writes one of its own; a
//! consumer that hands on what it fetched without a look.

use super::cluster::SharedCluster;
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::queue::facts::{Fact, Stretch};
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeMap;

const NAME: &str = "bytes-intact";

/// Remembers what is left of payloads that were damaged.
#[derive(Debug)]
pub struct BytesIntact {
    cluster: SharedCluster,
    /// The checksums of damaged payloads, and the numbers of the facts that told them.
    damaged: BTreeMap<(Partition, u32), u64>,
    /// The same of damaged records.
    records: BTreeMap<(Partition, u32), u64>,
}

impl BytesIntact {
    /// Judges with this cluster's appends.
    pub fn new(cluster: SharedCluster) -> BytesIntact {
        BytesIntact { cluster, damaged: BTreeMap::new(), records: BTreeMap::new() }
    }

    fn judge(&self, partition: Partition, stretch: &Stretch, number: u64) -> Result<(), Violation> {
        let Some(flipped) = self.damaged.get(&(partition, stretch.checksum)) else { return Ok(()) };
        let message =
            format!("the batch at offset {} of {partition} has lost a bit on its way", stretch.base);
        Err(Violation::new(NAME, message, [*flipped, number]))
    }
}

impl Monitor<Fact> for BytesIntact {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Causal
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::BitFlipped { partition, checksum, record } => {
                self.damaged.entry((*partition, *checksum)).or_insert(stamp.number);
                if let Some(record) = record {
                    self.records.entry((*partition, *record)).or_insert(stamp.number);
                }
                Ok(())
            }
            Fact::Appended { partition, stretch } | Fact::Replicated { partition, stretch } => {
                self.judge(*partition, stretch, stamp.number)
            }
            Fact::Replayed { partition, batches, .. } => {
                batches.iter().try_for_each(|stretch| self.judge(*partition, stretch, stamp.number))
            }
            // Only what was on its way can have changed.
            Fact::Processed { partition, offset, message, record, .. } if !self.damaged.is_empty() => {
                if let Some(flipped) = self.records.get(&(*partition, *record)) {
                    let message = format!(
                        "what is processed at offset {offset} of {partition} has lost a bit on its way"
                    );
                    return Err(Violation::new(NAME, message, [*flipped, stamp.number]));
                }
                let cluster = self.cluster.borrow();
                let appends = cluster.partition(*partition).and_then(|book| book.appends.get(message));
                if appends.is_some_and(|appends| appends.iter().any(|append| append.offset == *offset)) {
                    return Ok(());
                }
                let message = format!(
                    "{message} is processed at offset {offset} of {partition}, where nobody appended it"
                );
                Err(Violation::new(NAME, message, [stamp.number]))
            }
            _ => Ok(()),
        }
    }
}
