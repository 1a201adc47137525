//! The broker's end of a subscription.

use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;
use std::collections::BTreeMap;

/// What was pushed in one subscription, and how much more may be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outflow {
    credit: u64,
    defects: Defects,
    next: Offset,
    pushed: u64,
    /// What was pushed and is not worked through: what each push costs.
    outstanding: BTreeMap<u64, u64>,
}

impl Outflow {
    /// One that begins at `offset`, with credit for so many bytes.
    pub fn new(offset: Offset, credit: u32, defects: Defects) -> Outflow {
        Outflow { credit: u64::from(credit), defects, next: offset, pushed: 0, outstanding: BTreeMap::new() }
    }

    /// Where the next push begins.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// The number of the last push, 0 before the first.
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// How many bytes are left of the credit.
    pub fn room(&self) -> u64 {
        match self.defects.has(Defect::PushesWithoutCredit) {
            true => self.credit,
            false => self.credit.saturating_sub(self.outstanding.values().sum()),
        }
    }

    /// Whether a push that costs so much may go now. The first of all that is outstanding may always: nothing that stands
    /// in the log is too large to be had.
    pub fn admits(&self, cost: u64) -> bool {
        self.outstanding.is_empty() || cost <= self.room()
    }

    /// Everything up to `next` is pushed, at this cost: under which number.
    pub fn push(&mut self, cost: u64, next: Offset) -> u64 {
        self.pushed += 1;
        self.outstanding.insert(self.pushed, cost);
        self.next = next;
        self.pushed
    }

    /// The consumer has worked through everything up to this number.
    pub fn worked_through(&mut self, through: u64) {
        self.outstanding = self.outstanding.split_off(&through.saturating_add(1));
    }
}
