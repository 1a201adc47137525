//! `brokers-return`: a broker that says that others lead in its place, and stops, leads nothing; and one that has stopped in
//! order finds all again that it had, whatever was on its way to the disk. In the end, in the calm, every member is
//! registered, and its session has not ended. No broker finds its log damaged, now or when it comes up: disks lose at a
//! crash what was not synced, and nothing else, so such a log was written or read wrongly, and its broker does not come
//! back. *Causal*: who stops has heard that others lead; and the end: *final*.
//!
//! Judged against the newest epoch in which the broker itself has begun to lead: what the coordination service has decided
//! meanwhile and it has not heard is not its doing. What it is to have, and that others have the same, is said by
//! `logs-agree` and `acked-not-lost`; under `flush = background` these forgive what a member did not find again when it came
//! up, and here nothing is forgiven.
//!
//! Broken by: a broker that stops at once when it is asked to; one that leaves the mark of an orderly stop before its disk
//! has everything; one that finds itself registered from its life before, and comes up no more; a log that recovery has
//! left so that the next one refuses it.

use super::cluster::{PartitionBook, SharedCluster};
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::brokers::BrokerId;
use rehearsal_model::queue::facts::{Fact, OfLogs, OfRestarts, Stretch};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeMap;

const NAME: &str = "brokers-return";

/// Remembers what brokers had when they stopped in order.
#[derive(Debug)]
pub struct BrokersReturn {
    cluster: SharedCluster,
    /// Where each log ended, until its broker has found it again, and the number of the fact that says that it stopped.
    left: BTreeMap<(BrokerId, Partition), (Offset, u64)>,
    /// The number of the last fact that says that its session has ended, by broker.
    gone: BTreeMap<BrokerId, u64>,
}

impl BrokersReturn {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> BrokersReturn {
        BrokersReturn { cluster, left: BTreeMap::new(), gone: BTreeMap::new() }
    }

    fn stopped(&mut self, broker: BrokerId, handed_over: bool, number: u64) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        for (partition, book) in cluster.partitions() {
            if let Some(led) = leads(book, broker).filter(|_| handed_over) {
                let message = format!(
                    "{broker} stops and says that others lead in its place, and it leads {partition} in epoch {}",
                    book.epoch()
                );
                return Err(Violation::new(NAME, message, [led, number]));
            }
            let end = book.copies.get(&broker).map_or(Offset::ZERO, |copy| copy.end());
            self.left.insert((broker, partition), (end, number));
        }
        Ok(())
    }

    fn found(
        &mut self,
        broker: BrokerId,
        partition: Partition,
        end: Offset,
        number: u64,
    ) -> Result<(), Violation> {
        match self.left.remove(&(broker, partition)) {
            Some((left, stopped)) if end < left => {
                let message = format!(
                    "{broker} stopped in order when its log of {partition} ended at {left}, and finds it again up to {end}"
                );
                Err(Violation::new(NAME, message, [stopped, number]))
            }
            _ => Ok(()),
        }
    }
}

/// The number of the fact by which a broker leads in the newest epoch, as it knows itself.
fn leads(book: &PartitionBook, broker: BrokerId) -> Option<u64> {
    let (leader, epoch, number) = book.led?;
    (leader == broker && book.is_led_by(broker, epoch)).then_some(number)
}

impl Monitor<Fact> for BrokersReturn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Causal
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::OfRestarts(OfRestarts::Stopped { broker, handed_over, .. }) => {
                self.stopped(*broker, *handed_over, stamp.number)
            }
            Fact::Recovered { broker, partition, start, log, .. } => {
                let end = log.last().map_or(*start, |last: &Stretch| last.end);
                self.found(*broker, *partition, end, stamp.number)
            }
            Fact::OfLogs(OfLogs::Damaged { partition, segment, position }) => {
                let message = format!(
                    "a broker finds its log of {partition} damaged, in the segment of offset {segment} at byte {position}"
                );
                Err(Violation::new(NAME, message, [stamp.number]))
            }
            Fact::BrokerGone { broker } => {
                self.gone.insert(*broker, stamp.number);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        match cluster.members().minus(cluster.live()).iter().next() {
            Some(missing) => {
                let message = format!("at the end {missing} is not registered, and is to hold copies");
                Err(Violation::new(NAME, message, self.gone.get(&missing).copied()))
            }
            None => Ok(()),
        }
    }
}
