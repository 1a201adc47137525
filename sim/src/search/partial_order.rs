//! Random priorities of single events and wakes; after each step, those of what it raced with are drawn anew.
//!
//! Two events race when they happen at one node: in which order others happen cannot be told afterwards. So all orders that
//! can be told apart are sampled more evenly than by a coin for each step (Yuan, Yang, Gu, CAV 2018).

use super::searching::Order;
use super::window::Candidate;
use crate::mixing::mix;
use rehearsal_env::NodeId;
use std::collections::BTreeMap;

/// The priorities of a seed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PartialOrder {
    seed: u64,
    /// What has happened at each node so far: with each more, the priorities of what is pending there change.
    happened: BTreeMap<Option<NodeId>, u64>,
}

impl PartialOrder {
    /// The priorities of a seed.
    pub fn new(seed: u64) -> PartialOrder {
        PartialOrder { seed, happened: BTreeMap::new() }
    }

    fn priority(&self, candidate: &Candidate) -> u64 {
        let drawn = self.happened.get(&candidate.node).copied().unwrap_or(0);
        mix(self.seed ^ drawn.rotate_left(32), candidate.id.0)
    }
}

impl Order for PartialOrder {
    fn pick(&mut self, candidates: &[Candidate]) -> usize {
        let highest = (0..candidates.len()).max_by_key(|index| self.priority(&candidates[*index]));
        let picked = highest.expect("something may go");
        *self.happened.entry(candidates[picked].node).or_default() += 1;
        picked
    }
}
