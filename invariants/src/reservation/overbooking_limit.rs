//! `overbooking-limit`: no commit raises a night above `floor(total_inventory · (100 + overbooking) / 100)` rooms,
//! in integers: neither its column nor the rooms of the live reservations that cover it. Both are judged,
//! since a lost update makes the column too small, never too large.
//!
//! Example: 10 rooms and 10 percent make a limit of 11. A commit that takes the column from 11 to 12 breaks it;
//! so does one that makes a twelfth live reservation while the column says 11. A night that lies above its limit
//! since rooms were taken out of sale breaks nothing, as long as it does not rise.
//!
//! Broken by: two servers that read the same free room and both write back (the strategy `unprotected`); a limit
//! in floating point; a limit rounded up.

use super::books::SharedBooks;
use super::commit_at_hand::NightChange;
use super::rules::Rules;
use super::wording::NightName;
use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::reservation::facts::Fact;

/// Looks at the nights of every commit.
#[derive(Debug)]
pub struct OverbookingLimit {
    books: SharedBooks,
    rules: Rules,
}

impl OverbookingLimit {
    /// Judges by the limit of these rules.
    pub fn new(books: SharedBooks, rules: Rules) -> OverbookingLimit {
        OverbookingLimit { books, rules }
    }

    fn is_broken(&self, change: &NightChange) -> bool {
        let limit = self.rules.limit(change.total_inventory);
        (change.column_rise > 0 && change.total_reserved > limit)
            || (change.live_rise > 0 && change.live_rooms > limit)
    }
}

impl Monitor<Fact> for OverbookingLimit {
    fn name(&self) -> &'static str {
        "overbooking-limit"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::Committed { .. } = fact else { return Ok(()) };
        let books = self.books.borrow();
        if books.is_repeat() {
            return Ok(());
        }
        let Some(change) = books.commit().nights().iter().find(|change| self.is_broken(change)) else {
            return Ok(());
        };
        let message = format!(
            "{} is raised to {} rooms by its column and {} by its live reservations; of {} rooms {} may be sold",
            NightName(change.night),
            change.total_reserved,
            change.live_rooms,
            change.total_inventory,
            self.rules.limit(change.total_inventory),
        );
        let facts = change.rows[0].into_iter().chain(books.live_facts(change.night));
        Err(Violation::new(self.name(), message, facts.chain([stamp.number])))
    }
}
