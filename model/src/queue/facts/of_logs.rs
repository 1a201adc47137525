//! What is told of logs that lie on disks, and are cut there.

use crate::queue::offset::Offset;
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
}

impl OfLogs {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            OfLogs::ReadFromDisk { .. } => "ReadFromDisk",
            OfLogs::Damaged { .. } => "LogDamaged",
        }
    }
}
