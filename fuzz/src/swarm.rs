//! Which faults a seed's scenario has: whole families are off in most of them, since a run with everything
//! slightly on finds less than many runs that each leave something out.

use crate::atlas::{Beyond, Family};
use crate::draws::Draws;
use crate::scenario::Scenario;
use rehearsal_sim::{Blow, DiskSettings, Fault, NetworkSettings, Span, Trigger};
use serde::{Deserialize, Serialize};

mod links;
mod machines;

/// The families of faults that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Families {
    /// Crashes and crash loops.
    pub crashes: bool,
    /// Nodes that stand still.
    pub pauses: bool,
    /// Partitions.
    pub partitions: bool,
    /// Lost messages.
    pub loss: bool,
    /// Doubled messages.
    pub duplication: bool,
    /// Messages held back.
    pub delay: bool,
    /// Failed syncs and full disks.
    pub disks: bool,
    /// Bridges, rings, nodes alone, and partitions that flap.
    pub shapes: bool,
    /// Links that carry few messages.
    pub slow_links: bool,
    /// Links that are reset.
    pub resets: bool,
    /// Data centres that are lost, or cut from each other.
    pub zones: bool,
    /// Nodes and disks that are slow.
    pub slowness: bool,
    /// Reads, writes and syncs that fail.
    pub failed_disks: bool,
    /// Clocks that drift.
    pub clocks: bool,
    /// Wall clocks that are wrong.
    pub wall_clocks: bool,
    /// Nodes that stand still without knowing it.
    pub suspensions: bool,
    /// Bits that turn round.
    pub rot: bool,
    /// Disks that are lost for good.
    pub lost_disks: bool,
}

/// What a system tells of its nodes, so that faults can be drawn for it.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Nodes that may crash and stand still.
    pub crashable: Vec<String>,
    /// Nodes whose disks may fail or fill up.
    pub disks: Vec<String>,
    /// Everybody that a partition may cut off.
    pub all: Vec<String>,
    /// Kinds of facts worth striking at.
    pub facts: &'static [&'static str],
    /// Moments at which a node has most to lose: right after this fact, this node.
    pub critical: Vec<(&'static str, &'static str)>,
}

impl Families {
    /// Their names.
    pub fn names() -> Vec<String> {
        let any = Families::draw(&Draws::of(0));
        toml::Table::try_from(any).expect("families are a table").keys().cloned().collect()
    }

    /// Each family is on in half of the seeds; one seed in ten has none at all.
    pub fn draw(draws: &Draws) -> Families {
        let mut of_links = draws.part("families-of-links", 0);
        let mut of_machines = draws.part("families-of-machines", 0);
        let mut draws = draws.part("families", 0);
        let calm = draws.percent(10);
        let mut on = || draws.percent(50) && !calm;
        let mut on_links = || of_links.percent(50) && !calm;
        let mut on_machines = || of_machines.percent(50) && !calm;
        Families {
            crashes: on(),
            pauses: on(),
            partitions: on(),
            loss: on(),
            duplication: on(),
            delay: on(),
            disks: on(),
            shapes: on_links(),
            slow_links: on_links(),
            resets: on_links(),
            zones: on_links(),
            slowness: on_machines(),
            failed_disks: on_machines(),
            clocks: on_machines(),
            wall_clocks: on_machines(),
            suspensions: on_machines(),
            rot: on_machines(),
            lost_disks: on_machines(),
        }
    }

    /// Without those that are beyond what a system promises.
    pub fn promised(mut self, beyond: &[Beyond]) -> Families {
        beyond.iter().for_each(|beyond| *self.of(beyond.family) = false);
        self
    }

    fn of(&mut self, family: Family) -> &mut bool {
        match family {
            Family::Crashes => &mut self.crashes,
            Family::Pauses => &mut self.pauses,
            Family::Partitions => &mut self.partitions,
            Family::Loss => &mut self.loss,
            Family::Duplication => &mut self.duplication,
            Family::Delay => &mut self.delay,
            Family::Disks => &mut self.disks,
            Family::Shapes => &mut self.shapes,
            Family::SlowLinks => &mut self.slow_links,
            Family::Resets => &mut self.resets,
            Family::Zones => &mut self.zones,
            Family::Slowness => &mut self.slowness,
            Family::FailedDisks => &mut self.failed_disks,
            Family::Clocks => &mut self.clocks,
            Family::WallClocks => &mut self.wall_clocks,
            Family::Suspensions => &mut self.suspensions,
            Family::Rot => &mut self.rot,
            Family::LostDisks => &mut self.lost_disks,
        }
    }
}

/// One thing that a scenario may leave out, and whether it is on.
pub type MaskBit = (&'static str, bool);

/// Which families of faults a scenario has.
pub fn mask(scenario: &Scenario) -> Vec<MaskBit> {
    Family::all().map(|family| (family.name(), family.is_in(scenario))).collect()
}

/// The knobs of the links, drawn.
pub fn network(draws: &Draws, families: Families) -> NetworkSettings {
    let mut draws = draws.part("network", 0);
    let latency_min = Span::micros(*draws.pick(&[100, 500, 1_000, 5_000]));
    let latency_max = Span(latency_min.0 * draws.between(1, 10));
    let links_differ = draws.percent(50);
    let mut share = |on: bool| if on { *draws.pick(&[100, 500, 1_000, 3_000, 10_000]) } else { 0 };
    let (loss, duplication, delay) =
        (share(families.loss), share(families.duplication), share(families.delay));
    let delay_max = Span::millis(*draws.pick(&[20, 200, 2_000]));
    NetworkSettings { latency_min, latency_max, links_differ, loss, duplication, delay, delay_max }
}

/// The knobs of the disks, drawn.
pub fn disk(draws: &Draws) -> DiskSettings {
    let mut draws = draws.part("disk", 0);
    let access_min = Span::micros(*draws.pick(&[10, 50, 200]));
    let sync_min = Span::micros(*draws.pick(&[200, 1_000, 5_000]));
    DiskSettings {
        access_min,
        access_max: Span(access_min.0 * draws.between(1, 10)),
        sync_min,
        sync_max: Span(sync_min.0 * draws.between(1, 8)),
    }
}

/// Draws one fault of a kind.
type Kind = fn(&mut Draws, &Targets) -> Blow;

/// The faults of a storm, drawn: each by its number, so that taking one out leaves the others.
pub fn faults(draws: &Draws, families: Families, targets: &Targets, storm: Span) -> Vec<Fault> {
    let mut faults = of_nodes(draws, families, targets, storm);
    faults.extend(of_links(draws, families, targets, storm));
    faults.extend(of_machines(draws, families, targets, storm));
    faults
}

fn of_nodes(draws: &Draws, families: Families, targets: &Targets, storm: Span) -> Vec<Fault> {
    let mut kinds: Vec<Kind> = Vec::new();
    if families.crashes && !targets.crashable.is_empty() {
        kinds.extend([crash as Kind, crash, crash, crash_loop]);
    }
    if families.pauses && !targets.crashable.is_empty() {
        kinds.extend([pause as Kind, pause]);
    }
    if families.partitions {
        kinds.extend([partition as Kind, partition, partition]);
    }
    if families.disks && !targets.disks.is_empty() {
        kinds.extend([failed_sync as Kind, full_disk]);
    }
    if kinds.is_empty() {
        return Vec::new();
    }
    let count = draws.part("fault-count", 0).between(1, 6);
    (0..count)
        .map(|number| {
            let mut draws = draws.part("fault", number);
            if families.crashes && !targets.critical.is_empty() && draws.percent(40) {
                return crash_at_the_worst(&mut draws, targets);
            }
            let trigger = trigger(&mut draws, targets, storm);
            let blow = draws.pick(&kinds)(&mut draws, targets);
            Fault { trigger, blow }
        })
        .collect()
}

/// Faults of links and of zones, from draws of their own.
fn of_links(draws: &Draws, families: Families, targets: &Targets, storm: Span) -> Vec<Fault> {
    let mut kinds: Vec<Kind> = Vec::new();
    if families.shapes {
        kinds.extend([links::shape as Kind, links::shape, links::flapping]);
    }
    if families.slow_links {
        kinds.extend([links::slow as Kind, links::slow]);
    }
    if families.resets {
        kinds.extend([links::reset as Kind, links::reset]);
    }
    if families.zones {
        kinds.extend([links::zone_lost as Kind, links::zones_cut]);
    }
    if kinds.is_empty() || targets.crashable.is_empty() || targets.all.len() < 2 {
        return Vec::new();
    }
    several(draws, "link-fault", &kinds, targets, storm)
}

fn of_machines(draws: &Draws, families: Families, targets: &Targets, storm: Span) -> Vec<Fault> {
    let mut kinds: Vec<Kind> = Vec::new();
    let (nodes, disks) = (!targets.crashable.is_empty(), !targets.disks.is_empty());
    if families.slowness && nodes && disks {
        kinds.extend([machines::slow_node as Kind, machines::slow_disk]);
    }
    if families.failed_disks && disks {
        kinds.extend([machines::failed_read as Kind, machines::failed_write, machines::dropped_sync]);
    }
    if families.clocks && nodes {
        kinds.extend([machines::drift as Kind]);
    }
    if families.wall_clocks && nodes {
        kinds.extend([machines::step as Kind]);
    }
    if families.suspensions && nodes {
        kinds.extend([machines::suspension as Kind]);
    }
    if families.rot && disks {
        kinds.extend([machines::rot as Kind, machines::rot]);
    }
    if families.lost_disks && disks {
        kinds.extend([machines::lost_disk as Kind]);
    }
    if kinds.is_empty() { Vec::new() } else { several(draws, "machine-fault", &kinds, targets, storm) }
}

/// One to three faults of these kinds, each by its number.
fn several(draws: &Draws, part: &str, kinds: &[Kind], targets: &Targets, storm: Span) -> Vec<Fault> {
    let count = draws.part(&format!("{part}-count"), 0).between(1, 3);
    let fault = |number| {
        let mut draws = draws.part(part, number);
        let trigger = trigger(&mut draws, targets, storm);
        let blow = draws.pick(kinds)(&mut draws, targets);
        Fault { trigger, blow }
    };
    (0..count).map(fault).collect()
}

fn trigger(draws: &mut Draws, targets: &Targets, storm: Span) -> Trigger {
    if !targets.facts.is_empty() && draws.percent(50) {
        let fact = (*draws.pick(targets.facts)).to_owned();
        let nth = draws.between(1, 12);
        let delay = Span::micros(*draws.pick(&[0, 100, 1_000, 10_000]) * draws.between(1, 9));
        return Trigger::On { fact, nth, delay };
    }
    if draws.percent(20) {
        return Trigger::After(draws.between(1, 1_500));
    }
    // Not in the last tenth, where few could still have an effect. (A storm may be shorter than a millisecond.)
    Trigger::At(draws.millis(1, (storm.0 / 10 * 9 / 1_000_000).max(1)))
}

fn crash_at_the_worst(draws: &mut Draws, targets: &Targets) -> Fault {
    let (fact, node) = *draws.pick(&targets.critical);
    let nth = draws.between(1, 30);
    let delay = Span::micros(draws.between(0, 300));
    let trigger = Trigger::On { fact: fact.to_owned(), nth, delay };
    let blow = Blow::Crash { node: node.to_owned(), restart_after: draws.millis(10, 3_000) };
    Fault { trigger, blow }
}

fn crash(draws: &mut Draws, targets: &Targets) -> Blow {
    let node = draws.pick(&targets.crashable).clone();
    Blow::Crash { node, restart_after: draws.millis(10, 3_000) }
}

fn crash_loop(draws: &mut Draws, targets: &Targets) -> Blow {
    let node = draws.pick(&targets.crashable).clone();
    let times = draws.between(2, 5) as u32;
    Blow::CrashLoop { node, times, restart_after: draws.millis(5, 500), up_for: draws.millis(1, 500) }
}

fn pause(draws: &mut Draws, targets: &Targets) -> Blow {
    let node = draws.pick(&targets.crashable).clone();
    Blow::Pause { node, lasts: draws.millis(50, 5_000) }
}

fn partition(draws: &mut Draws, targets: &Targets) -> Blow {
    let cut_off = draws.pick(&targets.all).clone();
    let mut from = vec![cut_off];
    if draws.percent(30) {
        let other = draws.pick(&targets.all).clone();
        if !from.contains(&other) && targets.all.len() > 2 {
            from.push(other);
        }
    }
    let to = targets.all.iter().filter(|name| !from.contains(name)).cloned().collect();
    Blow::Partition { from, to, one_way: draws.percent(40), heal_after: draws.millis(50, 6_000) }
}

fn failed_sync(draws: &mut Draws, targets: &Targets) -> Blow {
    Blow::FailedSync { node: draws.pick(&targets.disks).clone() }
}

fn full_disk(draws: &mut Draws, targets: &Targets) -> Blow {
    Blow::FullDisk { node: draws.pick(&targets.disks).clone(), lasts: draws.millis(50, 3_000) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn targets() -> Targets {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let all = names(&["a", "b", "c", "d", "e"]);
        Targets { crashable: names(&["a", "a", "b", "c"]), disks: names(&["a"]), all, ..Targets::default() }
    }

    fn drawn(seed: u64, families: Families) -> Vec<Fault> {
        faults(&Draws::of(seed), families, &targets(), Span::seconds(10))
    }

    fn only(wanted: &[Family]) -> Families {
        let beyond: Vec<Beyond> = Family::all()
            .filter(|family| !wanted.contains(family))
            .map(|family| Beyond { family, because: "it is not wanted", gives_up: &[] })
            .collect();
        let draws: Vec<Families> = (0..200).map(|seed| Families::draw(&Draws::of(seed))).collect();
        let mut all = draws[0];
        Family::all().for_each(|family| *all.of(family) = true);
        for mut families in draws {
            assert!(beyond.iter().all(|one| !*families.promised(&beyond).of(one.family)));
            assert!(Family::all().any(|family| *all.of(family) && !*families.of(family)), "some are off");
        }
        all.promised(&beyond)
    }

    #[test]
    fn a_family_has_its_own_kinds_of_faults_and_all_of_them() {
        for (family, kinds) in [
            (Family::Shapes, &["bridge", "isolate", "partition", "ring"][..]),
            (Family::SlowLinks, &["slow_link"]),
            (Family::Resets, &["reset_link"]),
            (Family::Zones, &["zone_lost", "zones_cut"]),
            (Family::Slowness, &["slow_disk", "slow_node"]),
            (Family::FailedDisks, &["dropped_sync", "failed_read", "failed_write"]),
            (Family::Clocks, &["clock_drift"]),
            (Family::WallClocks, &["clock_step"]),
            (Family::Suspensions, &["suspend"]),
            (Family::Rot, &["bit_rot"]),
            (Family::LostDisks, &["lost_disk"]),
        ] {
            let faults: Vec<Fault> = (0..200).flat_map(|seed| drawn(seed, only(&[family]))).collect();
            assert!(faults.iter().all(|fault| Family::of(&fault.blow) == family), "{family:?}");
            let seen: BTreeSet<&str> = faults.iter().map(|fault| fault.blow.kind()).collect();
            assert!(seen.iter().eq(kinds), "{family:?}: {seen:?}");
        }
    }

    #[test]
    fn what_is_drawn_can_be_written_and_is_read_back() {
        let families = only(&Family::all().collect::<Vec<_>>());
        for seed in 0..200 {
            for fault in drawn(seed, families) {
                let text = toml::to_string(&fault).expect("every fault can be written");
                assert_eq!(toml::from_str(&text), Ok(fault), "{text}");
            }
        }
    }

    #[test]
    fn faults_of_nodes_are_the_same_with_and_without_those_of_links() {
        let (nodes, links) = ([Family::Crashes, Family::Pauses], [Family::Shapes, Family::Zones]);
        for seed in 0..50 {
            let (alone, both) = (drawn(seed, only(&nodes)), drawn(seed, only(&[nodes, links].concat())));
            assert!(both.len() > alone.len() && both[..alone.len()] == alone, "seed {seed}");
        }
    }
}
