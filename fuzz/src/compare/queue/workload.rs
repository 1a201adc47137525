//! Producers that send as much as is wanted, and a group that reads it.

use crate::draws::Draws;
use crate::systems::queue::key;
use rehearsal_model::queue::aim::Aim;
use rehearsal_model::queue::knobs::{FetchMode, Knobs};
use rehearsal_model::queue::plan::{ConsumerPlan, Plan, Sending, TopicPlan};
use rehearsal_model::queue::tags::Tags;
use rehearsal_sim::Span;
use serde::Serialize;

/// When the producers begin: everybody else is up by then, and the group is settled.
const OPENING: Span = Span::seconds(4);
/// When the last message has been sent.
pub(super) const END: Span = Span::seconds(6);
/// Messages that come steadily.
const STEADY: u64 = 1_600;
/// Messages that come at once: so many that no batch waits for long.
const AT_ONCE: u64 = 8_000;
const BROKERS: u32 = 5;
const PRODUCERS: u64 = 4;
/// As many as partitions, but no more.
const MOST_CONSUMERS: u32 = 4;
const KEYS: u32 = 32;

/// What a setting is measured under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Load {
    /// Partitions of the one topic.
    pub partitions: u32,
    /// Copies of each, all of which must have a message before it is acknowledged.
    pub replicas: u32,
    /// The size of each message, in bytes.
    pub bytes: u32,
    /// How unevenly keys come: the exponent of Zipf's law, times 100.
    pub zipf: u32,
    /// How messages come to consumers.
    pub fetch: FetchMode,
    /// How long a consumer works on each, in microseconds.
    pub work_us: u64,
}

impl Load {
    /// What everything else is varied from.
    pub const BASE: Load =
        Load { partitions: 4, replicas: 3, bytes: 1_000, zipf: 0, fetch: FetchMode::Pull, work_us: 0 };

    /// Whether it is the base but for how messages come to consumers, and how long those work.
    pub fn is_about_consumers(&self) -> bool {
        Load { fetch: Load::BASE.fetch, work_us: Load::BASE.work_us, ..*self } == Load::BASE
    }
}

/// How messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// At any moment as likely.
    Steady,
    /// All at the same moment.
    AtOnce,
}

/// The same messages for every aim.
pub(super) fn plan(aim: Aim, load: Load, arrival: Arrival, seed: u64) -> Plan {
    let draws = Draws::of(seed);
    let messages = match arrival {
        Arrival::Steady => STEADY,
        Arrival::AtOnce => AT_ONCE,
    };
    let sending = |number: u64| {
        let mut draws = draws.part("send", number);
        let at = match arrival {
            Arrival::Steady => Span(OPENING.0 + draws.below(END.0 - OPENING.0)),
            Arrival::AtOnce => OPENING,
        };
        Sending {
            producer: (number % PRODUCERS) as u32,
            at,
            topic: 0,
            key: Some(key(&mut draws, KEYS, load.zipf)),
            partition: None,
            bytes: load.bytes,
            tags: Tags::default(),
            delay: None,
            appointment: None,
            fails: 0,
        }
    };
    let consumer = |number| ConsumerPlan { number, group: 0, topic: 0, into: None, tag: None, loan: None };
    // Nothing is lost: who waits, waits for its turn.
    let patient =
        Knobs { backoff: Span::millis(300), delivery_timeout: Span::seconds(600), ..Knobs::default() };
    Plan {
        brokers: BROKERS,
        factor: load.replicas,
        knobs: Knobs {
            min_insync: 1,
            processing: Span::micros(load.work_us),
            fetch: load.fetch,
            segment_bytes: 1 << 24,
            fetch_bytes: 1 << 20,
            ..aim.applied(patient)
        },
        topics: vec![TopicPlan { number: 0, partitions: load.partitions }],
        sendings: (0..messages).map(sending).collect(),
        consumers: (0..load.partitions.min(MOST_CONSUMERS)).map(consumer).collect(),
        operations: Vec::new(),
        defects: Default::default(),
    }
}
