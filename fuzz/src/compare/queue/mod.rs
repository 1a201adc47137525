//! Throughput against latency in the queue: the one setting between them, over partitions, copies, message sizes and how
//! unevenly keys come.
//!
//! Each cell is two runs for each seed. In one, messages come as steadily as they can be taken by any setting: how long
//! each takes, and how many syncs. In the other all come at once: how many a second get through.
//!
//! And pull against push, for consumers that are as fast as can be and for such as just keep up: when a message is
//! processed, how many a second are, and what that takes on the network.

mod measure;
mod workload;

pub use workload::Load;

use crate::bookings::replay::quiet_network;
use crate::compare::latencies::Latencies;
use crate::jury::Jury;
use measure::{Measurements, SharedMeasure};
use rehearsal_model::queue::aim::Aim;
use rehearsal_model::queue::deploy::deploy;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::knobs::FetchMode;
use rehearsal_sim::{Ends, Settings, Span, World};
use serde::Serialize;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use workload::Arrival;

/// What is varied from [`Load::BASE`], one thing at a time.
const VARIED: [Load; 12] = [
    Load { partitions: 1, ..Load::BASE },
    Load { partitions: 16, ..Load::BASE },
    Load { replicas: 1, ..Load::BASE },
    Load { replicas: 5, ..Load::BASE },
    Load { bytes: 100, ..Load::BASE },
    Load { bytes: 10_000, ..Load::BASE },
    Load { zipf: 90, ..Load::BASE },
    Load { zipf: 120, ..Load::BASE },
    Load { zipf: 170, ..Load::BASE },
    Load { fetch: FetchMode::Push, ..Load::BASE },
    Load { work_us: SLOW, ..Load::BASE },
    Load { fetch: FetchMode::Push, work_us: SLOW, ..Load::BASE },
];

/// How long a slow consumer works on a message, in microseconds: four of them keep up with 800 messages a second, and have
/// little time left.
const SLOW: u64 = 4_000;

/// One cell of the table. Times are virtual.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// The setting.
    pub aim: Aim,
    /// What it is measured under.
    #[serde(flatten)]
    pub load: Load,
    /// How many messages are acknowledged by all, per second, when all come at once.
    pub messages_per_second: f64,
    /// Median time from the send to its acknowledgement, in milliseconds, when messages come steadily.
    pub p50_ms: f64,
    /// The same for the slowest of a hundred.
    pub p99_ms: f64,
    /// Median time from the send until a consumer has processed it, in milliseconds, when messages come steadily.
    pub processed_p50_ms: f64,
    /// The same for the slowest of a hundred.
    pub processed_p99_ms: f64,
    /// How many messages are processed, per second, when all come at once.
    pub processed_per_second: f64,
    /// What is delivered on the network, of all kinds, for each message that comes steadily.
    pub network_per_message: f64,
    /// Syncs of logs, over all replicas, for each message that comes steadily.
    pub syncs_per_message: f64,
    /// Messages measured, those that come at once included.
    pub messages: u64,
}

/// Every cell that the table has, in its order.
pub fn wanted() -> Vec<(Aim, Load)> {
    let loads = [Load::BASE].into_iter().chain(VARIED);
    loads.flat_map(|load| Aim::ALL.map(|aim| (aim, load))).collect()
}

/// Measures one cell over the seeds `0..seeds`.
///
/// # Panics
/// When a message is not acknowledged: nothing stands in its way.
pub fn measure(aim: Aim, load: Load, seeds: u64) -> Cell {
    let (mut steady, mut at_once) = (Measurements::default(), Measurements::default());
    for seed in 0..seeds {
        steady.add(&run(aim, load, Arrival::Steady, seed));
        at_once.add(&run(aim, load, Arrival::AtOnce, seed));
    }
    let [p50_ms, p99_ms] = steady.acknowledged.percentiles_ms([50, 99]);
    let [processed_p50_ms, processed_p99_ms] = steady.processed.percentiles_ms([50, 99]);
    let count = |latencies: &Latencies| latencies.count() as f64;
    Cell {
        aim,
        load,
        messages_per_second: count(&at_once.acknowledged) / at_once.seconds,
        p50_ms,
        p99_ms,
        processed_p50_ms,
        processed_p99_ms,
        processed_per_second: count(&at_once.processed) / at_once.seconds_of_work,
        network_per_message: steady.network as f64 / count(&steady.processed),
        syncs_per_message: steady.syncs as f64 / count(&steady.acknowledged),
        messages: (steady.acknowledged.count() + at_once.acknowledged.count()) as u64,
    }
}

fn run(aim: Aim, load: Load, arrival: Arrival, seed: u64) -> Measurements {
    let plan = Arc::new(workload::plan(aim, load, arrival, seed));
    let shared = SharedMeasure::default();
    let jury: Jury<Fact> = Jury::new(vec![Box::new(shared.clone())], Box::new(()), Box::new(|_, _| {}));
    // Those that came last are still to be processed when all is acknowledged.
    let (storm, calm) = (workload::END, Span::seconds(10));
    let settings = Settings { network: quiet_network(), storm, calm, ..Settings::default() };
    let mut world = World::seeded(seed, settings, Rc::new(RefCell::new(jury)));
    deploy(&mut world, &plan);
    let outcome = world.run(Ends::AfterTheCalm).expect("there are no faults");
    assert_eq!(outcome.violation, None, "a world without faults neither panics nor stalls");
    let measured = shared.measured();
    assert_eq!(
        measured.acknowledged.count(),
        plan.sendings.len(),
        "without faults every message gets through"
    );
    Measurements { network: outcome.messages, ..measured }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_messages_and_early_ones_are_had_by_opposite_settings() {
        let [early, _, many] = Aim::ALL.map(|aim| measure(aim, Load::BASE, 1));
        assert!(many.messages_per_second > 2.0 * early.messages_per_second, "{many:?} {early:?}");
        assert!(many.p50_ms > early.p50_ms, "{many:?} {early:?}");
        assert!(many.syncs_per_message < early.syncs_per_message, "{many:?} {early:?}");
        assert!(early.p50_ms < early.processed_p50_ms, "{early:?}");
    }

    #[test]
    fn the_same_cell_is_measured_twice_alike() {
        let load = Load { partitions: 1, zipf: 170, ..Load::BASE };
        assert_eq!(measure(Aim::Balance, load, 1), measure(Aim::Balance, load, 1));
    }
}
