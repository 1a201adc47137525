//! `ledger-balances`: after every commit `total_reserved` of a night is the sum of the rooms of the live
//! reservations that cover it, and never negative.
//!
//! Example: reservations 1 and 2 take one room each of a night; both servers read 0 and write 1. The second
//! commit breaks it: the column says 1, the reservations hold 2.
//!
//! Broken by: a lost update (the strategies `unprotected` and `timestamp`, a lease without fencing); a version
//! clause forgotten on cancel; nights given back twice.

use super::books::SharedBooks;
use super::wording::NightName;
use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::reservation::facts::Fact;

/// Balances the nights of every commit.
#[derive(Debug)]
pub struct LedgerBalances {
    books: SharedBooks,
}

impl LedgerBalances {
    /// Judges by these books.
    pub fn new(books: SharedBooks) -> LedgerBalances {
        LedgerBalances { books }
    }
}

impl Monitor<Fact> for LedgerBalances {
    fn name(&self) -> &'static str {
        "ledger-balances"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::Committed { .. } = fact else { return Ok(()) };
        let books = self.books.borrow();
        if books.is_repeat() {
            return Ok(());
        }
        let commit = books.commit();
        let unbalanced = commit
            .nights()
            .iter()
            .find(|change| change.total_reserved != change.live_rooms || change.total_reserved < 0);
        let Some(change) = unbalanced else { return Ok(()) };
        let message = format!(
            "{} has {} rooms taken by its column and {} by its live reservations",
            NightName(change.night),
            change.total_reserved,
            change.live_rooms,
        );
        let rows = change.rows.into_iter().flatten();
        let facts = rows.chain(books.live_facts(change.night)).chain(commit.reservation_facts());
        Err(Violation::new(self.name(), message, facts.chain([stamp.number])))
    }
}
