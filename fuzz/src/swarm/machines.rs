//! Faults of single machines, drawn: their speed, their disks, their clocks.

use super::Targets;
use crate::draws::Draws;
use rehearsal_sim::{Ailment, Blow, Span};

/// How many times as long what is slow takes. A sync that begins meanwhile is over in a second or two.
const TIMES: [u64; 4] = [2, 5, 10, 50];
/// How far clocks drift, in parts per million: what quartz does, what a bad virtual machine does, and far more.
const DRIFTS: [i32; 4] = [50, 1_000, 20_000, 100_000];

pub(super) fn slow_node(draws: &mut Draws, targets: &Targets) -> Blow {
    let times = *draws.pick(&TIMES) as u32;
    of_node(draws, targets, |draws| Ailment::SlowNode { times, lasts: draws.millis(200, 4_000) })
}

pub(super) fn slow_disk(draws: &mut Draws, targets: &Targets) -> Blow {
    let times = *draws.pick(&TIMES) as u32;
    of_disk(draws, targets, |draws| Ailment::SlowDisk { times, lasts: draws.millis(200, 4_000) })
}

pub(super) fn failed_read(draws: &mut Draws, targets: &Targets) -> Blow {
    of_disk(draws, targets, |_| Ailment::FailedRead)
}

pub(super) fn failed_write(draws: &mut Draws, targets: &Targets) -> Blow {
    of_disk(draws, targets, |_| Ailment::FailedWrite)
}

pub(super) fn dropped_sync(draws: &mut Draws, targets: &Targets) -> Blow {
    of_disk(draws, targets, |_| Ailment::DroppedSync)
}

pub(super) fn rot(draws: &mut Draws, targets: &Targets) -> Blow {
    of_disk(draws, targets, |draws| Ailment::BitRot { lasting: draws.percent(50) })
}

pub(super) fn drift(draws: &mut Draws, targets: &Targets) -> Blow {
    let ppm = *draws.pick(&DRIFTS);
    let ppm = if draws.percent(50) { ppm } else { -ppm };
    of_node(draws, targets, |draws| Ailment::ClockDrift { ppm, lasts: draws.millis(500, 8_000) })
}

pub(super) fn step(draws: &mut Draws, targets: &Targets) -> Blow {
    let (forward, by) = (draws.percent(50), Span::millis(*draws.pick(&[10, 1_000, 60_000, 3_600_000])));
    of_node(draws, targets, |draws| Ailment::ClockStep { forward, by, lasts: draws.millis(500, 8_000) })
}

pub(super) fn suspension(draws: &mut Draws, targets: &Targets) -> Blow {
    of_node(draws, targets, |draws| Ailment::Suspend { lasts: draws.millis(50, 5_000) })
}

pub(super) fn lost_disk(draws: &mut Draws, targets: &Targets) -> Blow {
    of_disk(draws, targets, |draws| Ailment::LostDisk { restart_after: Some(draws.millis(50, 3_000)) })
}

fn of_node(draws: &mut Draws, targets: &Targets, ailment: impl Fn(&mut Draws) -> Ailment) -> Blow {
    Blow::Ails { node: draws.pick(&targets.crashable).clone(), ailment: ailment(draws) }
}

fn of_disk(draws: &mut Draws, targets: &Targets, ailment: impl Fn(&mut Draws) -> Ailment) -> Blow {
    Blow::Ails { node: draws.pick(&targets.disks).clone(), ailment: ailment(draws) }
}
