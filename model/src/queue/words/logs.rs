//! What is told of logs that lie on disks, in words.

use super::super::facts::OfLogs;

pub(super) fn of(fact: &OfLogs) -> String {
    match fact {
        OfLogs::ReadFromDisk { partition, from, to } => {
            format!("reads {partition} from offset {from} to {to} from its disk")
        }
        OfLogs::Damaged { partition, segment, position } => format!(
            "finds its log of {partition} damaged, in the segment of offset {segment} at byte {position}, and serves it \
             no more"
        ),
        OfLogs::EpochCrossed { group, partition, offset, last, next } => format!(
            "goes on at offset {offset} of {partition} in epoch {next}, behind what it has read in epoch {last}, for \
             group {group}"
        ),
        OfLogs::TruncationSeen { group, partition, offset, to } => format!(
            "finds that {partition} was truncated since it was read up to offset {offset}: it is as it was up to {to}, \
             for group {group}"
        ),
    }
}
