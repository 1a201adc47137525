//! `last-stable-moves`: a marker ends a transaction that was begun before it was decided, and never a later one; and at the
//! end no transaction is open whose time was out long ago, so that those who read only what is committed come to the end
//! of every partition. *Local* to a leader; and the end: *final*.
//!
//! After an election from outside of those who have everything a partition is not judged: its markers may be gone.
//!
//! Broken by: a late batch of a transaction that has ended, which begins one that nobody will end (KIP-890); a marker that
//! one partition does not get.

use super::cluster::{Cluster, SharedCluster};
use super::copy::{End, LogCopy};
use crate::{Monitor, Scope};
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::queue::facts::{Fact, Stretch, Within};
use rehearsal_model::queue::partition::Partition;
use std::time::Duration;

const NAME: &str = "last-stable-moves";

/// How long after a transaction's time is out it may take until its marker is everywhere: leaders may have to be elected
/// meanwhile.
const SETTLES_WITHIN: Duration = Duration::from_secs(15);

/// Judges what stands in the logs.
#[derive(Debug)]
pub struct LastStableMoves {
    cluster: SharedCluster,
}

impl LastStableMoves {
    /// Judges with this cluster's logs.
    pub fn new(cluster: SharedCluster) -> LastStableMoves {
        LastStableMoves { cluster }
    }
}

/// A marker that has just been appended to this log.
fn marked(log: &LogCopy, partition: Partition, stretch: &Stretch, number: u64) -> Result<(), Violation> {
    let Some(Within::Marker(marker, _)) = stretch.within else { return Ok(()) };
    let before = log.batches().iter().rev().filter(|placed| placed.stretch.base < stretch.base);
    let last = before.into_iter().find_map(|placed| match placed.stretch.within? {
        Within::Records(producer) if producer.id == marker.id => Some(Some((producer, placed.number))),
        Within::Marker(earlier, _) if earlier.id == marker.id => Some(None),
        _ => None,
    });
    match last.flatten() {
        Some((producer, appended)) if producer.epoch >= marker.epoch => {
            let message = format!(
                "in {partition} the marker of epoch {} ends the transaction {producer}, which is a later one",
                marker.epoch
            );
            Err(Violation::new(NAME, message, [appended, number]))
        }
        _ => Ok(()),
    }
}

fn open_for_too_long(cluster: &Cluster, partition: Partition, latest: Time) -> Result<(), Violation> {
    let Some(log) = cluster.leaders_log(partition) else { return Ok(()) };
    let open = log
        .batches()
        .iter()
        .find(|placed| placed.time <= latest && log.end_at(placed.stretch.base) == End::Open);
    match open {
        Some(placed) => {
            let (base, opened) = (placed.stretch.base, placed.number);
            let message = format!(
                "at the end a transaction is open in {partition} whose time was out long ago: at offset {base}"
            );
            Err(Violation::new(NAME, message, [opened]))
        }
        None => Ok(()),
    }
}

impl Monitor<Fact> for LastStableMoves {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scope(&self) -> Scope {
        Scope::Local
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::Appended { partition, stretch } = fact else { return Ok(()) };
        let cluster = self.cluster.borrow();
        match cluster.own_copy(*partition, stamp.node) {
            Some(log) => marked(log, *partition, stretch, stamp.number),
            None => Ok(()),
        }
    }

    fn conclude(&self, end: Time) -> Result<(), Violation> {
        let cluster = self.cluster.borrow();
        let rules = cluster.rules();
        let patience = rules.transaction_timeout + SETTLES_WITHIN;
        let Some(latest) = end.0.checked_sub(patience.as_nanos() as u64).map(Time) else { return Ok(()) };
        let latest = latest.min(rules.calm_begins);
        let judged = rules.partitions.iter().filter(|partition| cluster.unclean(**partition).is_none());
        judged.into_iter().try_for_each(|partition| open_for_too_long(&cluster, *partition, latest))
    }

    fn is_at_rest(&self, now: Time) -> bool {
        let patience = self.cluster.borrow().rules().transaction_timeout + SETTLES_WITHIN;
        self.conclude(now + patience).is_ok()
    }
}
