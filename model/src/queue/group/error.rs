//! Why a coordinator refused.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A refusal by a group's coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
pub enum GroupError {
    /// The group has no such member: it left, or its session ended, or it did not join again in time. Also the answer to
    /// a commit without a membership while the group has members.
    #[error("the group has no such member")]
    UnknownMember,
    /// The request names another generation than the present one.
    #[error("the generation is not the present one")]
    IllegalGeneration,
    /// A new generation is being formed, or its plan is awaited: the member has to join, or to sync, first.
    #[error("the group is rebalancing")]
    RebalanceInProgress,
    /// No strategy is known to this member and all others.
    #[error("no strategy is common to all members")]
    InconsistentStrategies,
    /// A newer request of the same member took the place of this one while it waited.
    #[error("a newer request of the member took its place")]
    Superseded,
    /// A transaction that commits offsets of these partitions has not ended: where to go on will be known when it has
    /// (KIP-447).
    #[error("a transaction that commits these offsets is open")]
    UnstableOffsets,
    /// What the request wrote did not come through, or nobody knows whether it did.
    #[error("the outcome is unknown")]
    Unknown,
}

impl GroupError {
    /// Whether the refused request surely left nothing behind, now and after any recovery.
    pub fn definitely_did_not_happen(self) -> bool {
        match self {
            GroupError::UnknownMember
            | GroupError::IllegalGeneration
            | GroupError::RebalanceInProgress
            | GroupError::UnstableOffsets
            | GroupError::InconsistentStrategies => true,
            GroupError::Superseded | GroupError::Unknown => false,
        }
    }
}
