//! Many runs of one system: threads that take seeds one after the other, and one reader that adds them up in the
//! order of their seeds.
//!
//! Whatever the number of threads, a campaign's figures are those of the seeds up to the lowest one that failed:
//! seeds below it are finished, what was run beyond it is forgotten.

mod conviction;
mod groups;
mod keep;
mod plan;
mod totals;
mod workers;

pub use conviction::{Conviction, convict};
pub use groups::{Group, Shrinking};
pub use keep::{KeepError, keep, keep_group, prepare, write_whole};
pub use plan::{GREATEST_SEED, Plan, SeedRange};
pub use totals::Totals;

use crate::scenario::ScenarioError;
use crate::system::System;
use rehearsal_sim::Digest;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// So many failing seeds are kept at most; beyond them they are only counted.
pub const MOST_CONVICTIONS: usize = 100;

/// Why a campaign ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// Every seed was run.
    Finished,
    /// A seed failed.
    Violation,
    /// The time that was allowed is over.
    Time,
    /// Somebody asked it to stop.
    Interrupted,
}

/// What a campaign came to.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The system's name.
    pub system: &'static str,
    /// The seeds that were asked for; where they were without end, those that were run.
    pub seeds: SeedRange,
    /// The sums over its runs.
    pub totals: Totals,
    /// Of all its runs, in the order of their seeds.
    pub digest: Digest,
    /// How long it took.
    pub wall: Duration,
    /// Why it ended.
    pub end: End,
    /// The failing seeds, looked at closely; the first [`MOST_CONVICTIONS`] of them.
    pub convictions: Vec<Conviction>,
    /// The same seeds by the reasons for which they fail, once they were grouped.
    pub groups: Vec<Group>,
}

/// Runs a campaign. `stop` ends it early when it becomes true; `progress` is told the sums after every run.
///
/// # Errors
/// A scenario that makes no sense for the system, because of the plan's overrides.
pub fn run(
    system: &dyn System,
    plan: &Plan,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&Totals),
) -> Result<Campaign, ScenarioError> {
    let began = Instant::now();
    // Once before any thread starts, so that a wrong key is told of at once.
    system.check(&system.draw(plan.seeds.from, &plan.overrides)?)?;
    let mut totals = Totals::default();
    let mut failing = Vec::new();
    let digest = workers::run_all(system, plan, stop, &mut |seed, attempt| {
        totals.add(&attempt.run);
        totals.add_strategy(attempt.strategy, attempt.failed(plan));
        if attempt.failed(plan) {
            totals.failing_seeds += 1;
            if failing.len() < MOST_CONVICTIONS {
                failing.push(seed);
            }
        }
        progress(&totals);
    })?;
    let end = end(plan, stop, &totals);
    let convictions =
        failing.into_iter().map(|seed| convict(system, seed, &plan.overrides)).collect::<Result<_, _>>()?;
    let to = if plan.seeds.is_endless() { plan.seeds.from + totals.runs } else { plan.seeds.to };
    let seeds = SeedRange { from: plan.seeds.from, to };
    Ok(Campaign {
        system: system.name(),
        seeds,
        totals,
        digest,
        wall: began.elapsed(),
        end,
        convictions,
        groups: Vec::new(),
    })
}

fn end(plan: &Plan, stop: &AtomicBool, totals: &Totals) -> End {
    if totals.failing_seeds > 0 && !plan.keep_going {
        End::Violation
    } else if totals.runs == plan.seeds.to - plan.seeds.from {
        End::Finished
    } else if stop.load(std::sync::atomic::Ordering::Relaxed) {
        End::Interrupted
    } else {
        End::Time
    }
}
