//! What is reported of single writers, in words.

use super::super::facts::Fact;
use super::super::stay::RoomType;
use super::{count, durable, name};

pub(super) fn of(fact: &Fact) -> String {
    match *fact {
        Fact::OwnerSet { position, room_type, before, generation } => {
            let owner = format!("the writer of generation {generation}, {before} before");
            durable(position, &format!("{} belongs to {owner}", rooms(room_type)))
        }
        Fact::ChangeAsked { reservation } => {
            format!("hands the queue what is to be done about {}", name(reservation))
        }
        Fact::WriterSeated { generation, partitions } => {
            format!("is given {} in generation {generation}", count(partitions.into(), "partition"))
        }
        Fact::WriterUnseated { generation } => {
            format!("lets go of what it was given in generation {generation}")
        }
        Fact::WriteBegun { reservation, generation } => {
            format!("begins with a request about {} in generation {generation}", name(reservation))
        }
        Fact::WriterFenced { reservation, room_type, generation } => format!(
            "finds that {} belongs to a later generation than its own, {generation}, and leaves {} to that",
            rooms(room_type),
            name(reservation)
        ),
        // The rest is told elsewhere.
        ref other => format!("reports {other:?}"),
    }
}

fn rooms(RoomType { hotel, kind }: RoomType) -> String {
    format!("room type {kind} of hotel {hotel}")
}
