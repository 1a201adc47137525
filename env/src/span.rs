//! Spans of time as people write them: `"12.3s"`, `"250ms"`, `"10min"`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A span of virtual time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

const UNITS: [(&str, u64); 6] = [
    ("min", 60_000_000_000),
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("h", 3_600_000_000_000),
    ("s", 1_000_000_000),
];

impl Span {
    /// So many microseconds.
    pub const fn micros(count: u64) -> Span {
        Span(count * 1_000)
    }

    /// So many milliseconds.
    pub const fn millis(count: u64) -> Span {
        Span(count * 1_000_000)
    }

    /// So many seconds.
    pub const fn seconds(count: u64) -> Span {
        Span(count * 1_000_000_000)
    }

    /// As the standard library has it.
    pub const fn duration(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

/// A text that is no span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no span of time: write a number and one of ns, us, ms, s, min, h, as \"12.3s\"")]
pub struct NoSpan(String);

impl FromStr for Span {
    type Err = NoSpan;

    fn from_str(text: &str) -> Result<Span, NoSpan> {
        let refused = || NoSpan(text.to_owned());
        let split = text.find(|sign: char| sign.is_ascii_alphabetic()).ok_or_else(refused)?;
        let (number, unit) = text.split_at(split);
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(refused)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 12 {
            return Err(refused());
        }
        let whole: u64 = whole.parse().map_err(|_| refused())?;
        let fraction_nanos = fraction.parse::<u128>().map_err(|_| refused())? * u128::from(*nanos)
            / 10u128.pow(fraction.len() as u32);
        let total = whole.checked_mul(*nanos).ok_or_else(refused)?;
        total.checked_add(fraction_nanos as u64).map(Span).ok_or_else(refused)
    }
}

impl fmt::Display for Span {
    /// In the largest unit that is not larger than the span, exactly.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, nanos) = match self.0 {
            0 => ("s", 1_000_000_000),
            1..1_000 => ("ns", 1),
            1_000..1_000_000 => ("us", 1_000),
            1_000_000..1_000_000_000 => ("ms", 1_000_000),
            whole if whole % 60_000_000_000 == 0 => ("min", 60_000_000_000),
            _ => ("s", 1_000_000_000u64),
        };
        let (whole, rest) = (self.0 / nanos, self.0 % nanos);
        if rest == 0 {
            return write!(formatter, "{whole}{unit}");
        }
        let width = nanos.ilog10() as usize;
        let fraction = format!("{rest:0width$}");
        write!(formatter, "{whole}.{}{unit}", fraction.trim_end_matches('0'))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_write_spans_like_this() {
        for (text, nanos) in [
            ("12.3s", 12_300_000_000),
            ("250ms", 250_000_000),
            ("10min", 600_000_000_000),
            ("0.5us", 500),
            ("7ns", 7),
            ("2h", 7_200_000_000_000),
            ("0s", 0),
        ] {
            assert_eq!(text.parse(), Ok(Span(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "12", "s", "1.s", ".5s", "-1s", "1 s", "1sec", "1e3s", "99999999999999h", "1.2.3s"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_span_is_read_back_as_it_was_written(nanos in 0..u64::MAX / 2) {
            prop_assert_eq!(Span(nanos).to_string().parse(), Ok(Span(nanos)));
        }
    }
}
