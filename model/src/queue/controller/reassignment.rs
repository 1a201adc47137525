//! A partition moves from brokers to brokers (KIP-455), and there are never fewer good copies of it than before.
//!
//! ```text
//!  replicas {0, 1, 2}   in sync {0, 1, 2}                                   leader 0
//!     │ 3 instead of 0 is wanted
//!  replicas {0, 1, 2, 3}, adding {3}, removing {0}   in sync {0, 1, 2}      leader 0
//!     │ 3 fetches as any follower does, and joins as any does (R5)
//!  replicas {0, 1, 2, 3}, adding {3}, removing {0}   in sync {0, 1, 2, 3}   leader 0
//!     │ everybody who is to stay is in sync: the leader hands over, if it is to go
//!  replicas {0, 1, 2, 3}, adding {3}, removing {0}   in sync {0, 1, 2, 3}   leader 1, next epoch
//!     │ and those who are to go are let go of
//!  replicas {1, 2, 3}   in sync {1, 2, 3}                                   leader 1, next epoch
//! ```
//!
//! Everything stands in the partition's state, so whoever is the controller goes on with it. Another target may be named
//! at any time: what was there before is then as good as what is being added, and what is in neither goes at the end.
//!
//! Letting go begins an epoch, although the leader stays. A broker that is gone drops its copy, and may be called back by
//! the same leader in the same life: what it said of its former copy, and what of that is still on its way, would then
//! count for a copy that is empty. A fetch of an earlier epoch does not (rule R4).

use super::PartitionState;
use crate::queue::brokers::Brokers;
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::LeaderEpoch;

/// How many partitions move at once: copies that are made anew take what others need, too.
pub const MOVES_AT_ONCE: usize = 2;

impl PartitionState {
    /// Who has a copy once the move is done.
    pub fn target(&self) -> Brokers {
        self.replicas.minus(self.removing)
    }

    /// Whether it moves.
    pub fn moves(&self) -> bool {
        !self.adding.or(self.removing).is_empty()
    }

    /// The state when its copies shall be there instead. Nobody loses a copy by that.
    #[must_use]
    pub fn moved_towards(&self, target: Brokers) -> PartitionState {
        let had = self.replicas.minus(self.adding);
        let replicas = self.replicas.or(target);
        PartitionState {
            version: self.version + 1,
            replicas,
            adding: target.minus(had),
            removing: replicas.minus(target),
            ..self.clone()
        }
    }

    /// Whether everybody is in sync who is to have a copy, so that the others may go.
    pub(super) fn may_let_go(&self, defects: Defects) -> bool {
        let target = self.target();
        match defects.has(Defect::TrimsBeforeInSync) {
            true => !target.and(self.in_sync).is_empty(),
            false => target.minus(self.in_sync).is_empty(),
        }
    }

    /// The state when those who were to go are gone: in an epoch of its own.
    #[must_use]
    pub(super) fn let_go(&self) -> PartitionState {
        let target = self.target();
        PartitionState {
            version: self.version + 1,
            epoch: LeaderEpoch(self.epoch.0 + 1),
            in_sync: self.in_sync.and(target),
            eligible: self.eligible.and(target),
            replicas: target,
            adding: Brokers::NONE,
            removing: Brokers::NONE,
            ..self.clone()
        }
    }
}
