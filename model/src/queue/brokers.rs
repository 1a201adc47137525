//! Brokers by number, and sets of them.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A broker, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BrokerId(pub u8);

impl BrokerId {
    /// The broker that a plan gives this number.
    ///
    /// # Panics
    /// When it is over 255.
    pub fn numbered(number: u32) -> BrokerId {
        BrokerId(u8::try_from(number).expect("brokers are few"))
    }
}

/// One life of a broker: given out when it registers, larger for each later one (KIP-903).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BrokerEpoch(pub u64);

/// A set of brokers, numbered below 32.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Brokers(u32);

impl Brokers {
    /// Nobody.
    pub const NONE: Brokers = Brokers(0);

    /// This one alone.
    pub fn only(broker: BrokerId) -> Brokers {
        Brokers::NONE.with(broker)
    }

    /// The first so many.
    pub fn first(count: u8) -> Brokers {
        (0..count).map(BrokerId).collect()
    }

    /// Whether it is one of them.
    pub fn has(self, broker: BrokerId) -> bool {
        self.0 & (1 << broker.0) != 0
    }

    /// The set with it.
    ///
    /// # Panics
    /// When its number is 32 or more.
    #[must_use]
    pub fn with(self, broker: BrokerId) -> Brokers {
        assert!(broker.0 < 32, "broker {} is beyond what a set holds", broker.0);
        Brokers(self.0 | 1 << broker.0)
    }

    /// The set without it.
    #[must_use]
    pub fn without(self, broker: BrokerId) -> Brokers {
        Brokers(self.0 & !(1 << broker.0))
    }

    /// Those in either.
    #[must_use]
    pub fn or(self, other: Brokers) -> Brokers {
        Brokers(self.0 | other.0)
    }

    /// Those in both.
    #[must_use]
    pub fn and(self, other: Brokers) -> Brokers {
        Brokers(self.0 & other.0)
    }

    /// Those that are not in the other.
    #[must_use]
    pub fn minus(self, other: Brokers) -> Brokers {
        Brokers(self.0 & !other.0)
    }

    /// How many.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each, by number.
    pub fn iter(self) -> impl Iterator<Item = BrokerId> {
        (0..32).map(BrokerId).filter(move |broker| self.has(*broker))
    }
}

impl FromIterator<BrokerId> for Brokers {
    fn from_iter<I: IntoIterator<Item = BrokerId>>(brokers: I) -> Brokers {
        brokers.into_iter().fold(Brokers::NONE, Brokers::with)
    }
}

impl fmt::Display for BrokerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "broker-{}", self.0)
    }
}

impl fmt::Debug for Brokers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter().map(|broker| broker.0)).finish()
    }
}

impl fmt::Display for Brokers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.iter().map(|broker| broker.0.to_string()).collect();
        write!(formatter, "{{{}}}", numbers.join(", "))
    }
}
