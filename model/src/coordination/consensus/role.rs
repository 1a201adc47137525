//! What a member is at the moment, and what it must know to be that. All of it is forgotten at a crash.

use super::step::{Index, MemberId, ReadId};
use std::collections::{BTreeMap, BTreeSet};

/// What a member is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// It does as the leader says, once it has heard of one.
    Follower { leader: Option<MemberId> },
    /// It wants to lead, and has these votes.
    Candidate { votes: BTreeSet<MemberId> },
    /// It leads.
    Leader(Leader),
}

/// What a leader knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leader {
    /// How far each of the others has come.
    pub followers: BTreeMap<MemberId, Progress>,
    /// The first entry of its term. Until that is committed it does not know what was committed before it.
    pub first: Index,
    /// How often it has asked whether it still leads.
    pub round: u32,
    /// Reads that wait.
    pub reads: Vec<WaitingRead>,
    /// Who was heard of lately.
    pub heard: BTreeSet<MemberId>,
}

/// How far a follower has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    /// Surely so far, on its disk.
    pub matched: Index,
    /// What to send next.
    pub next: Index,
    /// The last round in which it said that the leader leads.
    pub round: u32,
}

/// A read that came to a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WaitingRead {
    /// Which.
    pub read: ReadId,
    /// What may have been answered before the read came is up to here.
    pub index: Index,
    /// Whoever takes part in this round or a later one has not followed another leader before the read came.
    pub round: u32,
}

impl Leader {
    /// One that has won an election, with a log that ends before `first`.
    pub fn new(followers: impl Iterator<Item = MemberId>, first: Index) -> Leader {
        let progress = Progress { matched: Index(0), next: first, round: 0 };
        let followers = followers.map(|follower| (follower, progress.clone())).collect();
        Leader { followers, first, round: 0, reads: Vec::new(), heard: BTreeSet::new() }
    }

    /// The farthest place that a majority has reached, the leader among them with what is on its own disk.
    pub fn majority_has(&self, own: Index) -> Index {
        let mut reached: Vec<Index> = self.followers.values().map(|progress| progress.matched).collect();
        reached.push(own);
        reached.sort_unstable();
        reached[(reached.len() - 1) / 2]
    }

    /// Whether a majority, the leader among them, took part in this round or a later one.
    pub fn is_confirmed(&self, round: u32) -> bool {
        let with_it = self.followers.values().filter(|progress| progress.round >= round).count() + 1;
        with_it * 2 > self.followers.len() + 1
    }
}
