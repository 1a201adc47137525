//! What guests ask and are told, in words.

use super::{money, name, rooms, status, stay_in_words};
use crate::reservation::facts::{Answer, Attempt, Operation};
use crate::reservation::stay::{Intent, ReservationId, Stay};

/// That a guest asks, and why it asks again.
pub(super) fn asks(attempt: Attempt) -> &'static str {
    match attempt {
        Attempt::First => "asks",
        Attempt::DoubleClick => "clicks once more in the same moment, asking",
        Attempt::Retry => "asks again, since no answer came,",
        Attempt::Poll => "asks again, since the answer was not final,",
    }
}

/// What is asked, to follow on [`asks`].
pub(super) fn question(operation: Operation, id: Option<ReservationId>, stay: &Stay) -> String {
    let asked = asked(operation, id);
    match operation {
        Operation::Availability | Operation::Order | Operation::Book => {
            format!("{asked}: {}", stay_in_words(stay))
        }
        Operation::Cancel | Operation::History => asked,
    }
}

fn asked(operation: Operation, id: Option<ReservationId>) -> String {
    match operation {
        Operation::Availability => "how many rooms are left".to_owned(),
        Operation::Order => "for an order".to_owned(),
        Operation::Book => format!("to book {}", name_or_order(id)),
        Operation::Cancel => format!("to cancel {}", name_or_order(id)),
        Operation::History => "for a list of its reservations".to_owned(),
    }
}

/// What is answered, to follow on "is told". What an answer means for the guest is said where its name alone leaves
/// it open.
pub(super) fn answer(
    answer: &Answer,
    operation: Operation,
    id: Option<ReservationId>,
    stay: &Stay,
) -> String {
    let subject = name_or_order(id);
    match answer {
        Answer::Available(1) => format!("that 1 room is left: {}", stay_in_words(stay)),
        Answer::Available(left) => format!("that {} are left: {}", rooms(*left), stay_in_words(stay)),
        Answer::Ordered(id, price) => {
            format!("that it has ordered {} for {}: {}", name(*id), money(*price), stay_in_words(stay))
        }
        Answer::Booked => format!("that {subject} is booked"),
        Answer::Pending => format!("that {subject} is not decided yet"),
        Answer::Rejected => {
            format!("that {subject} is rejected, since the payment was refused or took too long")
        }
        Answer::SoldOut => format!("that {subject} is sold out and never will be booked"),
        Answer::Busy => format!("that too much is going on, having asked {}", asked(operation, id)),
        Answer::Conflict => format!("that {subject} is not the order it described, and is not booked"),
        Answer::NoSuchOrder => format!("that {subject} does not exist"),
        Answer::Expired => format!("that the time to book {subject} is over"),
        Answer::Canceled => format!("that {subject} is canceled"),
        Answer::History(reservations) if reservations.is_empty() => "that it has no reservations".to_owned(),
        Answer::History(reservations) => {
            let each = reservations.iter().map(|(id, now)| format!("{} ({})", name(*id), status(*now)));
            format!("that it has {}", each.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Which wish and which message: an answer belongs to the question with the same numbers.
pub(super) fn which(intent: Intent, request: u64) -> String {
    // The upper half of the number says which guest asks, and the sentence begins with that.
    let message = request & u64::from(u32::MAX);
    format!("(wish {}, message {message})", intent.0)
}

fn name_or_order(id: Option<ReservationId>) -> String {
    id.map_or("its order".to_owned(), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reservation::facts::Fact;
    use crate::reservation::stay::{RoomType, Status};
    use crate::reservation::words;

    const STAY: Stay = Stay { room_type: RoomType { hotel: 0, kind: 1 }, start: 4, end: 6, rooms: 1 };
    const ID: Option<ReservationId> = Some(ReservationId(7));
    /// Of guest 3.
    const REQUEST: u64 = (3 << 32) + 5;

    fn asked(operation: Operation, reservation: Option<ReservationId>, attempt: Attempt) -> String {
        let (intent, stay, request) = (Intent(2), STAY, REQUEST);
        words::of(&Fact::Asked { guest: 3, intent, reservation, operation, stay, attempt, request })
    }

    fn told(operation: Operation, reservation: Option<ReservationId>, answer: Answer) -> String {
        let (intent, stay, request) = (Intent(2), STAY, REQUEST);
        words::of(&Fact::Told { guest: 3, intent, reservation, operation, stay, answer, request })
    }

    #[test]
    fn a_guest_says_what_it_wishes() {
        assert_eq!(
            asked(Operation::Order, None, Attempt::First),
            "asks for an order: hotel 0, room type 1, night 4 to night 5 (2 nights), 1 room (wish 2, message 5)"
        );
        assert_eq!(
            asked(Operation::Availability, None, Attempt::First),
            "asks how many rooms are left: \
             hotel 0, room type 1, night 4 to night 5 (2 nights), 1 room (wish 2, message 5)"
        );
    }

    #[test]
    fn a_repeat_says_that_it_is_one_and_why() {
        assert_eq!(
            asked(Operation::Cancel, ID, Attempt::First),
            "asks to cancel reservation 7 (wish 2, message 5)"
        );
        assert_eq!(
            asked(Operation::Cancel, ID, Attempt::DoubleClick),
            "clicks once more in the same moment, asking to cancel reservation 7 (wish 2, message 5)"
        );
        assert_eq!(
            asked(Operation::Cancel, ID, Attempt::Retry),
            "asks again, since no answer came, to cancel reservation 7 (wish 2, message 5)"
        );
        assert_eq!(
            asked(Operation::Cancel, ID, Attempt::Poll),
            "asks again, since the answer was not final, to cancel reservation 7 (wish 2, message 5)"
        );
    }

    #[test]
    fn an_answer_names_what_it_is_about() {
        assert_eq!(
            told(Operation::Book, ID, Answer::Booked),
            "is told that reservation 7 is booked (wish 2, message 5)"
        );
        assert_eq!(
            told(Operation::Order, None, Answer::Busy),
            "is told that too much is going on, having asked for an order (wish 2, message 5)"
        );
        let history = vec![(ReservationId(7), Status::Paid), (ReservationId(9), Status::Canceled)];
        assert_eq!(
            told(Operation::History, ID, Answer::History(history)),
            "is told that it has reservation 7 (paid), reservation 9 (canceled) (wish 2, message 5)"
        );
    }

    #[test]
    fn no_two_answers_sound_the_same() {
        let answers = [
            Answer::Available(1),
            Answer::Ordered(ReservationId(7), 12_000),
            Answer::Booked,
            Answer::Pending,
            Answer::Rejected,
            Answer::SoldOut,
            Answer::Busy,
            Answer::Conflict,
            Answer::NoSuchOrder,
            Answer::Expired,
            Answer::Canceled,
            Answer::History(Vec::new()),
        ];
        let mut sentences: Vec<String> =
            answers.iter().map(|answer| told(Operation::Book, ID, answer.clone())).collect();
        sentences.sort();
        sentences.dedup();
        assert_eq!(sentences.len(), answers.len(), "{sentences:#?}");
    }
}
