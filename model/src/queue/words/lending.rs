//! What is reported of messages that are lent, in words.

use super::super::facts::LendingFact;
use super::super::lending::Held;
use super::listed;
use crate::queue::offset::Offset;
use std::collections::BTreeSet;

pub(super) fn of(group: u32, what: &LendingFact) -> String {
    match what {
        LendingFact::Loaded { partition, start, standing, .. } => format!(
            "takes over the lending of {partition} to group {group}, where everything before {start} is acknowledged, \
             and gives {} loans their whole time again",
            standing.len()
        ),
        LendingFact::RanOut { loan, partition, offsets } => format!(
            "finds the time of {loan} of group {group} out: {partition} at {} is to be lent again",
            all(offsets)
        ),
        LendingFact::Removed(held) => {
            format!(
                "has made durable: {} is acknowledged, and lent to nobody any more in group {group}",
                named(held)
            )
        }
        LendingFact::Borrowed { loan, partition, offsets, .. } => {
            format!("is told that {partition} at {} is lent to it, as {loan} of group {group}", all(offsets))
        }
        LendingFact::Acknowledges(held) => format!("acknowledges {} in group {group}", named(held)),
        LendingFact::Told { held, counts: true } => {
            format!("is told that its acknowledgement of {} in group {group} counts", named(held))
        }
        LendingFact::Told { held, counts: false } => format!(
            "is told that its acknowledgement of {} in group {group} does not count, since the loan is over",
            named(held)
        ),
        LendingFact::GivesBack(held) => format!("gives {} in group {group} back", named(held)),
    }
}

fn named(Held { partition, offset, loan }: &Held) -> String {
    format!("offset {offset} of {partition}, {loan},")
}

fn all(offsets: &BTreeSet<Offset>) -> String {
    let place = if offsets.len() == 1 { "offset" } else { "offsets" };
    format!("{place} {}", listed(offsets.iter().map(ToString::to_string).collect()))
}
