//! Numbers as people read them.

use crate::program_name;
use rehearsal_sim::{FaultClass, FaultTally};
use std::path::Path;

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A long time in its two largest units that matter, as `3 h 12 min`.
pub fn spell_seconds(seconds: f64) -> String {
    const UNITS: [(&str, u64); 5] =
        [("years", 31_557_600), ("days", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds as u64;
    let largest = UNITS.iter().position(|(_, unit)| whole >= *unit).unwrap_or(4);
    let (name, unit) = UNITS[largest];
    let (next_name, next_unit) = UNITS[(largest + 1).min(4)];
    format!("{} {name} {} {next_name}", whole / unit, whole % unit / next_unit)
}

/// The name of a class of faults, as in JSON.
pub fn class_name(class: FaultClass) -> String {
    match serde_json::to_value(class) {
        Ok(serde_json::Value::String(name)) => name,
        other => unreachable!("a class of faults has a name, not {other:?}"),
    }
}

/// The classes that struck, as `crash 12 (9 with effect), …`.
pub fn tally(faults: &FaultTally) -> String {
    let struck = FaultClass::all().filter(|class| faults.struck(*class) > 0);
    let told: Vec<String> = struck
        .map(|class| {
            let (struck, effective) = (grouped(faults.struck(class)), grouped(faults.effective(class)));
            format!("{} {struck} ({effective} with effect)", class_name(class).replace('_', " "))
        })
        .collect();
    if told.is_empty() { "none".to_owned() } else { told.join(", ") }
}

/// The command that replays a kept scenario, for a shell.
pub fn replay_command(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "/._-+,:@%".contains(sign);
    if path.chars().all(is_plain) && !path.starts_with('-') {
        format!("{} run {path}", program_name::get())
    } else {
        format!("{} run -- '{}'", program_name::get(), path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn long_times_are_told_in_two_units() {
        let told = [1.25, 61.0, 7_265.0, 90_000.0, 63_115_200.0].map(spell_seconds);
        assert_eq!(told, ["1.2 s", "1 min 1 s", "2 h 1 min", "1 days 1 h", "2 years 0 days"]);
    }

    #[test]
    fn a_replay_can_be_pasted_into_a_shell() {
        assert_eq!(replay_command(Path::new("out/a-1.toml")), "rehearsal run out/a-1.toml");
        assert_eq!(replay_command(Path::new("my out/it's")), r"rehearsal run -- 'my out/it'\''s'");
    }
}
