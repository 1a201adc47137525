//! The counter's core: which request is counted, and when it may be answered.

use super::defects::Defects;
use super::entry::Entry;
use super::messages::{Add, Added, Request};
use std::collections::BTreeMap;

/// What the server knows of the counter. An entry counts once it is persisted, and not before: what is only
/// written may be gone with the next crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    total: u64,
    totals: BTreeMap<Request, u64>,
    defects: Defects,
}

/// What is to be done about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// It was counted before: give the same answer again.
    Answer(Added),
    /// Write this entry, and say when it is persisted.
    Write(Entry),
}

impl Ledger {
    /// A ledger of what was found on disk.
    pub fn recovered(entries: &[Entry], defects: Defects) -> Ledger {
        let mut ledger = Ledger { defects, ..Ledger::default() };
        for entry in entries {
            ledger.persisted(entry);
        }
        ledger
    }

    /// A request has come.
    pub fn receive(&self, add: &Add) -> Step {
        match self.totals.get(&add.request) {
            Some(total) if !self.defects.forgets_duplicates => {
                Step::Answer(Added { request: add.request, total: *total })
            }
            _ => {
                let total = self.total + u64::from(add.amount);
                Step::Write(Entry { request: add.request, amount: add.amount, total })
            }
        }
    }

    /// The entry is sure to survive: it counts, and this is the answer to give.
    pub fn persisted(&mut self, entry: &Entry) -> Added {
        self.total = entry.total;
        self.totals.insert(entry.request, entry.total);
        Added { request: entry.request, total: entry.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(number: u32, attempt: u32) -> Add {
        Add { request: Request { client: 0, number }, attempt, amount: 3 }
    }

    fn count(ledger: &mut Ledger, number: u32) -> Entry {
        let Step::Write(entry) = ledger.receive(&add(number, 0)) else { panic!("counted already") };
        ledger.persisted(&entry);
        entry
    }

    #[test]
    fn a_request_that_comes_again_gets_its_first_answer() {
        let mut ledger = Ledger::default();
        count(&mut ledger, 0);
        count(&mut ledger, 1);
        let first = Added { request: add(0, 1).request, total: 3 };
        assert_eq!(ledger.receive(&add(0, 1)), Step::Answer(first));
    }

    #[test]
    fn nothing_counts_before_it_is_persisted() {
        let ledger = Ledger::default();
        let written = ledger.receive(&add(0, 0));
        assert_eq!(ledger.receive(&add(0, 1)), written, "the first writing may have failed");
    }

    #[test]
    fn recovery_knows_what_was_counted() {
        let mut ledger = Ledger::default();
        let entries = [count(&mut ledger, 0), count(&mut ledger, 1)];
        assert_eq!(Ledger::recovered(&entries, Defects::default()), ledger);
    }

    #[test]
    fn the_defect_counts_a_request_as_often_as_it_comes() {
        let defects = Defects { forgets_duplicates: true, ..Defects::default() };
        let mut ledger = Ledger::recovered(&[], defects);
        assert_eq!([count(&mut ledger, 0).total, count(&mut ledger, 0).total], [3, 6]);
    }
}
