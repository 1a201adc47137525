//! How far a search goes, and with which rules.

use rehearsal_model::coordination::consensus::MemberId;
use rehearsal_model::queue::defects::{Defect, Defects};

/// How far a search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Members.
    pub members: u8,
    /// Terms.
    pub terms: u8,
    /// Proposals that leaders take in all.
    pub proposals: u8,
    /// Reads that leaders take in all.
    pub reads: u8,
    /// Crashes in all.
    pub crashes: u8,
    /// Messages on their way at once.
    pub messages: u8,
}

/// What is searched.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// How far.
    pub bounds: Bounds,
    /// The rules that are removed.
    pub defects: Defects,
    /// Whether steps and differences are left out that cannot matter. Without, a search is far longer, and must come to
    /// the same verdict.
    pub reduced: bool,
}

impl Setup {
    /// All members.
    pub fn members(&self) -> impl Iterator<Item = MemberId> + use<> {
        (0..self.bounds.members).map(MemberId)
    }

    /// Whether one of these rules is removed.
    pub fn lacks(&self, rules: &[Defect]) -> bool {
        rules.iter().any(|rule| self.defects.has(*rule))
    }

    /// Whether it makes a difference when somebody syncs who does not lead. What it has to say waits for its disk, so a
    /// message that is taken and not synced might as well still be on its way.
    pub fn syncs_matter(&self) -> bool {
        !self.reduced || self.lacks(&[Defect::VoteNotSynced, Defect::AppendsAnsweredBeforeSync])
    }
}
