//! What goes wrong with a machine, in words: each is the rest of a sentence that begins with the node's name.

use rehearsal_sim::FaultClass;

/// That it begins.
pub(crate) fn begins(class: FaultClass) -> &'static str {
    match class {
        FaultClass::SlowDisk => "has a slow disk from now on",
        FaultClass::SlowNode => "is slow from now on: it does one thing after the other, each of them late",
        FaultClass::ClockDrift => "has a clock that runs at another speed from now on",
        FaultClass::ClockStep => "has a wall clock that is wrong from now on",
        FaultClass::Suspend => "is suspended, and its clock with it",
        _ => "ails",
    }
}

/// That it is over.
pub(crate) fn ends(class: FaultClass) -> &'static str {
    match class {
        FaultClass::SlowDisk => "has a disk that is as fast as before",
        FaultClass::SlowNode => "is as fast as before",
        FaultClass::ClockDrift => "has a clock that runs right again, from where it is",
        FaultClass::ClockStep => "has a wall clock that is right again",
        FaultClass::Suspend => "does not know that it stood still",
        _ => "is well again",
    }
}

/// That it happens, once.
pub(crate) fn fails(class: FaultClass) -> &'static str {
    match class {
        FaultClass::FailedRead => "cannot read: the disk reports an error",
        FaultClass::FailedWrite => {
            "cannot write: the disk reports an error, and may have written all the same"
        }
        FaultClass::DroppedSync => {
            "cannot sync: the disk reports an error, and what was to be synced is dropped"
        }
        FaultClass::BitRot => "reads a bit that is not as it was written",
        FaultClass::LostDisk => "loses its disk with all that is on it",
        _ => "fails",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_can_go_wrong_has_words_of_its_own() {
        let told = |words: fn(FaultClass) -> &'static str, general: &str| -> Vec<FaultClass> {
            FaultClass::all().filter(|class| words(*class) != general).collect()
        };
        assert_eq!(told(begins, "ails"), told(ends, "is well again"));
        let all = [told(begins, "ails"), told(fails, "fails")].concat();
        let first = FaultClass::all().position(|class| class == FaultClass::SlowDisk).unwrap_or_default();
        let ailments = FaultClass::all().skip(first);
        assert!(ailments.take(10).all(|class| all.contains(&class)), "{all:?}");
    }
}
