//! What consumers are shown, and by whom.

use crate::history::{History, PARTITION, Who, message, rules, stretch};
use rehearsal_invariants::queue::Rules;
use rehearsal_model::queue::facts::{Fact, Stretch};
use rehearsal_model::queue::offset::Offset;
use std::collections::BTreeMap;

const FOLLOWER: &str = "follower-read";

fn served(history: &mut History, broker: u8, served: Vec<Stretch>) -> u64 {
    history.say(Who::Broker(broker), Fact::FollowerServed { partition: PARTITION, served })
}

#[test]
fn a_follower_that_serves_what_its_leader_has_below_the_watermark_is_right() {
    let mut history = History::begin();
    history.replicate(0, &[1, 2], 0);
    served(&mut history, 1, vec![stretch(0, 0, 0)]);
    history.is_no_matter_of(FOLLOWER);
}

#[test]
fn a_follower_that_serves_beyond_every_watermark_is_convicted() {
    let mut history = History::begin();
    history.replicate(0, &[1, 2], 0);
    history.append(0, 1);
    history.fetch(1, 0);
    let beyond = served(&mut history, 1, vec![stretch(1, 0, 1)]);
    history.convicts(FOLLOWER, &[beyond]);
}

#[test]
fn a_follower_that_serves_another_batch_than_its_leader_has_is_convicted() {
    let mut history = History::begin();
    let appended = history.replicate(0, &[1, 2], 0);
    let other = served(&mut history, 1, vec![stretch(0, 0, 9)]);
    history.convicts(FOLLOWER, &[appended, other]);
}

#[test]
fn a_follower_that_says_out_of_range_is_convicted() {
    let mut history = History::begin();
    let (partition, offset) = (PARTITION, Offset(3));
    history.say(Who::Broker(1), Fact::FollowerSaidWait { partition, offset });
    history.is_no_matter_of(FOLLOWER);
    let said = history.say(Who::Broker(1), Fact::FollowerSaidOutOfRange { partition, offset });
    history.convicts(FOLLOWER, &[said]);
}

/// A group wants tag 1, which message 1 has, and message 0 has not.
fn choosy() -> Rules {
    Rules {
        tags: BTreeMap::from([(message(1), [1].into_iter().collect())]),
        wanted: BTreeMap::from([(0, 1)]),
        ..rules()
    }
}

#[test]
fn a_group_that_wants_a_tag_may_pass_what_has_another_but_nothing_else() {
    let mut history = History::with(choosy());
    history.own(0, 1);
    history.position(0, 0, false);
    history.write(0);
    history.write(1);
    history.process(0, 1, 1);
    history.commit(0, 1, 2);
    history.passes();
    history.write(2);
    history.write(3);
    history.rules.tags.insert(message(2), [0, 1].into_iter().collect());
    let next = history.commit(0, 1, 4);
    assert!(next > 0);
    assert!(history.verdicts().iter().any(|violation| violation.invariant == "offsets-move-forward"));
}
