//! The threads of a campaign.

use super::Plan;
use crate::program_name;
use crate::scenario::{Overrides, ScenarioError};
use crate::system::{Run, System, Watch};
use rehearsal_sim::Digest;
use rehearsal_sim::search::Strategy;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

/// Results that may wait for the reader.
const WAITING: usize = 1_024;

/// One seed, run.
pub(super) struct Attempt {
    /// What it came to.
    pub(super) run: Run,
    /// Whether a second run was another.
    pub(super) parted: bool,
    /// How its order was chosen.
    pub(super) strategy: Strategy,
}

impl Attempt {
    pub(super) fn failed(&self, plan: &Plan) -> bool {
        let mut violations = self.run.violations.iter();
        self.parted || violations.any(|found| plan.sought.is_none_or(|sought| sought == found.invariant))
    }
}

type Tried = Result<Attempt, ScenarioError>;

/// Runs the plan's seeds on its threads and shows each to `see`, in the order of the seeds, up to the lowest that
/// failed. Gives back the digest of those shown.
pub(super) fn run_all(
    system: &dyn System,
    plan: &Plan,
    stop: &AtomicBool,
    see: &mut dyn FnMut(u64, &Attempt),
) -> Result<Digest, ScenarioError> {
    let (next, lowest_failing) = (AtomicU64::new(plan.seeds.from), AtomicU64::new(u64::MAX));
    let pool = Pool { system, plan, stop, next, lowest_failing };
    let (sender, receiver) = sync_channel(WAITING);
    thread::scope(|scope| {
        for _ in 0..plan.jobs.get() {
            let (pool, sender) = (&pool, sender.clone());
            scope.spawn(move || pool.work(&sender));
        }
        drop(sender);
        let mut refused = None;
        let mut over = false;
        let in_order = InOrder { receiver, next: plan.seeds.from, early: BTreeMap::new() };
        // The digest takes what the reader lets through, so that nothing but sums is kept of a run.
        let digest = Digest::of_all(in_order.map_while(|(seed, tried)| match tried {
            _ if over => None,
            Err(error) => {
                refused = Some(error);
                None
            }
            Ok(attempt) => {
                over = attempt.failed(plan) && !plan.keep_going;
                see(seed, &attempt);
                Some(attempt.run.digest)
            }
        }));
        refused.map_or(Ok(digest), Err)
    })
}

struct Pool<'a> {
    system: &'a dyn System,
    plan: &'a Plan,
    stop: &'a AtomicBool,
    next: AtomicU64,
    lowest_failing: AtomicU64,
}

impl Pool<'_> {
    /// Takes seeds until there are none, or nobody wants to know.
    fn work(&self, results: &SyncSender<(u64, Tried)>) {
        while let Some(seed) = self.claim() {
            let _told = ToldOnPanic { system: self.system.name(), seed };
            let tried = attempt(self.system, seed, &self.plan.overrides, self.plan.check_determinism);
            let ends_it =
                tried.as_ref().map_or(true, |attempt| attempt.failed(self.plan) && !self.plan.keep_going);
            if ends_it {
                self.lowest_failing.fetch_min(seed, Ordering::Relaxed);
            }
            if results.send((seed, tried)).is_err() {
                return;
            }
        }
    }

    /// The next seed. Every seed below one that was claimed has been claimed, so that what is finished at the end
    /// has no gap.
    fn claim(&self) -> Option<u64> {
        let time_is_up = || self.plan.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        if self.stop.load(Ordering::Relaxed) || time_is_up() {
            return None;
        }
        let seed = self.next.fetch_add(1, Ordering::Relaxed);
        (seed < self.plan.seeds.to && seed < self.lowest_failing.load(Ordering::Relaxed)).then_some(seed)
    }
}

/// Says which seed made the program itself panic. (A panic of a node is a violation, and never gets here.)
struct ToldOnPanic {
    system: &'static str,
    seed: u64,
}

impl Drop for ToldOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!(
                "it was seed {} of {} that did it: {} run {1} --seed {0}",
                self.seed,
                self.system,
                program_name::get()
            );
        }
    }
}

fn attempt(system: &dyn System, seed: u64, overrides: &Overrides, twice: bool) -> Tried {
    let scenario = system.draw(seed, overrides)?;
    let run = system.run(&scenario, Watch::default())?;
    let parted = twice && {
        // Drawn again as well: the scenario must depend on nothing but the seed.
        let again = system.draw(seed, overrides)?;
        again != scenario || system.run(&again, Watch::default())?.digest != run.digest
    };
    Ok(Attempt { run, parted, strategy: scenario.schedule.search })
}

/// Results in the order of their seeds. What comes early waits; no more than the other threads get done while one
/// is busy with the seed that is waited for.
struct InOrder {
    receiver: Receiver<(u64, Tried)>,
    next: u64,
    early: BTreeMap<u64, Tried>,
}

impl Iterator for InOrder {
    type Item = (u64, Tried);

    fn next(&mut self) -> Option<(u64, Tried)> {
        loop {
            if let Some(tried) = self.early.remove(&self.next) {
                self.next += 1;
                return Some((self.next - 1, tried));
            }
            let (seed, tried) = self.receiver.recv().ok()?;
            self.early.insert(seed, tried);
        }
    }
}
