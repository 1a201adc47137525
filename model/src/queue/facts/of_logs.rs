//! What is told of logs that lie on disks, and are cut there.

use crate::queue::offset::{LeaderEpoch, Offset};
use crate::queue::partition::Partition;
use serde::{Deserialize, Serialize};

/// One thing that happened to a log, or that somebody found out about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OfLogs {
    /// A broker has read batches from its disk that it does not keep in memory, for whoever wants them.
    ReadFromDisk {
        /// Of which partition.
        partition: Partition,
        /// Where the first one begins.
        from: Offset,
        /// Where the last one ends.
        to: Offset,
    },
    /// A broker finds its log damaged in a way that no crash can do, and serves it no more.
    Damaged {
        /// Of which partition.
        partition: Partition,
        /// The segment: where it begins.
        segment: Offset,
        /// The byte of it at which the first bad frame begins.
        position: u64,
    },
    /// A consumer goes on behind what it has read, in a log that goes on there in another epoch.
    EpochCrossed {
        /// In which group.
        group: u32,
        /// In which partition.
        partition: Partition,
        /// From where on.
        offset: Offset,
        /// In whose time the record before it was appended, as the consumer has read it.
        last: LeaderEpoch,
        /// In whose time the record there was appended.
        next: LeaderEpoch,
    },
    /// A consumer is told that what it has read does not stand in the log any more, and goes on where it does.
    TruncationSeen {
        /// In which group.
        group: u32,
        /// In which partition.
        partition: Partition,
        /// Where it wanted to go on.
        offset: Offset,
        /// Up to where the log is as it was read.
        to: Offset,
    },
}

impl OfLogs {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            OfLogs::ReadFromDisk { .. } => "ReadFromDisk",
            OfLogs::Damaged { .. } => "LogDamaged",
            OfLogs::EpochCrossed { .. } => "EpochCrossed",
            OfLogs::TruncationSeen { .. } => "TruncationSeen",
        }
    }
}
