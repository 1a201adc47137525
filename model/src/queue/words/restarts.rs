//! What comes of a wish that a broker stops in order, in words.

use super::super::facts::OfRestarts;

pub(super) fn of(fact: &OfRestarts) -> String {
    match fact {
        OfRestarts::Asked { broker, life } => {
            format!("has made durable: {broker} is to stop in order, in its life number {}", life.0)
        }
        OfRestarts::Stopped { handed_over: true, .. } => {
            "stops in order: others lead in its place, and all that it has is on its disk".to_owned()
        }
        OfRestarts::Stopped { handed_over: false, .. } => {
            "stops in order, though not all leads have passed on: all that it has is on its disk".to_owned()
        }
    }
}
