//! A member as its coordinator knows it.

use super::entry::MemberEntry;
use super::ids::{Generation, RequestId};
use super::registration::Registration;
use super::step::Timer;
use crate::queue::partition::Partition;
use std::collections::BTreeSet;

/// A member as its coordinator knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Attendant {
    pub registration: Registration,
    /// The last generation that it was in; 0 before its first.
    pub generation: Generation,
    /// What it owns in that generation, once it is planned.
    pub partitions: BTreeSet<Partition>,
    /// The request that it waits with.
    pub waits: Option<Waiting>,
    /// Its session timer. None runs while it waits: then the silence is the coordinator's.
    pub session: Option<Timer>,
}

/// A request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Waiting {
    /// For the next generation.
    Join(RequestId),
    /// For the leader's plan.
    Sync(RequestId),
}

impl Waiting {
    pub fn request(self) -> RequestId {
        match self {
            Waiting::Join(request) | Waiting::Sync(request) => request,
        }
    }
}

impl Attendant {
    pub fn new(registration: Registration) -> Attendant {
        Attendant {
            registration,
            generation: Generation::default(),
            partitions: BTreeSet::new(),
            waits: None,
            session: None,
        }
    }

    pub fn recovered(entry: MemberEntry, generation: Generation) -> Attendant {
        Attendant { generation, partitions: entry.partitions, ..Attendant::new(entry.registration) }
    }

    pub fn has_rejoined(&self) -> bool {
        matches!(self.waits, Some(Waiting::Join(_)))
    }

    pub fn syncs(&self) -> bool {
        matches!(self.waits, Some(Waiting::Sync(_)))
    }

    pub fn entry(&self) -> MemberEntry {
        MemberEntry { registration: self.registration.clone(), partitions: self.partitions.clone() }
    }
}
