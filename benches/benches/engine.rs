//! The four engine workloads: messages per second, and for the short worlds runs per second.

mod cpu_seconds;

use cpu_seconds::{CpuSeconds, few_samples};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use rehearsal_benches::workloads;
use std::hint::black_box;

fn main() {
    let mut criterion = few_samples();
    messages(&mut criterion, "ping-pong", "rounds", 100_000, workloads::ping_pong);
    messages(&mut criterion, "fan-in", "requests_each", 1_000, workloads::fan_in);
    messages(&mut criterion, "replicate", "writes", 50_000, workloads::replicate);
    short_worlds(&mut criterion);
    criterion.final_summary();
}

/// One world that is built once per iteration; what counts are the messages it delivers.
fn messages(
    criterion: &mut Criterion<CpuSeconds>,
    operation: &str,
    key: &str,
    count: u64,
    workload: fn(u64, u64) -> u64,
) {
    let mut group = criterion.benchmark_group("engine");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(workload(1, count)));
    group.bench_function(BenchmarkId::new(operation, format!("{key}={count}")), |bencher| {
        bencher.iter(|| workload(black_box(1), count));
    });
}

/// Worlds that are built and dropped; what counts are the worlds.
fn short_worlds(criterion: &mut Criterion<CpuSeconds>) {
    const WORLDS: u64 = 2_000;
    let mut group = criterion.benchmark_group("engine");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(WORLDS));
    group.bench_function(BenchmarkId::new("short-world", format!("worlds={WORLDS}")), |bencher| {
        bencher.iter(|| (0..WORLDS).map(workloads::short_world).sum::<u64>());
    });
}
