//! Who decides what a scenario leaves open, and the strategy that a seed draws.

use crate::draws::Draws;
use crate::scenario::{Overrides, ScenarioError};
use rehearsal_sim::search::{Search, Strategy};
use rehearsal_sim::{Deviation, NetworkSettings, Span};
use serde::{Deserialize, Serialize};

/// The word for drawing a strategy for each seed.
pub const PORTFOLIO: &str = "portfolio";
/// How late something may be unless the scenario says it: so many times the longest latency.
const LATE: u64 = 16;
/// Among how many steps the changes of priority lie unless the scenario says it.
const STEPS: u64 = 4_096;
/// Longer stalls than that are what pauses are for.
const LATEST: Span = Span::seconds(5);

/// Who decides what could go either way: how long a message takes, which ready task runs, what a crash leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Whether everything goes plainly, but for the deviations; otherwise every decision is drawn from the seed.
    pub plain: bool,
    /// How it is chosen what goes next, where decisions are drawn.
    #[serde(skip_serializing_if = "Strategy::follows_time")]
    pub search: Strategy,
    /// How late a message, a timer, a disk operation or a ready task may be by the search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<Span>,
    /// Among how many steps the search changes priorities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// The decisions that are not plain.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<Deviation>,
}

impl Schedule {
    /// Whether everything is drawn from the seed.
    pub fn is_drawn(&self) -> bool {
        !self.plain
    }

    /// Whether everything is drawn from the seed, and the earliest always goes next.
    pub fn goes_by_time(&self) -> bool {
        *self == Schedule::default()
    }

    /// The plain schedule, without deviations.
    pub fn plain() -> Schedule {
        Schedule { plain: true, ..Schedule::default() }
    }

    /// How the order is chosen, on links of these latencies.
    pub fn search(&self, network: &NetworkSettings) -> Search {
        let late = Span(network.latency_max.0.saturating_mul(LATE)).min(LATEST);
        let (late, steps) = (self.late.unwrap_or(late), self.steps.unwrap_or(STEPS));
        Search { strategy: self.search, late, steps }
    }

    /// The schedule of a seed: most go by time, and the others are shared out among the strategies. It is drawn after all the
    /// rest and under a name of its own, so that nothing else of the seed changes with it.
    ///
    /// # Errors
    /// A key of the section that is unknown or has an impossible value.
    pub fn draw(
        draws: &Draws,
        network: &NetworkSettings,
        fixed: &Overrides,
    ) -> Result<Schedule, ScenarioError> {
        let mut draws = draws.part("schedule", 0);
        let drawn = strategy(&mut draws);
        let late = Span(network.latency_max.0 * *draws.pick(&[2, 8, 32, 128])).min(LATEST);
        let steps = 1 << draws.between(5, 14);
        let mut schedule = Schedule { search: drawn, ..Schedule::default() };
        schedule.amend(fixed)?;
        if !schedule.search.follows_time() {
            schedule.late.get_or_insert(late);
        }
        if matches!(schedule.search, Strategy::PriorityChanges(2..)) {
            schedule.steps.get_or_insert(steps);
        }
        Ok(schedule)
    }

    /// Puts the values given for the section in; the word for the portfolio leaves the strategy as it is.
    ///
    /// # Errors
    /// A key that is unknown or has an impossible value.
    pub fn amend(&mut self, fixed: &Overrides) -> Result<(), ScenarioError> {
        for (key, value) in &fixed.values {
            match key.as_str() {
                "schedule.search" => {
                    let text = value.as_str().unwrap_or_default();
                    if text != PORTFOLIO {
                        self.search = named(text)?;
                    }
                }
                "schedule.late" => {
                    self.late = Some(value.clone().try_into().map_err(|_| no_value(key, "\"80ms\""))?);
                }
                "schedule.steps" => {
                    self.steps = Some(value.clone().try_into().map_err(|_| no_value(key, "4096"))?);
                }
                _ if key.starts_with("schedule.") => {
                    let mend = "the keys of [schedule] that can be set are search, late, steps";
                    return Err(ScenarioError::new(key, "there is no such key", mend));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether its parts go together.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), ScenarioError> {
        if !self.plain && !self.deviations.is_empty() {
            return Err(ScenarioError::new(
                "schedule.deviations",
                "a deviation departs from the plain schedule, and this one is drawn from the seed",
                "write `plain = true` beside them, or take them out",
            ));
        }
        if self.plain && !self.search.follows_time() {
            return Err(ScenarioError::new(
                "schedule.search",
                "a plain schedule leaves no order to choose",
                "take out `plain = true`, or the search",
            ));
        }
        if self.steps == Some(0) {
            return Err(no_value("schedule.steps", "4096"));
        }
        Ok(())
    }
}

/// The strategy of this name.
///
/// # Errors
/// There is none.
pub fn named(text: &str) -> Result<Strategy, ScenarioError> {
    text.parse().map_err(|_| {
        let reason = format!("there is no strategy `{text}`");
        ScenarioError::new("schedule.search", reason, format!("there are {}, {PORTFOLIO}", Strategy::NAMES))
    })
}

fn no_value(key: &str, example: &str) -> ScenarioError {
    ScenarioError::new(key, "this value cannot be", format!("write one as {example}"))
}

/// Two of three seeds go by time: it is the fastest, and finds most of what faults break.
fn strategy(draws: &mut Draws) -> Strategy {
    let (which, depth) = (draws.below(100), draws.between(1, 5));
    match which {
        0..67 => Strategy::Time,
        67..83 => Strategy::PriorityChanges(depth as u32),
        83..90 => Strategy::RandomWalk,
        90..97 => Strategy::PartialOrder,
        _ => Strategy::Uniform,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn draw(seed: u64, set: &[(&str, &str)]) -> Result<Schedule, ScenarioError> {
        let value = |text: &str| toml::Value::String(text.to_owned());
        let values = set.iter().map(|(key, text)| ((*key).to_owned(), value(text))).collect();
        let fixed = Overrides { values, ..Overrides::default() };
        Schedule::draw(&Draws::of(seed), &NetworkSettings::default(), &fixed)
    }

    #[test]
    fn two_of_three_seeds_go_by_time_and_all_strategies_come_up() {
        let mut counts: BTreeMap<Strategy, u32> = BTreeMap::new();
        for seed in 0..2_000 {
            let schedule = draw(seed, &[]).expect("nothing is fixed");
            schedule.check().expect("what is drawn can be");
            assert_eq!(schedule.goes_by_time(), schedule.search.follows_time());
            *counts.entry(schedule.search).or_default() += 1;
        }
        assert!((1_250..1_430).contains(&counts[&Strategy::Time]), "{counts:?}");
        for depth in 1..=5 {
            assert!(counts[&Strategy::PriorityChanges(depth)] > 30, "{counts:?}");
        }
        for strategy in [Strategy::Uniform, Strategy::RandomWalk, Strategy::PartialOrder] {
            assert!(counts[&strategy] > 30, "{counts:?}");
        }
    }

    #[test]
    fn a_fixed_strategy_is_that_of_every_seed_and_the_portfolio_leaves_each_its_own() {
        for seed in 0..20 {
            let fixed = draw(seed, &[("schedule.search", "pct:3")]).expect("a strategy");
            assert_eq!(fixed.search, Strategy::PriorityChanges(3));
            assert!(fixed.late.is_some() && fixed.steps.is_some());
            assert_eq!(draw(seed, &[("schedule.search", PORTFOLIO)]), draw(seed, &[]));
        }
    }

    #[test]
    fn an_unknown_strategy_is_refused_with_the_list() {
        let refused = draw(1, &[("schedule.search", "luck")]).expect_err("there is no such strategy");
        assert_eq!(refused.key, "schedule.search");
        assert_eq!(refused.mend, "there are time, uniform, pct:DEPTH (as pct:3), urw, pos, portfolio");
        let refused = draw(1, &[("schedule.plain", "true")]).expect_err("that is no matter of the seed");
        assert_eq!(refused.key, "schedule.plain");
    }
}
