//! Controllers, placement, watermarks.

use crate::history::{History, Who};
use rehearsal_model::queue::brokers::{BrokerId, Brokers};
use rehearsal_model::queue::facts::Fact;

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
