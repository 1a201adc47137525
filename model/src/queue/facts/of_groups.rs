//! What coordinators and members of groups do that only some groups come to.

use crate::queue::brokers::BrokerId;
use crate::queue::group::MemberId;
use crate::queue::offset::{LeaderEpoch, Offset};
use crate::queue::partition::Partition;
use serde::{Deserialize, Serialize};

/// One thing that happened to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OfGroups {
    /// A coordinator has read what groups have committed, in the coordination service, and goes on from that.
    OffsetsClaimed {
        /// Of which partition of the offsets topic they are.
        partition: Partition,
        /// In which epoch it leads that.
        epoch: LeaderEpoch,
        /// Who had written it; nobody where nothing was.
        by: Option<BrokerId>,
        /// How many groups had committed anything.
        groups: u32,
    },
    /// A coordinator has removed a member that wished to leave.
    MemberLeft {
        /// Of which group.
        group: u32,
        /// Who.
        member: MemberId,
    },
    /// A consumer goes back in a partition that it owns, since that is wished for, and works from there again.
    Sought {
        /// In which group.
        group: u32,
        /// As whom.
        member: MemberId,
        /// In which partition.
        partition: Partition,
        /// Everything before it was processed.
        from: Offset,
        /// Where it goes on.
        to: Offset,
    },
}

impl OfGroups {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            OfGroups::OffsetsClaimed { .. } => "OffsetsClaimed",
            OfGroups::MemberLeft { .. } => "MemberLeft",
            OfGroups::Sought { .. } => "Sought",
        }
    }
}
