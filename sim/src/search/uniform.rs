//! Anything that may go, with equal chances.

use super::searching::Order;
use super::window::Candidate;
use crate::mixing::{mix, scale};

/// A coin for each step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uniform {
    seed: u64,
    steps: u64,
}

impl Uniform {
    /// The coins of a seed.
    pub fn new(seed: u64) -> Uniform {
        Uniform { seed, steps: 0 }
    }

    /// A number below `bound` for this step.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.steps += 1;
        scale(mix(self.seed, self.steps), bound)
    }
}

impl Order for Uniform {
    fn pick(&mut self, candidates: &[Candidate]) -> usize {
        self.below(candidates.len() as u64) as usize
    }
}
