//! The names of the strategies.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How it is chosen what goes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Strategy {
    /// What is earliest; nothing is late.
    #[default]
    Time,
    /// Anything that may go, with equal chances.
    Uniform,
    /// By random priorities, which change at so many points less one (probabilistic concurrency testing: Burckhardt,
    /// Kothari, Musuvathi, Nagarakatte, ASPLOS 2010). The number is the depth of the bugs it aims at, from 1.
    PriorityChanges(u32),
    /// Anything that may go, the likelier the more steps its subject seems to have before it (after the uniform random walk
    /// over interleavings of Zhao, Wolff, Mathur, Roychoudhury, ASPLOS 2025).
    RandomWalk,
    /// By random priorities of single events, drawn anew for what raced with the one that went (partial order sampling: Yuan,
    /// Yang, Gu, CAV 2018).
    PartialOrder,
}

/// A text that names no strategy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no strategy `{0}`; there are {names}", names = Strategy::NAMES)]
pub struct UnknownStrategy(pub String);

impl Strategy {
    /// How they are written, for people.
    pub const NAMES: &'static str = "time, uniform, pct:DEPTH (as pct:3), urw, pos";

    /// The greatest depth there is: more changes of priority are no plan any more, but noise.
    pub const DEEPEST: u32 = 64;

    /// Whether it only ever takes what is earliest.
    pub fn follows_time(&self) -> bool {
        *self == Strategy::Time
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Strategy::Time => formatter.write_str("time"),
            Strategy::Uniform => formatter.write_str("uniform"),
            Strategy::PriorityChanges(depth) => write!(formatter, "pct:{depth}"),
            Strategy::RandomWalk => formatter.write_str("urw"),
            Strategy::PartialOrder => formatter.write_str("pos"),
        }
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(text: &str) -> Result<Strategy, UnknownStrategy> {
        match text {
            "time" => return Ok(Strategy::Time),
            "uniform" => return Ok(Strategy::Uniform),
            "urw" => return Ok(Strategy::RandomWalk),
            "pos" => return Ok(Strategy::PartialOrder),
            _ => {}
        }
        let digits =
            text.strip_prefix("pct:").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let depth = digits.and_then(|digits| digits.parse().ok());
        let depth = depth.filter(|depth| (1..=Strategy::DEEPEST).contains(depth));
        depth.map(Strategy::PriorityChanges).ok_or_else(|| UnknownStrategy(text.to_owned()))
    }
}

impl TryFrom<String> for Strategy {
    type Error = UnknownStrategy;

    fn try_from(text: String) -> Result<Strategy, UnknownStrategy> {
        text.parse()
    }
}

impl From<Strategy> for String {
    fn from(strategy: Strategy) -> String {
        strategy.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strategy_is_read_as_it_is_written() {
        let deepest = Strategy::PriorityChanges(Strategy::DEEPEST);
        let all = [Strategy::Time, Strategy::Uniform, Strategy::RandomWalk, Strategy::PartialOrder, deepest];
        for strategy in all {
            assert_eq!(strategy.to_string().parse(), Ok(strategy));
        }
        assert_eq!("pct:3".parse(), Ok(Strategy::PriorityChanges(3)));
    }

    #[test]
    fn an_unknown_strategy_is_refused_with_those_there_are() {
        for text in ["", "random", "pct", "pct:", "pct:0", "pct:-1", "pct:+2", "pct:x", "pct:65", "Time"] {
            let refused = text.parse::<Strategy>().expect_err(text);
            assert_eq!(refused, UnknownStrategy(text.to_owned()));
            assert!(
                refused.to_string().contains("time, uniform, pct:DEPTH (as pct:3), urw, pos"),
                "{refused}"
            );
        }
    }
}
