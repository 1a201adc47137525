//! What the queues do for those who stand in them: who is told when somebody lets go, who waits for whom, and
//! that ending the victims of deadlocks lets everyone else through.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

use super::{Acquired, LockManager, RowId, Wakes};
use crate::database::schema::TableId;
use crate::database::transaction::TransactionId;

const TRANSACTIONS: u64 = 5;
const ROWS: i64 = 4;

fn everyone() -> impl Iterator<Item = TransactionId> {
    (0..TRANSACTIONS).map(TransactionId)
}

fn transaction() -> impl Strategy<Value = TransactionId> {
    (0..TRANSACTIONS).prop_map(TransactionId)
}

fn row_id(row: i64) -> RowId {
    RowId { table: TableId(0), key: vec![row.into()] }
}

/// Two plain lists, in the order of taking and in the order of coming.
#[derive(Default)]
struct Reference {
    held: Vec<(TransactionId, i64)>,
    line: Vec<(TransactionId, i64)>,
}

impl Reference {
    fn holder(&self, row: i64) -> Option<TransactionId> {
        self.held.iter().find(|(_, held)| *held == row).map(|(holder, _)| *holder)
    }

    fn queue(&self, row: i64) -> impl Iterator<Item = TransactionId> {
        self.line.iter().filter(move |(_, wanted)| *wanted == row).map(|(waiter, _)| *waiter)
    }

    fn wanted_by(&self, transaction: TransactionId) -> Option<i64> {
        self.line.iter().find(|(waiter, _)| *waiter == transaction).map(|(_, row)| *row)
    }

    fn held_by(&self, transaction: TransactionId) -> Vec<i64> {
        self.held.iter().filter(|(holder, _)| *holder == transaction).map(|(_, row)| *row).collect()
    }

    fn acquire(&mut self, transaction: TransactionId, row: i64) -> Acquired {
        match self.holder(row) {
            Some(holder) if holder == transaction => return Acquired::Already,
            Some(_) => self.line.push((transaction, row)),
            None => self.held.push((transaction, row)),
        }
        if self.wanted_by(transaction).is_some() { Acquired::Waits } else { Acquired::Taken }
    }

    fn release_after(&mut self, transaction: TransactionId, keep: usize) -> Wakes {
        let mut wakes = Wakes::default();
        for row in self.held_by(transaction).into_iter().skip(keep) {
            self.held.retain(|(_, held)| *held != row);
            let next = self.queue(row).next();
            if let Some(next) = next {
                self.line.retain(|(waiter, _)| *waiter != next);
                self.held.push((next, row));
                wakes.granted.push_back(next);
                wakes.promoted.extend(self.queue(row).next());
            }
        }
        wakes
    }

    fn stop_waiting(&mut self, transaction: TransactionId) -> Wakes {
        let mut wakes = Wakes::default();
        let Some(row) = self.wanted_by(transaction) else { return wakes };
        let first = self.queue(row).next();
        self.line.retain(|(waiter, _)| *waiter != transaction);
        if first == Some(transaction) {
            wakes.promoted.extend(self.queue(row).next());
        }
        wakes
    }

    fn waits_for(&self, transaction: TransactionId) -> BTreeSet<TransactionId> {
        let Some(row) = self.wanted_by(transaction) else { return BTreeSet::new() };
        self.holder(row)
            .into_iter()
            .chain(self.queue(row).take_while(|before| *before != transaction))
            .collect()
    }

    /// Whether any way through the waits-for graph leads on from `path` to where it began: all are tried.
    fn comes_back(&self, path: &[TransactionId]) -> bool {
        let last = path.last().expect("a path begins somewhere");
        self.waits_for(*last).into_iter().any(|next| {
            next == path[0] || (!path.contains(&next) && self.comes_back(&[path, &[next]].concat()))
        })
    }
}

#[derive(Clone, Debug)]
enum Deed {
    Acquire(TransactionId, i64),
    ReleaseAfter(TransactionId, usize),
    StopWaiting(TransactionId),
    /// Aborted: it leaves its queue, and lets everything go.
    End(TransactionId),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        9 => (transaction(), 0..ROWS).prop_map(|(who, row)| Deed::Acquire(who, row)),
        2 => (transaction(), 0..3_usize).prop_map(|(who, keep)| Deed::ReleaseAfter(who, keep)),
        1 => transaction().prop_map(Deed::StopWaiting),
        1 => transaction().prop_map(Deed::End),
    ]
}

fn happen(deed: &Deed, locks: &mut LockManager, reference: &mut Reference) {
    let mut wakes = Wakes::default();
    match *deed {
        Deed::Acquire(who, _) if reference.wanted_by(who).is_some() => {}
        Deed::Acquire(who, row) => {
            assert_eq!(locks.acquire(who, row_id(row)), reference.acquire(who, row));
        }
        Deed::ReleaseAfter(who, keep) => {
            locks.release_after(who, keep, &mut wakes);
            assert_eq!(wakes, reference.release_after(who, keep));
        }
        Deed::StopWaiting(who) => {
            locks.stop_waiting(who, &mut wakes);
            assert_eq!(wakes, reference.stop_waiting(who));
        }
        Deed::End(who) => {
            happen(&Deed::StopWaiting(who), locks, reference);
            happen(&Deed::ReleaseAfter(who, 0), locks, reference);
        }
    }
}

fn compare(locks: &LockManager, reference: &Reference) {
    for who in everyone() {
        assert_eq!(locks.held_by(who), reference.held_by(who).len());
        assert_eq!(locks.blockers(who).collect::<BTreeSet<_>>(), reference.waits_for(who));
        assert_eq!(locks.is_deadlocked(who), reference.comes_back(&[who]), "{who:?}");
        for row in 0..ROWS {
            let by_another = reference.holder(row).is_some_and(|holder| holder != who);
            assert_eq!(locks.is_held_by_another(who, &row_id(row)), by_another);
        }
    }
}

/// Transactions that lock one row after the other, as their plans say, and then end.
struct Crowd {
    locks: LockManager,
    /// What each has yet to lock, last first; who has ended is not here.
    plans: BTreeMap<TransactionId, Vec<i64>>,
    holders: BTreeMap<i64, TransactionId>,
    wanted: BTreeMap<TransactionId, i64>,
}

impl Crowd {
    /// Takes one's next step; whether there was one to take. Who waits asks whether it is a deadlock, and ends
    /// if it is.
    fn go_on(&mut self, who: TransactionId) -> bool {
        let Some(plan) = self.plans.get_mut(&who) else { return false };
        if self.wanted.contains_key(&who) {
            let deadlocked = self.locks.is_deadlocked(who);
            let holders = self.chain_of_holders(who);
            assert!(deadlocked || !holders.contains(&who), "{who:?} waits for itself, and is not told");
            assert!(!deadlocked || holders.len() == TRANSACTIONS as usize, "{who:?} is ended in vain");
            if deadlocked {
                self.end(who);
            }
            return deadlocked;
        }
        let Some(row) = plan.pop() else {
            self.end(who);
            return true;
        };
        match self.locks.acquire(who, row_id(row)) {
            Acquired::Already => assert_eq!(self.holders.get(&row), Some(&who)),
            Acquired::Taken => assert_eq!(self.holders.insert(row, who), None, "two hold row {row}"),
            Acquired::Waits => assert_eq!(self.wanted.insert(who, row), None),
        }
        true
    }

    /// The holder of what it waits for, the holder of what that one waits for, and so on. As long as there are
    /// transactions: it has run into a circle, be it in this one or further on. A victim may stand outside of
    /// the circle, in a queue that the circle passes through, but never where there is none.
    fn chain_of_holders(&self, who: TransactionId) -> Vec<TransactionId> {
        let holder = |waiter: &TransactionId| self.wanted.get(waiter).map(|row| self.holders[row]);
        std::iter::successors(holder(&who), holder).take(TRANSACTIONS as usize).collect()
    }

    fn end(&mut self, who: TransactionId) {
        let mut wakes = Wakes::default();
        self.locks.stop_waiting(who, &mut wakes);
        self.locks.release_after(who, 0, &mut wakes);
        self.plans.remove(&who);
        self.wanted.remove(&who);
        self.holders.retain(|_, holder| *holder != who);
        for next in wakes.granted {
            let row = self.wanted.remove(&next).expect("who is granted a lock has waited for it");
            assert_eq!(self.holders.insert(row, next), None, "two hold row {row}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_lets_go_wakes_the_next_in_line_and_nobody_else(deeds in prop::collection::vec(deed(), 1..60)) {
        let (mut locks, mut reference) = (LockManager::default(), Reference::default());
        for deed in deeds.into_iter().chain(everyone().map(Deed::End)) {
            happen(&deed, &mut locks, &mut reference);
            compare(&locks, &reference);
        }
        prop_assert_eq!(locks, LockManager::default(), "everybody has ended, and something is left");
    }

    #[test]
    fn ending_the_victims_of_deadlocks_lets_everyone_else_through(
        plans in prop::collection::vec(prop::collection::vec(0..ROWS, 0..6), TRANSACTIONS as usize),
        turns in prop::collection::vec(transaction(), 0..40),
    ) {
        let (locks, plans) = (LockManager::default(), everyone().zip(plans).collect());
        let mut crowd = Crowd { locks, plans, holders: BTreeMap::new(), wanted: BTreeMap::new() };
        for who in turns {
            crowd.go_on(who);
        }
        while !crowd.plans.is_empty() {
            let moved = everyone().filter(|who| crowd.go_on(*who)).count();
            prop_assert!(moved > 0, "all wait, and none is in a deadlock: {:?}", crowd.locks);
        }
        prop_assert_eq!(crowd.locks, LockManager::default(), "everybody has ended, and something is left");
    }
}
