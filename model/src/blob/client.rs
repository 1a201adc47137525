//! The client's side of a blob store.

use super::messages::{Answer, Request};
use crate::session::{Patience, SessionPool};
use rehearsal_env::{Env, NodeId};
use std::sync::Arc;
use thiserror::Error;

/// Why nothing came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum BlobError {
    /// No answer came: whether a put was carried out is unknown. It may be asked again.
    #[error("the blob store did not answer")]
    NotAnswered,
    /// There are other bytes of that name. Nothing has changed.
    #[error("there is something else of that name")]
    Occupied,
}

/// A client of one blob store.
pub struct Blobs<E: Env> {
    sessions: SessionPool<E, Request, Answer>,
    server: NodeId,
}

impl<E: Env> Blobs<E> {
    /// One for this node: there can be only one.
    pub fn bind(env: &E, server: NodeId, patience: Patience) -> Self {
        Blobs { sessions: SessionPool::bind(env, patience), server }
    }

    /// Keeps these bytes under this name. Ok says that they are durable.
    ///
    /// # Errors
    /// [`BlobError`].
    pub async fn put(&self, name: String, bytes: Arc<[u8]>) -> Result<(), BlobError> {
        match self.ask(Request::Put { name, bytes }).await? {
            Answer::Stored => Ok(()),
            Answer::Occupied => Err(BlobError::Occupied),
            Answer::Got(_) | Answer::Names(_) => Err(BlobError::NotAnswered),
        }
    }

    /// What has this name; nothing when it was never put, or has rotted.
    ///
    /// # Errors
    /// [`BlobError::NotAnswered`].
    pub async fn get(&self, name: String) -> Result<Option<Arc<[u8]>>, BlobError> {
        match self.ask(Request::Get { name }).await? {
            Answer::Got(bytes) => Ok(bytes),
            _ => Err(BlobError::NotAnswered),
        }
    }

    /// All names that begin so, sorted.
    ///
    /// # Errors
    /// [`BlobError::NotAnswered`].
    pub async fn names(&self, prefix: String) -> Result<Vec<String>, BlobError> {
        match self.ask(Request::Names { prefix }).await? {
            Answer::Names(names) => Ok(names),
            _ => Err(BlobError::NotAnswered),
        }
    }

    async fn ask(&self, request: Request) -> Result<Answer, BlobError> {
        self.sessions.ask(self.server, request).await.map_err(|_| BlobError::NotAnswered)
    }
}
