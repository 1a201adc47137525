//! What a knob may be, and how many nodes of a kind there may be.

use crate::draws::Draws;
use rehearsal_env::Span;
use std::fmt;
use std::ops::RangeInclusive;
use toml::Value;

/// What a knob may be. It is a promise as well: every invariant must hold for all of it, so a scenario with anything
/// else is refused. The plain value is the lowest, or the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choices {
    /// Whole numbers, the lowest and the highest.
    Numbers(u64, u64),
    /// Spans of time, the shortest and the longest.
    Spans(Span, Span),
    /// Words.
    Words(Vec<&'static str>),
    /// Yes or no, the plain one first.
    Switch(Vec<bool>),
}

impl From<RangeInclusive<u64>> for Choices {
    fn from(range: RangeInclusive<u64>) -> Choices {
        Choices::Numbers(*range.start(), *range.end())
    }
}

impl From<RangeInclusive<Span>> for Choices {
    fn from(range: RangeInclusive<Span>) -> Choices {
        Choices::Spans(*range.start(), *range.end())
    }
}

impl<const COUNT: usize> From<[&'static str; COUNT]> for Choices {
    fn from(words: [&'static str; COUNT]) -> Choices {
        Choices::Words(words.to_vec())
    }
}

impl<const COUNT: usize> From<[bool; COUNT]> for Choices {
    fn from(switch: [bool; COUNT]) -> Choices {
        Choices::Switch(switch.to_vec())
    }
}

impl Choices {
    /// Whether there is nothing to choose from, or something that no file can hold.
    pub(super) fn is_impossible(&self) -> bool {
        match self {
            Choices::Numbers(low, high) => low > high || i64::try_from(*high).is_err(),
            Choices::Spans(low, high) => low > high,
            Choices::Words(words) => words.is_empty(),
            Choices::Switch(switch) => switch.is_empty(),
        }
    }

    pub(super) fn plain(&self) -> Value {
        match self {
            Choices::Numbers(low, _) => number(*low),
            Choices::Spans(low, _) => span(*low),
            Choices::Words(words) => Value::String(words[0].to_owned()),
            Choices::Switch(switch) => Value::Boolean(switch[0]),
        }
    }

    /// One of them. Spans of milliseconds are drawn in whole milliseconds, as people would write them.
    pub(super) fn draw(&self, draws: &mut Draws) -> Value {
        const MILLI: u64 = Span::millis(1).0;
        match self {
            Choices::Numbers(low, high) => number(draws.between(*low, *high)),
            Choices::Spans(low, high) if low.0 % MILLI == 0 && high.0 % MILLI == 0 => {
                span(draws.millis(low.0 / MILLI, high.0 / MILLI))
            }
            Choices::Spans(low, high) => span(draws.span(*low, *high)),
            Choices::Words(words) => Value::String((*draws.pick(words)).to_owned()),
            Choices::Switch(switch) => Value::Boolean(*draws.pick(switch)),
        }
    }

    pub(super) fn has(&self, value: &Value) -> bool {
        match (self, value) {
            (Choices::Numbers(low, high), Value::Integer(value)) => {
                u64::try_from(*value).is_ok_and(|value| (*low..=*high).contains(&value))
            }
            (Choices::Spans(low, high), Value::String(text)) => {
                text.parse::<Span>().is_ok_and(|span| (*low..=*high).contains(&span))
            }
            (Choices::Words(words), Value::String(text)) => words.contains(&text.as_str()),
            (Choices::Switch(switch), Value::Boolean(value)) => switch.contains(value),
            _ => false,
        }
    }
}

fn number(number: u64) -> Value {
    Value::Integer(i64::try_from(number).expect("a declared number fits into a file"))
}

fn span(span: Span) -> Value {
    Value::String(span.to_string())
}

/// As the mend of a wrong value.
impl fmt::Display for Choices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choices::Numbers(low, high) => write!(formatter, "a whole number from {low} to {high}"),
            Choices::Spans(low, high) => write!(formatter, "a span from \"{low}\" to \"{high}\""),
            Choices::Words(words) => write!(formatter, "one of {}", words.join(", ")),
            Choices::Switch(switch) => {
                let switch: Vec<String> = switch.iter().map(bool::to_string).collect();
                formatter.write_str(&switch.join(" or "))
            }
        }
    }
}

/// How many nodes of a kind there may be: `3`, or `2..=5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// At least so many.
    pub least: u32,
    /// At most so many.
    pub most: u32,
}

impl From<u32> for Count {
    fn from(count: u32) -> Count {
        Count { least: count, most: count }
    }
}

impl From<RangeInclusive<u32>> for Count {
    fn from(range: RangeInclusive<u32>) -> Count {
        Count { least: *range.start(), most: *range.end() }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (least, most) if least == most => write!(formatter, "{least}"),
            (least, most) => write!(formatter, "{least} to {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Choices> {
        let spans = Choices::from(Span::millis(200)..=Span::millis(800));
        let fine = Choices::from(Span::micros(1)..=Span::micros(3));
        vec![(3..=9).into(), spans, fine, ["max", "sum"].into(), [true, false].into()]
    }

    #[test]
    fn what_is_drawn_and_what_is_plain_is_one_of_them() {
        for choices in all() {
            assert!(choices.has(&choices.plain()), "{choices}");
            for seed in 0..50 {
                let drawn = choices.draw(&mut Draws::of(seed));
                assert!(choices.has(&drawn), "{drawn} is not {choices}");
            }
        }
    }

    #[test]
    fn what_lies_outside_or_is_of_another_type_is_none_of_them() {
        let text = |text: &str| Value::String(text.to_owned());
        let wrong =
            [Value::Integer(2), Value::Integer(-1), text("900ms"), text("199ms"), text("soon"), text("")];
        for choices in all() {
            for value in &wrong {
                assert!(!choices.has(value), "{value} is not {choices}");
            }
        }
    }

    #[test]
    fn an_empty_range_is_impossible() {
        #[allow(clippy::reversed_empty_ranges, reason = "what somebody may write")]
        let empty = [Choices::from(5..=4), Choices::Words(vec![]), Choices::from(0..=u64::MAX)];
        assert!(empty.iter().all(Choices::is_impossible));
        assert!(!all().iter().any(Choices::is_impossible));
    }
}
