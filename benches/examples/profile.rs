//! One workload for a profiler: `profile w1|w2|w3|w4 COUNT`.
use rehearsal_benches::workloads;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let count: u64 = arguments[2].parse().expect("a count");
    match arguments[1].as_str() {
        "w1" => println!("{}", workloads::ping_pong(1, count)),
        "w2" => println!("{}", workloads::fan_in(1, count)),
        "w3" => println!("{}", workloads::replicate(1, count)),
        _ => (0..count).for_each(|seed| {
            workloads::short_world(seed);
        }),
    }
}
