//! `rehearsal defects`: the known bugs that can be switched on, to see that they are caught, and how small each becomes.

use super::options::{Fixed, refused};
use super::{Format, print_json};
use crate::campaign::{self, Campaign, Plan, SeedRange, Shrinking, write_whole};
use crate::interrupt;
use crate::progress::{ProgressLine, ShrinkingLine};
use crate::registry::Registry;
use crate::report::campaign_json::ShrunkJson;
use crate::report::repros;
use crate::report::table::table;
use crate::system::{Defect, System};
use crate::verdict::{Failure, Outcome, Verdict, print};
use clap::Args;
use rehearsal_sim::Span;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// What `defects` takes.
#[derive(Clone, Debug, Args)]
pub struct DefectsOptions {
    /// Find each known bug, shrink the scenario that shows it, and print how small it became. Ends with exit code 1
    /// when one is not found, or not by the invariant that must convict it.
    #[arg(long)]
    pub shrink: bool,
    /// In how many seeds each is looked for.
    #[arg(long, value_name = "N|A..B", default_value = "5000", requires = "shrink")]
    pub seeds: SeedRange,
    /// Shrink each for at most this time.
    #[arg(long, value_name = "TIME", default_value = "30s", requires = "shrink")]
    pub time: Span,
    /// Where the repros and their stories are kept.
    #[arg(long, value_name = "DIR", default_value = "rehearsal-out/defects", requires = "shrink")]
    pub out: PathBuf,
    /// Write the table as a page of Markdown too.
    #[arg(long, value_name = "FILE", requires = "shrink")]
    pub markdown: Option<PathBuf>,
    /// For whom to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Serialize)]
struct DefectsJson {
    command: &'static str,
    defects: Vec<DefectJson>,
}

#[derive(Serialize)]
struct DefectJson {
    system: &'static str,
    #[serde(flatten)]
    defect: Defect,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repro: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shrunk: Option<ShrunkJson>,
}

impl DefectJson {
    fn listed(system: &'static str, defect: Defect) -> DefectJson {
        DefectJson { system, defect, seed: None, repro: None, shrunk: None }
    }
}

/// Runs the command.
///
/// # Errors
/// Standard output, or a folder, that takes nothing.
pub fn defects(options: &DefectsOptions, systems: &Registry) -> Outcome {
    if options.shrink {
        return shrink(options, systems);
    }
    let defects = all(systems).into_iter().map(|(system, defect)| DefectJson::listed(system.name(), defect));
    let defects: Vec<DefectJson> = defects.collect();
    match options.format {
        Format::Json => print_json(&DefectsJson { command: "defects", defects })?,
        Format::Human => {
            let rows = defects.iter().map(|DefectJson { system, defect, .. }| {
                [system, defect.name, defect.invariant, defect.stands_for].map(str::to_owned)
            });
            let table = table(["system", "defect", "convicted by", "stands for"], rows, 4);
            print(&format!("{table}\nTry one: rehearsal fuzz SYSTEM --defect NAME\n"))?;
        }
    }
    Ok(Verdict::Held)
}

fn all(systems: &Registry) -> Vec<(Arc<dyn System>, Defect)> {
    let of = |system: &Arc<dyn System>| {
        let defects = system.defects().iter();
        defects.map(|defect| (system.clone(), *defect)).collect::<Vec<_>>()
    };
    systems.all().iter().flat_map(of).collect()
}

fn shrink(options: &DefectsOptions, systems: &Registry) -> Outcome {
    campaign::prepare(&options.out).map_err(Failure::world)?;
    let stop = interrupt::watch();
    let mut found = Vec::new();
    for (system, defect) in all(systems) {
        if !stop.load(Ordering::Relaxed) {
            let campaign = find(options, &*system, defect, stop)?;
            found.push((system, defect, campaign));
        }
    }
    let mut json = Vec::new();
    for (system, defect, campaign) in &found {
        json.push(kept(options, &**system, *defect, campaign)?);
    }
    let rows: Vec<repros::Row> = found
        .iter()
        .map(|(system, defect, campaign)| repros::Row::of(system.name(), defect, campaign.groups.first()))
        .collect();
    if let Some(path) = &options.markdown {
        write_whole(path, &repros::page(&rows)).map_err(Failure::world)?;
    }
    match options.format {
        Format::Json => print_json(&DefectsJson { command: "defects", defects: json })?,
        Format::Human => print(&repros::words(&rows))?,
    }
    if stop.load(Ordering::Relaxed) {
        return Ok(Verdict::Interrupted);
    }
    let convicted = |(_, defect, campaign): &(Arc<dyn System>, Defect, Campaign)| {
        campaign.groups.first().is_some_and(|group| group.invariant == defect.invariant)
    };
    Ok(if found.iter().all(convicted) { Verdict::Held } else { Verdict::Violated })
}

/// The first seed at which a defect breaks the invariant that must convict it, shrunk; if there is none, the first at
/// which it shows at all.
fn find(
    options: &DefectsOptions,
    system: &dyn System,
    defect: Defect,
    stop: &AtomicBool,
) -> Result<Campaign, Failure> {
    let fixed = Fixed { set: Vec::new(), defect: vec![defect.name.to_owned()] };
    let mut plan = Plan {
        seeds: options.seeds,
        jobs: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        deadline: None,
        keep_going: false,
        sought: Some(defect.invariant),
        check_determinism: false,
        overrides: fixed.overrides_for(system),
    };
    let search = |plan: &Plan| {
        let mut line = ProgressLine::begin(defect.name, plan.seeds);
        let campaign = campaign::run(system, plan, stop, &mut |totals| line.show(totals)).map_err(refused)?;
        line.finish(&campaign);
        Ok(campaign)
    };
    let mut campaign = search(&plan)?;
    if campaign.convictions.is_empty() {
        plan.sought = None;
        campaign = search(&plan)?;
    }
    let mut line = ShrinkingLine::begin(defect.name);
    let shrinking = Shrinking { time: options.time.duration(), stop };
    campaign.groups = shrinking.group(system, &campaign, &mut |seed, told| line.show(seed, told));
    line.finish();
    Ok(campaign)
}

fn kept(
    options: &DefectsOptions,
    system: &dyn System,
    defect: Defect,
    campaign: &Campaign,
) -> Result<DefectJson, Failure> {
    let mut told = DefectJson::listed(system.name(), defect);
    if let (Some(group), Some(drawn)) = (campaign.groups.first(), campaign.convictions.first()) {
        // Two that show at the same seed break the same invariant, as often as not.
        let folder = options.out.join(defect.name);
        campaign::prepare(&folder).map_err(Failure::world)?;
        let path = campaign::keep_group(&folder, system, group, drawn).map_err(Failure::world)?;
        told.seed = Some(drawn.seed);
        told.repro = path.map(|path| path.display().to_string());
        told.shrunk = group.shrunk.as_ref().map(ShrunkJson::of);
    }
    Ok(told)
}
