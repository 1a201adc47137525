//! A broken promise as a file: what was searched, and the steps.

use super::choice::Choice;
use super::core::Knob;
use super::search::Violation;
use miette::Diagnostic;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A kept path to a broken promise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counterexample {
    /// Which core.
    pub core: String,
    /// Which promise is broken at the end.
    pub breaks: String,
    /// The rules that were removed.
    #[serde(default)]
    pub defects: Vec<String>,
    /// The steps from the beginning, in the words of the core.
    pub steps: Vec<String>,
    /// Bounds and settings.
    pub bounds: BTreeMap<String, String>,
}

/// A file that is none.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum ReadError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    #[diagnostic(help("name a file that `rehearsal explore --out` wrote"))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else.
    #[error("{} is no counterexample: {source}", path.display())]
    #[diagnostic(help("name a file that `rehearsal explore --out` wrote"))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: toml::de::Error,
    },
}

impl Counterexample {
    /// Of a search that found one.
    pub fn of(core: &str, choice: &Choice, violation: &Violation) -> Counterexample {
        let bounds = choice.values().iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Counterexample {
            core: core.to_owned(),
            breaks: violation.promise.to_owned(),
            defects: choice.defects.clone(),
            steps: violation.steps.clone(),
            bounds: bounds.collect(),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(path: &Path) -> Result<Counterexample, ReadError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ReadError::Unreadable { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|source| ReadError::Malformed { path: path.to_owned(), source })
    }

    /// The file's text.
    pub fn text(&self) -> String {
        toml::to_string_pretty(self).expect("texts and lists of texts")
    }

    /// What it was found with.
    ///
    /// # Errors
    /// A bound that the core does not have.
    pub fn choice(&self, knobs: &[Knob]) -> Result<Choice, super::Misfit> {
        let mut choice = Choice::plain(knobs);
        for (name, value) in &self.bounds {
            choice.set(knobs, name, value)?;
        }
        choice.defects.clone_from(&self.defects);
        Ok(choice)
    }
}
