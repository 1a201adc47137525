//! `acknowledged-survives`: what a guest was told is booked or canceled is so after any crash of the database. Of an
//! id told booked there is a reservation that was paid: it is paid still, or was canceled since. An id told
//! canceled holds no nights. And no commit that was durable is missing from what a restart finds.
//!
//! Judged for all that was told whenever the database has come up again, for each answer that comes after the
//! first such restart at once, and for all at the end.
//!
//! Example: a guest is told that reservation 9 is booked, the database crashes, and its log, read again, ends
//! before the commit that paid 9.
//!
//! Broken by: an answer before the log is synced; a recovery that keeps a torn tail, and what follows it is lost.

use super::books::{Books, SharedBooks};
use super::wording::ReservationName;
use crate::Monitor;
use rehearsal_env::{Incarnation, Stamp, Time, Violation};
use rehearsal_model::database::LogPosition;
use rehearsal_model::reservation::facts::{Answer, Fact};
use rehearsal_model::reservation::stay::{ReservationId, Status};
use std::collections::BTreeMap;

const NAME: &str = "acknowledged-survives";

/// The numbers of the facts by which a guest was told.
#[derive(Clone, Copy, Debug, Default)]
struct Acknowledged {
    booked: Option<u64>,
    canceled: Option<u64>,
}

/// Remembers every final word about a stay.
#[derive(Debug)]
pub struct AcknowledgedSurvives {
    books: SharedBooks,
    told: BTreeMap<ReservationId, Acknowledged>,
    /// The number of the fact by which the database last came up again.
    restarted: Option<u64>,
}

impl AcknowledgedSurvives {
    /// Judges by these books.
    pub fn new(books: SharedBooks) -> AcknowledgedSurvives {
        AcknowledgedSurvives { books, told: BTreeMap::new(), restarted: None }
    }

    fn judge(&self, books: &Books, id: ReservationId, told: &Acknowledged) -> Result<(), Violation> {
        let name = ReservationName(id);
        let Some(book) = books.reservation(id) else {
            return match told.booked {
                Some(number) => {
                    let message = format!("a guest was told that {name} is booked, and it does not exist");
                    Err(Violation::new(NAME, message, self.restarted.into_iter().chain([number])))
                }
                None => Ok(()),
            };
        };
        let stands = match book.status {
            Status::Paid => true,
            Status::Canceled | Status::Refunded => book.paid.is_some(),
            Status::Pending | Status::Rejected => false,
        };
        let (told, word) = match (told.booked, told.canceled) {
            (_, Some(number)) if book.status.is_live() => (number, "canceled"),
            (Some(number), _) if !stands => (number, "booked"),
            _ => return Ok(()),
        };
        let message = format!("a guest was told that {name} is {word}, and it is {:?}", book.status);
        Err(Violation::new(NAME, message, self.restarted.into_iter().chain([told, book.changed])))
    }

    fn judge_all(&self) -> Result<(), Violation> {
        let books = self.books.borrow();
        self.told.iter().try_for_each(|(id, told)| self.judge(&books, *id, told))
    }

    fn hear(&mut self, stamp: &Stamp, id: ReservationId, answer: &Answer) -> Result<(), Violation> {
        let told = match answer {
            Answer::Booked => Acknowledged { booked: Some(stamp.number), canceled: None },
            Answer::Canceled => Acknowledged { booked: None, canceled: Some(stamp.number) },
            _ => return Ok(()),
        };
        let kept = self.told.entry(id).or_default();
        kept.booked = kept.booked.or(told.booked);
        kept.canceled = kept.canceled.or(told.canceled);
        if self.restarted.is_some() { self.judge(&self.books.borrow(), id, &told) } else { Ok(()) }
    }

    fn recovered(&mut self, stamp: &Stamp, through: LogPosition) -> Result<(), Violation> {
        let (newest, number) = self.books.borrow().newest();
        if through < newest {
            let message = format!(
                "commit {} was durable, and after its restart the database has commits through {} only",
                newest.0, through.0
            );
            return Err(Violation::new(NAME, message, [number, stamp.number]));
        }
        // In its first life the database comes up too, with whatever it was given.
        if stamp.incarnation > Incarnation(0) {
            self.restarted = Some(stamp.number);
            return self.judge_all();
        }
        Ok(())
    }
}

impl Monitor<Fact> for AcknowledgedSurvives {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        match fact {
            Fact::Told { reservation: Some(id), answer, .. } => self.hear(stamp, *id, answer),
            Fact::Recovered { through } => self.recovered(stamp, *through),
            _ => Ok(()),
        }
    }

    fn conclude(&self, _end: Time) -> Result<(), Violation> {
        self.judge_all()
    }
}
