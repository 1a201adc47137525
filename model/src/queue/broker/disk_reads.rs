//! What is read from the disk since it is in memory no more.
//!
//! 1. The log says where it is. Wait until the disk has done all that the log had handed out by then for that segment.
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

/// A piece of a segment.
#[derive(Clone, Copy)]
struct Piece {
    segment: SegmentName,
    position: u64,
    length: u64,
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// What the log has at `from` on the disk alone, whole batches of `most_bytes` at most, or one that has more, from as many
    /// segments as it takes; none ends beyond `up_to`. What is returned is in the log in this very step. None when it is in
    /// memory by now, or in the log no more: the log is to be asked again. A broker whose disk has failed, or has
    /// something else there, stops, and this never returns.
    pub(super) async fn read_from_disk(
        &self,
        host: &Host,
        from: Offset,
        up_to: Offset,
        most_bytes: u64,
    ) -> Option<Vec<Arc<Batch>>> {
        loop {
            let cuts = host.cuts();
            let (mut batches, mut next, mut left): (Vec<Batch>, _, _) = (Vec::new(), from, most_bytes);
            while let Some(piece) = piece_at(host, next, up_to, left)
                && (batches.is_empty() || piece.length <= left)
                && let Some(read) = self.read_piece(host, piece, cuts).await
            {
                batches.extend(read);
                next = batches.last().map_or(from, Batch::end);
                left = left.saturating_sub(piece.length);
            }
            // 3.
            if host.cuts() == cuts {
                return (!batches.is_empty()).then(|| self.handed_on(host, from, batches));
            }
        }
    }

    /// None when anything of the log has been cut off or dropped since there were so many cuts.
    async fn read_piece(&self, host: &Host, piece: Piece, cuts: u64) -> Option<Vec<Batch>> {
        let Piece { segment, position, length } = piece;
        // 1.
        host.carried_out_of(segment).await;
        // 2.
        let _files = host.files.lock().await;
        if host.cuts() != cuts {
            return None;
        }
        let read = disk::read_piece(&self.env, host.partition, segment, position, length).await;
        let Ok(bytes) = read else { return self.stop_reading().await };
        let is_whole = bytes.len() as u64 == length;
        match decode_frames(&bytes)
            .and_then(|read| if is_whole { Ok(read) } else { Err(Corrupt { position: 0 }) })
        {
            Ok(read) => Some(read),
            // It may have been cut while it was read.
            Err(_) if host.cuts() != cuts => None,
            Err(Corrupt { position: at }) => self.give_up(host, segment, position + at).await,
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

/// Where the log has what stands at `from`, if that is on the disk alone.
fn piece_at(host: &Host, from: Offset, up_to: Offset, most_bytes: u64) -> Option<Piece> {
    match host.cores.borrow().log.read(from, up_to, most_bytes) {
        Ok(Found::OnDisk { segment, position, length }) => Some(Piece { segment, position, length }),
        Ok(Found::InMemory(_)) | Err(_) => None,
    }
}
