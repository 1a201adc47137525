//! `reassignment-keeps-copies`: who takes a copy of a partition away leaves as many in sync as there were, up to as many as
//! it is to have: a new copy is in sync before an old one goes (KIP-455). In the end, in the calm, no partition moves, and
//! who has no copy any more has nothing of it left. *Global*: brokers' logs are compared with what stands in the
//! coordination service.
//!
//! That members of the set die, lag and leave it is no move's doing and is not judged here; that who stays has everything is
//! said by `isr-ordering`.
//!
//! Broken by: an old copy that is removed before the new one is in the set; a move that ends with its controller; a broker
//! that keeps what it was to drop.

use super::cluster::{Known, SharedCluster};
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::partition::Partition;

const NAME: &str = "reassignment-keeps-copies";

/// Compares each state of a partition with the one before it.
#[derive(Debug)]
pub struct ReassignmentKeepsCopies {
    cluster: SharedCluster,
}

impl ReassignmentKeepsCopies {
    /// Judges this cluster.
    pub fn new(cluster: SharedCluster) -> ReassignmentKeepsCopies {
        ReassignmentKeepsCopies { cluster }
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

    fn witness(&mut self, _stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::PartitionChanged { partition, .. } => self.changed(*partition),
            _ => Ok(()),
        }
    }

    fn conclude(&mut self, _end: Time) -> Result<(), Violation> {
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
