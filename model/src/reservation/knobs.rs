//! The settings of the chain.

use rehearsal_env::Span;
use serde::{Deserialize, Serialize};

/// How a booking takes its nights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyName {
    /// Read, check, write back. Wrong on purpose.
    Unprotected,
    /// `SELECT … FOR UPDATE`, check, update.
    Pessimistic,
    /// Update where the version is as it was read.
    Optimistic,
    /// Update, and let the `CHECK` refuse.
    Constraint,
    /// Update where the limit is kept, and count the rows.
    Conditional,
    /// Have it done by the one writer of the room type, through a queue.
    SingleWriter,
}

impl StrategyName {
    /// All of them.
    pub const ALL: [StrategyName; 6] = [
        StrategyName::Unprotected,
        StrategyName::Pessimistic,
        StrategyName::Optimistic,
        StrategyName::Constraint,
        StrategyName::Conditional,
        StrategyName::SingleWriter,
    ];

    /// As it is written in scenarios and on the command line.
    pub fn text(self) -> &'static str {
        match self {
            StrategyName::Unprotected => "unprotected",
            StrategyName::Pessimistic => "pessimistic",
            StrategyName::Optimistic => "optimistic",
            StrategyName::Constraint => "constraint",
            StrategyName::Conditional => "conditional",
            StrategyName::SingleWriter => "single-writer",
        }
    }
}

/// In which order the pessimistic strategy locks the nights of a stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockOrder {
    /// In the order of the calendar, by one statement: no two transactions can wait for each other.
    Sorted,
    /// In the order in which the guest named them, one statement a night: they can.
    AsAsked,
}

/// Everything that can be set about the chain, its workload apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knobs {
    /// How a booking takes its nights.
    pub strategy: StrategyName,
    /// In which order the pessimistic strategy locks them.
    pub lock_order: LockOrder,
    /// How much more than it has the chain sells.
    pub overbooking_percent: i64,
    /// How often a server tries a booking before it says "busy".
    pub tries: u32,
    /// The longest pause before the first retry; doubled for each further one.
    pub backoff: Span,
    /// How long nights are held for a payment.
    pub hold: Span,
    /// How long an order can be booked.
    pub order_valid: Span,
    /// How often the payment service looks for steps that nobody finishes.
    pub sweep: Span,
    /// How long a statement waits for a lock before the database looks for a deadlock.
    pub deadlock_timeout: Span,
    /// How long a statement waits for a lock at most; 0 for ever.
    pub lock_timeout: Span,
    /// After how long without an answer a database client sends its request again.
    pub resend: Span,
    /// After how long without a word a session with the database ends.
    pub silence: Span,
    /// How long a guest waits for an answer before asking again.
    pub patience: Span,
    /// How long a server waits for the payment service, and that for the provider.
    pub payment_patience: Span,
    /// Out of 100 charges, how many the provider refuses.
    pub provider_refuses: u64,
    /// Out of 100 requests, how many the provider carries out late.
    pub provider_late: u64,
    /// The longest delay of those.
    pub provider_late_max: Span,
    /// Out of 100 answers, how many the provider gives twice.
    pub provider_twice: u64,
    /// Out of 100 answers, how many the provider never gives.
    pub provider_never: u64,
    /// From this time of the run on the provider answers promptly and once.
    pub provider_recovers: Span,
    /// Over how many partitions of the queue the single writers' room types are spread.
    pub writer_partitions: u32,
    /// How long a single writer may be silent before others take over its room types.
    pub writer_session: Span,
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs {
            strategy: StrategyName::Conditional,
            lock_order: LockOrder::Sorted,
            overbooking_percent: 10,
            tries: 6,
            backoff: Span::millis(20),
            hold: Span::seconds(6),
            order_valid: Span::seconds(600),
            sweep: Span::seconds(2),
            deadlock_timeout: Span::millis(200),
            lock_timeout: Span(0),
            resend: Span::millis(500),
            silence: Span::seconds(3),
            patience: Span::seconds(2),
            payment_patience: Span::millis(800),
            provider_refuses: 4,
            provider_late: 10,
            provider_late_max: Span::seconds(4),
            provider_twice: 10,
            provider_never: 5,
            provider_recovers: Span::seconds(20),
            writer_partitions: 2,
            writer_session: Span::millis(1_500),
        }
    }
}
