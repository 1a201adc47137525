//! Traces as files: what stands in them, and that writing them changes nothing.

mod jsonl;
mod perfetto;
mod program;
mod shiviz;

use rehearsal::scenario::{Overrides, Scenario};
use rehearsal::system::{Run, System, Watch};
use rehearsal::systems;
use rehearsal::trace::{TraceFormat, write};
use serde_json::Value;
use std::collections::BTreeSet;

const ALL: [TraceFormat; 3] = [TraceFormat::Jsonl, TraceFormat::Perfetto, TraceFormat::Shiviz];

/// Seeds whose runs together have everything that can stand in a trace; the test of the documentation sees to that.
const SEEDS: std::ops::Range<u64> = 0..60;

fn counter() -> Box<dyn System> {
    systems::named("counter").expect("it is there")
}

fn run(system: &dyn System, seed: u64) -> (Scenario, Run) {
    let scenario = system.draw(seed, &Overrides::default()).expect("a scenario");
    let run = system.run(&scenario, Watch { trace: true, ..Watch::default() }).expect("it runs");
    (scenario, run)
}

fn written(format: TraceFormat, scenario: &Scenario, run: &Run) -> String {
    let mut bytes = Vec::new();
    write(format, scenario, run, &mut bytes).expect("memory takes everything");
    String::from_utf8(bytes).expect("UTF-8")
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn a_trace_has_no_effect_on_its_run_and_is_the_same_every_time() {
    for system in systems::all() {
        for seed in [3, 8] {
            let (scenario, traced) = run(&*system, seed);
            let plain = system.run(&scenario, Watch::default()).expect("it runs");
            assert_eq!(plain.digest, traced.digest);
            assert!(plain.trace.is_empty(), "none is kept when it is not asked for");
            let (_, again) = run(&*system, seed);
            for format in ALL {
                let text = written(format, &scenario, &traced);
                assert!(text == written(format, &scenario, &again), "{format:?} of {} {seed}", system.name());
            }
        }
    }
}
