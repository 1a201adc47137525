//! Scenarios as values of property tests, for [proptest](https://docs.rs/proptest).
//!
//! ```
//! use proptest::prelude::*;
//! use rehearsal::property::{holds, scenarios};
//! use rehearsal::systems::counter::Counter;
//!
//! proptest! {
//!     #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8) })]
//!     # /*
//!     #[test]
//!     # */
//!     fn no_add_is_ever_lost(scenario in scenarios(&Counter)) {
//!         holds(&Counter, &scenario)?;
//!     }
//! }
//! # no_add_is_ever_lost();
//! ```
//!
//! A scenario that fails is shrunk by the same passes as by `rehearsal shrink`, whatever it is that the test asks of it.

use crate::campaign::GREATEST_SEED;
use crate::scenario::{Overrides, Scenario};
use crate::scenario_file;
use crate::shrink::{Shrinker, Tried};
use crate::story::tell;
use crate::system::{System, Watch};
use proptest::prelude::Rng;
use proptest::strategy::{NewTree, Strategy, ValueTree};
use proptest::test_runner::{TestCaseError, TestRunner};
use rehearsal_env::Time;

/// The scenarios of a system: those that a campaign would draw.
pub fn scenarios(system: &'static dyn System) -> Scenarios {
    Scenarios { system, overrides: Overrides::default() }
}

/// A strategy for the scenarios of a system.
#[derive(Clone)]
pub struct Scenarios {
    system: &'static dyn System,
    overrides: Overrides,
}

impl std::fmt::Debug for Scenarios {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "scenarios of {}, {:?}", self.system.name(), self.overrides)
    }
}

impl Scenarios {
    /// With a key fixed, as `counter.requests`.
    pub fn set(mut self, key: &str, value: impl Into<toml::Value>) -> Scenarios {
        self.overrides.values.push((key.to_owned(), value.into()));
        self
    }

    /// With a known bug switched on.
    pub fn defect(mut self, name: &str) -> Scenarios {
        self.overrides.defects.push(name.to_owned());
        self
    }
}

impl Strategy for Scenarios {
    type Tree = ScenarioTree;
    type Value = Scenario;

    /// A scenario whose seed is drawn from the runner's random numbers. An unknown key or defect is an error here.
    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let seed = runner.rng().next_u64() % GREATEST_SEED;
        let scenario = self.system.draw(seed, &self.overrides).map_err(|error| error.to_string())?;
        self.system.check(&scenario).map_err(|error| error.to_string())?;
        Ok(ScenarioTree { shrinker: Shrinker::new(self.system, scenario, 0, Time::ZERO), proposed: None })
    }
}

/// A scenario and all that it can be shrunk to.
pub struct ScenarioTree {
    shrinker: Shrinker<'static>,
    /// What the test is being tried with; the smallest that failed when nothing is.
    proposed: Option<Scenario>,
}

impl ScenarioTree {
    fn propose(&mut self) -> bool {
        self.proposed = self.shrinker.propose().cloned();
        self.proposed.is_some()
    }
}

impl ValueTree for ScenarioTree {
    type Value = Scenario;

    fn current(&self) -> Scenario {
        self.proposed.as_ref().unwrap_or_else(|| self.shrinker.smallest()).clone()
    }

    fn simplify(&mut self) -> bool {
        if self.proposed.is_some() {
            self.shrinker.answer(Tried::Failed { events: 0, at: Time::ZERO });
        }
        self.propose()
    }

    fn complicate(&mut self) -> bool {
        if self.proposed.is_none() {
            return false;
        }
        self.shrinker.answer(Tried::Held);
        self.propose()
    }
}

/// Runs a scenario; whether every invariant holds.
///
/// # Errors
/// What is broken, told as a story, with the scenario as a file would have it.
pub fn holds(system: &dyn System, scenario: &Scenario) -> Result<(), TestCaseError> {
    let watch = Watch { history: true, trace: true, ..Watch::default() };
    let run = system.run(scenario, watch).map_err(|error| TestCaseError::reject(error.to_string()))?;
    let Some(violation) = run.violations.first() else { return Ok(()) };
    let story = tell(system, scenario, &run, &violation.invariant)
        .map(|story| story.markdown("rehearsal run FILE.toml"));
    let file = scenario_file::write_brief(scenario, &system.plain());
    let text = format!("{}\n\nFILE.toml:\n\n{file}", story.unwrap_or_else(|| violation.message.clone()));
    Err(TestCaseError::fail(text))
}
