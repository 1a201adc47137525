//! The four workloads on Rehearsal: the very functions that the `engine` benchmark measures.

use measure::Engine;
use rehearsal_benches::workloads;

const ENGINE: Engine = Engine {
    ping_pong: workloads::ping_pong,
    fan_in: workloads::fan_in,
    replicate: workloads::replicate,
    short_world: workloads::short_world,
};

fn main() {
    ENGINE.main();
}

#[test]
fn each_workload_delivers_what_it_counts() {
    ENGINE.assert_each_workload_delivers_what_it_counts();
}
