//! Campaigns as tests: `rehearsal::check(system).seeds(500).run()` in a plain `#[test]`.
//!
//! ```text
//!  check(system) ─▶ campaign ─▶ every invariant held: one line
//!                      │
//!                      ▼ the lowest failing seed
//!                   shrunk ─▶ kept: scenario and story ─▶ panic: what broke, the story, how to see it again
//!                                        ▲
//!  REHEARSAL_SCENARIO=… cargo test NAME ─┘ runs exactly that, and shows its facts
//! ```
//!
//! What a test finds depends on nothing but the system and the seeds, so it is the same on every machine, in parallel
//! with other tests and with any number of threads. Environment variables change what is run: [`REHEARSAL_SEEDS`](SEEDS),
//! [`REHEARSAL_SEED`](SEED), [`REHEARSAL_SCENARIO`](SCENARIO).

mod asked;
mod kept;
mod outcome;

pub use asked::{SCENARIO, SEED, SEEDS};
pub use outcome::{Broken, Held};

use crate::campaign::{self, Plan, SeedRange};
use crate::commands::options::{Fixed, Setting};
use crate::paint::Paint;
use crate::registry::{IntoSystem, Registry};
use crate::report::run::whole_run;
use crate::scenario::{Overrides, Scenario, ScenarioError};
use crate::scenario_file;
use crate::swarm::Families;
use crate::system::{Run, System, Watch};
use crate::verdict::Failure;
use asked::Asked;
use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use toml::Value;

/// How many seeds a test runs unless it says otherwise.
const DEFAULT_SEEDS: SeedRange = SeedRange { from: 0, to: 500 };
/// How many scenarios a test tries at most to make a failing one smaller; a number and no time, so that the result is
/// the same everywhere.
const DEFAULT_TRIES: u64 = 3_000;

/// A campaign to be run in a test.
pub struct Check {
    system: Arc<dyn System>,
    seeds: SeedRange,
    jobs: NonZeroUsize,
    fixed: Fixed,
    tries: u64,
    twice: bool,
    require_markers: bool,
    folder: Option<PathBuf>,
}

/// A campaign on this system, to be run in a test.
///
/// # Panics
/// When it is a declaration that cannot be, with the mend.
#[track_caller]
pub fn check(system: impl IntoSystem) -> Check {
    let system = system.into_system().unwrap_or_else(|error| refuse(&error, &error.mend));
    Check {
        system,
        seeds: DEFAULT_SEEDS,
        jobs: NonZeroUsize::MIN,
        fixed: Fixed::default(),
        tries: DEFAULT_TRIES,
        twice: false,
        require_markers: false,
        folder: None,
    }
}

impl Check {
    /// How many seeds, or which: `500` or `500..1000`. 500 unless this says otherwise.
    pub fn seeds(mut self, seeds: impl Into<SeedRange>) -> Check {
        self.seeds = seeds.into();
        self
    }

    /// On how many threads; the result is the same with any number. One unless this says otherwise, since tests run
    /// beside each other.
    pub fn jobs(mut self, jobs: NonZeroUsize) -> Check {
        self.jobs = jobs;
        self
    }

    /// With a key fixed in every scenario, as `.set("lock.lease", "500ms")`, `.set("topology.worker", 2)` or
    /// `.set("network.loss", 0)`.
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Check {
        self.fixed.set.push(Setting { key: key.to_owned(), value: value.into() });
        self
    }

    /// With a known bug switched on.
    pub fn defect(mut self, name: &str) -> Check {
        self.fixed.defect.push(name.to_owned());
        self
    }

    /// With no other families of faults than these: `crashes`, `pauses`, `partitions`, `loss`, `duplication`, `delay`,
    /// `disks`. Each is still off in half of the seeds.
    ///
    /// # Panics
    /// When there is no such family.
    #[track_caller]
    pub fn only(mut self, families: &[&str]) -> Check {
        let known = Families::names();
        if let Some(family) = families.iter().find(|family| !known.contains(&family.to_string())) {
            refuse(
                &format!("there is no family of faults `{family}`"),
                &format!("there are {}", known.join(", ")),
            );
        }
        for family in known.iter().filter(|family| !families.contains(&family.as_str())) {
            self = self.set(&format!("families.{family}"), false);
        }
        self
    }

    /// Every seed twice: that its two runs are not one is a violation, `determinism`.
    pub fn twice(mut self) -> Check {
        self.twice = true;
        self
    }

    /// That a marker is not reached is a failure as well: then silence proves nothing.
    pub fn require_markers(mut self) -> Check {
        self.require_markers = true;
        self
    }

    /// Where what fails is kept: otherwise in a folder of the test's name under `target/rehearsal`.
    pub fn keep_in(mut self, folder: impl Into<PathBuf>) -> Check {
        self.folder = Some(folder.into());
        self
    }

    /// How many scenarios are tried to make a failing one smaller; 0 keeps it as it was drawn.
    pub fn tries(mut self, tries: u64) -> Check {
        self.tries = tries;
        self
    }

    /// Runs the campaign; every invariant must hold. Where an environment variable asks for one run, that is run instead,
    /// and its facts are shown.
    ///
    /// # Panics
    /// When an invariant is broken: with the invariant, what was seen, the seed, the path of the shrunk scenario, its
    /// story, and the command that runs it again. Also when something that was asked for cannot be.
    #[track_caller]
    pub fn run(self) -> Held {
        let seeds = match self.asked() {
            Asked::Campaign(seeds) => seeds.unwrap_or(self.seeds),
            Asked::Seed(seed) => return self.must_hold(self.drawn(seed)),
            Asked::Scenario(path) => return self.must_hold(self.loaded(&path)),
        };
        let campaign = self.campaign(seeds, None);
        if let Some(conviction) = campaign.convictions.into_iter().next() {
            let broken = Broken::of(&*self.system, conviction, self.tries);
            let folder = self.folder.clone().unwrap_or_else(|| kept::folder(kept::test_name().as_deref()));
            panic!("{}", broken.told(&*self.system, &folder));
        }
        let held = Held::of(&*self.system, &campaign.totals, campaign.digest);
        if self.require_markers && !held.never.is_empty() {
            let never: Vec<&str> = held.never.iter().map(|marker| marker.0).collect();
            let what =
                format!("{}: {} seeds have never reached {}", held.system, held.runs, never.join(", "));
            refuse(&what, "run more seeds, or see why: until then it says nothing that every invariant held");
        }
        println!("{held}");
        held
    }

    /// Runs the campaign; it must break this invariant, as it should with a known bug. Nothing is kept. How many seeds
    /// are run is for the test alone to say: `REHEARSAL_SEEDS` is not heard.
    ///
    /// # Panics
    /// When no seed breaks it, or it is no invariant of the system.
    #[track_caller]
    pub fn must_break(self, invariant: &str) -> Broken {
        let known: Vec<&'static str> =
            self.system.invariants().iter().map(|invariant| invariant.name).collect();
        let Some(sought) = known.iter().chain(&scenario_file::OF_THE_WORLD).find(|name| **name == invariant)
        else {
            let what = format!("{} has no invariant `{invariant}`", self.system.name());
            refuse(&what, &format!("there are {}", known.join(", ")));
        };
        let one = match self.asked() {
            Asked::Campaign(_) => None,
            Asked::Seed(seed) => Some(self.drawn(seed)),
            Asked::Scenario(path) => Some(self.loaded(&path)),
        };
        if let Some(scenario) = one {
            let run = self.shown(&scenario);
            return Broken::in_this_run(&*self.system, scenario, run, invariant).unwrap_or_else(|| {
                refuse(
                    &format!("{}: `{invariant}` holds in this run", self.system.name()),
                    "see its facts above",
                )
            });
        }
        let campaign = self.campaign(self.seeds, Some(sought));
        let Some(conviction) = campaign.convictions.into_iter().next() else {
            let what = format!("{}: no seed of {:?} breaks `{invariant}`", self.system.name(), self.seeds);
            refuse(&what, "run more seeds, or let an invariant see what is wrong");
        };
        Broken::of_invariant(&*self.system, conviction, self.tries, invariant)
    }

    #[track_caller]
    fn asked(&self) -> Asked {
        let read = Asked::of(|name| env::var_os(name));
        read.unwrap_or_else(|unclear| refuse(&unclear, "or unset it, and the test runs its own seeds"))
    }

    #[track_caller]
    fn overrides(&self) -> Overrides {
        if let Err(Failure::Usage(report) | Failure::World(report)) = self.fixed.check_defects(&*self.system)
        {
            refuse(&report, &report.help().map(|help| help.to_string()).unwrap_or_default());
        }
        self.fixed.overrides_for(&*self.system)
    }

    #[track_caller]
    fn campaign(&self, seeds: SeedRange, sought: Option<&'static str>) -> campaign::Campaign {
        if seeds.from >= seeds.to {
            refuse(&"there is no seed to run", "`.seeds(500)` runs those from 0 to 499");
        }
        let plan = Plan {
            seeds,
            jobs: self.jobs,
            deadline: None,
            keep_going: false,
            sought,
            check_determinism: self.twice,
            overrides: self.overrides(),
        };
        campaign::run(&*self.system, &plan, &AtomicBool::new(false), &mut |_| {})
            .unwrap_or_else(|error| refused(error))
    }

    #[track_caller]
    fn drawn(&self, seed: u64) -> Scenario {
        self.system.draw(seed, &self.overrides()).unwrap_or_else(|error| refused(error))
    }

    #[track_caller]
    fn loaded(&self, path: &std::path::Path) -> Scenario {
        match scenario_file::load_among(&Registry::new().with(self.system.clone()), path) {
            Ok((_, scenario)) => scenario,
            Err(error) => {
                let report = miette::Report::new(error);
                let mend =
                    format!("this test rehearses {}: {SCENARIO} names a scenario of it", self.system.name());
                refuse(&format!("{SCENARIO}={}\n{report:?}", path.display()), &mend)
            }
        }
    }

    /// Runs one scenario, and shows its facts whether or not the harness captures what tests print.
    #[track_caller]
    fn shown(&self, scenario: &Scenario) -> Run {
        let watch = Watch { history: true, trace: true, ..Watch::default() };
        let run = self.system.run(scenario, watch).unwrap_or_else(|error| refused(error));
        let mut output = io::stdout().lock();
        let text = whole_run(&*self.system, scenario, &run, Paint::of(&output));
        // Where standard output is closed, the verdict must do.
        let _ = output.write_all(format!("\n{text}\n").as_bytes()).and_then(|()| output.flush());
        run
    }

    #[track_caller]
    fn must_hold(&self, scenario: Scenario) -> Held {
        let run = self.shown(&scenario);
        if let Some(violation) = run.violations.first() {
            let (name, seed) = (self.system.name(), scenario.seed);
            panic!("{name}, seed {seed}, breaks {}: {}", violation.invariant, violation.message);
        }
        let mut totals = campaign::Totals::default();
        totals.add(&run);
        Held::of(&*self.system, &totals, run.digest)
    }
}

/// Ends the test: what is wrong, and how to mend it.
#[track_caller]
fn refuse(what: &dyn Display, mend: &str) -> ! {
    panic!("{what}\n  mend: {mend}")
}

#[track_caller]
fn refused(error: ScenarioError) -> ! {
    refuse(&error, &error.mend)
}
