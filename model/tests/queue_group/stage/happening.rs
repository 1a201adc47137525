//! What may happen to a group, its clients and its log.

use super::{CLIENTS, READS};
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub enum Happening {
    /// The client does what it is to do next.
    Act {
        client: usize,
    },
    /// All that is under way, and every client does what it is to do next.
    Quiet,
    /// The timers of those that nobody runs any more, and of an empty group, run out.
    Patience,
    Join {
        client: usize,
        anew: bool,
        reads: Option<usize>,
    },
    Sync {
        client: usize,
    },
    Heartbeat {
        client: usize,
        stale: bool,
    },
    Leave {
        client: usize,
    },
    Commit {
        client: usize,
        stale: bool,
        number: u32,
        offset: u64,
    },
    CommitAlone {
        number: u32,
        offset: u64,
    },
    Fetch {
        client: usize,
    },
    Timer(usize),
    Write(Fate),
    Recover {
        survive: usize,
    },
}

/// What becomes of a write.
#[derive(Clone, Copy, Debug)]
pub enum Fate {
    Persisted,
    Lost,
    WrittenButUnknown,
}

pub fn happening() -> impl Strategy<Value = Happening> {
    let client = || 0..CLIENTS;
    let fate =
        prop_oneof![8 => Just(Fate::Persisted), 1 => Just(Fate::Lost), 1 => Just(Fate::WrittenButUnknown)];
    prop_oneof![
        12 => client().prop_map(|client| Happening::Act { client }),
        10 => Just(Happening::Quiet),
        4 => Just(Happening::Patience),
        3 => (client(), prop::bool::weighted(0.1), prop::option::weighted(0.2, 0..READS.len()))
            .prop_map(|(client, anew, reads)| Happening::Join { client, anew, reads }),
        2 => client().prop_map(|client| Happening::Sync { client }),
        4 => (client(), prop::bool::weighted(0.2))
            .prop_map(|(client, stale)| Happening::Heartbeat { client, stale }),
        1 => client().prop_map(|client| Happening::Leave { client }),
        4 => (client(), prop::bool::weighted(0.3), 0..3_u32, 0..9_u64)
            .prop_map(|(client, stale, number, offset)| Happening::Commit { client, stale, number, offset }),
        1 => (0..3_u32, 0..9_u64).prop_map(|(number, offset)| Happening::CommitAlone { number, offset }),
        2 => client().prop_map(|client| Happening::Fetch { client }),
        2 => (0..12_usize).prop_map(Happening::Timer),
        12 => fate.prop_map(Happening::Write),
        1 => (0..4_usize).prop_map(|survive| Happening::Recover { survive }),
    ]
}

pub fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    prop::collection::vec(happening(), 0..200)
}
