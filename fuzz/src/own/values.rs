//! Named values of a scenario, as programs and invariants read them.

use rehearsal_env::{Span, Time};
use std::time::Duration;
use toml::{Table, Value};

/// Named values: the knobs of a system, or one item of its work.
///
/// To ask for a name that was not declared, or as something else than what it was declared as, is a mistake of the
/// program, and panics with the names there are; in a run that is a violation, `no-panic`.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// What they are the values of, as `lock`.
    of: String,
    table: Table,
}

impl Values {
    pub(super) fn new(of: impl Into<String>, table: Table) -> Values {
        Values { of: of.into(), table }
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> u64 {
        self.read(name, "whole number", |value| value.as_integer().and_then(|number| number.try_into().ok()))
    }

    /// A span of time.
    pub fn span(&self, name: &str) -> Duration {
        self.read(name, "span", |value| value.as_str()?.parse().ok().map(Span::duration))
    }

    /// A span as the time that so long a run has reached: for when something is to be done.
    pub fn time(&self, name: &str) -> Time {
        Time::ZERO + self.span(name)
    }

    /// A word.
    pub fn word(&self, name: &str) -> &str {
        self.read(name, "word", Value::as_str)
    }

    /// Yes or no.
    pub fn switch(&self, name: &str) -> bool {
        self.read(name, "switch", Value::as_bool)
    }

    /// The number that stands under the name of a kind of node, if one does.
    pub(super) fn names(&self, kind: &str) -> Option<u64> {
        self.table.get(kind)?.as_integer()?.try_into().ok()
    }

    fn read<'a, T>(&'a self, name: &str, what: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> T {
        let Some(value) = self.table.get(name) else {
            let known: Vec<&str> = self.table.keys().map(String::as_str).collect();
            panic!("{} has no `{name}`: it has {}", self.of, known.join(", "));
        };
        read(value).unwrap_or_else(|| panic!("{}.{name} is no {what}, but {value}", self.of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values::new("lock", toml::toml! { lease = "500ms" rounds = 3 merge = "max" eager = true })
    }

    #[test]
    fn a_value_is_read_as_what_it_was_declared_as() {
        let values = values();
        assert_eq!((values.number("rounds"), values.word("merge"), values.switch("eager")), (3, "max", true));
        assert_eq!(values.span("lease"), Duration::from_millis(500));
        assert_eq!(values.time("lease"), Time(500_000_000));
    }

    #[test]
    #[should_panic(expected = "lock has no `leas`: it has eager, lease, merge, rounds")]
    fn a_name_that_was_not_declared_is_told_with_those_there_are() {
        values().span("leas");
    }

    #[test]
    #[should_panic(expected = "lock.lease is no whole number, but \"500ms\"")]
    fn a_span_is_no_number() {
        values().number("lease");
    }
}
