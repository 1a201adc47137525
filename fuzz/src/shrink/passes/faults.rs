//! Fewer faults, and weaker ones.

use super::super::simpler::{integers, spans};
use super::{Edit, ailments, edit, stretches};
use crate::scenario::Scenario;
use rehearsal_sim::{Blow, Division, Shape, Span, Trigger};
use std::collections::BTreeSet;

/// How long a fault lasts when nothing is said.
const SHORT: Span = Span::millis(100);

/// Without all faults of a kind; without lost, doubled or delayed messages; without one of several known bugs. (The
/// last one stays: without it, whatever fails is another failure.)
pub(super) fn families(scenario: &Scenario) -> Vec<Edit> {
    let kinds: BTreeSet<&'static str> = scenario.faults.iter().map(|fault| fault.blow.kind()).collect();
    let listed = kinds
        .into_iter()
        .map(|kind| edit(move |scenario| scenario.faults.retain(|fault| fault.blow.kind() != kind)));
    let of_messages = [
        edit(|scenario| scenario.network.loss = 0),
        edit(|scenario| scenario.network.duplication = 0),
        edit(|scenario| scenario.network.delay = 0),
        edit(|scenario| scenario.rarely = 0),
    ];
    let bugs = if scenario.defects.len() > 1 { scenario.defects.len() } else { 0 };
    let bugs = (0..bugs).map(|index| edit(move |scenario| drop(scenario.defects.remove(index))));
    listed.chain(of_messages).chain(bugs).collect()
}

/// Without stretches of the list.
pub(super) fn fewer(scenario: &Scenario) -> Vec<Edit> {
    let parts = stretches(scenario.faults.len()).into_iter();
    parts
        .map(|part| {
            edit(move |scenario| {
                scenario.faults.drain(part.clone());
            })
        })
        .collect()
}

/// A node of several of a kind, as `api-2`, replaced by each that comes before it in every fault, so that fewer are needed.
pub(super) fn names(scenario: &Scenario) -> Vec<Edit> {
    let all: BTreeSet<&str> = scenario.faults.iter().flat_map(|fault| fault.blow.nodes()).collect();
    let mut edits = Vec::new();
    for name in all {
        let Some((kind, number)) = name.rsplit_once('-') else { continue };
        for lower in 0..number.parse::<u32>().unwrap_or(0) {
            let (from, to) = (name.to_owned(), format!("{kind}-{lower}"));
            edits.push(edit(move |scenario| rename(scenario, &from, &to)));
        }
    }
    edits
}

/// A blow that names both nodes stays as it is: nobody is cut off from himself.
pub(super) fn rename(scenario: &mut Scenario, from: &str, to: &str) {
    let blows = scenario.faults.iter_mut().map(|fault| &mut fault.blow);
    for blow in blows.filter(|blow| !blow.nodes().contains(&to)) {
        let names = match blow {
            Blow::Partition { from, to, .. } => from.iter_mut().chain(to).collect(),
            Blow::Crash { node, .. }
            | Blow::CrashLoop { node, .. }
            | Blow::Pause { node, .. }
            | Blow::FailedSync { node }
            | Blow::FullDisk { node, .. }
            | Blow::Ails { node, .. } => vec![node],
            Blow::Divide(division) => division.shape.nodes_mut(),
            Blow::SlowLink { ends: nodes, .. }
            | Blow::ResetLink { ends: nodes }
            | Blow::ZoneLost { nodes, .. } => nodes.iter_mut().collect(),
        };
        names.into_iter().filter(|name| *name == from).for_each(|name| to.clone_into(name));
    }
}

/// Each fault in turn: less of it, and for a shorter time.
pub(super) fn weaker(scenario: &Scenario) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (index, fault) in scenario.faults.iter().enumerate() {
        blow(index, &fault.blow, &mut edits);
        lasting(index, &mut fault.blow.clone(), &mut edits);
        trigger(index, &fault.trigger, &mut edits);
    }
    edits
}

fn blow(index: usize, blow: &Blow, edits: &mut Vec<Edit>) {
    let mut replace = |weaker: Blow| {
        edits.push(edit(move |scenario| scenario.faults[index].blow = weaker.clone()));
    };
    match blow {
        Blow::CrashLoop { node, times, restart_after, up_for } => {
            replace(Blow::Crash { node: node.clone(), restart_after: *restart_after });
            for fewer in integers(i64::from(*times), 1) {
                let (node, times) = (node.clone(), fewer as u32);
                replace(Blow::CrashLoop { node, times, restart_after: *restart_after, up_for: *up_for });
            }
        }
        Blow::Partition { from, to, one_way, heal_after } => {
            if !one_way {
                let (from, to) = (from.clone(), to.clone());
                replace(Blow::Partition {
                    from: to.clone(),
                    to: from.clone(),
                    one_way: true,
                    heal_after: *heal_after,
                });
                replace(Blow::Partition { from, to, one_way: true, heal_after: *heal_after });
            }
            for fewer in without_each(from) {
                let to = to.clone();
                replace(Blow::Partition { from: fewer, to, one_way: *one_way, heal_after: *heal_after });
            }
            for fewer in without_each(to) {
                let from = from.clone();
                replace(Blow::Partition { from, to: fewer, one_way: *one_way, heal_after: *heal_after });
            }
        }
        Blow::Ails { node, ailment } => ailments::milder(node, ailment).into_iter().for_each(replace),
        Blow::Divide(division) => fewer_cuts(division).into_iter().for_each(replace),
        Blow::ZoneLost { nodes, restart_after } => match &nodes[..] {
            [node] => replace(Blow::Crash { node: node.clone(), restart_after: *restart_after }),
            _ => without_each(nodes).into_iter().for_each(|fewer| {
                replace(Blow::ZoneLost { nodes: fewer, restart_after: *restart_after });
            }),
        },
        Blow::SlowLink { ends, per_second, lasts } => {
            // Faster, and so weaker.
            let (ends, per_second) = (ends.clone(), per_second.saturating_mul(2));
            if per_second <= FAST_LINK {
                replace(Blow::SlowLink { ends, per_second, lasts: *lasts });
            }
        }
        _ => {}
    }
}

/// A link that carries so many messages a second holds nobody up for long.
const FAST_LINK: u32 = 1_000;

/// The same division once, less often, or as two sides that are parted.
fn fewer_cuts(division: &Division) -> Vec<Blow> {
    let heal_after = division.heal_after;
    let parted = |from: &[String], to: &[String]| {
        let (from, to) = (from.to_vec(), to.to_vec());
        Blow::Partition { from, to, one_way: false, heal_after }
    };
    let mut blows = match &division.shape {
        Shape::Sides { from, to, one_way } => {
            let (from, to) = (from.clone(), to.clone());
            vec![Blow::Partition { from, to, one_way: *one_way, heal_after }]
        }
        Shape::Bridge { one, other, .. } => vec![parted(one, other)],
        Shape::Zones(zones) => {
            let alone = |(at, zone): (usize, &Vec<String>)| {
                let others: Vec<_> = zones.iter().enumerate().filter(|(other, _)| *other != at).collect();
                let others: Vec<String> = others.into_iter().flat_map(|(_, zone)| zone.clone()).collect();
                parted(zone, &others)
            };
            zones.iter().enumerate().map(alone).collect()
        }
        Shape::Ring(_) | Shape::Isolate(_) => Vec::new(),
    };
    let times = integers(i64::from(division.times), 1).into_iter().map(|times| times as u32);
    // Two sides that are parted once are a partition, which is there already.
    let sides = matches!(division.shape, Shape::Sides { .. });
    let times = times.filter(|times| *times > 1 || !sides);
    blows.extend(times.map(|times| Blow::Divide(Division { times, ..division.clone() })));
    blows
}

/// The names without half of them, then without each; never none.
fn without_each(names: &[String]) -> Vec<Vec<String>> {
    let parts = stretches(names.len()).into_iter().skip(1);
    parts
        .map(|part| {
            let mut fewer = names.to_vec();
            fewer.drain(part);
            fewer
        })
        .filter(|fewer| !fewer.is_empty())
        .collect()
}

fn times_of(blow: &mut Blow) -> Vec<&mut Span> {
    match blow {
        Blow::Crash { restart_after, .. } => vec![restart_after],
        Blow::CrashLoop { restart_after, up_for, .. } => vec![restart_after, up_for],
        Blow::Pause { lasts, .. } | Blow::FullDisk { lasts, .. } => vec![lasts],
        Blow::Partition { heal_after, .. } => vec![heal_after],
        Blow::Ails { ailment, .. } => ailment.span().into_iter().collect(),
        Blow::FailedSync { .. } | Blow::ResetLink { .. } => Vec::new(),
        Blow::Divide(Division { heal_after, up_for, times: 2.., .. }) => vec![heal_after, up_for],
        Blow::Divide(Division { heal_after, .. }) => vec![heal_after],
        Blow::SlowLink { lasts, .. } => vec![lasts],
        Blow::ZoneLost { restart_after, .. } => vec![restart_after],
    }
}

fn lasting(index: usize, blow: &mut Blow, edits: &mut Vec<Edit>) {
    for (which, span) in times_of(blow).into_iter().enumerate() {
        for shorter in spans(*span, SHORT.min(*span)) {
            edits.push(edit(move |scenario| *times_of(&mut scenario.faults[index].blow)[which] = shorter));
        }
    }
}

fn trigger(index: usize, trigger: &Trigger, edits: &mut Vec<Edit>) {
    let mut replace = |earlier: Trigger| {
        edits.push(edit(move |scenario| scenario.faults[index].trigger = earlier.clone()));
    };
    match trigger {
        Trigger::At(time) => {
            spans(*time, SHORT.min(*time)).into_iter().for_each(|time| replace(Trigger::At(time)));
        }
        Trigger::After(events) => {
            for fewer in integers(*events as i64, 1) {
                replace(Trigger::After(fewer as u64));
            }
        }
        Trigger::On { fact, nth, delay } => {
            for fewer in integers(*nth as i64, 1) {
                replace(Trigger::On { fact: fact.clone(), nth: fewer as u64, delay: *delay });
            }
            for shorter in spans(*delay, Span(0)) {
                replace(Trigger::On { fact: fact.clone(), nth: *nth, delay: shorter });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::System;
    use crate::systems::reservation::Reservation;
    use rehearsal_sim::Fault;

    fn partition(from: &[&str], to: &[&str]) -> Fault {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let blow = Blow::Partition {
            from: owned(from),
            to: owned(to),
            one_way: false,
            heal_after: Span::seconds(1),
        };
        Fault { trigger: Trigger::At(Span(0)), blow }
    }

    #[test]
    fn a_node_is_renamed_where_that_cuts_nobody_off_from_himself() {
        let mut scenario = Reservation.plain().scenario;
        let crash = Blow::Crash { node: "api-2".to_owned(), restart_after: Span::seconds(1) };
        let faults = vec![
            Fault { trigger: Trigger::At(Span(0)), blow: crash },
            partition(&["api-2"], &["database-0"]),
            partition(&["api-2"], &["api-0"]),
        ];
        scenario.faults = faults;
        let edits = names(&scenario);
        assert_eq!(edits.len(), 2, "database-0 and api-0 are the first of their kind");
        edits[0](&mut scenario);
        let nodes: Vec<Vec<&str>> = scenario.faults.iter().map(|fault| fault.blow.nodes()).collect();
        assert_eq!(nodes, [vec!["api-0"], vec!["api-0", "database-0"], vec!["api-2", "api-0"]]);
    }

    #[test]
    fn a_side_of_a_partition_never_becomes_empty() {
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(without_each(&names), [["b", "c"], ["a", "c"], ["a", "b"]]);
        assert!(without_each(&names[..1]).is_empty());
    }
}
