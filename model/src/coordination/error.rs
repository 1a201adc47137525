//! Why a use of the service did not succeed.

use super::command::Revision;

/// A failure, each of which says whether anything may have been changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CoordinationError {
    /// A check of the transaction does not hold. It definitely did not happen.
    #[error("{key} is not as expected")]
    Conflict {
        /// Of which key.
        key: String,
        /// The version that it holds.
        found: Option<Revision>,
    },
    /// The session has ended. It definitely did not happen, and nothing that the session owned is there any
    /// more.
    #[error("the session has ended")]
    SessionExpired,
    /// The service could not be reached. It definitely did not happen.
    #[error("the coordination service could not be reached")]
    Unreachable,
    /// No answer came: it has happened, or will, or never.
    #[error("the connection was lost; whether it happened is unknown")]
    Unknown,
    /// What changed after the revision asked for is no longer known: read anew. Nothing was to be changed.
    #[error("what changed up to revision {horizon} is no longer known")]
    Compacted {
        /// Up to here it is forgotten.
        horizon: Revision,
    },
}

impl CoordinationError {
    /// Whether surely nothing was changed, and nothing will be.
    pub fn definitely_did_not_happen(&self) -> bool {
        !matches!(self, CoordinationError::Unknown)
    }
}
