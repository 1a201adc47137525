//! Campaigns by the library: the counter's defects are caught, and what must not depend on threads does not.

use rehearsal::campaign::{self, Campaign, End, Plan, SeedRange};
use rehearsal::scenario::{Overrides, Scenario, ScenarioError};
use rehearsal::system::{Defect, Invariant, Run, System, Watch};
use rehearsal::systems;
use rehearsal_env::Marker;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

fn plan(seeds: std::ops::Range<u64>, jobs: usize) -> Plan {
    Plan {
        seeds: SeedRange { from: seeds.start, to: seeds.end },
        jobs: NonZeroUsize::new(jobs).expect("a thread"),
        deadline: None,
        keep_going: false,
        sought: None,
        check_determinism: false,
        overrides: Overrides::default(),
    }
}

fn campaign(system: &dyn System, plan: &Plan) -> Campaign {
    campaign::run(system, plan, &AtomicBool::new(false), &mut |_| {}).expect("a plan that makes sense")
}

#[test]
fn each_defect_of_the_counter_is_convicted_by_its_owner() {
    let counter = systems::named("counter").expect("a system");
    for defect in counter.defects() {
        let overrides = Overrides { defects: vec![defect.name.to_owned()], ..Overrides::default() };
        let done = campaign(&*counter, &Plan { overrides, ..plan(0..2_000, 2) });
        let fired: Vec<&str> =
            done.convictions[0].violations.iter().map(|broken| &*broken.invariant).collect();
        assert!(fired.contains(&defect.invariant), "{}: {fired:?}", defect.name);
        assert!(!done.convictions[0].evidence.is_empty(), "{} has facts that convict", defect.name);
    }
}

#[test]
fn the_counter_without_defects_holds_and_shows_what_it_must() {
    let counter = systems::named("counter").expect("a system");
    let done = campaign(&*counter, &plan(0..2_000, 2));
    assert_eq!((done.end, done.totals.failing_seeds, done.totals.runs), (End::Finished, 0, 2_000));
    let never: Vec<&Marker> =
        counter.markers().iter().filter(|marker| !done.totals.markers.contains(marker)).collect();
    assert!(never.is_empty(), "{never:?}");
}

#[test]
fn a_campaign_stops_at_its_lowest_failing_seed_with_any_number_of_threads() {
    let counter = systems::named("counter").expect("a system");
    let overrides = Overrides { defects: vec!["answer-before-sync".to_owned()], ..Overrides::default() };
    let run = |jobs| campaign(&*counter, &Plan { overrides: overrides.clone(), ..plan(0..2_000, jobs) });
    let one = run(1);
    assert_eq!(one.end, End::Violation);
    assert_eq!(one.totals.runs, one.convictions[0].seed + 1);
    for jobs in [2, 3, 8] {
        let many = run(jobs);
        assert_eq!((many.digest, &many.totals), (one.digest, &one.totals), "{jobs} threads");
        assert_eq!(many.convictions[0].seed, one.convictions[0].seed);
    }
    let on = campaign(&*counter, &Plan { overrides: overrides.clone(), keep_going: true, ..plan(0..200, 2) });
    assert_eq!((on.end, on.totals.runs), (End::Finished, 200));
    assert_eq!(on.convictions.len() as u64, on.totals.failing_seeds);
    assert!(on.convictions.is_sorted_by_key(|conviction| conviction.seed));
    assert_eq!(on.convictions[0].seed, one.convictions[0].seed);
}

#[test]
fn a_stop_ends_a_campaign_without_gaps() {
    let counter = systems::named("counter").expect("a system");
    let stop = AtomicBool::new(false);
    let done = campaign::run(&*counter, &plan(0..100_000, 3), &stop, &mut |totals| {
        if totals.runs == 25 {
            stop.store(true, Ordering::Relaxed);
        }
    });
    let done = done.expect("a plan that makes sense");
    assert_eq!(done.end, End::Interrupted);
    assert!((25..100_000).contains(&done.totals.runs));
    let same = campaign(&*counter, &plan(0..done.totals.runs, 1));
    assert_eq!((same.digest, same.totals), (done.digest, done.totals));
}

#[test]
fn the_counter_is_deterministic() {
    let counter = systems::named("counter").expect("a system");
    let done = campaign(&*counter, &Plan { check_determinism: true, ..plan(0..200, 2) });
    assert_eq!((done.end, done.totals.runs), (End::Finished, 200));
    assert_eq!(done.digest, campaign(&*counter, &plan(0..200, 2)).digest);
}

/// The counter, but every second run of seed 5 has another seed: chance that no seed knows of.
struct Haunted {
    runs: AtomicU64,
}

impl System for Haunted {
    fn name(&self) -> &'static str {
        "haunted"
    }

    fn summary(&self) -> &'static str {
        "a counter that looks at something outside"
    }

    fn invariants(&self) -> &'static [Invariant] {
        systems::counter::Counter.invariants()
    }

    fn markers(&self) -> &'static [Marker] {
        systems::counter::Counter.markers()
    }

    fn defects(&self) -> &'static [Defect] {
        &[]
    }

    fn draw(&self, seed: u64, overrides: &Overrides) -> Result<Scenario, ScenarioError> {
        systems::counter::Counter.draw(seed, overrides)
    }

    fn check(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        systems::counter::Counter.check(scenario)
    }

    fn run(&self, scenario: &Scenario, watch: Watch) -> Result<Run, ScenarioError> {
        let mut scenario = scenario.clone();
        if scenario.seed == 5 && !self.runs.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            scenario.seed = 1_000_000;
        }
        systems::counter::Counter.run(&scenario, watch)
    }
}

#[test]
fn a_run_that_is_not_a_function_of_its_seed_is_caught_where_it_parts() {
    let haunted = Haunted { runs: AtomicU64::new(0) };
    let done = campaign(&haunted, &Plan { check_determinism: true, ..plan(0..10, 2) });
    let conviction = &done.convictions[0];
    assert_eq!((done.totals.runs, conviction.seed), (6, 5));
    assert_eq!(conviction.violations[0].invariant, "determinism");
    assert!(
        conviction.violations[0].message.contains("part at event"),
        "{}",
        conviction.violations[0].message
    );
    assert_eq!(conviction.evidence.len(), 1);
}
