//! The fault atlas: the families of faults there are, and which of them a system promises to survive.
//!
//! A system that is struck by what nobody could survive proves nothing. So each names the families that are beyond its
//! promise, with the reason, and with the invariants that it gives up under them; all others it promises to survive. The
//! swarm draws only those, and a scenario with others is refused, unless it says `beyond_promise = true`: then everything
//! may strike, and what is given up under what strikes is not judged, and named.

use crate::scenario::{Scenario, ScenarioError};
use rehearsal_sim::{Ailment, Blow};
use serde::Serialize;

/// A family of faults: what a seed has, or leaves out, as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Crashes and crash loops.
    Crashes,
    /// Nodes that stand still.
    Pauses,
    /// Partitions of two sides.
    Partitions,
    /// Lost messages.
    Loss,
    /// Doubled messages.
    Duplication,
    /// Messages held back.
    Delay,
    /// Failed syncs and full disks.
    Disks,
    /// Partitions of other shapes, and those that flap.
    Shapes,
    /// Links that carry few messages.
    SlowLinks,
    /// Links that lose what is under way.
    Resets,
    /// Data centres that are lost, or cut from each other.
    Zones,
    /// Nodes and disks that are slow.
    Slowness,
    /// Reads and writes that fail, and failed syncs that lose what they were to make sure of.
    FailedDisks,
    /// Clocks that drift.
    Clocks,
    /// Wall clocks that are set off.
    WallClocks,
    /// Nodes that stand still, and their clocks with them.
    Suspensions,
    /// Bits that turn round on the medium.
    Rot,
    /// Disks that are lost for good.
    LostDisks,
}

/// Every family: its name in `families.NAME`, and what is in it.
const FAMILIES: [(Family, &str, &str); 18] = [
    (Family::Crashes, "crashes", "nodes lose their memory and what they had not synced, once or in a loop"),
    (Family::Pauses, "pauses", "nodes stand still"),
    (Family::Partitions, "partitions", "some nodes do not reach others, one way or both"),
    (Family::Loss, "loss", "messages are lost"),
    (Family::Duplication, "duplication", "messages come twice"),
    (Family::Delay, "delay", "messages are held back and overtaken"),
    (Family::Disks, "disks", "syncs fail, disks are full"),
    (Family::Shapes, "shapes", "bridges, rings, nodes alone, and partitions that come again and again"),
    (Family::SlowLinks, "slow_links", "links carry few messages a second"),
    (Family::Resets, "resets", "all that is under way on a link is lost at once"),
    (Family::Zones, "zones", "all nodes of a data centre crash together, or it is cut from the others"),
    (Family::Slowness, "slowness", "nodes and disks take many times as long"),
    (
        Family::FailedDisks,
        "failed_disks",
        "reads and writes fail, and syncs that lose what they were to keep",
    ),
    (Family::Clocks, "clocks", "clocks run fast or slow"),
    (Family::WallClocks, "wall_clocks", "wall clocks are set off"),
    (Family::Suspensions, "suspensions", "nodes stand still, and their clocks with them"),
    (Family::Rot, "rot", "a bit that is read is not what was written"),
    (Family::LostDisks, "lost_disks", "a node crashes and has lost its disk"),
];

impl Family {
    /// All families.
    pub fn all() -> impl Iterator<Item = Family> {
        FAMILIES.into_iter().map(|(family, ..)| family)
    }

    /// Its name, as in `families.slow_links`.
    pub fn name(self) -> &'static str {
        FAMILIES[self as usize].1
    }

    /// What is in it.
    pub fn says(self) -> &'static str {
        FAMILIES[self as usize].2
    }

    /// The family of a fault.
    pub fn of(blow: &Blow) -> Family {
        match blow {
            Blow::Crash { .. } | Blow::CrashLoop { .. } => Family::Crashes,
            Blow::Pause { .. } => Family::Pauses,
            Blow::Partition { .. } => Family::Partitions,
            Blow::FailedSync { .. } | Blow::FullDisk { .. } => Family::Disks,
            Blow::ZoneLost { .. } => Family::Zones,
            Blow::Divide(division) if division.shape.kind() == "zones_cut" => Family::Zones,
            Blow::Divide(_) => Family::Shapes,
            Blow::SlowLink { .. } => Family::SlowLinks,
            Blow::ResetLink { .. } => Family::Resets,
            Blow::Ails { ailment, .. } => match ailment {
                Ailment::SlowDisk { .. } | Ailment::SlowNode { .. } => Family::Slowness,
                Ailment::FailedRead | Ailment::FailedWrite | Ailment::DroppedSync => Family::FailedDisks,
                Ailment::ClockDrift { .. } => Family::Clocks,
                Ailment::ClockStep { .. } => Family::WallClocks,
                Ailment::Suspend { .. } => Family::Suspensions,
                Ailment::BitRot { .. } => Family::Rot,
                Ailment::LostDisk { .. } => Family::LostDisks,
            },
        }
    }

    /// Whether a scenario has any of it.
    pub fn is_in(self, scenario: &Scenario) -> bool {
        let network = &scenario.network;
        match self {
            Family::Loss => network.loss > 0,
            Family::Duplication => network.duplication > 0,
            Family::Delay => network.delay > 0,
            _ => scenario.faults.iter().any(|fault| Family::of(&fault.blow) == self),
        }
    }
}

/// A family of faults that is beyond what a system promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Beyond {
    /// The family.
    pub family: Family,
    /// Why nobody could ask for it, or why this system does not give it.
    pub because: &'static str,
    /// The invariants that are not promised under it, by name; the world's own included, as `clients-finish`.
    pub gives_up: &'static [&'static str],
}

/// Whether the scenario has only faults that are promised to be survived, or says that it has others.
///
/// # Errors
/// The first fault of a family that is beyond the promise, with the mend.
pub fn check(scenario: &Scenario, beyond: &[Beyond]) -> Result<(), ScenarioError> {
    let Some(found) = beyond.iter().find(|beyond| beyond.family.is_in(scenario)) else { return Ok(()) };
    if scenario.beyond_promise {
        return Ok(());
    }
    let of_it = |blow: &Blow| Family::of(blow) == found.family;
    let key = match scenario.faults.iter().position(|fault| of_it(&fault.blow)) {
        Some(index) => format!("fault[{index}]"),
        None => format!("network.{}", found.family.name()),
    };
    let (family, name, because) = (found.family.name(), &scenario.system, found.because);
    let reason = format!("`{family}` are beyond what {name} promises to survive: {because}");
    let given_up = match found.gives_up {
        [] => String::new(),
        names => format!("; {} are not judged then", names.join(", ")),
    };
    Err(ScenarioError::new(
        key,
        reason,
        format!("take it out, or write `beyond_promise = true` at the top{given_up}"),
    ))
}

/// The invariants that are not judged in this scenario, since it goes beyond the promise.
pub fn given_up(scenario: &Scenario, beyond: &[Beyond]) -> Vec<&'static str> {
    let strikes = |beyond: &&Beyond| scenario.beyond_promise && beyond.family.is_in(scenario);
    let mut names: Vec<&str> =
        beyond.iter().filter(strikes).flat_map(|beyond| beyond.gives_up).copied().collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::System;
    use crate::systems::counter::Counter;
    use rehearsal_sim::{Fault, Span, Trigger};

    const BEYOND: &[Beyond] = &[
        Beyond {
            family: Family::Resets,
            because: "it is a test",
            gives_up: &["count-is-exact", "clients-finish"],
        },
        Beyond { family: Family::Loss, because: "it is another", gives_up: &["clients-finish"] },
    ];

    fn reset_beyond(beyond_promise: bool) -> Scenario {
        let blow = Blow::ResetLink { ends: vec!["server".to_owned()] };
        let faults = vec![Fault { trigger: Trigger::At(Span::seconds(1)), blow }];
        Scenario { faults, beyond_promise, ..Counter.plain().scenario }
    }

    #[test]
    fn every_family_stands_at_its_place_in_the_table() {
        for (place, (family, name, _)) in FAMILIES.into_iter().enumerate() {
            assert_eq!((family as usize, family.name()), (place, name));
            assert_eq!(serde_json::to_value(family).expect("a name"), name);
        }
    }

    #[test]
    fn a_fault_beyond_the_promise_is_refused_where_it_stands() {
        let refused = check(&reset_beyond(false), BEYOND).expect_err("it is beyond");
        assert_eq!(refused.key, "fault[0]");
        assert!(refused.reason.contains("it is a test"), "{refused}");
        assert!(refused.mend.contains("count-is-exact, clients-finish are not judged"), "{}", refused.mend);
        let mut lossy = Counter.plain().scenario;
        lossy.network.loss = 1;
        assert_eq!(check(&lossy, BEYOND).expect_err("it is beyond").key, "network.loss");
        assert_eq!(check(&Counter.plain().scenario, BEYOND), Ok(()));
        assert_eq!(check(&reset_beyond(false), &[]), Ok(()));
    }

    #[test]
    fn who_goes_beyond_gives_up_what_the_faults_that_strike_give_up() {
        assert_eq!(check(&reset_beyond(true), BEYOND), Ok(()));
        assert_eq!(given_up(&reset_beyond(true), BEYOND), ["clients-finish", "count-is-exact"]);
        let calm = Scenario { beyond_promise: true, ..Counter.plain().scenario };
        assert!(given_up(&calm, BEYOND).is_empty(), "nothing strikes that is not promised");
        let both = {
            let mut both = reset_beyond(true);
            both.network.loss = 5;
            both
        };
        assert_eq!(given_up(&both, BEYOND), ["clients-finish", "count-is-exact"]);
    }
}
