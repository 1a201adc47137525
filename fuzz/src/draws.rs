//! Draws for scenarios: what a seed stands for, each draw keyed by name, so that adding one leaves the
//! others as they were.

use rehearsal_sim::{Decider, Question, Seeded, Site, Span};

/// A source of keyed draws.
#[derive(Clone, Debug)]
pub struct Draws {
    decider: Seeded,
    path: u64,
    ordinal: u32,
}

impl Draws {
    /// The draws of a seed.
    pub fn of(seed: u64) -> Draws {
        Draws { decider: Seeded::new(seed), path: 0, ordinal: 0 }
    }

    /// The draws of a named part, independent of every other part's.
    pub fn part(&self, name: &str, number: u64) -> Draws {
        let word = name.bytes().fold(self.path ^ 0xcbf2_9ce4_8422_2325, |word, byte| {
            (word ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Draws {
            decider: self.decider,
            path: word.rotate_left(29) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            ordinal: 0,
        }
    }

    /// A number of `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.ordinal += 1;
        let question = Question { cause: self.path, entity: 0, site: Site::Scenario, ordinal: self.ordinal };
        self.decider.value(question, low, high)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.between(0, bound - 1)
    }

    /// True in so many of 100 cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// The share of rare branches that a scenario takes, out of 100,000: none in half of the seeds.
    pub fn rarely(&self) -> u32 {
        let mut draws = self.part("rarely", 0);
        if draws.percent(50) { 0 } else { *draws.pick(&[500, 2_000, 10_000, 30_000]) }
    }

    /// A span between two.
    pub fn span(&mut self, low: Span, high: Span) -> Span {
        Span(self.between(low.0, high.0))
    }

    /// A span between two, in whole milliseconds, as people would write it.
    pub fn millis(&mut self, low: u64, high: u64) -> Span {
        Span::millis(self.between(low, high))
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }
}
