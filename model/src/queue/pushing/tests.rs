//! Both ends of subscriptions, with a network between them that loses, doubles and reorders what it likes, against a
//! consumer that simply reads the log from its start.

use super::*;
use crate::queue::defects::{Defect, Defects};
use crate::queue::offset::{LeaderEpoch, Offset};
use crate::queue::protocol::Fetched;
use crate::queue::record::{Payload, Record};
use crate::queue::tags::Tags;
use proptest::collection::vec;
use proptest::prelude::*;

const CREDIT: u32 = 100;

#[derive(Clone, Debug)]
enum Action {
    /// The broker pushes all that the credit admits.
    Push,
    /// One of the pushes that are on their way comes, and stays on its way if it is doubled.
    Come { which: usize, doubled: bool },
    /// One of them is lost.
    Lose { which: usize },
    /// The consumer works through the next piece, or through its first record alone.
    Work { whole: bool },
    /// The broker hears how far the consumer is.
    GiveCredit,
    /// The consumer hears how many pushes there were.
    Tell,
    /// Another subscription.
    BeginAnew,
}

/// One consumer and one broker.
struct Scene {
    log: Vec<Arc<Batch>>,
    defects: Defects,
    outflow: Outflow,
    inflow: Inflow,
    on_the_way: Vec<(u64, Fetched)>,
    /// The records that the consumer has worked through, in that order.
    worked: Vec<u64>,
    position: Offset,
}

fn log(sizes: &[(usize, usize)]) -> Vec<Arc<Batch>> {
    let mut base = Offset::ZERO;
    let mut batches = Vec::new();
    for (records, bytes) in sizes {
        let record = Record { key: None, value: vec![7; *bytes].into(), tags: Tags::default(), created: 0 };
        let content = Content::Records(vec![record; *records]);
        let payload = Payload { producer: None, transactional: false, content };
        let checksum = payload.checksum();
        let payload = Arc::new(payload);
        let batch = Batch { base, epoch: LeaderEpoch(1), appended: 0, payload, checksum };
        base = batch.end();
        batches.push(Arc::new(batch));
    }
    batches
}

impl Scene {
    fn begin(sizes: &[(usize, usize)], defects: Defects) -> Scene {
        Scene {
            log: log(sizes),
            defects,
            outflow: Outflow::new(Offset::ZERO, CREDIT, defects),
            inflow: Inflow::new(Offset::ZERO, defects),
            on_the_way: Vec::new(),
            worked: Vec::new(),
            position: Offset::ZERO,
        }
    }

    fn end(&self) -> Offset {
        self.log.last().map_or(Offset::ZERO, |last| last.end())
    }

    fn push(&mut self) {
        while let Some(batch) = self.log.iter().find(|batch| batch.end() > self.outflow.next()) {
            let (batches, next) = (vec![batch.clone()], batch.end());
            let cost = cost(&batches);
            if !self.outflow.admits(cost) {
                return;
            }
            let number = self.outflow.push(cost, next);
            let (end, aborted, epochs) = (self.end(), Vec::new(), Vec::new());
            let fetched = Fetched { batches, next, end, aborted, epochs, epoch: LeaderEpoch(0) };
            self.on_the_way.push((number, fetched));
        }
    }

    fn come(&mut self, which: usize, doubled: bool) {
        if self.on_the_way.is_empty() {
            return;
        }
        let which = which % self.on_the_way.len();
        let (number, fetched) = match doubled {
            true => self.on_the_way[which].clone(),
            false => self.on_the_way.remove(which),
        };
        self.inflow.came(number, fetched);
    }

    fn work(&mut self, whole: bool) -> bool {
        let Next::Pushed(fetched) = self.inflow.read(self.position) else { return false };
        let here = |batch: &&Arc<Batch>| batch.end() > self.position;
        let from =
            fetched.batches.iter().find(here).map_or(fetched.next, |batch| batch.base.max(self.position));
        let until = if whole { fetched.next } else { from.plus(1).min(fetched.next) };
        self.worked.extend(from.0..until.0);
        self.position = until;
        self.inflow.read(self.position);
        true
    }

    fn begin_anew(&mut self) {
        let from = self.inflow.begins_anew_at(self.position);
        self.on_the_way.clear();
        self.outflow = Outflow::new(from, CREDIT, self.defects);
        self.inflow = Inflow::new(self.position, self.defects);
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Push => self.push(),
            Action::Come { which, doubled } => self.come(which, doubled),
            Action::Lose { which } => {
                if !self.on_the_way.is_empty() {
                    let which = which % self.on_the_way.len();
                    self.on_the_way.remove(which);
                }
            }
            Action::Work { whole } => {
                self.work(whole);
            }
            Action::GiveCredit => self.outflow.worked_through(self.inflow.worked()),
            Action::Tell => self.inflow.told(self.outflow.pushed()),
            Action::BeginAnew => self.begin_anew(),
        }
    }

    /// Nothing is lost any more; what was is missed, and the subscription begun anew.
    fn settle(&mut self) {
        while self.position < self.end() {
            self.push();
            while !self.on_the_way.is_empty() {
                self.come(0, false);
            }
            self.inflow.told(self.outflow.pushed());
            while self.work(true) {}
            self.outflow.worked_through(self.inflow.worked());
            if self.inflow.missing().is_some() {
                self.begin_anew();
            }
        }
    }

    /// What the consumer has, or is to have, of this subscription and has not worked through.
    fn outstanding(&self) -> (usize, u64) {
        let costs = self.outflow.clone();
        let unworked = (costs.pushed() - self.inflow.worked()) as usize;
        let before = self.log.iter().filter(|batch| batch.end() <= self.outflow.next());
        let last: Vec<u64> =
            before.rev().take(unworked).map(|batch| cost(std::slice::from_ref(batch))).collect();
        (last.len(), last.iter().sum())
    }

    fn is_in_order(&self) -> bool {
        self.worked.iter().copied().eq(0..self.worked.len() as u64)
    }
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        3 => Just(Action::Push),
        4 => (0..8usize, any::<bool>()).prop_map(|(which, doubled)| Action::Come { which, doubled }),
        1 => (0..8usize).prop_map(|which| Action::Lose { which }),
        3 => any::<bool>().prop_map(|whole| Action::Work { whole }),
        2 => Just(Action::GiveCredit),
        1 => Just(Action::Tell),
        1 => Just(Action::BeginAnew),
    ];
    vec(action, 1..80)
}

fn sizes() -> impl Strategy<Value = Vec<(usize, usize)>> {
    vec((1..4usize, prop_oneof![8 => 1..40usize, 1 => 150..200usize]), 1..20)
}

proptest! {
    #[test]
    fn a_consumer_that_is_pushed_to_reads_what_one_that_asks_would_read(actions in actions(), sizes in sizes()) {
        let mut scene = Scene::begin(&sizes, Defects::NONE);
        for action in &actions {
            scene.act(action);
            prop_assert!(scene.is_in_order(), "{:?}", scene.worked);
            let (pushes, bytes) = scene.outstanding();
            prop_assert!(pushes <= 1 || bytes <= u64::from(CREDIT), "{pushes} pushes of {bytes} bytes");
        }
        scene.settle();
        prop_assert!(scene.is_in_order());
        prop_assert_eq!(scene.worked.len() as u64, scene.end().0);
    }
}

/// Five batches of a record of 30 bytes.
const FIVE: [(usize, usize); 5] = [(1, 30); 5];

fn act(defects: &[Defect], actions: &[Action]) -> Scene {
    let mut scene = Scene::begin(&FIVE, Defects::of(defects.iter().copied()));
    actions.iter().for_each(|action| scene.act(action));
    scene
}

const COME: Action = Action::Come { which: 0, doubled: false };
const WORK: Action = Action::Work { whole: true };
const WORK_A_LITTLE: Action = Action::Work { whole: false };

#[test]
fn what_came_in_order_is_handed_on_as_one_and_what_is_behind_a_gap_is_not() {
    assert_eq!(act(&[], &[Action::Push, COME, COME, WORK]).worked, [0, 1]);
    let gap = Action::Come { which: 1, doubled: false };
    assert_eq!(act(&[], &[Action::Push, COME, gap, WORK]).worked, [0]);
}

#[test]
fn pushes_stop_when_the_credit_is_spent_and_go_on_when_it_is_given_back() {
    let mut scene = act(&[], &[Action::Push]);
    assert_eq!(scene.outflow.pushed(), 3);
    assert_eq!(scene.outflow.room(), 10);
    scene.act(&COME);
    scene.act(&WORK);
    scene.act(&Action::Push);
    assert_eq!(scene.outflow.pushed(), 3);
    scene.act(&Action::GiveCredit);
    scene.act(&Action::Push);
    assert_eq!(scene.outflow.pushed(), 4);
    let uncounted = act(&[Defect::PushesWithoutCredit], &[Action::Push]);
    assert_eq!(uncounted.outflow.pushed(), 5);
}

#[test]
fn a_push_behind_a_gap_waits_for_the_one_before_it() {
    let overtaken = [Action::Push, Action::Come { which: 1, doubled: false }];
    let mut scene = act(&[], &overtaken);
    assert_eq!(scene.inflow.missing(), Some(1));
    scene.act(&WORK);
    assert_eq!(scene.worked, [0; 0]);
    scene.act(&COME);
    assert_eq!(scene.inflow.missing(), None);
    scene.act(&WORK);
    scene.act(&WORK);
    assert_eq!(scene.worked, [0, 1]);
    let mut hasty = act(&[Defect::PushGapIgnored], &overtaken);
    hasty.act(&WORK);
    assert_eq!(hasty.worked, [1]);
}

#[test]
fn a_push_that_was_the_last_is_missed_when_the_broker_says_how_many_there_were() {
    let mut scene = act(&[], &[Action::Push, COME, COME, Action::Lose { which: 0 }]);
    assert_eq!(scene.inflow.missing(), None);
    scene.act(&Action::Tell);
    assert_eq!(scene.inflow.missing(), Some(3));
}

#[test]
fn another_subscription_begins_where_the_consumer_is_and_not_where_pushes_ended() {
    let actions = [Action::Push, COME, COME, WORK_A_LITTLE, Action::BeginAnew, Action::Push, COME, WORK];
    assert_eq!(act(&[], &actions).worked, [0, 1]);
    assert_eq!(act(&[Defect::PushSkipsOnResubscribe], &actions).worked, [0, 2]);
}

#[test]
fn one_who_goes_on_elsewhere_needs_another_subscription() {
    let scene = act(&[], &[Action::Push, COME, COME, COME, WORK_A_LITTLE]);
    let read = |offset| scene.inflow.clone().read(Offset(offset)) == Next::Elsewhere;
    assert_eq!([0, 1, 2, 3, 4].map(read), [true, false, false, false, true]);
}
