//! What a deployment is set up for: early messages, or many.
//!
//! A batch is written, synced, replicated and fetched as one. The longer a producer waits for a batch to fill, the fewer
//! syncs and answers a message costs, and the later it comes. What is promised is the same.

use super::knobs::Knobs;
use rehearsal_env::Span;
use serde::{Deserialize, Serialize};

/// The one setting between latency and throughput.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// Each message goes by itself, at once.
    Latency,
    /// A message waits a little for others.
    Balance,
    /// Messages wait for each other, and go in large batches.
    Throughput,
}

impl Aim {
    /// From early messages to many.
    pub const ALL: [Aim; 3] = [Aim::Latency, Aim::Balance, Aim::Throughput];

    /// Its name, as in scenarios and tables.
    pub fn name(self) -> &'static str {
        match self {
            Aim::Latency => "latency",
            Aim::Balance => "balance",
            Aim::Throughput => "throughput",
        }
    }

    /// The settings with those that decide between the two as this aim has them.
    #[must_use]
    pub fn applied(self, knobs: Knobs) -> Knobs {
        let (batch_records, batch_bytes, linger) = match self {
            Aim::Latency => (1, 16_384, Span(0)),
            Aim::Balance => (32, 32_768, Span::millis(2)),
            Aim::Throughput => (1_000, 1_048_576, Span::millis(20)),
        };
        Knobs { batch_records, batch_bytes, linger, ..knobs }
    }
}
