//! `watch-tells-all`: whoever watches is told every change of its keys after the revision that it names, in order and
//! once, and none for longer than [`BOUND`] once the faults are over. *Global*, and in the end: *final*.
//!
//! That a read after a watch sees what the watch told is for
//! [`coordination-linearizes`](super::coordination_linearizes), to which a watch is an operation like others.
//!
//! Broken by: a client that begins anew when its connection was lost.

use super::coordination_book::SharedCoordination;
use crate::Monitor;
use rehearsal_env::{Stamp, Time, Violation};
use rehearsal_model::coordination::{Happening, Outcome, Request, Response};
use rehearsal_model::queue::facts::Fact;
use std::time::Duration;

const NAME: &str = "watch-tells-all";

/// How late a change is told at most, while the service is there.
pub const BOUND: Duration = Duration::from_secs(10);

/// Compares.
#[derive(Debug)]
pub struct WatchTellsAll {
    book: SharedCoordination,
    calm_begins: Time,
}

impl WatchTellsAll {
    /// Judges this history, of a run whose calm begins at this time.
    pub fn new(book: SharedCoordination, calm_begins: Time) -> WatchTellsAll {
        WatchTellsAll { book, calm_begins }
    }
}

impl Monitor<Fact> for WatchTellsAll {
    fn name(&self) -> &'static str {
        NAME
    }

    fn witness(&mut self, stamp: &Stamp, fact: &Fact) -> Result<(), Violation> {
        let Fact::Coordination(happening) = fact else { return Ok(()) };
        let Happening::Returned {
            outcome: Outcome::Answered(Response::Changes { changes: told, through }),
            ..
        } = &**happening
        else {
            return Ok(());
        };
        let book = self.book.borrow();
        let Some(operation) = book.finished() else { return Ok(()) };
        let Request::Watch { prefix, since } = &operation.request else { return Ok(()) };
        let due = book.between(prefix, *since, *through);
        if *told == due {
            return Ok(());
        }
        let missed = due.iter().find(|change| !told.contains(change));
        let (message, first) = match missed {
            Some(change) => {
                let told = book.revisions()[&change.revision].first.number;
                let message = format!(
                    "who watched since revision {since} was told up to {through}, and not that {} changed by {}",
                    change.key, change.revision
                );
                (message, Some(told))
            }
            None => (format!("who watched since revision {since} was told what did not happen so"), None),
        };
        let facts = first.into_iter().chain([operation.asked.number, stamp.number]);
        Err(Violation::new(NAME, message, facts))
    }

    fn conclude(&self, end: Time) -> Result<(), Violation> {
        let book = self.book.borrow();
        for operation in book.waiting() {
            let Request::Watch { prefix, since } = &operation.request else { continue };
            let due = book.between(prefix, *since, book.newest()).into_iter();
            for change in due {
                let told = book.revisions()[&change.revision].first;
                let begin = told.time.max(operation.asked.time).max(self.calm_begins);
                // One that never came up again, since its disk is not to be read, waits for nothing.
                let lives = book.last_heard(operation.asked.node) > begin;
                if lives && end.since(begin.min(end)) > BOUND {
                    let message = format!(
                        "who watches since revision {since} was not told that {} changed by {}",
                        change.key, change.revision
                    );
                    return Err(Violation::new(NAME, message, [told.number, operation.asked.number]));
                }
            }
        }
        Ok(())
    }

    fn is_at_rest(&self, now: Time) -> bool {
        self.conclude(now + BOUND).is_ok()
    }
}
