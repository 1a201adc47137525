//! `all-nights-or-none`: no stay holds some of its nights. The commit that makes a reservation raises every night
//! of its stay by its rooms, the commit that ends a live one lowers every night by them, and no
//! other commit raises or lowers a night.
//!
//! Example: a stay of the nights 5 and 6. A commit with `Booked` and only night 5 raised breaks it; so does a
//! commit that raises night 5 without any reservation, even if the next one brings the rest, for a crash
//! may come between the two.
//!
//! Broken by: nights in separate transactions; a commit after a failed `CHECK`.

use super::books::SharedBooks;
use super::wording::NightName;
use crate::Monitor;
use rehearsal_env::{Stamp, Violation};
use rehearsal_model::reservation::facts::Fact;

/// Compares what every commit did to the nights with what it did to the reservations.
#[derive(Debug)]
pub struct AllNightsOrNone {
    books: SharedBooks,
}

impl AllNightsOrNone {
    /// Judges by these books.
    pub fn new(books: SharedBooks) -> AllNightsOrNone {
        AllNightsOrNone { books }
    }
}

impl Monitor<Fact> for AllNightsOrNone {
    fn name(&self) -> &'static str {
        "all-nights-or-none"
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::Committed { position } = fact else { return Ok(()) };
        let books = self.books.borrow();
        if books.is_repeat() {
            return Ok(());
        }
        let commit = books.commit();
        let Some(change) = commit.nights().iter().find(|change| change.column_rise != change.live_rise)
        else {
            return Ok(());
        };
        let message = format!(
            "commit {} changes {} by {:+} rooms where its reservations make it {:+}: a stay holds some of its nights",
            position.0,
            NightName(change.night),
            change.column_rise,
            change.live_rise,
        );
        let rows = commit.nights().iter().filter(|change| change.column_rise != 0);
        let facts = rows.filter_map(|change| change.rows[0]).chain(commit.reservation_facts());
        Err(Violation::new(self.name(), message, facts.chain([stamp.number])))
    }
}
