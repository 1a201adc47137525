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
    }
}
