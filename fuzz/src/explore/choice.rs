//! What somebody wants to have searched: bounds and settings by name, and rules that are removed.

use super::core::{Knob, Values};
use miette::Diagnostic;
use std::collections::BTreeMap;

/// A choice for a core, complete: every knob has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    values: BTreeMap<&'static str, String>,
    /// The rules that are removed, by the names of the known bugs.
    pub defects: Vec<String>,
    /// Whether the search leaves out what cannot matter.
    pub reduced: bool,
}

/// A choice that a core does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum Misfit {
    /// No knob of this name.
    #[error("there is no bound `{name}`")]
    #[diagnostic(help("there are {there}"))]
    Knob {
        /// The name.
        name: String,
        /// Those that there are.
        there: String,
    },
    /// No such value.
    #[error("{name}: `{value}` cannot be")]
    #[diagnostic(help("write {mend}"))]
    Value {
        /// The knob.
        name: String,
        /// The value.
        value: String,
        /// What can be.
        mend: String,
    },
    /// No rule is removed by this name.
    #[error("there is no rule that `{name}` removes")]
    #[diagnostic(help("there are {there}"))]
    Defect {
        /// The name.
        name: String,
        /// Those that there are.
        there: String,
    },
}

impl Choice {
    /// What is searched where nothing is chosen.
    pub fn plain(knobs: &[Knob]) -> Choice {
        let value = |knob: &Knob| match knob.values {
            Values::Number { default, .. } => default.to_string(),
            Values::Word(words) => words[0].to_owned(),
        };
        let values = knobs.iter().map(|knob| (knob.name, value(knob))).collect();
        Choice { values, defects: Vec::new(), reduced: true }
    }

    /// Chooses a value.
    ///
    /// # Errors
    /// [`Misfit`] with what could be chosen.
    pub fn set(&mut self, knobs: &[Knob], name: &str, value: &str) -> Result<(), Misfit> {
        let Some(knob) = knobs.iter().find(|knob| knob.name == name) else {
            let there = knobs.iter().map(|knob| knob.name).collect::<Vec<_>>().join(", ");
            return Err(Misfit::Knob { name: name.to_owned(), there });
        };
        let mend = match knob.values {
            Values::Number { least, most, .. } => match value.parse::<u8>() {
                Ok(number) if (least..=most).contains(&number) => None,
                _ => Some(format!("a whole number from {least} to {most}")),
            },
            Values::Word(words) => (!words.contains(&value)).then(|| words.join(" or ")),
        };
        match mend {
            Some(mend) => Err(Misfit::Value { name: name.to_owned(), value: value.to_owned(), mend }),
            None => {
                self.values.insert(knob.name, value.to_owned());
                Ok(())
            }
        }
    }

    /// The value of a knob that is a number.
    ///
    /// # Panics
    /// When the core has no such knob.
    pub fn number(&self, name: &str) -> u8 {
        self.values[name].parse().expect("a number was checked when it was chosen")
    }

    /// The value of a knob that is a word.
    ///
    /// # Panics
    /// When the core has no such knob.
    pub fn word(&self, name: &str) -> &str {
        &self.values[name]
    }

    /// All values, by name.
    pub fn values(&self) -> &BTreeMap<&'static str, String> {
        &self.values
    }

    /// As `--bounds` takes it.
    pub fn written(&self, knobs: &[Knob]) -> String {
        let values = knobs.iter().map(|knob| format!("{}={}", knob.name, self.values[knob.name]));
        values.collect::<Vec<_>>().join(",")
    }
}
