//! The lender of one group: point-to-point delivery, in which a message is lent to one consumer, and removed from the group
//! when that one acknowledges it (KIP-932's share groups; the time of a loan is what Amazon SQS calls the visibility
//! timeout).
//!
//! ```text
//!              asked for          on the log                  acknowledged        on the log
//!   Available ──────────▶ Lending ──────────▶ Lent ───────────────────▶ Acknowledging ──────▶ Acknowledged
//!       ▲                    │ not on the log  │ given back, or its time is out     │ not on the log
//!       └────────────────────┴─────────────────┘◀───────────────────────────────────┘
//! ```
//!
//! - A loan is on the log before the borrower hears of it: the next lender knows that the message is out.
//! - An acknowledgement counts only under the loan that stands, and is answered when it is on the log. One that comes when
//!   the loan has run out does nothing, whether the message is lent again by then or not.
//! - Nobody knows how much of a loan's time went by under an earlier lender: a new one gives each its whole time.
//!
//! What is lent are offsets: consumers read what stands there from the partition's replicas, and say where the readable
//! part ends. So the lender depends on no other broker. Some offsets hold nothing for the group (another tag, or nothing
//! that retention has left); consumers acknowledge those like all others.

mod entry;
mod shelf;
mod step;

pub use entry::{LendingEntry, LoanNumber};
pub use shelf::{Shelf, State};
pub use step::{Answer, Held, Input, Output, Refusal, RequestId, WriteId};

use super::defects::{Defect, Defects};
use super::offset::Offset;
use super::partition::Partition;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The lender of one group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lender {
    /// How long a loan lasts, from when it is on the log.
    time: Duration,
    defects: Defects,
    shelves: BTreeMap<Partition, Shelf>,
    /// The loans whose time is not out, and their partitions.
    standing: BTreeMap<LoanNumber, Partition>,
    /// The newest that was given to the log.
    newest: LoanNumber,
    writes: u64,
    writing: BTreeMap<WriteId, Write>,
}

/// What is on its way to the log, and who waits for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Write {
    Loan { request: RequestId, loan: LoanNumber, partition: Partition, offsets: BTreeSet<Offset> },
    Acknowledgement { request: RequestId, held: Held },
}

impl Lender {
    /// One who has lent nothing yet. A loan of its lasts `time`.
    pub fn new(time: Duration, defects: Defects) -> Lender {
        let (shelves, standing, writing) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Lender { time, defects, shelves, standing, newest: LoanNumber::default(), writes: 0, writing }
    }

    /// The lender after these entries, all that were persisted, in the order of the log. Every loan that nothing is known
    /// to have ended has its whole time again. To be called in a new leader's time alone, so that its predecessor
    /// persists nothing more.
    pub fn recover(
        time: Duration,
        defects: Defects,
        entries: impl IntoIterator<Item = LendingEntry>,
        out: &mut Vec<Output>,
    ) -> Lender {
        let mut lender = Lender::new(time, defects);
        for entry in entries {
            match entry {
                LendingEntry::Lent { loan, partition, offsets } => {
                    lender.newest = lender.newest.max(loan);
                    let shelf = lender.shelves.entry(partition).or_default();
                    shelf.extend(offsets.last().map_or(Offset::ZERO, |last| last.plus(1)));
                    shelf.lent(&offsets, loan);
                }
                LendingEntry::Acknowledged(Held { partition, offset, .. }) => {
                    lender.shelves.entry(partition).or_default().remove(offset);
                }
            }
        }
        for (partition, shelf) in &lender.shelves {
            lender.standing.extend(shelf.loans().into_iter().map(|loan| (loan, *partition)));
        }
        out.extend(lender.standing.keys().map(|loan| Output::SetTimer(*loan, time)));
        lender
    }

    /// The messages of each partition that anything was asked of.
    pub fn shelves(&self) -> &BTreeMap<Partition, Shelf> {
        &self.shelves
    }

    /// The loans of a partition whose time is not out.
    pub fn standing(&self, partition: Partition) -> BTreeSet<LoanNumber> {
        self.standing.iter().filter(|(_, of)| **of == partition).map(|(loan, _)| *loan).collect()
    }

    /// Takes one input. What is to be done about it is added to `out`, in the order in which to do it.
    pub fn step(&mut self, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Borrow { request, partition, end, most } => {
                self.borrow(request, partition, end, most, out);
            }
            Input::Acknowledge { request, held } => self.acknowledge(request, held, out),
            Input::GiveBack { request, held } => {
                let shelf = self.shelves.entry(held.partition).or_default();
                let result = shelf.give_back(held.offset, held.loan).map(|()| Answer::GivenBack);
                self.end_if_nothing_is_out(held, out);
                out.push(Output::Answer { request, result });
            }
            Input::Persisted(write) => self.persisted(write, out),
            Input::NotPersisted(write) => self.not_persisted(write, out),
            Input::RanOut(loan) => {
                if let Some(partition) = self.standing.remove(&loan) {
                    let offsets = self.shelves.entry(partition).or_default().end(loan);
                    if !offsets.is_empty() {
                        out.push(Output::Returned { loan, partition, offsets });
                    }
                }
            }
        }
    }

    fn borrow(
        &mut self,
        request: RequestId,
        partition: Partition,
        end: Offset,
        most: u32,
        out: &mut Vec<Output>,
    ) {
        let shelf = self.shelves.entry(partition).or_default();
        shelf.extend(end);
        let offsets = shelf.choose(most, self.defects);
        if offsets.is_empty() {
            out.push(Output::Answer { request, result: Ok(Answer::Nothing) });
            return;
        }
        let loan = LoanNumber(self.newest.0 + 1);
        self.newest = loan;
        shelf.lend(&offsets, loan);
        let entry = LendingEntry::Lent { loan, partition, offsets: offsets.clone() };
        self.persist(entry, Write::Loan { request, loan, partition, offsets }, out);
    }

    fn acknowledge(&mut self, request: RequestId, held: Held, out: &mut Vec<Output>) {
        let Held { partition, offset, loan } = held;
        match self.shelves.entry(partition).or_default().acknowledge(offset, loan, self.defects) {
            Ok(()) => {
                if self.defects.has(Defect::AcknowledgedBeforeWritten) {
                    out.push(Output::Answer { request, result: Ok(Answer::Acknowledged) });
                }
                let write = Write::Acknowledgement { request, held };
                self.persist(LendingEntry::Acknowledged(held), write, out);
            }
            Err(refusal) => out.push(Output::Answer { request, result: Err(refusal) }),
        }
    }

    fn persist(&mut self, entry: LendingEntry, what: Write, out: &mut Vec<Output>) {
        self.writes += 1;
        let write = WriteId(self.writes);
        self.writing.insert(write, what);
        out.push(Output::Persist { write, entry });
    }

    fn persisted(&mut self, write: WriteId, out: &mut Vec<Output>) {
        match self.writing.remove(&write) {
            Some(Write::Loan { request, loan, partition, offsets }) => {
                let messages = self.shelves.entry(partition).or_default().lent(&offsets, loan);
                self.standing.insert(loan, partition);
                out.push(Output::SetTimer(loan, self.time));
                out.push(Output::Answer { request, result: Ok(Answer::Lent { loan, messages }) });
            }
            Some(Write::Acknowledgement { request, held }) => {
                self.shelves.entry(held.partition).or_default().remove(held.offset);
                out.push(Output::Removed(held));
                self.end_if_nothing_is_out(held, out);
                out.push(Output::Answer { request, result: Ok(Answer::Acknowledged) });
            }
            None => {}
        }
    }

    fn not_persisted(&mut self, write: WriteId, out: &mut Vec<Output>) {
        let request = match self.writing.remove(&write) {
            Some(Write::Loan { request, loan, partition, offsets }) => {
                self.shelves.entry(partition).or_default().not_lent(&offsets, loan);
                request
            }
            Some(Write::Acknowledgement { request, held: Held { partition, offset, loan } }) => {
                let stands = self.standing.contains_key(&loan);
                self.shelves.entry(partition).or_default().not_removed(offset, loan, stands);
                request
            }
            None => return,
        };
        out.push(Output::Answer { request, result: Err(Refusal::NotPersisted) });
    }

    fn end_if_nothing_is_out(&mut self, Held { partition, loan, .. }: Held, out: &mut Vec<Output>) {
        let shelf = self.shelves.entry(partition).or_default();
        if !shelf.has_out(loan) && self.standing.remove(&loan).is_some() {
            out.push(Output::CancelTimer(loan));
        }
    }
}

#[cfg(test)]
mod tests;
