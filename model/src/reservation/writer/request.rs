//! What writers are asked for, as it lies in the queue.

use crate::queue::record::Record;
use crate::queue::tags::Tags;
use crate::reservation::booking::end::Ending;
use crate::reservation::stay::{Order, ReservationId, RoomType};
use rehearsal_env::NodeId;
use serde::{Deserialize, Serialize};

/// A change of the inventory. Made twice it is made once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Change {
    /// Takes the nights of an order, which becomes a reservation or is refused.
    Book(Order),
    /// Gives the nights of a live stay back, which ends.
    End {
        /// Whose.
        id: ReservationId,
        /// Of which rooms.
        room_type: RoomType,
        /// Why.
        ending: Ending,
    },
}

impl Change {
    /// Of which reservation.
    pub fn reservation(&self) -> ReservationId {
        match self {
            Change::Book(order) => order.id,
            Change::End { id, .. } => *id,
        }
    }

    /// Of which rooms.
    pub fn room_type(&self) -> RoomType {
        match self {
            Change::Book(order) => order.stay.room_type,
            Change::End { room_type, .. } => *room_type,
        }
    }
}

/// A change, and who wants to hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// What is to be done.
    pub change: Change,
    /// Who is told when it is done; it may be somebody else by then, or nobody.
    pub reply_to: NodeId,
}

impl Request {
    /// As a record, made at this time of its maker's wall clock, in microseconds.
    ///
    /// # Panics
    /// Never: a request can always be written as bytes.
    pub fn record(&self, created: i64) -> Record {
        let value = postcard::to_allocvec(self).expect("a request can be written as bytes").into();
        Record { key: None, value, tags: Tags::default(), created }
    }

    /// What a record holds; None when that is no request.
    pub fn of(record: &Record) -> Option<Request> {
        postcard::from_bytes(&record.value).ok()
    }
}

/// What was asked for is done: what came of it is in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Done {
    /// What.
    pub change: Change,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let room_type = RoomType { hotel: 3, kind: 7 };
        let change = Change::End { id: ReservationId(12), room_type, ending: Ending::HoldOver };
        let request = Request { change, reply_to: NodeId(4) };
        assert_eq!(Request::of(&request.record(1)), Some(request));
        let foreign = Record { value: vec![9].into(), ..request.record(1) };
        assert_eq!(Request::of(&foreign), None);
    }
}
