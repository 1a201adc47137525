//! What may happen to consumers, their coordinator and its log.

use super::reading::CONSUMERS;
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub enum Happening {
    /// The consumer hears the oldest answer that is on its way to it, or the answer is lost.
    Hear {
        consumer: usize,
        lost: bool,
    },
    /// It says that it lives, and asks what it has not asked yet.
    Beat(usize),
    /// It fetches a few records from where it is.
    Fetch {
        consumer: usize,
        records: u64,
    },
    /// It processes a record that it may begin.
    Process(usize),
    Commit(usize),
    /// The oldest write gets to the log, or nobody knows.
    Write {
        known: bool,
    },
    Timer(usize),
    /// The coordinator is replaced. Of its last writes the first so many are on the log.
    Recover {
        survive: usize,
    },
    /// The consumer is replaced by one that knows nothing.
    Restart(usize),
    /// All but this consumer do what there is to do, and fetch so many records.
    Round {
        but: usize,
        records: u64,
    },
    /// This one fetches and falls silent until its session is over; the others do what there is to do; then it goes on as
    /// if nothing had been.
    Silence {
        consumer: usize,
        rounds: usize,
    },
    /// The timers of those that nobody runs any more, and of an empty group, run out.
    Patience,
}

pub fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let who = || 0..CONSUMERS;
    let happening = prop_oneof![
        16 => (who(), prop::bool::weighted(0.05)).prop_map(|(consumer, lost)| Happening::Hear { consumer, lost }),
        8 => who().prop_map(Happening::Beat),
        8 => (who(), 1..3_u64).prop_map(|(consumer, records)| Happening::Fetch { consumer, records }),
        8 => who().prop_map(Happening::Process),
        6 => who().prop_map(Happening::Commit),
        16 => prop::bool::weighted(0.93).prop_map(|known| Happening::Write { known }),
        3 => (0..8_usize).prop_map(Happening::Timer),
        1 => (0..3_usize).prop_map(|survive| Happening::Recover { survive }),
        1 => who().prop_map(Happening::Restart),
        12 => (0..=CONSUMERS, 0..2_u64).prop_map(|(but, records)| Happening::Round { but, records }),
        4 => Just(Happening::Patience),
        1 => (who(), 0..8_usize).prop_map(|(consumer, rounds)| Happening::Silence { consumer, rounds }),
    ];
    prop::collection::vec(happening, 0..250)
}
