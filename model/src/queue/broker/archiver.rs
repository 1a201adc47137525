//! Closed segments of the partitions that this broker leads go to the blob store, one piece after the other.
//!
//! 1. Read the next closed segment below the watermark from the disk, and check it.
//! 2. Put what of it is not archived yet into the blob store.
//! 3. When that is durable, say so in the coordination service, if nobody else has meanwhile.
//!
//! Whoever is interrupted begins again at step 1. All replicas hear of step 3, and drop nothing before.

use super::super::archive::{Archived, Piece};
use super::super::facts::Fact;
use super::super::keys::{self, ArchivedEntry};
use super::super::log::{ClosedSegment, Corrupt, Located, decode_frames_from};
use super::super::offset::Offset;
use super::super::replica::Role;
use super::{Broker, Host, disk};
use crate::blob::{BlobError, Blobs};
use crate::coordination::{Check, Edit, Revision};
use crate::session::Patience;
use rehearsal_env::{Env, NodeId};
use std::rc::Rc;

/// What is to be archived next: from there on, of this segment, if this is still how far the archive is.
type Due = (Offset, ClosedSegment, Option<Revision>);

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Looks from time to time what there is to archive.
    pub(super) async fn archive(self: Rc<Self>, server: NodeId) {
        let knobs = &self.plan.knobs;
        let patience = Patience { resend: knobs.resend.duration(), silence: knobs.silence.duration() };
        let blobs = Blobs::bind(&self.env, server, patience);
        loop {
            self.env.sleep(knobs.retention_check.duration()).await;
            for host in self.hosts.values().filter(|host| host.retention.is_some()) {
                while self.archive_next(host, &blobs).await.is_some() {}
            }
        }
    }

    fn due(&self, host: &Host) -> Option<Due> {
        let known = self.known.borrow().archived.get(&host.partition).copied();
        let cores = host.cores.borrow();
        let Role::Leading(_) = cores.replica.role() else { return None };
        let archived = known.map_or(Offset::ZERO, |(archived, _)| {
            archived.of_log(cores.replica.lineage(), cores.replica.end())
        });
        let from = archived.max(cores.log.start());
        let next = cores.log.closed_segments().find(|closed| closed.end > from)?;
        (next.end <= cores.replica.watermark()).then_some((from, next, known.map(|(_, revision)| revision)))
    }

    /// Archives the next segment. None when there is none, or it has to wait.
    async fn archive_next(&self, host: &Host, blobs: &Blobs<E>) -> Option<()> {
        // 1.
        let (from, closed, known) = self.due(host)?;
        let bytes = disk::read_closed(&self.env, host, closed).await?;
        let Located { position, batches } = match decode_frames_from(&bytes, from) {
            Ok(located) => located,
            Err(Corrupt { position }) => return self.give_up(host, closed.segment, position).await,
        };
        let (first, last) = (batches.first()?, batches.last()?);
        let is_still_due = self.due(host).is_some_and(|(_, segment, _)| segment == closed);
        if last.end() != closed.end || !is_still_due {
            return None;
        }
        let (base, end, epoch) = (first.base, last.end(), last.epoch);
        let piece = Piece { partition: host.partition, base, end, epoch };
        // 2.
        match blobs.put(piece.name(), bytes[position as usize..].into()).await {
            // An earlier leader has put the same batches, which its disk holds in frames of its own.
            Ok(()) | Err(BlobError::Occupied) => {}
            Err(BlobError::NotAnswered) => return None,
        }
        // 3.
        let key = keys::archived(host.partition);
        let unchanged = Check::unchanged(&key, known);
        let archived = Archived { through: end, epoch };
        let entry = ArchivedEntry { partition: host.partition, archived };
        let write = Edit::put(key, keys::encode(&entry));
        let revision = self.session.transact(vec![unchanged], vec![write]).await.ok()?;
        self.known.borrow_mut().archived.insert(host.partition, (archived, revision));
        Some(())
    }
}
