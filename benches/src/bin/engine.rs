//! Prints the four engine workloads per CPU second, the median of several rounds, as one JSON object:
//! messages for w1 to w3, runs for w4.

use cpu_time::ProcessTime;
use rehearsal_benches::workloads;

const ROUNDS: usize = 5;

/// The median of `ROUNDS` rates of `work` (which returns how much it did) per CPU second. The rounds of the
/// workloads are interleaved by the caller, so that a change of the machine's speed hits all.
fn rate(work: &dyn Fn(u64) -> u64, seed: u64) -> f64 {
    let begun = ProcessTime::now();
    let done = work(seed);
    done as f64 / begun.elapsed().as_secs_f64()
}

fn main() {
    let workloads: [(&str, &dyn Fn(u64) -> u64); 4] = [
        ("w1", &|seed| workloads::ping_pong(seed, 1_000_000)),
        ("w2", &|seed| workloads::fan_in(seed, 20_000)),
        ("w3", &|seed| workloads::replicate(seed, 300_000)),
        ("w4", &|seed| {
            let runs = 20_000;
            (0..runs).for_each(|run| {
                workloads::short_world(seed * runs + run);
            });
            runs
        }),
    ];
    let mut rates = [const { Vec::new() }; 4];
    for round in 0..ROUNDS {
        for (rates, (_, work)) in rates.iter_mut().zip(&workloads) {
            rates.push(rate(work, round as u64));
        }
    }
    let medians = workloads.iter().zip(&mut rates).map(|((name, _), rates)| {
        rates.sort_by(f64::total_cmp);
        (name.to_string(), serde_json::json!(rates[ROUNDS / 2].round()))
    });
    println!("{}", serde_json::Value::Object(medians.collect()));
}
