//! Reads from the archive.

use super::super::log::{Located, decode_frames_from};
use super::super::offset::Offset;
use super::super::partition::Partition;
use super::super::record::Batch;
use super::Piece;
use crate::blob::{BlobError, Blobs};
use crate::session::Patience;
use rehearsal_env::{Env, NodeId};
use std::sync::Arc;

/// Whoever reads what retention has taken from the log.
pub struct ArchiveReader<E: Env> {
    blobs: Blobs<E>,
}

impl<E: Env> ArchiveReader<E> {
    /// One for this node, who asks this blob store.
    pub fn bind(env: &E, server: NodeId, patience: Patience) -> Self {
        ArchiveReader { blobs: Blobs::bind(env, server, patience) }
    }

    /// Where the archive of a partition begins; none when there is nothing in it.
    ///
    /// # Errors
    /// [`BlobError::NotAnswered`].
    pub async fn start(&self, partition: Partition) -> Result<Option<Offset>, BlobError> {
        let names = self.blobs.names(Piece::prefix(partition)).await?;
        Ok(names.iter().filter_map(|name| Piece::named(name)).map(|piece| piece.base).min())
    }

    /// The batches from the one that holds `offset` on, as many as one piece has, each checked; none when no piece holds
    /// it. Where pieces overlap, that of the latest epoch counts.
    ///
    /// # Errors
    /// [`BlobError::NotAnswered`]: the store did not answer, or what it has is damaged.
    pub async fn read(
        &self,
        partition: Partition,
        offset: Offset,
    ) -> Result<Option<Vec<Arc<Batch>>>, BlobError> {
        let names = self.blobs.names(Piece::prefix(partition)).await?;
        let pieces = names.iter().filter_map(|name| Piece::named(name));
        let holding = pieces.filter(|piece| (piece.base..piece.end).contains(&offset));
        let Some(piece) = holding.max_by_key(|piece| (piece.epoch, piece.end)) else { return Ok(None) };
        let bytes = self.blobs.get(piece.name()).await?.ok_or(BlobError::NotAnswered)?;
        let Located { batches, .. } =
            decode_frames_from(&bytes, offset).map_err(|_| BlobError::NotAnswered)?;
        Ok(Some(batches.into_iter().map(Arc::new).collect()))
    }
}
