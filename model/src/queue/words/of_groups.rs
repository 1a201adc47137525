//! What coordinators and members of groups do that only some groups come to, in words.

use super::super::facts::OfGroups;

pub(super) fn of(fact: &OfGroups) -> String {
    match fact {
        OfGroups::OffsetsClaimed { partition, epoch, by, groups } => {
            let found = match (by, groups) {
                (None, _) => "where nothing was".to_owned(),
                (Some(by), 1) => format!("which {by} had written, with those of one group"),
                (Some(by), groups) => format!("which {by} had written, with those of {groups} groups"),
            };
            format!("claims the committed offsets of {partition} in epoch {epoch}, {found}")
        }
        OfGroups::MemberLeft { group, member } => {
            format!("removes {member} from group {group}, which it wishes to leave")
        }
        OfGroups::Sought { group, member, partition, from, to } => {
            format!("goes back in {partition} from offset {from} to {to}, as {member} of group {group}")
        }
    }
}
