//! Real bookings through the whole chain, bookings per second: one after the other, and those of a day racing.
//!
//! The bookings are no part of the project. `REHEARSAL_DATA` names the folder that holds `hotel_replay.csv.gz`;
//! without it a folder `shared/data` beside the workspace is tried, and where there is none this says that it was
//! skipped. The first 20,000 bookings stand for all 119,390, which take six times as long.

mod cpu_seconds;

use cpu_seconds::{CpuSeconds, few_samples};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use rehearsal::bookings::capacity::CapacityScale;
use rehearsal::bookings::file::read;
use rehearsal::bookings::replay::{ReplayOptions, replay};
use rehearsal::bookings::row::BookingRow;
use rehearsal_model::reservation::knobs::StrategyName;
use std::path::{Path, PathBuf};

const BOOKINGS: usize = 20_000;

fn main() {
    let file = folder().join("hotel_replay.csv.gz");
    if !file.exists() {
        println!(
            "bookings: skipped, for there is no {}; REHEARSAL_DATA names another folder",
            file.display()
        );
        return;
    }
    let rows = read(&file).expect("the real bookings are in order");
    let rows = &rows[..BOOKINGS.min(rows.len())];
    let mut criterion = few_samples();
    for (operation, sequential) in [("sequential", true), ("racing", false)] {
        bookings(&mut criterion, operation, rows, sequential);
    }
    criterion.final_summary();
}

fn folder() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace around the package");
    let beside = workspace.with_file_name("shared").join("data");
    std::env::var_os("REHEARSAL_DATA").map_or(beside, PathBuf::from)
}

fn bookings(criterion: &mut Criterion<CpuSeconds>, operation: &str, rows: &[BookingRow], sequential: bool) {
    let options =
        ReplayOptions { scale: CapacityScale::ONE, strategy: StrategyName::Pessimistic, sequential };
    let mut group = criterion.benchmark_group("bookings");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(rows.len() as u64));
    group.bench_function(BenchmarkId::new(operation, format!("rows={}", rows.len())), |bencher| {
        bencher.iter(|| {
            let replayed = replay(rows, options);
            assert_eq!(replayed.violations, [], "no fault strikes, and every invariant holds");
            replayed.events
        });
    });
}
