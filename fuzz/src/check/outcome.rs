//! What a campaign in a test came to.

use super::kept;
use crate::campaign::{Conviction, KeepError, Totals, prepare, write_whole};
use crate::paint::Paint;
use crate::report::campaign_json::MarkersJson;
use crate::report::figures::grouped;
use crate::repro::Repro;
use crate::scenario::Scenario;
use crate::scenario_file;
use crate::shrink::{Search, Shrunk, Size};
use crate::story::{Story, tell};
use crate::system::{Run, System};
use rehearsal_env::{Marker, Violation};
use rehearsal_sim::Digest;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Every invariant held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The system's name.
    pub system: &'static str,
    /// How many runs.
    pub runs: u64,
    /// Markers that were reached, in the system's order.
    pub reached: Vec<Marker>,
    /// Markers that were not.
    pub never: Vec<Marker>,
    /// Of all runs, in the order of their seeds: the same everywhere.
    pub digest: Digest,
}

impl Held {
    pub(super) fn of(system: &dyn System, totals: &Totals, digest: Digest) -> Held {
        let MarkersJson { reached, never } = MarkersJson::of(system, &totals.markers);
        Held { system: system.name(), runs: totals.runs, reached, never, digest }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: every invariant held in {} runs", self.system, grouped(self.runs))?;
        for (index, marker) in self.never.iter().enumerate() {
            write!(formatter, "{} {marker}", if index == 0 { ", which never reached" } else { "," })?;
        }
        Ok(())
    }
}

/// An invariant was broken.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The seed of the campaign.
    pub seed: u64,
    /// What was broken, and what was seen.
    pub violation: Violation,
    /// The scenario, shrunk as far as it went.
    pub scenario: Scenario,
    /// What happened, in numbered sentences; none where it cannot be told.
    pub story: Option<Story>,
    shrunk: Option<Shrunk>,
}

impl Broken {
    /// Of what a campaign convicted.
    pub(super) fn of(system: &dyn System, conviction: Conviction, tries: u64) -> Broken {
        let Conviction { seed, scenario, violations, .. } = conviction;
        let violation = violations.into_iter().next().expect("a conviction has a violation");
        let stop = AtomicBool::new(false);
        let search = Search { system, stop: &stop, deadline: None, most_tries: tries };
        // What differs from run to run cannot be shrunk, and is told as it is.
        let Ok(shrunk) = search.run(scenario.clone(), &mut |_| {}) else {
            return Broken { seed, violation, scenario, story: None, shrunk: None };
        };
        let repro = shrunk.scenario.repro.as_ref().expect("a result says what it breaks");
        let again = shrunk.run.violations.iter().find(|again| *again.invariant == repro.breaks);
        let violation = again.cloned().unwrap_or(violation);
        let story = tell(system, &shrunk.scenario, &shrunk.run, &violation.invariant);
        Broken { seed, violation, scenario: shrunk.scenario.clone(), story, shrunk: Some(shrunk) }
    }

    /// As [`of`](Broken::of), for one of several invariants that are broken.
    pub(super) fn of_invariant(
        system: &dyn System,
        mut conviction: Conviction,
        tries: u64,
        invariant: &str,
    ) -> Broken {
        conviction.violations.retain(|violation| violation.invariant == invariant);
        conviction.scenario.repro = Some(Repro { breaks: invariant.to_owned(), ..Repro::default() });
        Broken::of(system, conviction, tries)
    }

    /// If one run broke it.
    pub(super) fn in_this_run(
        system: &dyn System,
        scenario: Scenario,
        run: Run,
        invariant: &str,
    ) -> Option<Broken> {
        let violation = run.violations.iter().find(|violation| violation.invariant == invariant)?.clone();
        let story = tell(system, &scenario, &run, invariant);
        Some(Broken { seed: scenario.seed, violation, scenario, story, shrunk: None })
    }

    /// The story as it is printed; empty where there is none.
    pub fn story_text(&self) -> String {
        self.story.as_ref().map(|story| story.on_the_terminal(Paint::off())).unwrap_or_default()
    }

    /// All there is to say when a test fails; on the way the scenario is kept in this folder.
    pub(super) fn told(&self, system: &dyn System, folder: &Path) -> String {
        let Violation { invariant, message, .. } = &self.violation;
        let test = kept::test_name();
        let shrunk = self.shrunk.as_ref().map(sizes).unwrap_or_default();
        let head = format!("{}, seed {}, breaks {invariant}: {message}\n{shrunk}", system.name(), self.seed);
        let told = match self.keep(system, folder, test.as_deref()) {
            Ok(path) => {
                let replay = kept::replay(&path, test.as_deref());
                format!("  kept as {}\n  see it again:\n    {replay}\n", path.display())
            }
            Err(error) => format!("  and cannot be kept: {error}: {}\n", error.source),
        };
        format!("{head}\n{}\n{told}", self.story_text())
    }

    /// Keeps the scenario, and its story beside it; each is written whole or not at all.
    fn keep(&self, system: &dyn System, folder: &Path, test: Option<&str>) -> Result<PathBuf, KeepError> {
        prepare(folder)?;
        let name = format!("{}-{}-{}.toml", system.name(), self.violation.invariant, self.seed);
        let path = folder.join(name);
        let text = match &self.shrunk {
            Some(shrunk) => shrunk.text(system),
            None => scenario_file::write(&self.scenario),
        };
        write_whole(&path, &text)?;
        if let Some(story) = &self.story {
            write_whole(&path.with_extension("md"), &story.markdown(&kept::replay(&path, test)))?;
        }
        Ok(path)
    }
}

/// How much smaller it became; without the time it took, so that a test says the same every time.
fn sizes(Shrunk { before, after, tries, .. }: &Shrunk) -> String {
    let size = |size: &Size| {
        let Size { faults, requests, events, .. } = *size;
        format!("faults {faults}, requests {requests}, events {}", grouped(events))
    };
    format!("  shrunk from {} to {} in {} tries\n", size(before), size(after), grouped(*tries))
}
