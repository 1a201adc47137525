//! An invariant that did not hold.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::panic::Location;

/// The verdict of an invariant that was broken, with the facts that convict.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Violation {
    /// The invariant's name, as `overbooking-limit`.
    pub invariant: Cow<'static, str>,
    /// What was seen, with names and numbers, in one sentence.
    pub message: String,
    /// The place in the code that found it, as `invariants/src/counter/count_is_exact.rs:40`.
    #[serde(default)]
    pub place: String,
    /// The facts that convict, by their [`Stamp::number`](crate::Stamp), oldest first.
    pub evidence: Vec<u64>,
}

impl Violation {
    /// A violation of `invariant`, convicted by the facts with these numbers. Its place is the caller's.
    #[track_caller]
    pub fn new(
        invariant: &'static str,
        message: impl Into<String>,
        evidence: impl IntoIterator<Item = u64>,
    ) -> Violation {
        let mut evidence: Vec<u64> = evidence.into_iter().collect();
        evidence.sort_unstable();
        evidence.dedup();
        let caller = Location::caller();
        let place = format!("{}:{}", caller.file(), caller.line());
        Violation { invariant: Cow::Borrowed(invariant), message: message.into(), place, evidence }
    }
}
