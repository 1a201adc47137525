//! `reassignment-keeps-copies`: who takes a copy of a partition away leaves as many in sync as there were, up to as many as
//! it is to have: a new copy is in sync before an old one goes (KIP-455). A new copy that is called in sync has what is below
//! the watermark of the epoch, under `flush = before-ack`; under `background` a crash may have taken it, and not every crash
//! is known at once. In the end, in the calm, no partition moves, and who has no copy any more has nothing of it left.
//! *Global*: brokers' logs are compared with what stands in the coordination service.
//!
//! That members of the set die, lag and leave it is no move's doing and is not judged here; that who stays has everything is
//! said by `isr-ordering`.
//!
//! Broken by: an old copy that is removed before the new one is in the set; one that comes back empty and counts by what it
//! had before; a move that ends with its controller; a broker
//! that keeps what it was to drop.

use super::cluster::{Known, SharedCluster};
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::replica::Flush;
use std::collections::BTreeMap;

const NAME: &str = "reassignment-keeps-copies";

/// Compares each state of a partition with the one before it.
#[derive(Debug)]
pub struct ReassignmentKeepsCopies {
    cluster: SharedCluster,
    /// The watermark that was told last, in which epoch, and by which fact.
    watermarks: BTreeMap<Partition, (LeaderEpoch, Offset, u64)>,
}

impl ReassignmentKeepsCopies {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> ReassignmentKeepsCopies {
        ReassignmentKeepsCopies { cluster, watermarks: BTreeMap::new() }
    }

    fn changed(&self, partition: Partition) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let factor = cluster.rules().factor as usize;
        let Some(book) = cluster.partition(partition).filter(|_| !cluster.is_repeat()) else { return Ok(()) };
        let (Some(Known { state: before, number: earlier }), Some(Known { state: now, number })) =
            (&book.before, &book.now)
        else {
            return Ok(());
        };
        let new = now.in_sync.minus(before.in_sync).and(now.adding);
        let told = self.watermarks.get(&partition).filter(|(epoch, ..)| *epoch == now.epoch);
        if let Some((_, watermark, told)) = told.filter(|_| cluster.rules().flush == Flush::BeforeAck) {
            let held = |broker| book.copies.get(&broker).map_or(Offset::ZERO, |copy| copy.persisted());
            if let Some(broker) = new.iter().find(|broker| held(*broker) < *watermark) {
                let message = format!(
                    "the new copy of {partition} on {broker} is called in sync, and has everything before {} only of what \
                     is below the watermark {watermark}",
                    held(broker)
                );
                return Err(Violation::new(NAME, message, [*told, *number]));
            }
        }
        let (had, has) = (before.in_sync.len().min(factor), now.in_sync.len());
        if now.replicas == before.replicas || has >= had {
            return Ok(());
        }
        let message = format!(
            "the copies of {partition} go from {} to {}, and of {had} in sync {has} are left",
            before.replicas, now.replicas
        );
        Err(Violation::new(NAME, message, [*earlier, *number]))
    }
}

impl Monitor<Fact> for ReassignmentKeepsCopies {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match *fact {
            Fact::PartitionChanged { partition, .. } => return self.changed(partition),
            Fact::WatermarkMoved { partition, epoch, to } => {
                let told = self.watermarks.entry(partition).or_insert((epoch, to, stamp.number));
                *told = (*told).max((epoch, to, stamp.number));
            }
            _ => {}
        }
        Ok(())
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        for (partition, book) in cluster.partitions() {
            let Some(Known { state, number }) = &book.now else { continue };
            if state.moves() {
                let (adding, removing) = (state.adding, state.removing);
                let message =
                    format!("at the end {partition} still moves: {adding} are new, and {removing} are to go");
                return Err(Violation::new(NAME, message, [*number]));
            }
            let holds = book.copies.iter().filter(|(_, copy)| copy.last().is_some());
            if let Some((broker, copy)) = holds.into_iter().find(|(broker, _)| !state.replicas.has(**broker))
            {
                let message = format!(
                    "at the end {broker} has {partition} up to {}, and is to have no copy of it",
                    copy.end()
                );
                return Err(Violation::new(NAME, message, copy.last().map(|last| last.number)));
            }
        }
        Ok(())
    }
}
