//! What is reported of delayed messages, of those that fail and of dead letters, in words.

use super::super::delay::Due;
use super::super::facts::Fact;
use super::super::partition::Topic;
use rehearsal_env::WallTime;

pub(super) fn of(fact: &Fact) -> String {
    match fact {
        Fact::Postponed { message, target, due: Due::After(delay), .. } => {
            let seconds = delay.duration().as_secs_f64();
            format!("is given {message} for {target}, not to be seen for {seconds:.3} s")
        }
        Fact::Postponed { message, target, due: Due::At(at), wall } => format!(
            "is given {message} for {target}, not to be seen before an appointment in {:.3} s",
            seconds(*at, *wall)
        ),
        Fact::Released { partition, offset, message, target, .. } => {
            format!(
                "finds {message} due, at offset {offset} of {partition}, and begins to move it to {target}"
            )
        }
        Fact::Moved { partition, offset, message, target, place } => format!(
            "is told that {message} from offset {offset} of {partition} stands in {target} at offset {place}"
        ),
        Fact::Failed { group, member, partition, offset, message, tries } => format!(
            "fails to process {message}, at offset {offset} of {partition}, as {member} of group {group}: try {tries}"
        ),
        Fact::Forwarded { group, message, to, place, .. } if matches!(to.topic, Topic::Dead(_)) => {
            format!("gives {message} up for group {group}: it is a dead letter, at offset {place} of {to}")
        }
        Fact::Forwarded { group, message, to, place, .. } => format!(
            "is told that {message}, to be tried again by group {group}, is written to {to} at offset {place}"
        ),
        Fact::Parked { group, partition, offset, message } => format!(
            "lets {message} wait, at offset {offset} of {partition}: one of its key is to be tried again by group {group}"
        ),
        // The rest is told elsewhere.
        other => format!("reports {other:?}"),
    }
}

fn seconds(at: WallTime, wall: WallTime) -> f64 {
    (at.micros() - wall.micros()) as f64 / 1e6
}
