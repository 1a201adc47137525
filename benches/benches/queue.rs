//! The message queue as a campaign runs it: a scenario drawn from each seed and run, with faults, every invariant and
//! every marker. Runs per second, and the same work in events and in messages delivered per second.

mod cpu_seconds;

use cpu_seconds::{CpuSeconds, few_samples};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use rehearsal::scenario::Overrides;
use rehearsal::system::{Run, System, Watch};
use rehearsal::systems::queue::Queue;

/// Scenarios differ widely, so a sample is a hundred of them.
const SEEDS: u64 = 100;

fn main() {
    let mut criterion = few_samples();
    campaign(&mut criterion, "runs", SEEDS);
    let runs: Vec<Run> = (0..SEEDS).map(draw_and_run).collect();
    campaign(&mut criterion, "events", runs.iter().map(|run| run.events).sum());
    campaign(&mut criterion, "messages", runs.iter().map(|run| run.messages).sum());
    criterion.final_summary();
}

fn campaign(criterion: &mut Criterion<CpuSeconds>, operation: &str, elements: u64) {
    let mut group = criterion.benchmark_group("queue");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(elements));
    group.bench_function(BenchmarkId::new(operation, format!("seeds={SEEDS}")), |bencher| {
        bencher.iter(|| (0..SEEDS).for_each(|seed| drop(draw_and_run(seed))));
    });
}

fn draw_and_run(seed: u64) -> Run {
    let scenario = Queue.draw(seed, &Overrides::default()).expect("nothing is overridden");
    let run = Queue.run(&scenario, Watch::default()).expect("a drawn scenario makes sense");
    assert_eq!(run.violations, [], "seed {seed}");
    run
}
