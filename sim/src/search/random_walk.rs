//! A walk that is near to uniform over whole interleavings, and not over single steps.
//!
//! If every step is chosen with equal chances, an order in which somebody with one step to go waits for somebody with
//! forty has a chance of one in 2⁴⁰, though it is one of 41. Choosing each with a chance in proportion to the steps it has
//! before it makes all orders equally likely. How many those are nobody knows beforehand; who has taken many steps is taken to
//! have many before it.

use super::searching::Order;
use super::uniform::Uniform;
use super::window::Candidate;
use crate::upcoming::Subject;
use std::collections::BTreeMap;

/// The walk of a seed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RandomWalk {
    coins: Uniform,
    /// The steps of each subject so far.
    taken: BTreeMap<Subject, u64>,
}

impl RandomWalk {
    /// The walk of a seed.
    pub fn new(seed: u64) -> RandomWalk {
        RandomWalk { coins: Uniform::new(seed), taken: BTreeMap::new() }
    }

    fn weight(&self, candidate: &Candidate) -> u64 {
        1 + self.taken.get(&candidate.subject).copied().unwrap_or(0)
    }
}

impl Order for RandomWalk {
    fn pick(&mut self, candidates: &[Candidate]) -> usize {
        let total = candidates.iter().map(|candidate| self.weight(candidate)).sum();
        let mut drawn = self.coins.below(total);
        let falls_here = |candidate: &Candidate| match drawn.checked_sub(self.weight(candidate)) {
            Some(rest) => {
                drawn = rest;
                false
            }
            None => true,
        };
        let picked = candidates.iter().position(falls_here).expect("what is drawn lies below the sum");
        *self.taken.entry(candidates[picked].subject).or_default() += 1;
        picked
    }
}
