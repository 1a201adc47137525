//! The same under other names of the brokers and other numbers of the versions: what a search uses to take states that
//! differ in these alone for one.

use super::{Asker, EndRequest, FetchRequest, Leadership, Replica, Role, SetRequest};
use crate::queue::brokers::{BrokerId, Brokers};
use crate::queue::controller::{Leader, PartitionState};

/// What is to be called what.
#[derive(Clone, Copy)]
pub struct Renaming<'a> {
    /// A new name for each broker; no two get the same.
    pub brokers: &'a dyn Fn(BrokerId) -> BrokerId,
    /// A new number for each version; they rise as the old ones did.
    pub versions: &'a dyn Fn(u32) -> u32,
}

impl Replica {
    /// The same replica under other names.
    #[must_use]
    pub fn renamed(&self, names: Renaming) -> Replica {
        let role = match &self.role {
            Role::Idle => Role::Idle,
            Role::Truncating(leader) => Role::Truncating((names.brokers)(*leader)),
            Role::Fetching(leader) => Role::Fetching((names.brokers)(*leader)),
            Role::Leading(leadership) => Role::Leading(leadership.renamed(names)),
        };
        let version = self.version.map(names.versions);
        Replica { me: (names.brokers)(self.me), version, role, lineage: self.lineage.clone(), ..*self }
    }
}

impl Leadership {
    fn renamed(&self, names: Renaming) -> Leadership {
        Leadership {
            in_sync: self.in_sync.renamed(names),
            replicas: self.replicas.renamed(names),
            proposed: self.proposed.map(|request| request.renamed(names)),
            followers: self
                .followers
                .iter()
                .map(|(broker, progress)| ((names.brokers)(*broker), *progress))
                .collect(),
            ..*self
        }
    }
}

impl Brokers {
    /// The same set with brokers renamed.
    #[must_use]
    pub fn renamed(self, names: Renaming) -> Brokers {
        self.iter().map(names.brokers).collect()
    }
}

impl PartitionState {
    /// The same state under other names.
    #[must_use]
    pub fn renamed(&self, names: Renaming) -> PartitionState {
        PartitionState {
            version: (names.versions)(self.version),
            leader: self.leader.map(|leader| Leader { broker: (names.brokers)(leader.broker), ..leader }),
            in_sync: self.in_sync.renamed(names),
            eligible: self.eligible.renamed(names),
            replicas: self.replicas.renamed(names),
            ..*self
        }
    }
}

impl SetRequest {
    /// The same request under other names.
    #[must_use]
    pub fn renamed(&self, names: Renaming) -> SetRequest {
        SetRequest {
            version: (names.versions)(self.version),
            leader: (names.brokers)(self.leader),
            in_sync: self.in_sync.renamed(names),
            joining: self.joining.map(|(broker, life)| ((names.brokers)(broker), life)),
            ..*self
        }
    }
}

impl Asker {
    fn renamed(self, names: Renaming) -> Asker {
        Asker { broker: (names.brokers)(self.broker), ..self }
    }
}

impl EndRequest {
    /// The same request under other names.
    #[must_use]
    pub fn renamed(&self, names: Renaming) -> EndRequest {
        EndRequest { asker: self.asker.renamed(names), ..*self }
    }
}

impl FetchRequest {
    /// The same request under other names.
    #[must_use]
    pub fn renamed(&self, names: Renaming) -> FetchRequest {
        FetchRequest { asker: self.asker.renamed(names), ..*self }
    }
}
