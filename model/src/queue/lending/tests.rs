//! The lender against a reference that remembers nothing but what happened, and looks all of it through for every question.

use super::*;
use crate::queue::partition::Topic;
use proptest::collection::vec;
use proptest::prelude::*;

const PARTITION: Partition = Partition { topic: Topic::Named(0), number: 0 };
const TIME: Duration = Duration::from_secs(1);
const MOST_OFFSETS: u64 = 12;

#[derive(Clone, Debug)]
enum Happened {
    Asked(LoanNumber, BTreeSet<Offset>),
    Lent(LoanNumber),
    NotLent(LoanNumber),
    Ended(LoanNumber),
    GaveBack(Held),
    Acknowledged(Held),
    Removed(Held),
    NotRemoved(Held),
}

#[derive(Clone, Debug)]
enum Action {
    Borrow { end: u64, most: u32 },
    Acknowledge { offset: u64, loan: u64 },
    GiveBack { offset: u64, loan: u64 },
    Settle { persisted: bool },
    TimeIsOut { loan: u64 },
    FailOver,
}

#[derive(Default)]
struct Reference {
    happened: Vec<Happened>,
    heard_of: u64,
}

impl Reference {
    fn state(&self, offset: Offset) -> Option<State> {
        let known = offset.0 < self.heard_of;
        let mut state = State::Available;
        for (place, event) in self.happened.iter().enumerate() {
            state = match (event, state) {
                (Happened::Asked(loan, offsets), _) if offsets.contains(&offset) => State::Lending(*loan),
                (Happened::Lent(loan), State::Lending(now)) if now == *loan => State::Lent(*loan),
                (Happened::NotLent(loan), State::Lending(now)) if now == *loan => State::Available,
                (Happened::Ended(loan), State::Lent(now)) if now == *loan => State::Available,
                (Happened::GaveBack(held), State::Lent(now)) if is(held, offset, now) => State::Available,
                (Happened::Acknowledged(held), State::Lent(now)) if is(held, offset, now) => {
                    State::Acknowledging(now)
                }
                (Happened::Removed(held), _) if held.offset == offset => State::Acknowledged,
                (Happened::NotRemoved(held), State::Acknowledging(now)) if is(held, offset, now) => {
                    if self.has_ended(now, place) { State::Available } else { State::Lent(now) }
                }
                (_, unchanged) => unchanged,
            };
        }
        known.then_some(state)
    }

    fn has_ended(&self, loan: LoanNumber, before: usize) -> bool {
        self.happened[..before].iter().any(|event| matches!(event, Happened::Ended(of) if *of == loan))
    }

    fn acknowledges(&self, held: Held) -> Result<(), Refusal> {
        match self.state(held.offset) {
            Some(State::Lent(loan)) if loan == held.loan => Ok(()),
            Some(State::Acknowledging(_) | State::Acknowledged) => Err(Refusal::AcknowledgedBefore),
            _ => Err(Refusal::LoanOver),
        }
    }
}

fn is(held: &Held, offset: Offset, loan: LoanNumber) -> bool {
    held.offset == offset && held.loan == loan
}

fn held(offset: u64, loan: u64) -> Held {
    Held { partition: PARTITION, offset: Offset(offset), loan: LoanNumber(loan) }
}

/// A lender, its log and what is on the way to it.
struct Scene {
    lender: Lender,
    log: Vec<LendingEntry>,
    unsettled: Vec<(WriteId, LendingEntry)>,
    timers: BTreeSet<LoanNumber>,
    asked: u64,
    reference: Reference,
}

impl Scene {
    fn begin(defects: Defects) -> Scene {
        Scene {
            lender: Lender::new(TIME, defects),
            log: Vec::new(),
            unsettled: Vec::new(),
            timers: BTreeSet::new(),
            asked: 0,
            reference: Reference::default(),
        }
    }

    fn step(&mut self, input: Input) -> Vec<Result<Answer, Refusal>> {
        let mut out = Vec::new();
        self.lender.step(input, &mut out);
        self.take(out)
    }

    fn take(&mut self, out: Vec<Output>) -> Vec<Result<Answer, Refusal>> {
        let mut answers = Vec::new();
        for output in out {
            match output {
                Output::Answer { result, .. } => answers.push(result),
                Output::Persist { write, entry } => self.unsettled.push((write, entry)),
                Output::SetTimer(loan, after) => {
                    assert_eq!(after, TIME);
                    assert!(self.timers.insert(loan), "the time of {loan} begins twice");
                }
                Output::CancelTimer(loan) => assert!(self.timers.remove(&loan), "{loan} has no timer"),
                Output::Returned { .. } | Output::Removed(_) => {}
            }
        }
        answers
    }

    fn request(&mut self) -> RequestId {
        self.asked += 1;
        RequestId(self.asked)
    }

    fn borrow(&mut self, end: u64, most: u32) -> Vec<Result<Answer, Refusal>> {
        let request = self.request();
        self.step(Input::Borrow { request, partition: PARTITION, end: Offset(end), most })
    }

    fn acknowledge(&mut self, held: Held) -> Vec<Result<Answer, Refusal>> {
        let request = self.request();
        self.step(Input::Acknowledge { request, held })
    }

    fn settle(&mut self, persisted: bool) -> Vec<Result<Answer, Refusal>> {
        if self.unsettled.is_empty() {
            return Vec::new();
        }
        let (write, entry) = self.unsettled.remove(0);
        if persisted {
            self.log.push(entry);
            self.step(Input::Persisted(write))
        } else {
            self.step(Input::NotPersisted(write))
        }
    }

    fn fail_over(&mut self) {
        self.unsettled.clear();
        self.timers.clear();
        let mut out = Vec::new();
        self.lender = Lender::recover(TIME, self.lender.defects, self.log.clone(), &mut out);
        assert_eq!(self.take(out), []);
    }

    fn time_is_out(&mut self, loan: LoanNumber) {
        if self.timers.remove(&loan) {
            self.step(Input::RanOut(loan));
        }
    }

    /// A loan of everything before `end`.
    fn lend(&mut self, end: u64) -> LoanNumber {
        assert_eq!(self.borrow(end, u32::MAX), []);
        match &self.settle(true)[..] {
            [Ok(Answer::Lent { loan, .. })] => *loan,
            other => panic!("nothing is lent: {other:?}"),
        }
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Borrow { end, most } => self.act_borrow(end, most),
            Action::Acknowledge { offset, loan } => {
                let held = held(offset, loan);
                let expected = self.reference.acknowledges(held);
                let answers = self.acknowledge(held);
                match expected {
                    Ok(()) => {
                        assert_eq!(answers, []);
                        self.reference.happened.push(Happened::Acknowledged(held));
                    }
                    Err(refusal) => assert_eq!(answers, [Err(refusal)]),
                }
            }
            Action::GiveBack { offset, loan } => {
                let (held, request) = (held(offset, loan), self.request());
                let stands = self.reference.state(held.offset) == Some(State::Lent(held.loan));
                let answers = self.step(Input::GiveBack { request, held });
                let expected = if stands { Ok(Answer::GivenBack) } else { Err(Refusal::LoanOver) };
                assert_eq!(answers, [expected]);
                self.reference.happened.push(Happened::GaveBack(held));
            }
            Action::Settle { persisted } => self.act_settle(persisted),
            Action::TimeIsOut { loan } => {
                let loan = LoanNumber(loan);
                if self.timers.contains(&loan) {
                    self.time_is_out(loan);
                    self.reference.happened.push(Happened::Ended(loan));
                }
            }
            Action::FailOver => {
                self.fail_over();
                self.reference = Reference::default();
                for entry in &self.log {
                    match entry {
                        LendingEntry::Lent { loan, offsets, .. } => {
                            let end = offsets.last().map_or(0, |last| last.0 + 1);
                            self.reference.heard_of = self.reference.heard_of.max(end);
                            let asked = Happened::Asked(*loan, offsets.clone());
                            self.reference.happened.extend([asked, Happened::Lent(*loan)]);
                        }
                        LendingEntry::Acknowledged(held) => {
                            self.reference.happened.push(Happened::Removed(*held));
                        }
                    }
                }
            }
        }
    }

    fn act_borrow(&mut self, end: u64, most: u32) {
        self.reference.heard_of = self.reference.heard_of.max(end);
        let available = (0..self.reference.heard_of).map(Offset);
        let expected: BTreeSet<Offset> = available
            .filter(|offset| self.reference.state(*offset) == Some(State::Available))
            .take(most as usize)
            .collect();
        let answers = self.borrow(end, most);
        if expected.is_empty() {
            assert_eq!(answers, [Ok(Answer::Nothing)]);
            return;
        }
        assert_eq!(answers, []);
        let Some((_, LendingEntry::Lent { loan, offsets, .. })) = self.unsettled.last() else {
            panic!("a loan is written before anybody hears of it")
        };
        assert_eq!(*offsets, expected);
        assert!(
            self.log.iter().all(|entry| !matches!(entry, LendingEntry::Lent { loan: of, .. } if of >= loan))
        );
        self.reference.happened.push(Happened::Asked(*loan, expected));
    }

    fn act_settle(&mut self, persisted: bool) {
        let Some((_, entry)) = self.unsettled.first().cloned() else { return };
        let answers = self.settle(persisted);
        let (event, expected) = match (entry, persisted) {
            (LendingEntry::Lent { loan, offsets, .. }, true) => match &answers[..] {
                [Ok(Answer::Lent { messages, .. })] if messages.keys().eq(&offsets) => {
                    (Happened::Lent(loan), answers[0].clone())
                }
                other => panic!("{other:?} to a loan that is on the log"),
            },
            (LendingEntry::Lent { loan, .. }, false) => (Happened::NotLent(loan), Err(Refusal::NotPersisted)),
            (LendingEntry::Acknowledged(held), true) => (Happened::Removed(held), Ok(Answer::Acknowledged)),
            (LendingEntry::Acknowledged(held), false) => {
                (Happened::NotRemoved(held), Err(Refusal::NotPersisted))
            }
        };
        assert_eq!(answers, [expected]);
        self.reference.happened.push(event);
    }

    fn agrees(&self) {
        let shelf = self.lender.shelves().get(&PARTITION).cloned().unwrap_or_default();
        for offset in (0..MOST_OFFSETS + 2).map(Offset) {
            assert_eq!(shelf.state(offset), self.reference.state(offset), "at {offset}");
        }
        let first = (0..).find(|at| self.reference.state(Offset(*at)) != Some(State::Acknowledged));
        assert_eq!(Some(shelf.start().0), first);
        assert_eq!(self.timers, self.lender.standing(PARTITION), "every loan that stands has a timer");
    }
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let (offset, loan) = (0..MOST_OFFSETS, 1..8_u64);
    let named = (offset, loan.clone());
    let action = prop_oneof![
        4 => (0..=MOST_OFFSETS, 1..5_u32).prop_map(|(end, most)| Action::Borrow { end, most }),
        6 => named.clone().prop_map(|(offset, loan)| Action::Acknowledge { offset, loan }),
        2 => named.prop_map(|(offset, loan)| Action::GiveBack { offset, loan }),
        6 => any::<(bool, bool)>().prop_map(|(one, other)| Action::Settle { persisted: one || other }),
        2 => loan.prop_map(|loan| Action::TimeIsOut { loan }),
        1 => Just(Action::FailOver),
    ];
    vec(action, 0..60)
}

proptest! {
    #[test]
    fn a_lender_says_what_follows_from_all_that_happened(actions in actions()) {
        let mut scene = Scene::begin(Defects::NONE);
        for action in &actions {
            scene.act(action);
            scene.agrees();
        }
    }
}

#[test]
fn what_is_lent_is_lent_to_nobody_else_until_its_time_is_out() {
    let mut scene = Scene::begin(Defects::NONE);
    let first = scene.lend(2);
    assert_eq!(scene.borrow(2, 5), [Ok(Answer::Nothing)]);
    scene.time_is_out(first);
    scene.borrow(2, 1);
    let second = Answer::Lent { loan: LoanNumber(2), messages: BTreeMap::from([(Offset(0), 1)]) };
    assert_eq!(scene.settle(true), [Ok(second)]);
}

#[test]
fn an_acknowledgement_counts_only_under_the_loan_that_stands() {
    let mut scene = Scene::begin(Defects::NONE);
    let first = scene.lend(1);
    scene.time_is_out(first);
    assert_eq!(scene.acknowledge(held(0, first.0)), [Err(Refusal::LoanOver)]);
    let second = scene.lend(1);
    assert_eq!(scene.acknowledge(held(0, first.0)), [Err(Refusal::LoanOver)]);
    assert_eq!(scene.acknowledge(held(0, second.0)), []);
    assert_eq!(scene.settle(true), [Ok(Answer::Acknowledged)]);
    assert_eq!(scene.acknowledge(held(0, second.0)), [Err(Refusal::AcknowledgedBefore)]);
    assert_eq!(scene.borrow(1, 1), [Ok(Answer::Nothing)]);
}

#[test]
fn an_acknowledgement_that_came_in_time_counts_though_its_loan_runs_out_before_it_is_written() {
    let mut scene = Scene::begin(Defects::NONE);
    let loan = scene.lend(1);
    scene.acknowledge(held(0, loan.0));
    scene.time_is_out(loan);
    assert_eq!(scene.borrow(1, 1), [Ok(Answer::Nothing)]);
    assert_eq!(scene.settle(true), [Ok(Answer::Acknowledged)]);
    assert_eq!(scene.borrow(1, 1), [Ok(Answer::Nothing)]);
}

#[test]
fn a_new_lender_knows_what_is_out_and_what_is_acknowledged() {
    let mut scene = Scene::begin(Defects::NONE);
    let loan = scene.lend(2);
    scene.acknowledge(held(0, loan.0));
    scene.settle(true);
    scene.fail_over();
    assert_eq!(scene.borrow(2, 2), [Ok(Answer::Nothing)]);
    assert_eq!(scene.acknowledge(held(1, loan.0)), []);
    scene.settle(true);
    assert_eq!(scene.lender.shelves()[&PARTITION].start(), Offset(2));
}

#[test]
fn what_is_given_back_is_lent_at_once_and_counted() {
    let mut scene = Scene::begin(Defects::NONE);
    let loan = scene.lend(1);
    let request = scene.request();
    assert_eq!(scene.step(Input::GiveBack { request, held: held(0, loan.0) }), [Ok(Answer::GivenBack)]);
    assert_eq!(scene.timers, BTreeSet::new());
    scene.borrow(1, 1);
    let again = Answer::Lent { loan: LoanNumber(2), messages: BTreeMap::from([(Offset(0), 1)]) };
    assert_eq!(scene.settle(true), [Ok(again)]);
}

#[test]
fn each_known_bug_breaks_the_rule_that_it_names() {
    let mut late = Scene::begin(Defects::of([Defect::LateAcknowledgementTaken]));
    let first = late.lend(1);
    late.time_is_out(first);
    late.lend(1);
    late.acknowledge(held(0, first.0));
    assert_eq!(late.settle(true), [Ok(Answer::Acknowledged)]);

    let mut twice = Scene::begin(Defects::of([Defect::LendsTwice]));
    twice.borrow(1, 1);
    assert_eq!(twice.borrow(1, 1), []);
    assert!(matches!(twice.settle(true)[..], [Ok(Answer::Lent { loan: LoanNumber(1), .. })]));
    assert!(matches!(twice.settle(true)[..], [Ok(Answer::Lent { loan: LoanNumber(2), .. })]));

    let mut early = Scene::begin(Defects::of([Defect::AcknowledgedBeforeWritten]));
    let loan = early.lend(1);
    assert_eq!(early.acknowledge(held(0, loan.0)), [Ok(Answer::Acknowledged)]);
}
