//! What a campaign is asked to do.

use crate::scenario::Overrides;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Instant;

/// The seeds `from..to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SeedRange {
    /// The first.
    pub from: u64,
    /// The first that is not one of them.
    pub to: u64,
}

/// A seed stands in scenario files, and a whole number of TOML has 63 bits.
pub const GREATEST_SEED: u64 = i64::MAX as u64;

impl SeedRange {
    /// Every seed there is.
    pub const ENDLESS: SeedRange = SeedRange { from: 0, to: GREATEST_SEED };

    /// Whether only time can end it.
    pub fn is_endless(self) -> bool {
        self.to == GREATEST_SEED
    }

    /// How many.
    pub fn count(self) -> u64 {
        self.to - self.from
    }
}

/// So many seeds, from 0.
impl From<u64> for SeedRange {
    fn from(count: u64) -> SeedRange {
        SeedRange { from: 0, to: count }
    }
}

impl From<std::ops::Range<u64>> for SeedRange {
    fn from(seeds: std::ops::Range<u64>) -> SeedRange {
        SeedRange { from: seeds.start, to: seeds.end }
    }
}

/// A text that is no range of seeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSeeds {
    /// It cannot be read.
    #[error("`{0}` is no range of seeds: write how many, as `10000`, or from..to, as `500..1000`")]
    Unreadable(String),
    /// There is no seed in it.
    #[error("there is no seed in `{0}`: the end of a range must lie above its beginning")]
    Empty(String),
}

impl FromStr for SeedRange {
    type Err = NoSeeds;

    fn from_str(text: &str) -> Result<SeedRange, NoSeeds> {
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let number = part.parse().ok().filter(|number| digits && *number <= GREATEST_SEED);
            number.ok_or_else(|| NoSeeds::Unreadable(text.to_owned()))
        };
        let (from, to) = match text.split_once("..") {
            Some((from, to)) => (number(from)?, number(to)?),
            None => (0, number(text)?),
        };
        if from < to { Ok(SeedRange { from, to }) } else { Err(NoSeeds::Empty(text.to_owned())) }
    }
}

/// What a campaign is asked to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which seeds.
    pub seeds: SeedRange,
    /// How many threads.
    pub jobs: NonZeroUsize,
    /// When to begin no more runs.
    pub deadline: Option<Instant>,
    /// Whether to go on after a violation.
    pub keep_going: bool,
    /// If given, only what breaks this invariant is a violation; what breaks others counts as what holds.
    pub sought: Option<&'static str>,
    /// Whether every seed runs twice, to see that both runs are one.
    pub check_determinism: bool,
    /// What is fixed in every scenario.
    pub overrides: Overrides,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_count_or_a_range() {
        assert_eq!("10000".parse(), Ok(SeedRange { from: 0, to: 10_000 }));
        assert_eq!("500..1000".parse(), Ok(SeedRange { from: 500, to: 1_000 }));
    }

    #[test]
    fn what_holds_no_seed_is_refused() {
        for text in ["0", "7..7", "9..3"] {
            assert_eq!(text.parse::<SeedRange>(), Err(NoSeeds::Empty(text.to_owned())));
        }
        for text in ["", "..", "1..", "..5", "-1", "+1", "ten", "1...4", "1..2..3", "9223372036854775808"] {
            assert_eq!(text.parse::<SeedRange>(), Err(NoSeeds::Unreadable(text.to_owned())));
        }
    }
}
