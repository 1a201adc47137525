//! The loop around a [`Shrinker`]: runs what it proposes, within a time, and checks the result.

use super::{Shrinker, Size, Tried};
use crate::repro::{Position, Repro, Stage};
use crate::scenario::{Scenario, ScenarioError};
use crate::scenario_file::write_repro;
use crate::story::in_words;
use crate::system::{Run, System, Watch};
use rehearsal_env::{Time, Violation};
use rehearsal_sim::Span;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A proposal may take so many times as long to fail as the smallest failing scenario; then it is given up.
const PATIENCE: u64 = 2;
/// … and so much longer.
const LEEWAY: Span = Span::seconds(5);

/// A search for the smallest scenario that breaks one invariant.
pub struct Search<'a> {
    /// The system.
    pub system: &'a dyn System,
    /// Ends the search early when it becomes true.
    pub stop: &'a AtomicBool,
    /// When to try nothing more.
    pub deadline: Option<Instant>,
    /// How many scenarios to try at most.
    pub most_tries: u64,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Scenarios tried.
    pub tries: u64,
    /// The smallest so far.
    pub smallest: &'a Scenario,
    /// How many events it takes to fail.
    pub events: u64,
    /// What is being tried.
    pub stage: Stage,
    /// For how long it has been going on.
    pub elapsed: Duration,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest scenario, with what it breaks written in it.
    pub scenario: Scenario,
    /// Its run, with history and trace.
    pub run: Run,
    /// How large the scenario was at first.
    pub before: Size,
    /// How large it is now.
    pub after: Size,
    /// Scenarios tried.
    pub tries: u64,
    /// How long it took.
    pub wall: Duration,
    /// Whether nothing was left to try.
    pub finished: bool,
}

impl Shrunk {
    /// The scenario as a file, without what is plain and with its decisions in words.
    pub fn text(&self, system: &dyn System) -> String {
        write_repro(&self.scenario, &system.plain(), |deviation| in_words(&self.run, deviation))
    }
}

/// Why nothing was shrunk.
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    /// Every invariant holds.
    #[error("this scenario does not fail: every invariant holds in its run")]
    DoesNotFail,
    /// Something else is broken.
    #[error("this scenario does not break {wanted}, but {found}")]
    FailsOtherwise {
        /// What it was to break.
        wanted: String,
        /// What it breaks.
        found: String,
    },
    /// The result did not fail again, or not in the same run.
    #[error("the shrunk scenario does not fail every time: the system depends on more than its scenario")]
    DoesNotRepeat,
    /// It makes no sense for the system.
    #[error(transparent)]
    Refused(#[from] ScenarioError),
}

/// The invariant that a failing scenario is about: the one that its file names, else the one that must convict its
/// defect if that fired, else the first that fired. None when nothing fired.
pub fn target(system: &dyn System, scenario: &Scenario, violations: &[Violation]) -> Option<String> {
    if let Some(repro) = &scenario.repro {
        return Some(repro.breaks.clone()).filter(|_| !violations.is_empty());
    }
    let fired = |name: &str| violations.iter().any(|violation| violation.invariant == name);
    let mut owners = system
        .defects()
        .iter()
        .filter(|defect| scenario.has_defect(defect.name))
        .map(|owned| owned.invariant);
    let owner = owners.find(|owner| fired(owner)).map(str::to_owned);
    owner.or_else(|| violations.first().map(|violation| violation.invariant.to_string()))
}

impl Search<'_> {
    /// Shrinks a scenario that fails. `progress` is told of every try.
    ///
    /// # Errors
    /// [`ShrinkError`].
    pub fn run(
        &self,
        mut scenario: Scenario,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Shrunk, ShrinkError> {
        let began = Instant::now();
        let watch = Watch { history: true, ..Watch::default() };
        let mut first = self.system.run(&scenario, watch)?;
        let invariant = target(self.system, &scenario, &first.violations).ok_or(ShrinkError::DoesNotFail)?;
        if !breaks(&first, &invariant) {
            let found = first.violations[0].invariant.to_string();
            return Err(ShrinkError::FailsOtherwise { wanted: invariant, found });
        }
        if let Some(sound) = Self::without_defects(&scenario) {
            let run = self.system.run(&sound, watch)?;
            if breaks(&run, &invariant) {
                // The known bugs have nothing to do with it.
                (scenario, first) = (sound, run);
            }
        }
        let before = Size::of(self.system, &scenario, &first);
        let because = scenario.repro.as_ref().map(|repro| repro.because.clone()).unwrap_or_default();
        let mut shrinker = Shrinker::new(self.system, scenario, first.events, first.time);
        let mut tries = 0;
        while tries < self.most_tries && !self.is_over() {
            let fails_at = shrinker.at();
            shrinker.propose();
            let Some(proposal) = shrinker.proposed() else { break };
            let most_events = Some(shrinker.most_events());
            let watch = Watch { most_events, ..self.patience(proposal, fails_at) };
            let run = self.system.run(proposal, watch)?;
            let fails = breaks(&run, &invariant) && !self.fails_without_defects(proposal)?;
            let (held, failed) = (Tried::Held, Tried::Failed { events: run.events, at: run.time });
            shrinker.answer(if fails { failed } else { held });
            tries += 1;
            let (smallest, events) = (shrinker.smallest(), shrinker.events());
            let (stage, elapsed) = (shrinker.position().stage, began.elapsed());
            progress(Progress { tries, smallest, events, stage, elapsed });
        }
        let position = shrinker.position().clone();
        let finished = position.stage == Stage::Done;
        let shrinking: Option<Position> = (!finished).then_some(position);
        let repro = Repro { breaks: invariant, because, shrinking };
        let scenario = Scenario { repro: Some(repro), ..shrinker.smallest().clone() };
        let (run, after) = self.check(&scenario)?;
        Ok(Shrunk { scenario, run, before, after, tries, wall: began.elapsed(), finished })
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// The scenario with its known bugs switched off; None when none is on.
    fn without_defects(scenario: &Scenario) -> Option<Scenario> {
        let has_some = !scenario.defects.is_empty();
        has_some.then(|| Scenario { defects: Vec::new(), ..scenario.clone() })
    }

    /// Whether a scenario with known bugs switched on fails without them too, in whatever way: then it says nothing about
    /// them, or asks what no system can do.
    fn fails_without_defects(&self, proposal: &Scenario) -> Result<bool, ScenarioError> {
        let Some(sound) = Self::without_defects(proposal) else { return Ok(false) };
        Ok(!self.system.run(&sound, Watch::default())?.violations.is_empty())
    }

    /// How long a proposal may run. What is judged at the end of the calm needs its whole run.
    fn patience(&self, proposal: &Scenario, fails_at: Time) -> Watch {
        let until = patience(fails_at);
        let end = Span(proposal.storm.0 + proposal.calm.0);
        Watch { until: (until < end).then_some(until), ..Watch::default() }
    }

    /// Runs the result twice: it must fail, and both runs must be one.
    fn check(&self, scenario: &Scenario) -> Result<(Run, Size), ShrinkError> {
        let watch = Watch { history: true, trace: true, ..Watch::default() };
        let run = self.system.run(scenario, watch)?;
        let again = self.system.run(scenario, Watch::default())?;
        let wanted = scenario.repro.as_ref().map(|repro| repro.breaks.as_str());
        if run.digest != again.digest || !wanted.is_some_and(|wanted| breaks(&run, wanted)) {
            return Err(ShrinkError::DoesNotRepeat);
        }
        let size = Size::of(self.system, scenario, &run);
        Ok((run, size))
    }
}

/// Until when a proposal is waited for to fail, where the smallest failing scenario fails at this time.
pub(super) fn patience(fails_at: Time) -> Span {
    Span(fails_at.nanos() * PATIENCE + LEEWAY.0)
}

/// Whether a run broke this invariant.
fn breaks(run: &Run, invariant: &str) -> bool {
    run.violations.iter().any(|violation| violation.invariant == invariant)
}
