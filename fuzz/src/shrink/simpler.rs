//! Simpler values in place of a value.

use rehearsal_sim::Span;
use toml::Value;

/// Values between this one and the plain one, the plain one first; none when it is plain.
pub(super) fn simpler(value: &Value, plain: &Value) -> Vec<Value> {
    if value == plain {
        return Vec::new();
    }
    match (value, plain) {
        (Value::Integer(value), Value::Integer(plain)) => {
            integers(*value, *plain).into_iter().map(Value::Integer).collect()
        }
        (Value::String(text), Value::String(plain_text)) => match (text.parse(), plain_text.parse()) {
            (Ok(value), Ok(plain)) => {
                spans(value, plain).into_iter().map(|span| Value::String(span.to_string())).collect()
            }
            _ => vec![plain.clone()],
        },
        _ => vec![plain.clone()],
    }
}

/// Whole numbers between the two: the plain one, the middle, a step of an eighth.
pub(super) fn integers(value: i64, plain: i64) -> Vec<i64> {
    let middle = plain + (value - plain) / 2;
    let away = value - plain;
    let step = value - if away.abs() < 8 { away.signum() } else { away / 8 };
    distinct(vec![plain, middle, step], value)
}

/// Spans between the two: the plain one, the middle in two digits, the value itself in two digits.
pub(super) fn spans(value: Span, plain: Span) -> Vec<Span> {
    if value == plain {
        return Vec::new();
    }
    // Nobody asks what fraction of a thousandth it must be.
    let coarse = |span: &Span| *span == plain || span.0.max(plain.0) / 1_000 <= span.0.abs_diff(plain.0);
    let middle = Span(plain.0.midpoint(value.0));
    let all = distinct(vec![plain, two_digits(middle), two_digits(value)], value);
    // Between the two, and rounder or nearer to the plain one: so that shrinking ends.
    let nearer = |span: &Span| span.0.abs_diff(plain.0) < value.0.abs_diff(plain.0);
    all.into_iter().filter(nearer).filter(coarse).collect()
}

/// The two leading decimal digits of a span, the rest zeros.
pub(super) fn two_digits(span: Span) -> Span {
    let mut unit = 1;
    while span.0 / unit >= 100 {
        unit *= 10;
    }
    Span(span.0 / unit * unit)
}

fn distinct<T: PartialEq + Copy>(values: Vec<T>, but: T) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for value in values {
        if value != but && !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_has_nothing_simpler() {
        assert!(simpler(&Value::Integer(3), &Value::Integer(3)).is_empty());
        assert!(simpler(&Value::Boolean(false), &Value::Boolean(false)).is_empty());
    }

    #[test]
    fn numbers_head_for_the_plain_one_from_both_sides() {
        assert_eq!(integers(100, 0), [0, 50, 88]);
        assert_eq!(integers(1, 0), [0]);
        assert_eq!(integers(2, 10), [10, 6, 3]);
        assert_eq!(integers(7, 0), [0, 3, 6]);
        assert_eq!(integers(-4, 0), [0, -2, -3]);
    }

    #[test]
    fn spans_become_rounder() {
        let span = |text: &str| text.parse::<Span>().expect("a span");
        assert_eq!(spans(span("1.466123s"), span("100ms")), [span("100ms"), span("780ms"), span("1.4s")]);
        assert_eq!(spans(span("110ms"), span("100ms")), [span("100ms")]);
    }

    #[test]
    fn every_step_comes_nearer_so_that_shrinking_ends() {
        let (mut value, plain) = (Span(987_654_321_012), Span::millis(100));
        let mut steps = 0;
        while let Some(&next) = spans(value, plain).last() {
            assert!(next.0.abs_diff(plain.0) < value.0.abs_diff(plain.0));
            value = next;
            steps += 1;
        }
        assert_eq!(value, plain);
        assert!(steps < 100, "{steps} steps");
    }

    #[test]
    fn words_become_the_plain_word() {
        let word = |text: &str| Value::String(text.to_owned());
        assert_eq!(simpler(&word("optimistic"), &word("pessimistic")), [word("pessimistic")]);
    }
}
