//! The order of records in a partition whose consumer parks keys (`retry = park-key`): a part of `partition-order`.
//!
//! A consumer comes to every record in the order in which they stand. What it fails to process is open until it succeeds
//! or is a dead letter; a later record of the same key is parked, and is open too; no record is tried while one of its key
//! that stands before it is open. What has no key waits for nothing.

use super::cluster::Cluster;
use rehearsal_env::Violation;
use rehearsal_model::queue::message::MessageId;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::BTreeMap;

const NAME: &str = "partition-order";

/// How far one consumer is in one partition.
#[derive(Debug)]
pub(super) struct ParkedKeys {
    group: u32,
    partition: Partition,
    /// Where it goes on, and the number of the fact that says so.
    next: (Offset, u64),
    /// What it has come to and is not done with, and the number of the fact that says so.
    open: BTreeMap<Offset, (MessageId, u64)>,
}

impl ParkedKeys {
    /// It begins there.
    pub(super) fn from(group: u32, partition: Partition, next: Offset, number: u64) -> ParkedKeys {
        ParkedKeys { group, partition, next: (next, number), open: BTreeMap::new() }
    }

    /// It has come to a record, and does not try it yet.
    pub(super) fn parked(
        &mut self,
        cluster: &Cluster,
        (offset, message): (Offset, MessageId),
        number: u64,
    ) -> Result<(), Violation> {
        self.come(cluster, offset, number)?;
        self.open.insert(offset, (message, number));
        Ok(())
    }

    /// It has tried a record.
    pub(super) fn tried(
        &mut self,
        cluster: &Cluster,
        (offset, message): (Offset, MessageId),
        number: u64,
        succeeded: bool,
    ) -> Result<(), Violation> {
        self.come(cluster, offset, number)?;
        let keys = &cluster.rules().keys;
        let key = keys.get(&message);
        let mut before = self.open.range(..offset);
        if let Some((at, (waited_for, fact))) =
            before.find(|(_, (other, _))| key.is_some() && keys.get(other) == key)
        {
            let message = format!(
                "a consumer of {} tries {message} at offset {offset}, and {waited_for} at offset {at}, of the same key, \
                 is to be tried again first",
                self.partition
            );
            return Err(Violation::new(NAME, message, [*fact, number]));
        }
        match succeeded {
            true => self.done(offset),
            false => drop(self.open.insert(offset, (message, number))),
        }
        Ok(())
    }

    /// It is done with a record.
    pub(super) fn done(&mut self, offset: Offset) {
        self.open.remove(&offset);
    }

    fn come(&mut self, cluster: &Cluster, offset: Offset, number: u64) -> Result<(), Violation> {
        let (next, before) = self.next;
        if offset < next {
            if self.open.contains_key(&offset) {
                return Ok(());
            }
            let message =
                format!("a consumer of {} goes back to offset {offset}, after {next}", self.partition);
            return Err(Violation::new(NAME, message, [before, number]));
        }
        self.next = (offset.plus(1), number);
        if cluster.unclean(self.partition).is_some() {
            return Ok(());
        }
        let shown = |at| cluster.shown(self.group, self.partition, Offset(at));
        let skipped = (next.0..offset.0).find_map(|at| Some((at, shown(at)?)));
        match skipped {
            Some((at, message)) => {
                let message = format!("a consumer of {} skips {message} at offset {at}", self.partition);
                Err(Violation::new(NAME, message, [before, number]))
            }
            None => Ok(()),
        }
    }
}
