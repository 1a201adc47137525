//! What is known of a scenario that failed: what it breaks, and how far shrinking it has come.

use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is known of a scenario that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repro {
    /// The invariant that it breaks.
    pub breaks: String,
    /// What it was, in a line, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub because: String,
    /// How far shrinking has come, when it was stopped before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrinking: Option<Position>,
}

/// What is being tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// To leave things out, and to make plain what is left.
    #[default]
    Structure,
    /// To leave out decisions.
    Decisions,
    /// To leave out more, with the decisions that were kept.
    Polish,
    /// Nothing: it is as small as it gets.
    Done,
}

/// A place in the sequence of proposals; with the smallest scenario so far, it is all there is to know to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// What is being tried.
    pub stage: Stage,
    /// Which round, from 0: later rounds try other seeds too.
    pub round: usize,
    /// Which pass of the round.
    pub pass: usize,
    /// Which proposal of the pass.
    pub cursor: u64,
    /// Whether anything became smaller in this round.
    pub improved: bool,
    /// Scenarios that were the smallest once, each a word: none of them is it again, nor with another seed, so that no two
    /// edits undo each other for ever.
    #[serde(default)]
    pub behind: BTreeSet<u32>,
    /// How the order was chosen in the scenario that is shrunk, if not by time.
    #[serde(default, skip_serializing_if = "Schedule::goes_by_time")]
    pub drawn: Schedule,
}
