//! What consumers read: from a partition's leader or, if they want, from any replica that is in sync with it (KIP-392).

use super::super::defects::{Defect, Defects};
use super::super::facts::{Fact, Stretch};
use super::super::log::Found;
use super::super::offset::Offset;
use super::super::partition::Partition;
use super::super::protocol::{Fetched, Refusal};
use super::super::reading::{Footing, Isolation, Terms, chooses};
use super::super::record::{Batch, Content};
use super::super::replica::{self, NoFooting};
use super::host::Cores;
use super::{Broker, Host};
use rehearsal_env::Env;
use std::sync::Arc;

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Whole batches from the one that holds `offset`, below the watermark (rule R8) or the last stable offset. Waits for
    /// some, but not for ever.
    pub(super) async fn fetch(
        &self,
        partition: Partition,
        offset: Offset,
        (terms, footing): (Terms, Footing),
    ) -> Result<Fetched, Refusal> {
        let host = self.host(partition).ok_or(Refusal::UnknownPartition)?;
        let something = async {
            loop {
                {
                    let cores = host.cores.borrow();
                    if !self.serves(&host, &cores, terms) || self.sight(&cores, terms) > offset {
                        return;
                    }
                }
                host.changed.notified().await;
            }
        };
        let _ = self.env.timeout(self.plan.knobs.fetch_wait.duration(), something).await;
        let bytes = u64::from(self.plan.knobs.fetch_bytes);
        let fetched = self.read(&host, offset, (terms, footing), bytes).await?;
        if !host.cores.borrow().replica.leads() {
            self.tell_what_a_follower_serves(&host, offset, &fetched);
        }
        Ok(fetched)
    }

    pub(super) fn serves(&self, host: &Host, cores: &Cores, terms: Terms) -> bool {
        let known = self.known.borrow();
        let newest = known.partitions.get(&host.partition).map(|(state, _)| state);
        cores.replica.serves(terms.of, newest)
    }

    /// Where a consumer's sight ends: below it all is decided that it wants to be.
    fn sight(&self, cores: &Cores, terms: Terms) -> Offset {
        let end = cores.replica.served_end(self.plan.defects);
        match terms.isolation {
            Isolation::ReadUncommitted => end,
            Isolation::ReadCommitted if self.plan.defects.has(Defect::ShowsUncommitted) => end,
            Isolation::ReadCommitted => cores.producers.last_stable(end),
        }
    }

    fn check_footing(&self, cores: &Cores, offset: Offset, footing: Footing) -> Result<(), Refusal> {
        cores.replica.check_footing(offset, footing, self.plan.defects).map_err(|refused| match refused {
            NoFooting::UnknownEpoch => Refusal::UnknownEpoch,
            NoFooting::Diverged(end) => Refusal::Diverged { end },
        })
    }

    fn check_offset(&self, host: &Host, cores: &Cores, offset: Offset, terms: Terms) -> Result<(), Refusal> {
        match cores.replica.check_offset(offset, self.plan.defects) {
            Ok(()) => Ok(()),
            Err(replica::Refusal::OutOfRange { start, .. }) => {
                if !cores.replica.leads() {
                    self.env.observe(Fact::FollowerSaidOutOfRange { partition: host.partition, offset });
                }
                if cores.replica.leads() && cores.replica.latest().is_none() {
                    return Err(Refusal::OffsetNotAvailable);
                }
                Err(Refusal::OutOfRange { start, end: self.sight(cores, terms) })
            }
            Err(replica::Refusal::NotLeader | replica::Refusal::NotEnoughReplicas) => Err(Refusal::NotLeader),
        }
    }

    /// What there is now, so many bytes of it at most, more only for a single larger batch. Waits for the disk alone; what
    /// is returned may be served in this very step.
    pub(super) async fn read(
        &self,
        host: &Host,
        offset: Offset,
        (terms, footing): (Terms, Footing),
        bytes: u64,
    ) -> Result<Fetched, Refusal> {
        let mut from_disk = None;
        loop {
            let end = {
                let cores = host.cores.borrow();
                if !self.serves(host, &cores, terms) {
                    return Err(Refusal::NotLeader);
                }
                self.check_footing(&cores, offset, footing)?;
                self.check_offset(host, &cores, offset, terms)?;
                if let Some(fetched) = self.look(&cores, (offset, bytes), terms, from_disk.take())? {
                    return Ok(fetched);
                }
                self.sight(&cores, terms)
            };
            from_disk = self.read_from_disk(host, offset, end, bytes).await;
        }
    }

    /// The same from what is in memory, or was read `from_disk` just now. None when it is to be read from there.
    fn look(
        &self,
        cores: &Cores,
        (offset, bytes): (Offset, u64),
        terms: Terms,
        from_disk: Option<Vec<Arc<Batch>>>,
    ) -> Result<Option<Fetched>, Refusal> {
        let (start, end, epoch) = (cores.replica.start(), self.sight(cores, terms), cores.replica.epoch());
        if offset >= end {
            let (batches, aborted, epochs) = (Vec::new(), Vec::new(), Vec::new());
            return Ok(Some(Fetched { batches, next: offset, end, aborted, epochs, epoch }));
        }
        // The sight may have ended further when the disk was asked.
        let from_disk = from_disk.filter(|read| read.last().is_some_and(|last| last.end() <= end));
        let mut batches = match from_disk {
            Some(batches) => batches,
            None => match cores.log.read(offset, end, bytes) {
                Ok(Found::InMemory(batches)) => batches,
                Ok(Found::OnDisk { .. }) => return Ok(None),
                Err(_) => return Err(Refusal::OutOfRange { start, end }),
            },
        };
        let next = batches.last().map_or(offset, |batch| batch.end());
        let aborted = cores.producers.aborted(offset, next);
        let epochs = cores.replica.lineage().within(offset, next);
        batches.retain(|batch| may_match(batch, terms.tag, self.plan.defects));
        Ok(Some(Fetched { batches, next, end, aborted, epochs, epoch }))
    }

    pub(super) fn tell_what_a_follower_serves(&self, host: &Host, offset: Offset, fetched: &Fetched) {
        let partition = host.partition;
        let served: Vec<_> = fetched.batches.iter().map(|batch| Stretch::of(partition, batch)).collect();
        if !served.is_empty() {
            self.env.observe(Fact::FollowerServed { partition, served });
        } else if fetched.next == offset {
            self.env.observe(Fact::FollowerSaidWait { partition, offset });
        }
    }

    /// Where a partition starts.
    pub(super) fn earliest(&self, partition: Partition) -> Result<Offset, Refusal> {
        let host = self.host(partition).ok_or(Refusal::UnknownPartition)?;
        let cores = host.cores.borrow();
        if cores.replica.leads() { Ok(cores.replica.start()) } else { Err(Refusal::NotLeader) }
    }

    /// Where what consumers may read of a partition ends.
    pub(super) fn latest(&self, partition: Partition) -> Result<Offset, Refusal> {
        let host = self.host(partition).ok_or(Refusal::UnknownPartition)?;
        let cores = host.cores.borrow();
        if !cores.replica.leads() {
            return Err(Refusal::NotLeader);
        }
        cores.replica.latest().ok_or(Refusal::OffsetNotAvailable)
    }
}

/// Whether there is anything in the batch for one who wants this tag.
fn may_match(batch: &Arc<Batch>, tag: Option<u16>, defects: Defects) -> bool {
    match (&batch.payload.content, tag) {
        (_, None) => true,
        (Content::Records(records), tag) => records.iter().any(|record| chooses(tag, record, defects)),
        (Content::Marker(_) | Content::Routing(_), Some(_)) => false,
    }
}
