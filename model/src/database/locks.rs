//! Who has locked which row, and who waits for it.
//!
//! ```text
//! night [1, 20260801]:   held by T3   <-  T5  <-  T9        (first come, first served)
//! night [1, 20260802]:   held by T5   <-  T3                 T3 -> T5 -> T3: a deadlock
//! ```
//!
//! Locks are exclusive and belong to a transaction. A waiter waits for the holder and for everyone who came
//! before it, so both are edges of the waits-for graph. The manager searches for a circle only when it is asked
//! to, as PostgreSQL does: each waiter asks once, when it has waited for the deadlock timeout.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::schema::TableId;
use super::transaction::TransactionId;
use super::value::Key;

/// A row, there or not, that can be locked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct RowId {
    pub table: TableId,
    pub key: Key,
}

/// All locks of the database.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct LockManager {
    locks: BTreeMap<RowId, Lock>,
    /// In the order of taking, so that a savepoint is a number of locks.
    held: BTreeMap<TransactionId, Vec<RowId>>,
    waiting: BTreeMap<TransactionId, RowId>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Lock {
    holder: TransactionId,
    waiters: VecDeque<TransactionId>,
}

/// What came of asking for a lock.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Acquired {
    /// It had it before.
    Already,
    /// It has it now.
    Taken,
    /// It stands in the queue.
    Waits,
}

/// Whose wait has changed because somebody let go. Collected until the engine gets to it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Wakes {
    /// They hold now what they waited for.
    pub granted: VecDeque<TransactionId>,
    /// They are first in the queue now.
    pub promoted: Vec<TransactionId>,
}

impl LockManager {
    /// Takes the lock, or stands in its queue. A transaction waits for one lock at a time.
    pub fn acquire(&mut self, transaction: TransactionId, row: RowId) -> Acquired {
        debug_assert!(!self.is_waiting(transaction), "it waits already");
        match self.locks.get_mut(&row) {
            Some(lock) if lock.holder == transaction => Acquired::Already,
            Some(lock) => {
                lock.waiters.push_back(transaction);
                self.waiting.insert(transaction, row);
                Acquired::Waits
            }
            None => {
                self.held.entry(transaction).or_default().push(row.clone());
                self.locks.insert(row, Lock { holder: transaction, waiters: VecDeque::new() });
                Acquired::Taken
            }
        }
    }

    /// Whether another transaction holds the lock.
    pub fn is_held_by_another(&self, transaction: TransactionId, row: &RowId) -> bool {
        self.locks.get(row).is_some_and(|lock| lock.holder != transaction)
    }

    /// Whether it stands in a queue.
    pub fn is_waiting(&self, transaction: TransactionId) -> bool {
        self.waiting.contains_key(&transaction)
    }

    /// How many locks it holds.
    pub fn held_by(&self, transaction: TransactionId) -> usize {
        self.held.get(&transaction).map_or(0, Vec::len)
    }

    /// Lets go of every lock but the first `keep`; each goes to the first in its queue.
    pub fn release_after(&mut self, transaction: TransactionId, keep: usize, wakes: &mut Wakes) {
        let Some(held) = self.held.get_mut(&transaction) else { return };
        let released = if keep == 0 {
            self.held.remove(&transaction).unwrap_or_default()
        } else {
            held.split_off(keep.min(held.len()))
        };
        for row in released {
            self.pass_on(row, wakes);
        }
    }

    fn pass_on(&mut self, row: RowId, wakes: &mut Wakes) {
        let lock = self.locks.get_mut(&row).expect("a held lock exists");
        match lock.waiters.pop_front() {
            None => {
                self.locks.remove(&row);
            }
            Some(next) => {
                lock.holder = next;
                wakes.promoted.extend(lock.waiters.front());
                wakes.granted.push_back(next);
                self.waiting.remove(&next);
                self.held.entry(next).or_default().push(row);
            }
        }
    }

    /// Takes it out of the queue it stands in.
    pub fn stop_waiting(&mut self, transaction: TransactionId, wakes: &mut Wakes) {
        let Some(row) = self.waiting.remove(&transaction) else { return };
        let lock = self.locks.get_mut(&row).expect("a lock that is waited for exists");
        let was_first = lock.waiters.front() == Some(&transaction);
        lock.waiters.retain(|&waiter| waiter != transaction);
        if was_first {
            wakes.promoted.extend(lock.waiters.front());
        }
    }

    /// Whether it waits, through others, for itself.
    pub fn is_deadlocked(&self, transaction: TransactionId) -> bool {
        let mut seen = BTreeSet::new();
        let mut open: Vec<TransactionId> = self.blockers(transaction).collect();
        while let Some(blocker) = open.pop() {
            if blocker == transaction {
                return true;
            }
            if seen.insert(blocker) {
                open.extend(self.blockers(blocker));
            }
        }
        false
    }

    /// The holder of the lock it waits for, and all who stand before it in the queue.
    fn blockers(&self, transaction: TransactionId) -> impl Iterator<Item = TransactionId> {
        let lock = self.waiting.get(&transaction).map(|row| &self.locks[row]);
        lock.into_iter().flat_map(move |lock| {
            let before = lock.waiters.iter().copied().take_while(move |&waiter| waiter != transaction);
            before.chain([lock.holder])
        })
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRANSACTIONS: u64 = 5;

    /// Every request still alive in the order of asking: the first for a row holds it, the others wait.
    #[derive(Default)]
    struct Reference {
        requests: Vec<(TransactionId, i64)>,
    }

    impl Reference {
        fn holder(&self, row: i64) -> Option<TransactionId> {
            self.requests.iter().find(|(_, wanted)| *wanted == row).map(|(transaction, _)| *transaction)
        }

        fn waits_for(&self, transaction: TransactionId) -> Option<i64> {
            let mut mine = self.requests.iter().filter(|(other, _)| *other == transaction);
            mine.find(|(_, row)| self.holder(*row) != Some(transaction)).map(|(_, row)| *row)
        }

        fn waiting(&self) -> Vec<TransactionId> {
            everyone().filter(|&transaction| self.waits_for(transaction).is_some()).collect()
        }

        fn is_deadlocked(&self, transaction: TransactionId) -> bool {
            let place = |id: TransactionId| id.0 as usize;
            let mut reaches = [[false; TRANSACTIONS as usize]; TRANSACTIONS as usize];
            for waiter in everyone() {
                let Some(row) = self.waits_for(waiter) else { continue };
                let queue = self.requests.iter().filter(|(_, wanted)| *wanted == row);
                for (before, _) in queue.take_while(|(other, _)| *other != waiter) {
                    reaches[place(waiter)][place(*before)] = true;
                }
            }
            for via in 0..reaches.len() {
                for from in 0..reaches.len() {
                    for to in 0..reaches.len() {
                        reaches[from][to] |= reaches[from][via] && reaches[via][to];
                    }
                }
            }
            reaches[place(transaction)][place(transaction)]
        }
    }

    fn everyone() -> impl Iterator<Item = TransactionId> {
        (0..TRANSACTIONS).map(TransactionId)
    }

    #[derive(Clone, Debug)]
    enum Deed {
        Acquire(u64, i64),
        ReleaseAfter(u64, usize),
        StopWaiting(u64),
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            6 => (0..TRANSACTIONS, 0..4_i64).prop_map(|(who, row)| Deed::Acquire(who, row)),
            2 => (0..TRANSACTIONS, 0..3_usize).prop_map(|(who, keep)| Deed::ReleaseAfter(who, keep)),
            1 => (0..TRANSACTIONS).prop_map(Deed::StopWaiting),
        ]
    }

    fn row_id(row: i64) -> RowId {
        RowId { table: TableId(0), key: vec![row.into()] }
    }

    proptest! {
        #[test]
        fn locks_are_served_as_a_plain_list_of_requests_would(deeds in prop::collection::vec(deed(), 1..60)) {
            let mut locks = LockManager::default();
            let mut reference = Reference::default();
            for deed in deeds {
                let mut wakes = Wakes::default();
                let waiting = reference.waiting();
                match deed {
                    Deed::Acquire(who, row) => {
                        let who = TransactionId(who);
                        if waiting.contains(&who) {
                            continue;
                        }
                        let expected = match reference.holder(row) {
                            Some(holder) if holder == who => Acquired::Already,
                            Some(_) => Acquired::Waits,
                            None => Acquired::Taken,
                        };
                        if expected != Acquired::Already {
                            reference.requests.push((who, row));
                        }
                        prop_assert_eq!(locks.acquire(who, row_id(row)), expected);
                    }
                    Deed::ReleaseAfter(who, keep) => {
                        let who = TransactionId(who);
                        let held: Vec<i64> = locks.held.get(&who).into_iter().flatten().skip(keep)
                            .filter_map(|row| row.key[0].int()).collect();
                        locks.release_after(who, keep, &mut wakes);
                        reference.requests.retain(|(other, row)| *other != who || !held.contains(row));
                    }
                    Deed::StopWaiting(who) => {
                        let who = TransactionId(who);
                        let row = reference.waits_for(who);
                        locks.stop_waiting(who, &mut wakes);
                        reference.requests.retain(|(other, wanted)| *other != who || Some(*wanted) != row);
                    }
                }
                for row in 0..4 {
                    let holder = locks.locks.get(&row_id(row)).map(|lock| lock.holder);
                    prop_assert_eq!(holder, reference.holder(row));
                }
                let granted: BTreeSet<_> = wakes.granted.into_iter().collect();
                for who in everyone() {
                    let waits = reference.waits_for(who).is_some();
                    prop_assert_eq!(locks.is_waiting(who), waits);
                    prop_assert_eq!(locks.is_deadlocked(who), reference.is_deadlocked(who));
                    if !matches!(deed, Deed::StopWaiting(_)) {
                        prop_assert_eq!(granted.contains(&who), waiting.contains(&who) && !waits);
                    }
                }
            }
            for who in everyone() {
                let mut wakes = Wakes::default();
                locks.stop_waiting(who, &mut wakes);
                locks.release_after(who, 0, &mut wakes);
            }
            for who in everyone() {
                locks.release_after(who, 0, &mut Wakes::default());
            }
            prop_assert_eq!(locks, LockManager::default(), "nothing is left behind");
        }
    }
}
