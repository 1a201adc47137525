//! The hotel chain as a campaign runs it: a scenario drawn from each seed and run, with faults, every invariant
//! and every marker. Runs per second, and the same work in events per second.

mod cpu_seconds;

use cpu_seconds::{CpuSeconds, few_samples};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use rehearsal::scenario::Overrides;
use rehearsal::system::{Run, System, Watch};
use rehearsal::systems::reservation::Reservation;

/// Scenarios differ widely, so a sample is a hundred of them.
const SEEDS: u64 = 100;

fn main() {
    let mut criterion = few_samples();
    campaign(&mut criterion, "runs", SEEDS);
    let events = (0..SEEDS).map(|seed| draw_and_run(seed).events).sum();
    campaign(&mut criterion, "events", events);
    criterion.final_summary();
}

fn campaign(criterion: &mut Criterion<CpuSeconds>, operation: &str, elements: u64) {
    let mut group = criterion.benchmark_group("reservation");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(elements));
    group.bench_function(BenchmarkId::new(operation, format!("seeds={SEEDS}")), |bencher| {
        bencher.iter(|| (0..SEEDS).for_each(|seed| drop(draw_and_run(seed))));
    });
}

fn draw_and_run(seed: u64) -> Run {
    let scenario = Reservation.draw(seed, &Overrides::default()).expect("nothing is overridden");
    let run = Reservation.run(&scenario, Watch::default()).expect("a drawn scenario makes sense");
    assert_eq!(run.violations, [], "seed {seed}");
    run
}
