//! The rows of one table in all the versions that somebody may still read.
//!
//! ```text
//! key [7]:   7@3  ->  9@8  ->  (11, written by transaction 52, not committed)
//! ```
//!
//! A snapshot is a log position: it sees of each row the newest version committed at or before it, and of its
//! own transaction's rows what that has written. A row has at most one uncommitted version, because its writer
//! holds the row's lock. Versions that no snapshot at or after the horizon can see are dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::commit::LogPosition;
use super::error::DatabaseError;
use super::schema::{Index, Table};
use super::statement::Keys;
use super::transaction::TransactionId;
use super::value::{Key, Row, Value};

/// The version store of one table.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct VersionStore {
    rows: BTreeMap<Key, Chain>,
    /// Per secondary index, (index key, primary key) of every version that is kept, uncommitted ones too: who
    /// looks a row up here must still look at the version it sees.
    indexes: Vec<BTreeSet<(Key, Key)>>,
    /// The rows with versions to drop once the horizon has passed.
    crowded: BTreeSet<Key>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Chain {
    /// Oldest first.
    committed: Vec<Version>,
    pending: Option<Pending>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Version {
    position: LogPosition,
    /// Where the row was inserted: after a delete and an insert the same key is another row.
    born: LogPosition,
    /// `None`: deleted.
    row: Option<Row>,
}

/// What a transaction has written and not committed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Pending {
    writer: TransactionId,
    row: Option<Row>,
    /// The writer inserted the row: it is not the one that was there before.
    inserted: bool,
    /// What it had written here before that: it comes back when the writer rolls back to a savepoint.
    overwritten: Vec<Row>,
}

impl Pending {
    fn every_row(&self) -> impl Iterator<Item = &Row> {
        self.row.iter().chain(&self.overwritten)
    }
}

/// Who reads, and up to which commit.
#[derive(Clone, Copy)]
pub(crate) struct Snapshot {
    pub position: LogPosition,
    pub reader: TransactionId,
}

/// A row as it would be if its lock's holder wrote it now.
pub(crate) struct Newest<'a> {
    pub row: Option<&'a Row>,
    /// Whether a commit after `position` touched the row.
    changed_at: LogPosition,
    born: LogPosition,
}

impl<'a> Newest<'a> {
    /// Whether a commit that this snapshot does not see has written the row.
    pub fn is_newer_than(&self, position: LogPosition) -> bool {
        self.changed_at > position
    }

    /// The row, if it is still the one that the snapshot saw, and not another one inserted in its place.
    pub fn same_row_as(&self, position: LogPosition) -> Option<&'a Row> {
        self.row.filter(|_| self.born <= position)
    }
}

impl Chain {
    fn visible(&self, snapshot: Snapshot) -> Option<&Row> {
        match &self.pending {
            Some(pending) if pending.writer == snapshot.reader => pending.row.as_ref(),
            _ => self.at(snapshot.position),
        }
    }

    fn at(&self, position: LogPosition) -> Option<&Row> {
        self.committed.iter().rev().find(|version| version.position <= position)?.row.as_ref()
    }

    fn newest_committed(&self) -> Option<&Row> {
        self.committed.last()?.row.as_ref()
    }

    fn every_row(&self) -> impl Iterator<Item = &Row> {
        let committed = self.committed.iter().filter_map(|version| version.row.as_ref());
        committed.chain(self.pending.iter().flat_map(Pending::every_row))
    }

    fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.pending.is_none()
    }

    /// Takes out what nobody at or after the horizon sees.
    fn take_unseen(&mut self, horizon: LogPosition) -> Vec<Version> {
        let seen = self.committed.iter().rposition(|version| version.position <= horizon).unwrap_or(0);
        let mut unseen: Vec<Version> = self.committed.drain(..seen).collect();
        if let [only] = &self.committed[..]
            && only.row.is_none()
            && only.position <= horizon
        {
            unseen.extend(self.committed.pop());
        }
        unseen
    }

    fn is_crowded(&self) -> bool {
        self.committed.len() > 1 || self.committed.last().is_some_and(|newest| newest.row.is_none())
    }
}

impl VersionStore {
    pub fn new(table: &Table) -> Self {
        VersionStore {
            rows: BTreeMap::new(),
            indexes: vec![BTreeSet::new(); table.indexes.len()],
            crowded: BTreeSet::new(),
        }
    }

    /// Shows `visit` each row that the snapshot sees among these keys, in the order of the primary key.
    pub fn scan(
        &self,
        table: &Table,
        keys: &Keys,
        snapshot: Snapshot,
        visit: &mut impl FnMut(&Key, &Row) -> Result<(), DatabaseError>,
    ) -> Result<(), DatabaseError> {
        let mut show = |key: &Key, chain: &Chain| match chain.visible(snapshot) {
            Some(row) => visit(key, row),
            None => Ok(()),
        };
        match keys {
            Keys::All => self.rows.iter().try_for_each(|(key, chain)| show(key, chain)),
            Keys::One(key) => self.rows.get(key).map_or(Ok(()), |chain| show(key, chain)),
            Keys::Prefix(prefix) => self
                .rows
                .range::<[Value], _>((Bound::Included(&prefix[..]), Bound::Unbounded))
                .take_while(|(key, _)| key.starts_with(prefix))
                .try_for_each(|(key, chain)| show(key, chain)),
            Keys::Range { prefix, from, to } if from < to => {
                let first = [&prefix[..], std::slice::from_ref(from)].concat();
                let end = [&prefix[..], std::slice::from_ref(to)].concat();
                self.rows.range(first..end).try_for_each(|(key, chain)| show(key, chain))
            }
            Keys::Range { .. } => Ok(()),
            Keys::Index { index, key } => self.at_index(*index, key).try_for_each(|primary| {
                let chain = &self.rows[primary];
                let here =
                    chain.visible(snapshot).is_some_and(|row| stands_at(&table.indexes[*index], row, key));
                if here { show(primary, chain) } else { Ok(()) }
            }),
        }
    }

    /// The row as `transaction`, holding its lock, would find it: its own version or the newest committed one.
    pub fn newest(&self, key: &[Value], transaction: TransactionId) -> Newest<'_> {
        let none = Newest { row: None, changed_at: LogPosition(0), born: LogPosition(0) };
        let Some(chain) = self.rows.get(key) else { return none };
        match (&chain.pending, chain.committed.last()) {
            (Some(own), _) if own.writer == transaction => Newest { row: own.row.as_ref(), ..none },
            (_, Some(newest)) => {
                Newest { row: newest.row.as_ref(), changed_at: newest.position, born: newest.born }
            }
            (_, None) => none,
        }
    }

    /// The newest committed row and what its uncommitted writer makes of it.
    pub fn before_and_after(&self, key: &[Value]) -> (Option<&Row>, Option<&Row>) {
        let Some(chain) = self.rows.get(key) else { return (None, None) };
        (chain.newest_committed(), chain.pending.as_ref().and_then(|pending| pending.row.as_ref()))
    }

    /// Whether another transaction has written this row and may still commit or roll back.
    pub fn is_written_by_another(&self, key: &[Value], transaction: TransactionId) -> bool {
        let pending = self.rows.get(key).and_then(|chain| chain.pending.as_ref());
        pending.is_some_and(|pending| pending.writer != transaction)
    }

    /// A row other than `own` that has this key in the index, or may come to have it, or may keep it: by its
    /// newest committed version or an uncommitted one.
    pub fn holder_of<'a>(
        &'a self,
        index: usize,
        definition: &Index,
        key: &Key,
        own: &Key,
        transaction: TransactionId,
    ) -> Option<&'a Key> {
        self.at_index(index, key).find(|&primary| {
            let chain = &self.rows[primary];
            let is_here = |row: Option<&Row>| row.is_some_and(|row| stands_at(definition, row, key));
            primary != own
                && match &chain.pending {
                    Some(pending) if pending.writer == transaction => is_here(pending.row.as_ref()),
                    Some(pending) => {
                        pending.every_row().any(|row| is_here(Some(row))) || is_here(chain.newest_committed())
                    }
                    None => is_here(chain.newest_committed()),
                }
        })
    }

    fn at_index<'a, 'b>(&'a self, index: usize, key: &'b Key) -> impl Iterator<Item = &'a Key> + use<'a, 'b> {
        let entries = self.indexes[index].range((key.clone(), Key::new())..);
        entries.take_while(move |(at, _)| at == key).map(|(_, primary)| primary)
    }

    /// Writes the row (`None`: deletes it) for a transaction that holds its lock. Returns what that
    /// transaction had written there before, for [`VersionStore::undo`].
    pub fn write(
        &mut self,
        table: &Table,
        key: &Key,
        writer: TransactionId,
        row: Option<Row>,
        inserts: bool,
    ) -> Option<Pending> {
        if !self.rows.contains_key(key) {
            self.rows.insert(key.clone(), Chain::default());
        }
        let chain = self.rows.get_mut(key).expect("it was put there if it was missing");
        let before = chain.pending.take();
        if let Some(before) = &before {
            assert_eq!(before.writer, writer, "two transactions write one row");
        }
        if let Some(row) = &row {
            enter(&mut self.indexes, table, key, chain, row);
        }
        let inserted = inserts || before.as_ref().is_some_and(|before| before.inserted);
        let overwritten = before.iter().flat_map(Pending::every_row).cloned().collect();
        chain.pending = Some(Pending { writer, row, inserted, overwritten });
        before
    }

    /// Takes one write back.
    pub fn undo(&mut self, table: &Table, key: &Key, before: Option<Pending>) {
        let chain = self.rows.get_mut(key).expect("the row was written");
        let undone = chain.pending.take().expect("the row was written");
        if let Some(row) = before.as_ref().and_then(|before| before.row.as_ref()) {
            enter(&mut self.indexes, table, key, chain, row);
        }
        chain.pending = before;
        if let Some(row) = &undone.row {
            leave(&mut self.indexes, table, key, chain, row);
        }
        if chain.is_empty() {
            self.rows.remove(key);
        }
    }

    /// Makes the uncommitted version of this row the committed one of this position.
    pub fn publish(&mut self, table: &Table, key: &Key, position: LogPosition, horizon: LogPosition) {
        let chain = self.rows.get_mut(key).expect("the row was written");
        let pending = chain.pending.take().expect("the row was written");
        let born = match chain.committed.last() {
            Some(newest) if !pending.inserted => newest.born,
            _ => position,
        };
        chain.committed.push(Version { position, born, row: pending.row });
        for row in &pending.overwritten {
            leave(&mut self.indexes, table, key, chain, row);
        }
        if self.tidy(table, key, horizon) {
            self.crowded.insert(key.clone());
        }
    }

    /// Drops every version that no snapshot at or after the horizon can see.
    pub fn collect(&mut self, table: &Table, horizon: LogPosition) {
        let mut crowded = std::mem::take(&mut self.crowded);
        crowded.retain(|key| self.tidy(table, key, horizon));
        self.crowded = crowded;
    }

    /// Whether the row will have to be tidied again.
    fn tidy(&mut self, table: &Table, key: &Key, horizon: LogPosition) -> bool {
        let Some(chain) = self.rows.get_mut(key) else { return false };
        for version in chain.take_unseen(horizon) {
            if let Some(row) = &version.row {
                leave(&mut self.indexes, table, key, chain, row);
            }
        }
        let crowded = chain.is_crowded();
        if chain.is_empty() {
            self.rows.remove(key);
        }
        crowded
    }

    /// The rows committed at or before this position.
    pub fn rows_at(&self, position: LogPosition) -> impl Iterator<Item = &Row> {
        self.rows.values().filter_map(move |chain| chain.at(position))
    }
}

fn stands_at(index: &Index, row: &[Value], key: &[Value]) -> bool {
    index.columns.iter().map(|&column| &row[column]).eq(key)
}

/// Enters a version that is about to join the chain.
fn enter(indexes: &mut [BTreeSet<(Key, Key)>], table: &Table, key: &Key, chain: &Chain, row: &Row) {
    for (entries, index) in indexes.iter_mut().zip(&table.indexes) {
        if !chain.every_row().any(|other| index.agrees(other, row)) {
            entries.insert((index.key_of(row), key.clone()));
        }
    }
}

/// Removes the entries of a version that has left the chain, unless another version needs them.
fn leave(indexes: &mut [BTreeSet<(Key, Key)>], table: &Table, key: &Key, chain: &Chain, row: &Row) {
    for (entries, index) in indexes.iter_mut().zip(&table.indexes) {
        if !chain.every_row().any(|other| index.agrees(other, row)) {
            entries.remove(&(index.key_of(row), key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOBODY: TransactionId = TransactionId(0);
    const WRITER: TransactionId = TransactionId(1);

    /// The whole table after every commit, and what the one writer has made of the last of these.
    struct Reference {
        states: Vec<BTreeMap<i64, i64>>,
        working: BTreeMap<i64, i64>,
    }

    #[derive(Clone, Debug)]
    enum Deed {
        Write(i64, Option<i64>),
        UndoOne,
        Commit,
        MoveHorizon(usize),
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            6 => (0..4_i64, prop::option::of(0..3_i64)).prop_map(|(key, value)| Deed::Write(key, value)),
            2 => Just(Deed::UndoOne),
            3 => Just(Deed::Commit),
            1 => (0..4_usize).prop_map(Deed::MoveHorizon),
        ]
    }

    fn table() -> Table {
        Table::new("item", ["id", "value"]).key(["id"]).index("by_value", ["value"])
    }

    fn read(store: &VersionStore, keys: &Keys, snapshot: Snapshot) -> BTreeMap<i64, i64> {
        let mut rows = BTreeMap::new();
        let mut visit = |_: &Key, row: &Row| {
            rows.insert(row[0].int().unwrap(), row[1].int().unwrap());
            Ok(())
        };
        store.scan(&table(), keys, snapshot, &mut visit).unwrap();
        rows
    }

    fn assert_reads(store: &VersionStore, snapshot: Snapshot, expected: &BTreeMap<i64, i64>) {
        let only = |wanted: &dyn Fn(i64, i64) -> bool| -> BTreeMap<i64, i64> {
            expected
                .iter()
                .map(|(&key, &value)| (key, value))
                .filter(|&(key, value)| wanted(key, value))
                .collect()
        };
        let range = Keys::Range { prefix: vec![], from: 1.into(), to: 3.into() };
        assert_eq!(read(store, &Keys::All, snapshot), *expected);
        assert_eq!(read(store, &range, snapshot), only(&|key, _| (1..3).contains(&key)));
        for wanted in 0..4 {
            assert_eq!(read(store, &Keys::one([wanted]), snapshot), only(&|key, _| key == wanted));
            assert_eq!(read(store, &Keys::prefix([wanted]), snapshot), only(&|key, _| key == wanted));
            let by_value = Keys::Index { index: 0, key: vec![wanted.into()] };
            assert_eq!(read(store, &by_value, snapshot), only(&|_, value| value == wanted));
        }
    }

    #[test]
    fn a_key_is_held_by_what_a_savepoint_may_bring_back() {
        let table = table();
        let mut store = VersionStore::new(&table);
        let key: Key = vec![1.into()];
        let holder = |store: &VersionStore| {
            store.holder_of(0, &table.indexes[0], &vec![2.into()], &vec![9.into()], NOBODY).cloned()
        };
        store.write(&table, &key, WRITER, Some(vec![1.into(), 2.into()]), true);
        let written = store.write(&table, &key, WRITER, None, false);
        assert_eq!(holder(&store), Some(key.clone()), "deleted, but not for good");
        store.undo(&table, &key, written);
        assert_eq!(holder(&store), Some(key.clone()));
        store.undo(&table, &key, None);
        assert_eq!(holder(&store), None);
    }

    proptest! {
        #[test]
        fn every_snapshot_after_the_horizon_reads_as_from_a_copy_of_the_table(
            deeds in prop::collection::vec(deed(), 1..50),
        ) {
            let table = table();
            let mut store = VersionStore::new(&table);
            let mut reference = Reference { states: vec![BTreeMap::new()], working: BTreeMap::new() };
            let mut undo: Vec<(Key, Option<Pending>, BTreeMap<i64, i64>)> = Vec::new();
            let mut horizon = 0;
            for deed in deeds {
                match deed {
                    Deed::Write(id, value) => {
                        let key: Key = vec![id.into()];
                        let row = value.map(|value| vec![id.into(), value.into()]);
                        let inserts = !reference.working.contains_key(&id);
                        undo.push((key.clone(), None, reference.working.clone()));
                        match value {
                            Some(value) => reference.working.insert(id, value),
                            None => reference.working.remove(&id),
                        };
                        let before = store.write(&table, &key, WRITER, row, inserts);
                        undo.last_mut().unwrap().1 = before;
                    }
                    Deed::UndoOne => {
                        if let Some((key, before, working)) = undo.pop() {
                            store.undo(&table, &key, before);
                            reference.working = working;
                        }
                    }
                    Deed::Commit => {
                        let position = LogPosition(reference.states.len() as u64);
                        for (key, before, _) in undo.drain(..) {
                            if before.is_none() {
                                store.publish(&table, &key, position, LogPosition(horizon));
                            }
                        }
                        reference.states.push(reference.working.clone());
                    }
                    Deed::MoveHorizon(by) => {
                        horizon = (horizon + by as u64).min(reference.states.len() as u64 - 1);
                        store.collect(&table, LogPosition(horizon));
                    }
                }
                for (position, state) in reference.states.iter().enumerate().skip(horizon as usize) {
                    let position = LogPosition(position as u64);
                    assert_reads(&store, Snapshot { position, reader: NOBODY }, state);
                    assert_reads(&store, Snapshot { position, reader: WRITER }, &with_own(state, &reference, &undo));
                }
            }
            for (key, before, _) in undo.into_iter().rev() {
                store.undo(&table, &key, before);
            }
            store.collect(&table, LogPosition(reference.states.len() as u64));
            let live = reference.states.last().unwrap();
            prop_assert_eq!(store.rows.len(), live.len(), "no chain outlives its row");
            prop_assert_eq!(store.indexes[0].len(), live.len(), "no index entry outlives its row");
            prop_assert!(store.rows.values().all(|chain| chain.committed.len() == 1));
            prop_assert!(store.crowded.is_empty());
        }
    }

    /// An old state as the writer sees it: with its own rows in place of those it has written.
    fn with_own(
        state: &BTreeMap<i64, i64>,
        reference: &Reference,
        undo: &[(Key, Option<Pending>, BTreeMap<i64, i64>)],
    ) -> BTreeMap<i64, i64> {
        let mut own = state.clone();
        for id in undo.iter().filter_map(|(key, _, _)| key[0].int()) {
            match reference.working.get(&id) {
                Some(&value) => own.insert(id, value),
                None => own.remove(&id),
            };
        }
        own
    }
}
