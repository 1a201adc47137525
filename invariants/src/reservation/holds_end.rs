//! `holds-end`: in the calm no reservation is pending for longer than its hold and one round of the sweeper.
//!
//! Example: hold 10 min, round 1 min. A reservation made at 00:00 that is still pending at 00:11 breaks
//! it; at 00:10 the sweeper may still be on its way.
//!
//! Broken by: a payment step that nobody takes up after a crash, and no sweeper.

use super::books::SharedBooks;
use super::rules::Rules;
use super::wording::ReservationName;
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::reservation::facts::Fact;
use rehearsal_model::reservation::stay::Status;

/// Looks at what is pending at the end.
#[derive(Debug)]
pub struct HoldsEnd {
    books: SharedBooks,
    rules: Rules,
}

impl HoldsEnd {
    /// Judges by the hold and the round of these rules.
    pub fn new(books: SharedBooks, rules: Rules) -> HoldsEnd {
        HoldsEnd { books, rules }
    }
}

impl Monitor<Fact> for HoldsEnd {
    fn name(&self) -> &'static str {
        "holds-end"
    }

    fn witness(&mut self, _stamp: &Stamp, _fact: &Fact) -> Result<(), Violation> {
        Ok(())
    }

    fn conclude(&self, end: Time) -> Result<(), Violation> {
        let books = self.books.borrow();
        let longest = self.rules.hold + self.rules.round;
        let overdue = books
            .reservations()
            .find(|book| book.status == Status::Pending && end.since(book.made_at) > longest);
        let Some(book) = overdue else { return Ok(()) };
        let pending = end.since(book.made_at);
        let message = format!(
            "{} is pending for {pending:?}, longer than a hold and a round, {longest:?}",
            ReservationName(book.order.id)
        );
        Err(Violation::new(self.name(), message, [book.made, book.changed]))
    }

    fn is_at_rest(&self, now: Time) -> bool {
        self.conclude(now + self.rules.hold + self.rules.round).is_ok()
    }
}
