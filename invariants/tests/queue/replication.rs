//! Logs, leaders and sets.

use crate::history::{History, PARTITION, Who, rules, stretch};
use rehearsal_invariants::queue::Rules;
use rehearsal_model::queue::brokers::{BrokerId, Brokers};
use rehearsal_model::queue::facts::{Fact, Stretch};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::replica::Flush;
use std::collections::BTreeMap;

const LOGS_AGREE: &str = "logs-agree";
const ISR: &str = "isr-ordering";
const LEADER: &str = "one-leader-per-epoch";

#[test]
fn one_name_for_two_batches_is_convicted() {
    let mut history = History::begin();
    let first = history.append(0, 0);
    let other = history.fetch_this(1, stretch(0, 0, 9));
    history.convicts(LOGS_AGREE, &[first, other]);
}

#[test]
fn logs_that_agree_above_and_not_below_are_convicted() {
    let mut history = History::begin();
    history.append(0, 0);
    history.fetch(2, 0);
    history.elect(1);
    history.lead(1);
    history.append(1, 1);
    let above = history.append(1, 2);
    // Broker 2 keeps what it had from the leader before.
    let kept = history.fetch_this(2, stretch(1, 1, 2));
    history.convicts(LOGS_AGREE, &[above, kept]);
}

#[test]
fn a_hole_in_a_log_is_convicted() {
    let mut history = History::begin();
    history.append(0, 0);
    history.append(0, 1);
    let first = history.fetch(1, 0) - 1;
    history.append(0, 2);
    history.append(0, 3);
    let misplaced = history.fetch_this(1, stretch(3, 0, 3));
    history.convicts(LOGS_AGREE, &[first + 1, misplaced]);
}

#[test]
fn an_epoch_that_falls_within_a_log_is_convicted() {
    let mut history = History::begin();
    history.elect(1);
    history.lead(1);
    let newer = history.append(1, 0);
    let older = history.fetch_this(1, stretch(1, 0, 1));
    history.convicts(LOGS_AGREE, &[newer, older]);
}

#[test]
fn what_comes_back_changed_from_a_disk_is_convicted() {
    let mut history = History::begin();
    let appended = history.append(0, 0);
    history.crash(Who::Broker(0));
    let log = vec![Stretch { checksum: 77, ..stretch(0, 0, 0) }];
    let found =
        Fact::Recovered { broker: BrokerId(0), partition: PARTITION, start: Offset(0), log, torn: false };
    let found = history.say(Who::Broker(0), found);
    history.convicts(LOGS_AGREE, &[appended, found]);
}

#[test]
fn a_restarted_leader_that_keeps_its_epoch_is_convicted() {
    let mut history = History::begin();
    let before = history.append(0, 0);
    history.crash(Who::Broker(0));
    history.come_up(0, 1);
    let after = history.append(0, 1);
    history.convicts(LEADER, &[before, after]);
}

#[test]
fn an_append_by_somebody_who_was_not_elected_is_convicted() {
    let mut history = History::begin();
    let elected = history.elect(1);
    let appended = history.append(2, 0);
    history.convicts(LEADER, &[elected, appended]);
}

#[test]
fn an_append_in_an_epoch_that_was_never_given_is_convicted() {
    let mut history = History::begin();
    let appended = history.append_this(0, stretch(0, 5, 0));
    history.convicts(LEADER, &[appended]);
}

#[test]
fn a_leader_outside_of_its_set_is_convicted() {
    let mut history = History::begin();
    let before = history.facts.len() as u64 - 2;
    let changed = history.in_sync(&[1, 2]);
    history.convicts(ISR, &[before, changed]);
}

#[test]
fn a_version_that_is_left_out_is_convicted() {
    let mut history = History::begin();
    let before = history.facts.len() as u64 - 2;
    let changed = history.change(|state| state.version += 1);
    history.convicts(ISR, &[before, changed]);
}

#[test]
fn two_changes_of_one_state_are_convicted() {
    let mut history = History::begin();
    let first = history.in_sync(&[0, 1]);
    history.state.version -= 1;
    let second = history.in_sync(&[0, 2]);
    history.convicts(ISR, &[first, second]);
}

#[test]
fn an_epoch_that_falls_is_convicted() {
    let mut history = History::begin();
    let before = history.elect(1);
    let changed = history.change(|state| state.epoch = LeaderEpoch(0));
    history.convicts(ISR, &[before, changed]);
}

#[test]
fn two_leaders_of_an_epoch_are_convicted() {
    let mut history = History::begin();
    let before = history.elect(1);
    let changed = history.change(|state| {
        if let Some(leader) = &mut state.leader {
            leader.broker = BrokerId(2);
        }
    });
    history.convicts(ISR, &[before, changed]);
}

#[test]
fn a_leader_from_outside_of_the_set_is_convicted_where_it_is_not_allowed() {
    let mut history = History::begin();
    let before = history.change(|state| {
        state.leader = None;
        state.in_sync = Brokers::only(BrokerId(0));
    });
    history.state.in_sync = Brokers::only(BrokerId(2));
    let elected = history.elect(2);
    history.convicts(ISR, &[before, elected]);
    history.rules.unclean_election = true;
    history.in_sync(&[0, 1, 2]);
    history.elect(1);
    history.passes();
}

#[test]
fn a_watermark_beyond_a_members_disk_is_convicted() {
    let mut history = History::begin();
    let state = history.facts.len() as u64 - 2;
    history.append(0, 0);
    history.fetch_all(&[1, 2], 0);
    history.sync(0);
    history.sync(1);
    let moved = history.watermark(0, 1);
    history.convicts(ISR, &[state, moved]);
    // In the background a memory is enough.
    history.rules.flush = Flush::Background;
    history.passes();
}

#[test]
fn a_watermark_that_ignores_who_has_joined_is_convicted() {
    let mut history = History::begin();
    history.in_sync(&[0, 1]);
    history.replicate(0, &[1], 0);
    history.fetch(2, 0);
    history.sync(2);
    let grown = history.in_sync(&[0, 1, 2]);
    history.append(0, 1);
    history.sync(0);
    history.fetch(1, 0);
    history.sync(1);
    let moved = history.watermark(0, 2);
    history.convicts(ISR, &[grown, moved]);
}

#[test]
fn who_joins_the_set_before_it_has_what_was_told_is_convicted() {
    let mut history = History::begin();
    history.in_sync(&[0, 1]);
    history.replicate(0, &[1], 0);
    let told = history.facts.len() as u64 - 1;
    // A leader that has just been elected may not know yet how far the one before it had told.
    history.elect(1);
    history.lead(1);
    let mut early = history.clone();
    let grown = early.in_sync(&[0, 1, 2]);
    early.convicts(ISR, &[told, grown]);
    history.fetch(2, 1);
    history.sync(2);
    history.in_sync(&[0, 1, 2]);
    history.watermark(1, 1);
    history.passes();
}

#[test]
fn what_stands_in_a_log_instead_of_the_leaders_is_not_held() {
    let mut history = History::begin();
    history.append(0, 0);
    history.fetch(2, 0);
    history.sync(2);
    history.crash(Who::Broker(0));
    history.come_up(0, 0);
    let elected = history.elect(0);
    history.lead(0);
    history.append(0, 1);
    history.sync(0);
    history.fetch(1, 0);
    history.sync(1);
    let moved = history.watermark(0, 1);
    history.convicts(ISR, &[elected, moved]);
}

#[test]
fn what_was_told_before_an_unclean_election_need_not_be_had_to_join() {
    let mut history = History::with(Rules { unclean_election: true, groups: BTreeMap::new(), ..rules() });
    history.in_sync(&[0]);
    history.append(0, 0);
    history.sync(0);
    history.watermark(0, 1);
    history.state.in_sync = Brokers::only(BrokerId(2));
    history.elect(2);
    history.lead(2);
    history.truncate(0, 0);
    history.in_sync(&[0, 1, 2]);
    history.is_no_matter_of(ISR);
}

#[test]
fn a_deposed_leaders_watermark_is_nobodys_matter() {
    let mut history = History::begin();
    history.append(0, 0);
    history.sync(0);
    history.elect(1);
    let (partition, epoch, to) = (PARTITION, LeaderEpoch(0), history.end(0));
    history.say(Who::Broker(0), Fact::WatermarkMoved { partition, epoch, to });
    history.truncate(0, 0);
    history.passes();
}

#[test]
fn a_watermark_that_falls_is_convicted() {
    let mut history = History::begin();
    history.replicate(0, &[1, 2], 0);
    let high = history.facts.len() as u64 - 1;
    let low = history.watermark(0, 0);
    history.convicts(ISR, &[high, low]);
}

#[test]
fn a_member_that_stopped_in_the_background_is_not_judged_until_it_has_left_the_set() {
    let mut history = History::with(Rules { flush: Flush::Background, groups: BTreeMap::new(), ..rules() });
    history.append(0, 0);
    history.fetch_all(&[1, 2], 0);
    history.crash(Who::Broker(2));
    history.recover(2, 0);
    // What broker 2 had, its leader had counted.
    history.watermark(0, 1);
    history.register(2);
    history.in_sync(&[0, 1]);
    history.is_no_matter_of("acked-not-lost");
    history.fetch(2, 0);
    history.in_sync(&[0, 1, 2]);
    history.passes();
    history.append(0, 1);
    history.fetch(1, 0);
    let state = history.facts.iter().rfind(|(_, fact)| matches!(fact, Fact::PartitionChanged { .. }));
    let state = state.map(|(stamp, _)| stamp.number);
    let moved = history.watermark(0, 2);
    history.convicts(ISR, &[state.expect("there is one"), moved]);
}

#[test]
fn a_live_replica_outside_of_the_set_is_convicted_at_the_end() {
    let mut history = History::begin();
    let shrunk = history.in_sync(&[0, 1]);
    history.convicts(ISR, &[shrunk]);
    history.gone(2);
    history.is_no_matter_of(ISR);
}

#[test]
fn a_partition_without_leader_is_convicted_at_the_end() {
    let mut history = History::begin();
    let changed = history.change(|state| state.leader = None);
    history.convicts(ISR, &[changed]);
}

#[test]
fn a_member_that_lags_at_the_end_is_convicted() {
    let mut history = History::begin();
    let state = history.facts.len() as u64 - 2;
    history.append(0, 0);
    history.sync(0);
    history.convicts(ISR, &[state]);
}

#[test]
fn a_watermark_below_the_end_is_convicted_at_the_end() {
    let mut history = History::begin();
    let state = history.facts.len() as u64 - 2;
    history.replicate(0, &[1, 2], 0);
    let watermark = history.facts.len() as u64 - 1;
    history.append(0, 1);
    history.sync(0);
    for follower in [1, 2] {
        history.fetch(follower, 0);
        history.sync(follower);
    }
    history.convicts(ISR, &[state, watermark]);
}

#[test]
fn a_partition_that_never_came_to_be_is_convicted_at_the_end() {
    let mut history = History::begin();
    history.facts.clear();
    history.convicts(ISR, &[]);
}
