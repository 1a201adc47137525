//! Failing seeds that fail for one reason, told once.
//!
//! Two seeds fail for one reason when they break the same invariant, found at the same place of the code, and shrink to
//! scenarios of the same shape. The first two are known at once; for the shape each seed is shrunk a little, and the
//! lowest seed of a group as far as it goes.

use super::{Campaign, Conviction};
use crate::scenario::Scenario;
use crate::shrink::{Progress, Search, ShrinkError, Shrunk, target};
use crate::story::{Story, tell};
use crate::swarm::{MaskBit, mask};
use crate::system::System;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// So many tries show the shape of a seed's failure.
const TRIES_FOR_SHAPE: u64 = 400;
/// So many seeds that fail alike are looked at for their shape; the rest are taken to be of the first one's.
const MOST_SHAPES: usize = 16;

/// Failing seeds that fail for one reason.
#[derive(Clone, Debug)]
pub struct Group {
    /// The invariant that they break.
    pub invariant: String,
    /// The place in the code that found it.
    pub place: String,
    /// What is left of their scenarios when they are shrunk, in words.
    pub shape: String,
    /// The seeds, the lowest first.
    pub seeds: Vec<u64>,
    /// The lowest, shrunk as far as it goes; None when its run differs from time to time.
    pub shrunk: Option<Shrunk>,
    /// What happened in the shrunk run.
    pub story: Option<Story>,
}

/// How failing seeds are shrunk.
pub struct Shrinking<'a> {
    /// For how long one is shrunk at most.
    pub time: Duration,
    /// Ends it early when it becomes true.
    pub stop: &'a AtomicBool,
}

impl Shrinking<'_> {
    /// Groups the failing seeds of a campaign, and shrinks one of each group.
    pub fn group(
        &self,
        system: &dyn System,
        campaign: &Campaign,
        progress: &mut dyn FnMut(u64, Progress<'_>),
    ) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let alone = campaign.convictions.len() == 1;
        for conviction in &campaign.convictions {
            let Some((invariant, place)) = reason(system, conviction) else { continue };
            let alike = |group: &&mut Group| (&group.invariant, &group.place) == (&invariant, &place);
            let seen: usize = groups.iter_mut().filter(alike).map(|group| group.seeds.len()).sum();
            let shape = match alone || seen >= MOST_SHAPES || self.stop.load(Ordering::Relaxed) {
                true => None,
                false => Some(self.shape(system, &conviction.scenario)),
            };
            let same =
                |group: &&mut Group| alike(group) && shape.as_ref().is_none_or(|shape| *shape == group.shape);
            match groups.iter_mut().find(same) {
                Some(group) => group.seeds.push(conviction.seed),
                None => groups.push(Group {
                    invariant,
                    place,
                    shape: shape.unwrap_or_default(),
                    seeds: vec![conviction.seed],
                    shrunk: None,
                    story: None,
                }),
            }
        }
        for group in &mut groups {
            let lowest = campaign.convictions.iter().find(|conviction| conviction.seed == group.seeds[0]);
            let scenario = lowest.expect("a group is made of convictions").scenario.clone();
            self.shrink(system, group, scenario, progress);
        }
        merged(groups)
    }

    fn shrink(
        &self,
        system: &dyn System,
        group: &mut Group,
        scenario: Scenario,
        progress: &mut dyn FnMut(u64, Progress<'_>),
    ) {
        let search = Search {
            system,
            stop: self.stop,
            deadline: Some(Instant::now() + self.time),
            most_tries: u64::MAX,
        };
        let seed = group.seeds[0];
        if let Ok(shrunk) = search.run(scenario, &mut |told| progress(seed, told)) {
            group.story = tell(system, &shrunk.scenario, &shrunk.run, &group.invariant);
            group.shape = shape_of(system, &shrunk.scenario);
            group.shrunk = Some(shrunk);
        }
    }

    /// What is left of a scenario after some tries.
    fn shape(&self, system: &dyn System, scenario: &Scenario) -> String {
        let deadline = Some(Instant::now() + self.time);
        let search = Search { system, stop: self.stop, deadline, most_tries: TRIES_FOR_SHAPE };
        match search.run(scenario.clone(), &mut |_| {}) {
            Ok(shrunk) => shape_of(system, &shrunk.scenario),
            Err(ShrinkError::DoesNotRepeat) => "differs from run to run".to_owned(),
            Err(_) => String::new(),
        }
    }
}

/// Groups that came to the same shape in the end are one.
fn merged(groups: Vec<Group>) -> Vec<Group> {
    let mut kept: Vec<Group> = Vec::new();
    for group in groups {
        let reason = |group: &Group| (group.invariant.clone(), group.place.clone(), group.shape.clone());
        match kept.iter_mut().find(|earlier| reason(earlier) == reason(&group)) {
            Some(earlier) => {
                earlier.seeds.extend(group.seeds);
                earlier.seeds.sort_unstable();
            }
            None => kept.push(group),
        }
    }
    kept
}

/// The invariant that a conviction is about, and the place that found it broken.
fn reason(system: &dyn System, conviction: &Conviction) -> Option<(String, String)> {
    let invariant = target(system, &conviction.scenario, &conviction.violations)?;
    let violation = conviction.violations.iter().find(|violation| violation.invariant == *invariant)?;
    let place = violation.place.clone();
    Some((invariant, place))
}

/// The kinds of faults that are left, and the kinds of operations.
fn shape_of(system: &dyn System, scenario: &Scenario) -> String {
    let bits: Vec<MaskBit> = mask(scenario).into_iter().chain(system.operations(scenario)).collect();
    let on: Vec<&str> = bits.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
    if on.is_empty() { "nothing but plain requests".to_owned() } else { on.join(", ") }
}
