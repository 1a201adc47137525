use crate::Workload;
use cpu_time::ProcessTime;
use serde::{Deserialize, Serialize};
use std::env::args;
use std::time::Duration;

/// A simulator with the four workloads written for it. Each function builds a world from the seed, runs it until its
/// clients are done, drops it, and returns how many messages its nodes received.
pub struct Engine {
    /// W1 with the seed and the number of times there and back.
    pub ping_pong: fn(u64, u64) -> u64,
    /// W2 with the seed and the requests of each client.
    pub fan_in: fn(u64, u64) -> u64,
    /// W3 with the seed and the number of writes.
    pub replicate: fn(u64, u64) -> u64,
    /// W4 with the seed: one world.
    pub short_world: fn(u64) -> u64,
}

/// What an engine's program prints, as one line of JSON.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Messages delivered, or for W4 worlds.
    pub done: u64,
    /// CPU time of the process while it did them, in seconds.
    pub cpu_seconds: f64,
}

impl Measured {
    /// How much was done per CPU second.
    pub fn rate(&self) -> f64 {
        self.done as f64 / self.cpu_seconds
    }
}

impl Engine {
    /// The main function of an engine's program: `PROGRAM w1|w2|w3|w4 ROUND` measures one workload for a CPU second
    /// and prints a [`Measured`].
    ///
    /// # Panics
    /// When the arguments are others, or a world delivered another number of messages than it should.
    pub fn main(&self) {
        let arguments: Vec<String> = args().skip(1).collect();
        let [workload, round] = arguments.as_slice() else {
            panic!("the arguments are a workload and a round")
        };
        let workload: Workload = workload.parse().expect("a workload");
        let round: u64 = round.parse().expect("a round");
        let measured = self.measure(workload, round, Duration::from_secs(1));
        println!("{}", serde_json::to_string(&measured).expect("two numbers"));
    }

    /// Runs worlds of one workload, each with another seed, until the process has used `at_least` this CPU time.
    /// A first one, in which memory and caches grow, is not counted.
    fn measure(&self, workload: Workload, round: u64, at_least: Duration) -> Measured {
        let mut seeds = (round << 32)..;
        let mut run_next = || workload.run_once(self, seeds.next().expect("seeds without end"));
        run_next();
        let begun = ProcessTime::now();
        let mut worlds = 0;
        loop {
            (0..workload.worlds_at_once()).for_each(|_| run_next());
            worlds += workload.worlds_at_once();
            let used = begun.elapsed();
            if used >= at_least {
                return Measured { done: worlds * workload.worth(), cpu_seconds: used.as_secs_f64() };
            }
        }
    }

    /// What every engine's tests call: each workload, with several seeds, delivers exactly what it is counted for.
    ///
    /// # Panics
    /// When it does not.
    pub fn assert_each_workload_delivers_what_it_counts(&self) {
        for seed in 1..4 {
            for exchanges in [1, 7] {
                assert_eq!((self.ping_pong)(seed, exchanges), 2 * exchanges, "there and back");
                assert_eq!(
                    (self.fan_in)(seed, exchanges),
                    50 * 2 * exchanges,
                    "50 clients, request and reply"
                );
                assert_eq!((self.replicate)(seed, exchanges), 6 * exchanges, "a write is six messages");
            }
            assert_eq!((self.short_world)(seed), 100);
        }
        for workload in Workload::ALL {
            workload.run_once(self, 4);
        }
    }
}
