//! What happens in the coordination service, as facts of the queue.

use super::archive::Piece;
use super::facts::{Fact, OfRestarts, OfTopics};
use super::keys::{self, News};
use crate::blob;
use crate::coordination::{Change, Happening};
use std::sync::Arc;

/// Tells what the queue wants to know of it: what it keeps as the queue's own facts, and what its promises are judged by
/// as it was.
pub fn of_coordination(happening: &Happening, tell: &mut dyn FnMut(Fact)) {
    match happening {
        Happening::Changed(change) => {
            tell(Fact::Coordination(Arc::new(happening.clone())));
            of_change(change).into_iter().for_each(tell);
        }
        Happening::Recovered { .. } => tell(Fact::CoordinationRecovered),
        Happening::SessionOpened { .. }
        | Happening::SessionClosed { .. }
        | Happening::SessionExpired { .. }
        | Happening::SnapshotInstalled { .. }
        | Happening::Invoked { .. }
        | Happening::Returned { .. }
        | Happening::Led { .. }
        | Happening::VoteGiven { .. }
        | Happening::VoteRefused { .. }
        | Happening::ReadsRefused { .. }
        | Happening::WatchRenewed { .. } => tell(Fact::Coordination(Arc::new(happening.clone()))),
        Happening::SessionSilent { .. }
        | Happening::TornTailCut
        | Happening::SnapshotTaken { .. }
        | Happening::SnapshotCorrupt
        | Happening::LogCorrupt { .. }
        | Happening::Written { .. }
        | Happening::Synced { .. } => {}
    }
}

/// Tells what the queue wants to know of the blob store.
pub fn of_blobs(happening: &blob::Happening, tell: &mut dyn FnMut(Fact)) {
    let blob::Happening::Stored { name } = happening;
    if let Some(Piece { partition, base, end, .. }) = Piece::named(name) {
        tell(Fact::Archived { partition, base, end });
    }
}

fn of_change(change: &Change) -> Option<Fact> {
    match keys::news(&change.key, change.entry.as_ref())? {
        News::Broker(broker, Some((life, _))) => Some(Fact::BrokerRegistered { broker, life }),
        News::Broker(broker, None) => Some(Fact::BrokerGone { broker }),
        News::Controller(broker) => Some(Fact::ControllerChanged { broker, epoch: change.revision.0 }),
        News::Partition(partition, state) => Some(Fact::PartitionChanged { partition, state }),
        News::Topic(topic, state) => Some(Fact::OfTopics(OfTopics::Changed { topic, state })),
        News::Stop(broker, stop) => Some(Fact::OfRestarts(OfRestarts::Asked { broker, life: stop.life })),
        News::Members(members) => Some(Fact::MembersChanged { members }),
        News::Life(..) | News::Archived(..) | News::Barriers(..) => None,
    }
}
