//! `no-double-booking`: an id takes its nights at most once, for the order placed under it, and all final answers
//! for it agree. A guest's wish holds at most one live stay at any time, and in the calm exactly the one its
//! guest was told of.
//!
//! Answers for an id agree when
//! * "booked" is never told beside "rejected", "sold out" or "expired", nor "rejected" beside "sold out",
//! * "canceled" is told only where a cancellation was asked, and "booked" after it only to a request from before,
//! * nothing is booked under the id once its guest was told "sold out", "expired" or "canceled".
//!
//! In the calm a stay is live if and only if its guest was told "booked" and not "canceled" of it, and then it is
//! paid. Where a guest who was told "booked" gave up waiting for a cancellation, either is right.
//!
//! Example: guest 1 asks for a night, gets no answer, and asks again; the second server books under an id of
//! its own. Both stays are live, for one wish: whatever their ids are, that is a double booking.
//!
//! Broken by: the key checked outside the transaction; a fresh id after a lost answer; a single writer that
//! keeps on after it lost its partition.

use super::books::{Books, SharedBooks};
use super::commit_at_hand::ReservationChange;
use super::wording::ReservationName;
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::reservation::facts::{Answer, Fact, Operation};
use rehearsal_model::reservation::stay::{Intent, ReservationId, Status};
use std::collections::BTreeMap;

const NAME: &str = "no-double-booking";

/// What was asked and told about an id: the numbers of the first facts that say so.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    booked: Option<u64>,
    rejected: Option<u64>,
    sold_out: Option<u64>,
    expired: Option<u64>,
    canceled: Option<u64>,
    cancel_asked: Option<u64>,
    /// Its guest was done with the wish.
    settled: Option<u64>,
}

/// A wish whose guest is not done with it.
#[derive(Clone, Debug, Default)]
struct Wish {
    ids: Vec<ReservationId>,
    /// Requests that were made after their order's guest was told "canceled".
    late_requests: Vec<u64>,
}

/// Remembers what every guest was told.
#[derive(Debug)]
pub struct NoDoubleBooking {
    books: SharedBooks,
    words: BTreeMap<ReservationId, Word>,
    wishes: BTreeMap<Intent, Wish>,
    /// Whose the ids of open wishes are.
    intents: BTreeMap<ReservationId, Intent>,
}

impl NoDoubleBooking {
    /// Judges by these books.
    pub fn new(books: SharedBooks) -> NoDoubleBooking {
        NoDoubleBooking { books, words: BTreeMap::new(), wishes: BTreeMap::new(), intents: BTreeMap::new() }
    }

    /// The guest of a wish knows an id.
    fn link(&mut self, intent: Intent, id: ReservationId) -> Result<(), Violation> {
        if self.intents.contains_key(&id) {
            return Ok(());
        }
        self.intents.insert(id, intent);
        self.wishes.entry(intent).or_default().ids.push(id);
        self.judge_wish(&self.books.borrow(), id)
    }

    /// Whether the wish that this id belongs to holds another live stay.
    fn judge_wish(&self, books: &Books, id: ReservationId) -> Result<(), Violation> {
        let Some(intent) = self.intents.get(&id).filter(|_| books.is_live(id)) else { return Ok(()) };
        let others = self.wishes.get(intent).into_iter().flat_map(|wish| &wish.ids);
        let Some(other) = others.copied().find(|other| *other != id && books.is_live(*other)) else {
            return Ok(());
        };
        let message =
            format!("wish {} holds both reservation {} and reservation {}", intent.0, other.0, id.0);
        let facts = [other, id].into_iter().filter_map(|id| Some(books.reservation(id)?.made));
        Err(Violation::new(NAME, message, facts))
    }

    fn asked(&mut self, stamp: &Stamp, intent: Intent, id: ReservationId, asked: (Operation, u64)) {
        let word = self.words.entry(id).or_default();
        if asked.0 == Operation::Cancel {
            word.cancel_asked.get_or_insert(stamp.number);
        } else if word.canceled.is_some() {
            self.wishes.entry(intent).or_default().late_requests.push(asked.1);
        }
    }

    fn told(
        &mut self,
        number: u64,
        intent: Intent,
        id: ReservationId,
        told: (&Answer, u64),
    ) -> Result<(), Violation> {
        let word = self.words.entry(id).or_default();
        let (slot, name) = match told.0 {
            Answer::Booked => (&mut word.booked, "booked"),
            Answer::Rejected => (&mut word.rejected, "rejected"),
            Answer::SoldOut => (&mut word.sold_out, "sold out"),
            Answer::Expired => (&mut word.expired, "expired"),
            Answer::Canceled => (&mut word.canceled, "canceled"),
            _ => return Ok(()),
        };
        slot.get_or_insert(number);
        let word = *word;
        let against = match told.0 {
            Answer::Booked => word.rejected.or(word.sold_out).or(word.expired).or_else(|| {
                let wish = self.wishes.get(&intent)?;
                word.canceled.filter(|_| wish.late_requests.contains(&told.1))
            }),
            Answer::Rejected => word.booked.or(word.sold_out),
            Answer::SoldOut => word.booked.or(word.rejected),
            Answer::Expired => word.booked,
            _ if word.cancel_asked.is_none() => {
                let message = format!("{} is told {name}, and nobody asked for that", ReservationName(id));
                return Err(Violation::new(NAME, message, [number]));
            }
            _ => None,
        };
        if let Some(against) = against {
            let message =
                format!("a guest is told that {} is {name}, and was told otherwise", ReservationName(id));
            return Err(Violation::new(NAME, message, [against, number]));
        }
        let books = self.books.borrow();
        match books.reservation(id) {
            Some(book) if matches!(told.0, Answer::SoldOut | Answer::Expired) && book.status.is_live() => {
                let message = format!("{} is told {name}, and is {:?}", ReservationName(id), book.status);
                Err(Violation::new(NAME, message, [book.made, number]))
            }
            _ => Ok(()),
        }
    }

    fn judge_made(&self, books: &Books, change: &ReservationChange) -> Result<(), Violation> {
        let id = change.reservation;
        let name = ReservationName(id);
        if let Some(before) = change.made_before {
            let message = format!("{name} takes its nights a second time");
            return Err(Violation::new(NAME, message, [before, change.number]));
        }
        let word = self.words.get(&id).copied().unwrap_or_default();
        if let Some(told) = word.sold_out.or(word.expired).or(word.canceled) {
            let message = format!("{name} is booked after its guest was told that it never will be");
            return Err(Violation::new(NAME, message, [told, change.number]));
        }
        let placed = books.order(id).zip(books.reservation(id));
        match placed {
            Some((placed, made))
                if (placed.order.guest, placed.order.stay) != (made.order.guest, made.order.stay) =>
            {
                let message =
                    format!("{name} is not for the guest and the stay that were ordered under its id");
                Err(Violation::new(NAME, message, [placed.placed, change.number]))
            }
            _ => self.judge_wish(books, id),
        }
    }

    fn judge_commit(&self) -> Result<(), Violation> {
        let books = self.books.borrow();
        if books.is_repeat() {
            return Ok(());
        }
        let mut made = books.commit().reservations().iter().filter(|change| change.from.is_none());
        made.try_for_each(|change| self.judge_made(&books, change))
    }

    fn settle(&mut self, number: u64, intent: Intent) {
        for id in self.wishes.remove(&intent).into_iter().flat_map(|wish| wish.ids) {
            self.intents.remove(&id);
            self.words.entry(id).or_default().settled.get_or_insert(number);
        }
    }

    /// Whether a reservation, or its absence, is in the calm what its guest was told.
    fn judge_rest(&self, id: ReservationId, word: &Word, status: Option<Status>) -> Option<String> {
        let name = ReservationName(id);
        let live = status.is_some_and(Status::is_live);
        match (word.booked, word.canceled) {
            (_, Some(_)) if live => {
                Some(format!("{name} is live, and its guest was told that it is canceled"))
            }
            (None, _) if live => {
                Some(format!("{name} is live, and its guest was never told that it is booked"))
            }
            (Some(_), None) if status != Some(Status::Paid) && (word.cancel_asked.is_none() || live) => {
                Some(format!("{name} is not paid, and its guest was told that it is booked"))
            }
            _ => None,
        }
    }
}

impl Monitor<Fact> for NoDoubleBooking {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::Asked { intent, reservation: Some(id), operation, request, .. } => {
                self.asked(stamp, *intent, *id, (*operation, *request));
                self.link(*intent, *id)
            }
            Fact::Told { intent, reservation, answer, request, .. } => {
                if let Answer::Ordered(id, _) = answer {
                    self.link(*intent, *id)?;
                }
                let Some(id) = reservation else { return Ok(()) };
                self.told(stamp.number, *intent, *id, (answer, *request))?;
                self.link(*intent, *id)
            }
            Fact::Committed { .. } => self.judge_commit(),
            Fact::Settled { intent, .. } => {
                self.settle(stamp.number, *intent);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        let books = self.books.borrow();
        let silent = Word::default();
        for book in books.reservations() {
            let word = self.words.get(&book.order.id).unwrap_or(&silent);
            if let Some(message) = self.judge_rest(book.order.id, word, Some(book.status)) {
                let told = word.booked.into_iter().chain(word.canceled).chain(word.settled);
                return Err(Violation::new(NAME, message, told.chain([book.made, book.changed])));
            }
        }
        for (id, word) in &self.words {
            if books.reservation(*id).is_none()
                && let Some(message) = self.judge_rest(*id, word, None)
            {
                return Err(Violation::new(NAME, message, word.booked.into_iter().chain(word.settled)));
            }
        }
        Ok(())
    }
}
