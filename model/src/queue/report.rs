//! What happens in the coordination service, as facts of the queue.

use super::archive::Piece;
use super::facts::Fact;
use super::keys::{self, News};
use crate::blob;
use crate::coordination::{Change, Happening};

/// Tells what the queue wants to know of it.
pub fn of_coordination(happening: &Happening, tell: &mut dyn FnMut(Fact)) {
    match happening {
        Happening::Changed(change) => of_change(change).into_iter().for_each(tell),
        Happening::Recovered { .. } => tell(Fact::CoordinationRecovered),
        Happening::SessionExpired { .. } => tell(Fact::SessionExpired),
        _ => {}
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
        News::Broker(broker, Some(life)) => Some(Fact::BrokerRegistered { broker, life }),
        News::Broker(broker, None) => Some(Fact::BrokerGone { broker }),
        News::Controller(broker) => Some(Fact::ControllerChanged { broker, epoch: change.revision.0 }),
        News::Partition(partition, state) => Some(Fact::PartitionChanged { partition, state }),
        News::Life(..) | News::Archived(..) => None,
    }
}
