//! What is read from the disk since it is in memory no more.
//!
//! 1. The log says where it is. Wait until the disk has done all that the log had handed out by then.
//! 2. Read it, while nothing else is done to the partition's files.
//! 3. If anything was cut off or dropped meanwhile, what was read may be in the log no more: begin at step 1.

use super::super::defects::Defect;
use super::super::facts::{Fact, OfLogs};
use super::super::log::{Corrupt, Found, SegmentName, decode_frames};
use super::super::offset::Offset;
use super::super::record::Batch;
use super::{Broker, Host, disk};
use rehearsal_env::Env;
use std::sync::Arc;

impl<E: Env<Fact = Fact>> Broker<E> {
    /// What the log would give for these numbers ([`PartitionLog::read`](super::super::log::PartitionLog::read)), if that
    /// is on the disk alone. What is returned is in the log in this very step. None when it is in memory by now, or in the
    /// log no more: the log is to be asked again. A broker whose disk has failed, or has something else there, stops,
    /// and this never returns.
    pub(super) async fn read_from_disk(
        &self,
        host: &Host,
        from: Offset,
        up_to: Offset,
        most_bytes: u64,
    ) -> Option<Vec<Arc<Batch>>> {
        loop {
            let cuts = host.cuts();
            // 1.
            let found = host.cores.borrow().log.read(from, up_to, most_bytes);
            let Ok(Found::OnDisk { segment, position, length }) = found else { return None };
            host.all_carried_out().await;
            // 2.
            let read = {
                let _files = host.files.lock().await;
                if host.cuts() != cuts {
                    continue;
                }
                disk::read_piece(&self.env, host.partition, segment, position, length).await
            };
            let Ok(bytes) = read else { return self.stop_reading().await };
            // 3.
            if host.cuts() != cuts {
                continue;
            }
            let whole = if bytes.len() as u64 == length {
                decode_frames(&bytes)
            } else {
                Err(Corrupt { position: 0 })
            };
            return match whole {
                Ok(batches) => Some(self.handed_on(host, from, batches)),
                Err(Corrupt { position: at }) => self.give_up(host, segment, position + at).await,
            };
        }
    }

    fn handed_on(&self, host: &Host, from: Offset, mut batches: Vec<Batch>) -> Vec<Arc<Batch>> {
        let holds_it = batches.first().is_some_and(|first| first.base < from);
        if holds_it && batches.len() > 1 && self.plan.defects.has(Defect::ReadsFromNextBatch) {
            batches.remove(0);
        }
        if let (Some(first), Some(last)) = (batches.first(), batches.last()) {
            let (partition, from, to) = (host.partition, first.base, last.end());
            self.env.observe(Fact::OfLogs(OfLogs::ReadFromDisk { partition, from, to }));
        }
        batches.into_iter().map(Arc::new).collect()
    }

    /// The segment is damaged at this byte: nothing of it is handed on, and the broker stops.
    pub(super) async fn give_up<T>(&self, host: &Host, segment: SegmentName, position: u64) -> T {
        let (partition, segment) = (host.partition, segment.base());
        self.env.observe(Fact::OfLogs(OfLogs::Damaged { partition, segment, position }));
        self.stop_reading().await
    }

    /// The broker stops, and with it all who wait for what was to be read.
    async fn stop_reading<T>(&self) -> T {
        self.failed.notify_one();
        std::future::pending().await
    }
}
