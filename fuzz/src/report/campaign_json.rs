//! What `fuzz --format json` prints. Keys may be added, never renamed.

use crate::campaign::{Campaign, Conviction, End, Group, SeedRange, Totals};
use crate::report::figures::replay_command;
use crate::shrink::{Shrunk, Size};
use crate::system::{HistoryLine, System};
use rehearsal_env::Marker;
use rehearsal_sim::{Digest, FaultClass};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The whole object.
#[derive(Serialize)]
pub struct CampaignsJson<'a> {
    command: &'static str,
    systems: Vec<SystemJson<'a>>,
}

#[derive(Serialize)]
struct SystemJson<'a> {
    system: &'static str,
    seeds: SeedRange,
    runs: u64,
    ended: End,
    failing_seeds: u64,
    events: u64,
    messages: u64,
    simulated_seconds: f64,
    wall_seconds: f64,
    faults: BTreeMap<FaultClass, u64>,
    faults_with_effect: BTreeMap<FaultClass, u64>,
    markers: MarkersJson,
    not_judged: &'a BTreeMap<&'static str, u64>,
    digest: Digest,
    strategies: BTreeMap<String, StrategyJson>,
    violations: Vec<ViolationJson<'a>>,
    groups: Vec<GroupJson<'a>>,
}

/// The seeds of one strategy.
#[derive(Serialize)]
struct StrategyJson {
    runs: u64,
    failing_seeds: u64,
}

/// Failing seeds that fail for one reason.
#[derive(Serialize)]
struct GroupJson<'a> {
    invariant: &'a str,
    place: &'a str,
    shape: &'a str,
    seeds: &'a [u64],
    shrunk: Option<ShrunkJson>,
    story: Vec<&'a str>,
}

/// What the lowest seed of a group shrank to.
#[derive(Serialize)]
pub struct ShrunkJson {
    before: Size,
    after: Size,
    tries: u64,
    seconds: f64,
    finished: bool,
}

impl ShrunkJson {
    /// Of this result.
    pub fn of(shrunk: &Shrunk) -> ShrunkJson {
        let Shrunk { before, after, tries, wall, finished, .. } = *shrunk;
        ShrunkJson { before, after, tries, seconds: wall.as_secs_f64(), finished }
    }
}

fn group_json(group: &Group) -> GroupJson<'_> {
    let sentences = group.story.iter().flat_map(|story| &story.sentences);
    GroupJson {
        invariant: &group.invariant,
        place: &group.place,
        shape: &group.shape,
        seeds: &group.seeds,
        shrunk: group.shrunk.as_ref().map(ShrunkJson::of),
        story: sentences.map(|sentence| sentence.text.as_str()).collect(),
    }
}

/// Which markers were reached, and which were not.
#[derive(Serialize)]
pub struct MarkersJson {
    /// In the system's order.
    pub reached: Vec<Marker>,
    /// Likewise.
    pub never: Vec<Marker>,
}

impl MarkersJson {
    /// Of a system, when these were reached.
    pub fn of(system: &dyn System, reached: &BTreeSet<Marker>) -> MarkersJson {
        let (reached, never) = system.markers().iter().copied().partition(|marker| reached.contains(marker));
        MarkersJson { reached, never }
    }
}

#[derive(Serialize)]
struct ViolationJson<'a> {
    seed: u64,
    invariant: &'a str,
    message: &'a str,
    at_seconds: f64,
    repro: Option<String>,
    replay: Option<String>,
    evidence: Vec<&'a HistoryLine>,
}

impl<'a> CampaignsJson<'a> {
    /// Of these campaigns, each with its system.
    pub fn of(campaigns: &'a [(Arc<dyn System>, Campaign)]) -> CampaignsJson<'a> {
        let systems = campaigns.iter().map(|(system, campaign)| system_json(&**system, campaign)).collect();
        CampaignsJson { command: "fuzz", systems }
    }
}

fn system_json<'a>(system: &dyn System, campaign: &'a Campaign) -> SystemJson<'a> {
    let totals = &campaign.totals;
    SystemJson {
        system: campaign.system,
        seeds: campaign.seeds,
        runs: totals.runs,
        ended: campaign.end,
        failing_seeds: totals.failing_seeds,
        events: totals.events,
        messages: totals.messages,
        simulated_seconds: totals.simulated_seconds(),
        wall_seconds: campaign.wall.as_secs_f64(),
        faults: totals.faults.struck_by_class(),
        faults_with_effect: totals.faults.effective_by_class(),
        markers: MarkersJson::of(system, &totals.markers),
        not_judged: &totals.not_judged,
        digest: campaign.digest,
        strategies: strategies_json(totals),
        violations: campaign.convictions.iter().flat_map(violations_json).collect(),
        groups: campaign.groups.iter().map(group_json).collect(),
    }
}

fn strategies_json(totals: &Totals) -> BTreeMap<String, StrategyJson> {
    let of = |(runs, failing_seeds): (u64, u64)| StrategyJson { runs, failing_seeds };
    totals.strategies.iter().map(|(strategy, counts)| (strategy.to_string(), of(*counts))).collect()
}

fn violations_json(conviction: &Conviction) -> impl Iterator<Item = ViolationJson<'_>> {
    let repro = conviction.repro.as_deref();
    conviction.violations.iter().map(move |violation| ViolationJson {
        seed: conviction.seed,
        invariant: &violation.invariant,
        message: &violation.message,
        at_seconds: conviction.at.nanos() as f64 / 1e9,
        repro: repro.map(|path| path.display().to_string()),
        replay: repro.map(replay_command),
        evidence: conviction
            .evidence
            .iter()
            .filter(|line| violation.evidence.contains(&line.stamp.number))
            .collect(),
    })
}
