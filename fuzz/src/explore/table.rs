//! A core with all its rules, and without each by itself: which promise that breaks, and how many steps it takes.

use super::choice::{Choice, Misfit};
use super::core::{Knob, Rule};
use super::explorable::Explorable;
use super::search::{Found, Limits, Progress, Verdict};
use std::sync::atomic::AtomicBool;

/// What became of a core, with all its rules or without one.
pub struct Row {
    /// The rule that was removed.
    pub rule: Option<Rule>,
    /// With what it was searched.
    pub choice: Choice,
    /// What that came to.
    pub found: Found,
}

impl Row {
    /// Whether it came to what it should: all rules together keep every promise, and without one of them one is broken.
    pub fn is_as_expected(&self) -> bool {
        match self.found.verdict {
            Verdict::Verified => self.rule.is_none(),
            Verdict::Refuted(_) => self.rule.is_some(),
            Verdict::Inconclusive(_) => false,
        }
    }
}

/// Searches one after the other. `chosen` stands above what the core itself asks for.
///
/// # Errors
/// A choice that does not fit.
pub fn with_and_without_each_rule(
    core: &dyn Explorable,
    chosen: &[(String, String)],
    limits: &Limits,
    interrupted: &AtomicBool,
    show: &mut dyn FnMut(&str, Progress),
) -> Result<Vec<Row>, Misfit> {
    let sound = core.sound().iter().map(|needs| (None, *needs));
    let removed = core.rules().iter().map(|rule| (Some(*rule), rule.needs));
    let mut rows = Vec::new();
    for (rule, needs) in sound.chain(removed) {
        let mut choice = Choice::plain(core.knobs());
        for (name, value) in needs {
            choice.set(core.knobs(), name, value)?;
        }
        for (name, value) in chosen {
            choice.set(core.knobs(), name, value)?;
        }
        choice.defects = rule.iter().map(|rule| rule.defect.to_owned()).collect();
        let name = rule.map_or(core.name(), |rule| rule.defect);
        let found = core.search(&choice, limits, interrupted, &mut |progress| show(name, progress))?;
        rows.push(Row { rule, choice, found });
    }
    Ok(rows)
}

/// What a choice has otherwise than another, as `--bounds` takes it.
pub fn difference(knobs: &[Knob], choice: &Choice, from: &Choice) -> String {
    let differing = knobs.iter().filter(|knob| choice.values()[knob.name] != from.values()[knob.name]);
    let told: Vec<String> =
        differing.map(|knob| format!("{}={}", knob.name, choice.values()[knob.name])).collect();
    told.join(",")
}
