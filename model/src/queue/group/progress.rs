//! How far a consumer is in one partition.
//!
//! ```text
//!   after processing:   committed ≤ processed ≤ fetched     begins: processed .. fetched    commits: processed
//!   before processing:  processed ≤ committed ≤ fetched     begins: processed .. committed  commits: fetched
//! ```

use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::Offset;

/// When a consumer commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CommitRule {
    /// A record is begun only when the commit behind it is confirmed: each at most once.
    BeforeProcessing,
    /// Only what is processed is committed: each at least once.
    AfterProcessing,
    /// What is processed is committed by the transaction that holds what came of it: nothing is committed here.
    WithTransaction,
}

/// How far a consumer is in one partition. Each number says that everything before it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Progress {
    fetched: Offset,
    processed: Offset,
    /// Confirmed by the coordinator, or where it began.
    committed: Offset,
    /// The commit that was asked for and is neither confirmed nor refused.
    asked: Option<Offset>,
}

impl Progress {
    /// From here on. Nothing is to be committed until there is something new.
    pub fn from(start: Offset) -> Progress {
        Progress { fetched: start, processed: start, committed: start, asked: None }
    }

    /// From here on, which is to be committed; after a commit that is under way, or that might overtake it.
    #[must_use]
    pub fn reset(self, start: Offset) -> Progress {
        Progress { committed: Offset::ZERO, asked: self.asked, ..Progress::from(start) }
    }

    /// From there again, or from where it is if that is before. What is processed from then on is to be committed.
    #[must_use]
    pub(super) fn back_to(self, start: Offset) -> Progress {
        let to = start.min(self.processed);
        Progress { fetched: to, processed: to, committed: self.committed.min(to), asked: None }
    }

    /// Whether a commit is under way.
    pub(super) fn is_committing(&self) -> bool {
        self.asked.is_some()
    }

    /// Where to fetch.
    pub fn position(&self) -> Offset {
        self.fetched
    }

    /// Everything before it is processed, or was so before this consumer began.
    pub fn processed(&self) -> Offset {
        self.processed
    }

    /// An answer to a fetch from `from` came; the next fetch is from `next`. Says whether it is the next piece: if not
    /// it is to be thrown away.
    pub(super) fn fetch(&mut self, from: Offset, next: Offset) -> bool {
        let fits = from == self.fetched && next >= from;
        if fits {
            self.fetched = next;
        }
        fits
    }

    /// Whether the record at this offset may be begun.
    pub(super) fn begins(&self, offset: Offset, rule: CommitRule, defects: Defects) -> bool {
        let until = match rule {
            CommitRule::BeforeProcessing if !defects.has(Defect::BeginsBeforeConfirmed) => {
                self.committed.min(self.fetched)
            }
            _ => self.fetched,
        };
        (self.processed..until).contains(&offset)
    }

    /// Everything before `next` is processed.
    pub(super) fn process(&mut self, next: Offset) {
        self.processed = self.processed.max(next.min(self.fetched));
    }

    /// What to commit, if there is anything new and no other commit under way: a confirmation that is always overtaken by
    /// the next commit would never count.
    pub(super) fn commit_due(&mut self, rule: CommitRule, defects: Defects) -> Option<Offset> {
        let due = match rule {
            CommitRule::AfterProcessing if !defects.has(Defect::CommitsBeforeProcessing) => self.processed,
            _ => self.fetched,
        };
        let is_wanted = rule != CommitRule::WithTransaction && self.asked.is_none() && due > self.committed;
        is_wanted.then(|| *self.asked.insert(due))
    }

    /// A commit of this offset was confirmed or not. One that was asked for before a seek counts for nothing.
    pub(super) fn committed(&mut self, offset: Offset, confirmed: bool) {
        if self.asked == Some(offset) {
            self.asked = None;
            if confirmed {
                self.committed = offset;
            }
        }
    }
}
