//! Controllers, placement, watermarks.

use crate::history::{History, PARTITION, Who};
use rehearsal_model::coordination::{Change, Entry, Happening, Revision};
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId, Brokers};
use rehearsal_model::queue::controller::Leader;
use rehearsal_model::queue::facts::Fact;
use rehearsal_model::queue::keys::{self, PartitionEntry};
use rehearsal_model::queue::offset::Offset;
use std::sync::Arc;

const CONTROLLER: &str = "one-controller-per-epoch";
const PLACEMENT: &str = "placement-spread";

fn controller(history: &mut History, broker: Option<u8>, epoch: u64) -> u64 {
    history.say(Who::Coordination, Fact::ControllerChanged { broker: broker.map(BrokerId), epoch })
}

#[test]
fn two_controllers_of_an_epoch_are_convicted() {
    let mut history = History::begin();
    let first = controller(&mut history, Some(1), 4);
    let second = controller(&mut history, Some(2), 4);
    history.convicts(CONTROLLER, &[first, second]);
}

#[test]
fn an_older_controller_epoch_is_convicted() {
    let mut history = History::begin();
    let newer = controller(&mut history, Some(1), 4);
    let older = controller(&mut history, Some(2), 3);
    history.convicts(CONTROLLER, &[newer, older]);
}

/// The partition is written anew at this revision: by a controller of that epoch, or by its leader.
fn written(history: &mut History, revision: u64, ordered: Option<u64>) -> u64 {
    let state = history.state.clone();
    let held = PartitionEntry { partition: PARTITION, state, ordered: ordered.map(Revision) };
    let revision = Revision(revision);
    let entry =
        Entry { value: keys::encode(&held).into(), created: revision, modified: revision, owner: None };
    let change = Change { key: keys::partition(PARTITION), revision, entry: Some(entry) };
    history.say(Who::Coordination, Fact::Coordination(Arc::new(Happening::Changed(change))))
}

/// A key is put, or goes, at this revision.
fn held(history: &mut History, key: &str, revision: u64, stands: bool) {
    let revision = Revision(revision);
    let entry = Entry { value: [].into(), created: revision, modified: revision, owner: None };
    let change = Change { key: key.to_owned(), revision, entry: stands.then_some(entry) };
    history.say(Who::Coordination, Fact::Coordination(Arc::new(Happening::Changed(change))));
}

#[test]
fn an_order_of_a_controller_that_was_replaced_is_convicted() {
    let mut history = History::begin();
    held(&mut history, keys::CONTROLLER, 1, true);
    held(&mut history, &keys::broker(BrokerId(0)), 2, true);
    history.state.leader = Some(Leader { broker: BrokerId(0), life: BrokerEpoch(2) });
    written(&mut history, 3, None);
    written(&mut history, 4, Some(1));
    let gone = controller(&mut history, None, 5);
    held(&mut history, keys::CONTROLLER, 5, false);
    // A leader asks for a set in no controller's name.
    written(&mut history, 6, None);
    controller(&mut history, Some(2), 7);
    held(&mut history, keys::CONTROLLER, 7, true);
    written(&mut history, 8, None);
    written(&mut history, 9, Some(7));
    history.is_no_matter_of(CONTROLLER);
    let late = written(&mut history, 10, Some(1));
    history.convicts(CONTROLLER, &[gone, late]);
}

#[test]
fn an_end_without_controller_is_convicted() {
    let mut history = History::begin();
    let nobody = controller(&mut history, None, 4);
    history.convicts(CONTROLLER, &[nobody]);
    controller(&mut history, Some(1), 5);
    history.passes();
}

#[test]
fn a_dead_controller_at_the_end_is_convicted() {
    let mut history = History::begin();
    history.in_sync(&[0, 1]);
    let dead = controller(&mut history, Some(2), 4);
    history.gone(2);
    history.convicts(CONTROLLER, &[dead]);
}

#[test]
fn too_few_copies_are_convicted() {
    let mut history = History::begin();
    let changed = history.change(|state| {
        state.replicas = Brokers::first(2);
        state.in_sync = state.replicas;
    });
    history.convicts(PLACEMENT, &[changed]);
}

#[test]
fn a_copy_on_a_broker_that_there_is_not_is_convicted() {
    let mut history = History::begin();
    let changed = history.change(|state| state.replicas = Brokers::first(2).with(BrokerId(7)));
    history.convicts(PLACEMENT, &[changed]);
}

#[test]
fn a_watermark_beyond_the_leaders_log_is_convicted() {
    let mut history = History::begin();
    let last = history.replicate(0, &[1, 2], 0);
    let moved = history.watermark(0, 2);
    history.convicts("start-below-watermark", &[last, moved]);
}

#[test]
fn what_a_follower_takes_for_the_watermark_lies_within_its_log() {
    let mut history = History::begin();
    history.replicate(0, &[1, 2], 0);
    history.take_for_watermark(1, 1);
    history.passes();
    let held = history.take_for_watermark(1, 2);
    history.convicts("start-below-watermark", &[held]);
}

#[test]
fn a_replica_that_begins_anew_and_keeps_its_watermark_is_convicted() {
    let mut history = History::begin();
    history.say(Who::Broker(1), Fact::BeganAnew { partition: PARTITION, at: Offset(5) });
    let held = history.take_for_watermark(1, 0);
    history.convicts("start-below-watermark", &[held]);
}
