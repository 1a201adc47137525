//! `rehearsal fuzz`: campaigns.

use super::options::{Chosen, Fixed, refused};
use super::{Format, print_json};
use crate::bookings::{self, row::BookingRow};
use crate::campaign::{self, Campaign, End, KeepError, Plan, SeedRange, Shrinking};
use crate::interrupt;
use crate::paint::Paint;
use crate::progress::{ProgressLine, ShrinkingLine};
use crate::registry::Registry;
use crate::report::campaign::summary;
use crate::report::campaign_json::{CampaignsJson, MarkersJson};
use crate::schedule::{self, PORTFOLIO};
use crate::system::System;
use crate::verdict::{Failure, Outcome, Verdict, print};
use clap::Args;
use rehearsal_sim::Span;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

/// How many seeds a system gets unless told otherwise.
pub const DEFAULT_SEEDS: SeedRange = SeedRange { from: 0, to: 10_000 };

/// What `fuzz` takes.
#[derive(Clone, Debug, Args)]
pub struct FuzzOptions {
    /// The systems; all of them when none is named.
    #[arg(value_name = "SYSTEM")]
    pub systems: Vec<String>,
    /// How many seeds, or which: `10000`, or `500..1000` without the last. [default: 10000, or with --time as many as
    /// it allows]
    #[arg(long, value_name = "N|A..B")]
    pub seeds: Option<SeedRange>,
    /// Begin no more runs after this time, as `60s` or `10min`; the systems share it.
    #[arg(long)]
    pub time: Option<Span>,
    /// How many threads; the result is the same with any number. [default: one for each core]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// What is fixed in every scenario.
    #[command(flatten)]
    pub fixed: Fixed,
    /// How the order of every run is chosen: `time`, `uniform`, `pct:3` (of any depth), `urw`, `pos`, or `portfolio`, which
    /// draws one for each seed. [default: portfolio]
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// Replay these bookings (CSV, plain or gzip) in place of drawn ones.
    #[arg(long, value_name = "FILE")]
    pub bookings: Option<PathBuf>,
    /// Run every seed twice, and tell where its two runs part if they do.
    #[arg(long)]
    pub check_determinism: bool,
    /// Go on after a violation.
    #[arg(long)]
    pub keep_going: bool,
    /// End with exit code 4 when a marker was not reached.
    #[arg(long)]
    pub require_markers: bool,
    /// Shrink a failing scenario for at most this time; `0s` keeps it as it was drawn.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub shrink: Span,
    /// Where scenarios that fail are kept.
    #[arg(long, value_name = "DIR", default_value = "rehearsal-out")]
    pub out: PathBuf,
    /// For whom to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

type Campaigns = Vec<(Arc<dyn System>, Campaign)>;

/// Runs the command.
///
/// # Errors
/// Wrong options, or a folder that takes no results.
pub fn fuzz(options: &FuzzOptions, systems: &Registry) -> Outcome {
    let mut chosen = options.fixed.choose(systems, &options.systems)?;
    if let Some(name) = &options.strategy {
        give_strategy(&mut chosen, name)?;
    }
    if let Some(file) = &options.bookings {
        give_bookings(&mut chosen, file)?;
    }
    if options.time == Some(Span(0)) {
        return Err(Failure::misuse("--time 0 leaves no time for a single run", "give it some, as `60s`"));
    }
    campaign::prepare(&options.out).map_err(Failure::world)?;
    let (campaigns, kept) = run_all(options, chosen, interrupt::watch())?;
    match options.format {
        Format::Human => print(&summary(&campaigns, Paint::of(&io::stdout())))?,
        Format::Json => print_json(&CampaignsJson::of(&campaigns))?,
    }
    kept.map_err(Failure::world)?;
    Ok(verdict(options, &campaigns))
}

/// Fixes the strategy of every seed, where it is one.
fn give_strategy(chosen: &mut [Chosen], name: &str) -> Result<(), Failure> {
    if name != PORTFOLIO {
        schedule::named(name).map_err(|error| Failure::misuse(error.reason, error.mend))?;
    }
    for Chosen { overrides, .. } in chosen {
        overrides.values.push(("schedule.search".to_owned(), name.into()));
    }
    Ok(())
}

/// Reads the file once, so that what is wrong with it is told before anything runs.
fn give_bookings(chosen: &mut [Chosen], file: &Path) -> Result<(), Failure> {
    let rows: Arc<[BookingRow]> = bookings::file::read(file).map_err(Failure::usage)?.into();
    let mut takers = chosen.iter_mut().filter(|chosen| chosen.system.takes_bookings()).peekable();
    if takers.peek().is_none() {
        return Err(Failure::misuse("none of these systems has bookings", "leave out --bookings"));
    }
    takers.for_each(|taker| taker.overrides.bookings = Some(rows.clone()));
    Ok(())
}

/// The campaigns one after the other, up to the first that failed; and whether all that failed could be kept.
fn run_all(
    options: &FuzzOptions,
    chosen: Vec<Chosen>,
    stop: &AtomicBool,
) -> Result<(Campaigns, Result<(), KeepError>), Failure> {
    let all_cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let otherwise = if options.time.is_some() { SeedRange::ENDLESS } else { DEFAULT_SEEDS };
    let began = Instant::now();
    let systems = chosen.len();
    let mut campaigns = Campaigns::new();
    for (index, Chosen { system, overrides }) in chosen.into_iter().enumerate() {
        let share = |time: Span| time.duration() * (index as u32 + 1) / systems as u32;
        let plan = Plan {
            seeds: options.seeds.unwrap_or(otherwise),
            jobs: options.jobs.unwrap_or_else(all_cores),
            deadline: options.time.map(|time| began + share(time)),
            keep_going: options.keep_going,
            sought: None,
            check_determinism: options.check_determinism,
            overrides,
        };
        let mut line = ProgressLine::begin(system.name(), plan.seeds);
        let mut done =
            campaign::run(&*system, &plan, stop, &mut |totals| line.show(totals)).map_err(refused)?;
        line.finish(&done);
        shrink(options, &*system, &mut done, stop);
        let kept = keep_all(options, &*system, &mut done);
        let over = done.end == End::Interrupted || done.end == End::Violation || kept.is_err();
        campaigns.push((system, done));
        if over {
            return Ok((campaigns, kept));
        }
    }
    Ok((campaigns, Ok(())))
}

/// Groups the failing seeds by their reasons, and shrinks one of each group.
fn shrink(options: &FuzzOptions, system: &dyn System, campaign: &mut Campaign, stop: &AtomicBool) {
    if options.shrink == Span(0) || campaign.convictions.is_empty() {
        return;
    }
    let shrinking = Shrinking { time: options.shrink.duration(), stop };
    let mut line = ShrinkingLine::begin(system.name());
    campaign.groups = shrinking.group(system, campaign, &mut |seed, told| line.show(seed, told));
    line.finish();
}

/// Keeps one scenario of each group; seeds that are in no group are kept as they were drawn.
fn keep_all(options: &FuzzOptions, system: &dyn System, campaign: &mut Campaign) -> Result<(), KeepError> {
    for conviction in &mut campaign.convictions {
        let group = campaign.groups.iter().find(|group| group.seeds.contains(&conviction.seed));
        conviction.repro = match group {
            Some(group) if group.seeds[0] != conviction.seed => None,
            Some(group) if group.shrunk.is_some() => {
                campaign::keep_group(&options.out, system, group, conviction)?
            }
            _ => Some(campaign::keep(&options.out, conviction)?),
        };
    }
    Ok(())
}

fn verdict(options: &FuzzOptions, campaigns: &Campaigns) -> Verdict {
    let unreached = |(system, campaign): &(Arc<dyn System>, Campaign)| {
        !MarkersJson::of(&**system, &campaign.totals.markers).never.is_empty()
    };
    if campaigns.iter().any(|(_, campaign)| campaign.end == End::Interrupted) {
        Verdict::Interrupted
    } else if campaigns.iter().any(|(_, campaign)| campaign.totals.failing_seeds > 0) {
        Verdict::Violated
    } else if options.require_markers && campaigns.iter().any(unreached) {
        Verdict::Inconclusive
    } else {
        Verdict::Held
    }
}
