//! Which faults a seed's scenario has: whole families are off in most of them, since a run with everything
//! slightly on finds less than many runs that each leave something out.

use crate::draws::Draws;
use crate::scenario::Scenario;
use rehearsal_sim::{Blow, DiskSettings, Fault, NetworkSettings, Span, Trigger};
use serde::{Deserialize, Serialize};

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
        let mut draws = draws.part("families", 0);
        let calm = draws.percent(10);
        let mut on = || draws.percent(50) && !calm;
        Families {
            crashes: on(),
            pauses: on(),
            partitions: on(),
            loss: on(),
            duplication: on(),
            delay: on(),
            disks: on(),
        }
    }
}

/// One thing that a scenario may leave out, and whether it is on.
pub type MaskBit = (&'static str, bool);

/// Which families of faults a scenario has.
pub fn mask(scenario: &Scenario) -> Vec<MaskBit> {
    let has = |wanted: fn(&Blow) -> bool| scenario.faults.iter().any(|fault| wanted(&fault.blow));
    let network = &scenario.network;
    vec![
        ("crashes", has(|blow| matches!(blow, Blow::Crash { .. } | Blow::CrashLoop { .. }))),
        ("pauses", has(|blow| matches!(blow, Blow::Pause { .. }))),
        ("partitions", has(|blow| matches!(blow, Blow::Partition { .. }))),
        ("loss", network.loss > 0),
        ("duplication", network.duplication > 0),
        ("delay", network.delay > 0),
        ("disks", has(|blow| matches!(blow, Blow::FailedSync { .. } | Blow::FullDisk { .. }))),
    ]
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

/// The faults of a storm, drawn: each by its number, so that taking one out leaves the others.
pub fn faults(draws: &Draws, families: Families, targets: &Targets, storm: Span) -> Vec<Fault> {
    let mut kinds: Vec<fn(&mut Draws, &Targets) -> Blow> = Vec::new();
    if families.crashes && !targets.crashable.is_empty() {
        kinds.extend([crash as fn(&mut Draws, &Targets) -> Blow, crash, crash, crash_loop]);
    }
    if families.pauses && !targets.crashable.is_empty() {
        kinds.extend([pause as fn(&mut Draws, &Targets) -> Blow, pause]);
    }
    if families.partitions {
        kinds.extend([partition as fn(&mut Draws, &Targets) -> Blow, partition, partition]);
    }
    if families.disks && !targets.disks.is_empty() {
        kinds.extend([failed_sync as fn(&mut Draws, &Targets) -> Blow, full_disk]);
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
