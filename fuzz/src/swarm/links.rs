//! Faults of links and of zones, drawn.

use super::{Targets, partition};
use crate::draws::Draws;
use rehearsal_sim::{Blow, Division, Shape, Span};

/// Few messages a second, and still enough that something comes of them.
const PER_SECOND: [u32; 5] = [5, 20, 50, 200, 1_000];
/// How long a division that comes once heals after it; one that flaps says how long it is healed.
const UP_FOR: Span = Span::millis(500);

/// A bridge, a ring, or a node alone; a ring needs four.
pub(super) fn shape(draws: &mut Draws, targets: &Targets) -> Blow {
    let heal_after = draws.millis(50, 5_000);
    let all = shuffled(draws, &targets.all);
    let shape = match draws.below(3) {
        0 if all.len() > 3 => Shape::Ring(all),
        0 | 1 if all.len() > 2 => {
            let (over, rest) = all.split_first().expect("there are three");
            let (one, other) = rest.split_at(draws.between(1, rest.len() as u64 - 1) as usize);
            Shape::Bridge { one: one.to_vec(), other: other.to_vec(), over: over.clone() }
        }
        _ => Shape::Isolate(all[0].clone()),
    };
    Blow::Divide(Division { shape, heal_after, times: 1, up_for: UP_FOR })
}

/// A partition of two sides, or a node alone, again and again.
pub(super) fn flapping(draws: &mut Draws, targets: &Targets) -> Blow {
    let shape = match partition(draws, targets) {
        Blow::Partition { from, to, one_way, .. } if draws.percent(50) => Shape::Sides { from, to, one_way },
        _ => Shape::Isolate(draws.pick(&targets.crashable).clone()),
    };
    let (heal_after, up_for) = (draws.millis(20, 1_500), draws.millis(5, 1_000));
    let times = draws.between(2, 6) as u32;
    Blow::Divide(Division { shape, heal_after, times, up_for })
}

pub(super) fn slow(draws: &mut Draws, targets: &Targets) -> Blow {
    let ends = ends(draws, targets);
    Blow::SlowLink { ends, per_second: *draws.pick(&PER_SECOND), lasts: draws.millis(200, 6_000) }
}

pub(super) fn reset(draws: &mut Draws, targets: &Targets) -> Blow {
    Blow::ResetLink { ends: ends(draws, targets) }
}

/// Up to half of those who may crash.
pub(super) fn zone_lost(draws: &mut Draws, targets: &Targets) -> Blow {
    let mut nodes = shuffled(draws, &crashable(targets));
    nodes.truncate(draws.between(1, (nodes.len() as u64).div_ceil(2)) as usize);
    Blow::ZoneLost { nodes, restart_after: draws.millis(50, 3_000) }
}

/// Everybody is in one of two or three data centres.
pub(super) fn zones_cut(draws: &mut Draws, targets: &Targets) -> Blow {
    let count = draws.between(2, 3).min(targets.all.len() as u64) as usize;
    let mut zones = vec![Vec::new(); count];
    for (number, node) in shuffled(draws, &targets.all).into_iter().enumerate() {
        let zone = if number < count { number } else { draws.below(count as u64) as usize };
        zones[zone].push(node);
    }
    let (heal_after, up_for) = (draws.millis(50, 5_000), UP_FOR);
    Blow::Divide(Division { shape: Shape::Zones(zones), heal_after, times: 1, up_for })
}

/// All links of a node that may crash, or one of its links.
fn ends(draws: &mut Draws, targets: &Targets) -> Vec<String> {
    let node = draws.pick(&targets.crashable).clone();
    if draws.percent(40) {
        return vec![node];
    }
    let others: Vec<&String> = targets.all.iter().filter(|other| **other != node).collect();
    let other = (*draws.pick(&others)).clone();
    vec![node, other]
}

/// Those who may crash, each once: the targets name some more often, to be struck more often.
fn crashable(targets: &Targets) -> Vec<String> {
    let mut nodes = targets.crashable.clone();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

fn shuffled(draws: &mut Draws, nodes: &[String]) -> Vec<String> {
    let mut left: Vec<&String> = nodes.iter().collect();
    nodes.iter().map(|_| left.remove(draws.below(left.len() as u64) as usize).clone()).collect()
}
