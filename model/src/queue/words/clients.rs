//! What producers and consumers report, in words.

use super::super::facts::{Fact, Fate};
use super::super::production::Acks;
use super::{listed, places, those};

pub(super) fn of(fact: &Fact) -> String {
    match fact {
        Fact::Sent { message, partition, acks } => {
            let until = match acks {
                Acks::None => "waits for nothing",
                Acks::Leader => "waits for the leader",
                Acks::All => "waits for all in sync",
            };
            format!("is given {message} to send to {partition}, and {until}")
        }
        Fact::WaitsForRoom { message, partition } => {
            format!("has no room for {message} to {partition}, and lets it wait")
        }
        Fact::RefusedForRoom { message, partition } => {
            format!("does not send {message} to {partition}, for there was no room in time")
        }
        Fact::SentAgain { partition, messages } => format!("sends {} to {partition} again", those(messages)),
        Fact::Told { message, partition, fate } => match fate {
            Fate::Acknowledged(Some(offset)) => {
                format!("is told that {message} is written to {partition} at offset {offset}")
            }
            Fate::Acknowledged(None) => {
                format!("counts {message} to {partition} as written, without having waited")
            }
            Fate::DefinitelyNot => format!("knows that {message} was not written to {partition}"),
            Fate::Unknown => {
                format!("gives {message} to {partition} up, and does not know what became of it")
            }
        },
        Fact::Assigned { group, member, generation, partitions } => {
            let owned = match partitions.len() {
                0 => "nothing".to_owned(),
                _ => listed(partitions.iter().map(ToString::to_string).collect()),
            };
            format!("owns {owned} as {member} of group {group}, in generation {generation}")
        }
        Fact::LetGo { group, member, generation } => {
            format!("lets go of all that it owned as {member} of group {group}, in generation {generation}")
        }
        Fact::Positioned { group, member, partition, offset, committed } => {
            let why = if *committed { "where its group left off" } else { "since nothing was committed" };
            format!("starts in {partition} at offset {offset}, {why}, as {member} of group {group}")
        }
        Fact::Processed { group, member, partition, offset, message, .. } => format!(
            "has processed {message}, at offset {offset} of {partition}, as {member} of group {group}"
        ),
        Fact::CommitConfirmed { group, member, generation, offsets } => format!(
            "is told that group {group} goes on in {}, by its commit as {member} in generation {generation}",
            places(offsets)
        ),
        Fact::OffsetOutOfRange { group, partition, offset, reset } => {
            let goes_on = match reset {
                Some(reset) => format!("goes on at {reset}"),
                None => "gives up".to_owned(),
            };
            format!(
                "finds that offset {offset} is not in the log of {partition}, for group {group}, and {goes_on}"
            )
        }
        Fact::Replayed { group, partition, batches } => match (batches.first(), batches.last()) {
            (Some(first), Some(last)) => {
                let (from, to) = (first.base, last.end);
                format!("reads {partition} from offset {from} to {to} from the archive, for group {group}")
            }
            _ => format!("finds nothing of {partition} in the archive, for group {group}"),
        },
        Fact::BitFlipped { partition, .. } => {
            format!("has a bit flipped in a batch of {partition}, on its way")
        }
        Fact::DamageFound { partition, offset } => {
            format!(
                "throws the batch at offset {offset} of {partition} away, since its checksum does not fit"
            )
        }
        Fact::Lending { group, what } => super::lending::of(*group, what),
        Fact::Pushing(fact) => super::pushing::of(fact),
        _ => super::delays::of(fact),
    }
}
