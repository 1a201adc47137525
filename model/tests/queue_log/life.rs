//! Many lives of one log: whatever is appended, cut, dropped, synced and lost, it is what the reference is.

use crate::disk::Fates;
use crate::reference::{Begun, Reference};
use crate::words::{Replica, batch, batch_at};
use proptest::prelude::*;
use proptest::sample::Index;
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::log::{DueSync, LogKnobs, Retention, Write};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::record::Batch;
use std::sync::Arc;

/// What the values of a batch look like.
#[derive(Clone, Copy, Debug)]
enum Looks {
    Plain(usize),
    /// Like beginnings of frames.
    Magic(usize),
    /// Like a frame of a log that is durable far beyond this one.
    Frame,
}

#[derive(Clone, Debug)]
enum Mutation {
    Append { records: u64, looks: Looks, new_epoch: bool },
    Truncate(Index),
    Reset(u64),
    Expire { retention: Retention, archived_up_to: Option<Index>, watermark: Index },
}

#[derive(Clone, Debug)]
enum Step {
    Mutate(Mutation),
    /// The power goes after so many of the writes.
    Crash(Mutation, Index, Vec<u8>),
    /// The program ends, the machine does not.
    Exit,
    BeginSync,
    EndSync(Index),
    Read(Index, Index, u64),
    Wait(i64),
}

fn knobs() -> impl Strategy<Value = LogKnobs> {
    let parts =
        (prop_oneof![1..1500_u64, Just(1 << 20)], prop_oneof![20..200_i64, Just(i64::MAX)], 0..4_usize);
    parts.prop_map(|(segment_bytes, segment_age_micros, cached_segments)| LogKnobs {
        segment_bytes,
        segment_age_micros,
        cached_segments,
    })
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let looks = prop_oneof![
        3 => (0..300_usize).prop_map(Looks::Plain),
        1 => (0..40_usize).prop_map(Looks::Magic),
        1 => Just(Looks::Frame),
    ];
    let append = (1..4_u64, looks, prop::bool::weighted(0.1));
    let limits = (prop::option::of(0..200_i64), prop::option::of(0..3000_u64));
    let expire = (limits, prop::option::of(any::<Index>()), any::<Index>());
    prop_oneof![
        12 => append.prop_map(|(records, looks, new_epoch)| Mutation::Append { records, looks, new_epoch }),
        3 => any::<Index>().prop_map(Mutation::Truncate),
        1 => (0..60_u64).prop_map(Mutation::Reset),
        2 => expire.prop_map(|((age_micros, bytes), archived_up_to, watermark)| Mutation::Expire {
            retention: Retention { age_micros, bytes }, archived_up_to, watermark,
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let fates = prop::collection::vec(any::<u8>(), 1..12);
    prop_oneof![
        16 => mutation().prop_map(Step::Mutate),
        3 => (mutation(), any::<Index>(), fates).prop_map(|(last, carried, fates)| Step::Crash(last, carried, fates)),
        1 => Just(Step::Exit),
        4 => Just(Step::BeginSync),
        4 => any::<Index>().prop_map(Step::EndSync),
        3 => (any::<Index>(), any::<Index>(), 0..1500_u64).prop_map(|(from, up_to, max)| Step::Read(from, up_to, max)),
        2 => (1..60_i64).prop_map(Step::Wait),
    ]
}

struct World {
    replica: Replica,
    reference: Reference,
    syncs: Vec<Begun>,
    now: i64,
    epoch: u32,
    made: u64,
}

/// A frame of another log, far beyond, which was durable when it was written.
fn foreign_frame() -> Vec<u8> {
    let mut other = Replica::new(crate::words::ONE_SEGMENT);
    let writes = other.log.reset(Offset(1 << 40));
    other.carry_out(&writes);
    match other.append(batch(1 << 40, 1, b"")).pop() {
        Some(Write::Append { bytes, .. }) => bytes,
        _ => unreachable!("an append ends with the frame"),
    }
}

impl World {
    fn new(knobs: LogKnobs) -> World {
        let (replica, reference) = (Replica::new(knobs), Reference::default());
        World { replica, reference, syncs: Vec::new(), now: 0, epoch: 0, made: 0 }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Mutate(mutation) => {
                let writes = self.mutate(mutation);
                self.replica.carry_out(&writes);
            }
            Step::Crash(mutation, carried, fates) => self.crash(mutation, carried, &fates),
            Step::Exit => self.exit(),
            Step::BeginSync => self.begin_sync(),
            Step::EndSync(which) if !self.syncs.is_empty() => {
                let begun = self.syncs.remove(which.index(self.syncs.len()));
                self.replica.disk.sync(begun.mark);
                self.replica.log.persisted(begun.ticket);
                self.reference.durable.extend(begun.covers);
                let sure = &mut self.reference.sure_beginnings;
                *sure = (*sure).max(begun.beginnings);
            }
            Step::EndSync(_) => {}
            Step::Read(from, up_to, max_bytes) => self.read(from, up_to, max_bytes),
            Step::Wait(micros) => self.now += micros,
        }
        self.compare();
    }

    fn begin_sync(&mut self) {
        let DueSync { ticket, segment: Some(segment) } = self.replica.log.due_sync() else { return };
        let (mark, covers) = (self.replica.disk.mark(segment), self.reference.batches());
        self.syncs.push(Begun { ticket, mark, covers, beginnings: self.reference.beginnings });
    }

    /// An offset of the log, or its end, or a bit beyond.
    fn offset(&self, index: Index) -> Offset {
        let (start, end) = (self.reference.start.0, self.reference.end().0);
        Offset(start.saturating_sub(2) + index.index((end - start + 5) as usize) as u64)
    }

    fn next_batch(&mut self, records: u64, looks: Looks) -> Arc<Batch> {
        self.made += 1;
        let value = match looks {
            Looks::Plain(length) => vec![self.made as u8; length],
            Looks::Magic(times) => b"\xff\x00\xff\x01".repeat(times),
            Looks::Frame => foreign_frame(),
        };
        let value = [value, self.made.to_le_bytes().to_vec()].concat();
        batch_at(self.reference.end().0, records, &value, self.epoch, self.now)
    }

    /// Lets both do it. The writes are not carried out yet.
    fn mutate(&mut self, mutation: Mutation) -> Vec<Write> {
        let before = self.replica.log.due_sync().ticket;
        match mutation {
            Mutation::Append { records, looks, new_epoch } => {
                self.epoch += u32::from(new_epoch);
                let batch = self.next_batch(records, looks);
                let writes = self.replica.log.append(batch.clone(), self.now);
                let Some(Write::Append { bytes, .. }) = writes.last() else {
                    panic!("an append ends with the frame: {writes:?}")
                };
                self.reference.list.push((batch, bytes.clone()));
                assert!(self.replica.log.due_sync().ticket > before);
                writes
            }
            Mutation::Truncate(to) => {
                let to = self.offset(to);
                self.reference.truncate(to);
                self.replica.log.truncate(to)
            }
            Mutation::Reset(to) => {
                self.reference.reset(Offset(to));
                self.replica.log.reset(Offset(to))
            }
            Mutation::Expire { retention, archived_up_to, watermark } => {
                let (archived, watermark) =
                    (archived_up_to.map(|index| self.offset(index)), self.offset(watermark));
                let files: Vec<_> = self.replica.disk.files().into_iter().map(|(name, _)| name).collect();
                self.reference.expire(&files, self.now, retention, archived, watermark);
                self.replica.log.expired(self.now, retention, archived, watermark, Defects::NONE)
            }
        }
    }

    fn exit(&mut self) {
        let torn = self.replica.restart(Defects::NONE);
        assert!(!torn, "nothing was lost");
        self.syncs.clear();
        self.reference.durable = self.reference.batches();
        self.reference.sure_beginnings = self.reference.beginnings;
    }

    fn crash(&mut self, mutation: Mutation, carried: Index, fates: &[u8]) {
        let before = self.reference.clone();
        let beginnings = self.reference.beginnings;
        let writes = self.mutate(mutation);
        let is_reset = self.reference.beginnings > beginnings;
        let carried = carried.index(writes.len() + 1);
        self.replica.carry_out(&writes[..carried]);
        let mut fates = Fates::new(fates);
        self.replica.disk.crash(&mut fates);
        self.syncs.clear();

        let files = self.replica.disk.files();
        let recovered = self.replica.recovered(Defects::NONE).expect("a crash is no damage");
        let left = |replica: &Replica| (replica.log.start(), replica.log.end());
        let mut first = self.replica.clone();
        first.log = recovered.log;
        // Recovery may be cut short as well.
        let carried_again = carried % (recovered.writes.len() + 1);
        self.replica.carry_out(&recovered.writes[..carried_again]);
        self.replica.disk.crash(&mut fates);
        self.replica.restart(Defects::NONE);
        assert_eq!(left(&self.replica), left(&first), "recovered twice, it is not the same");
        assert!(!self.replica.clone().restart(Defects::NONE), "what was torn is still there");

        let found = self.replica.batches();
        if carried == writes.len() {
            let whole = self.reference.whole_in(&files);
            assert_eq!(self.replica.log.start(), self.reference.start);
            assert_eq!(found, self.reference.batches()[..whole], "what is whole on the disk is the log");
            assert!(self.replica.log.end() >= self.reference.persisted_end(), "something durable is lost");
        } else {
            self.check_between(&before, &found, is_reset);
        }
        self.adopt(&before);
    }

    /// The crash came between the writes of one mutation: what is left is a piece of what was before or after it.
    fn check_between(&self, before: &Reference, found: &[Arc<Batch>], is_reset: bool) {
        let (log, after) = (&self.replica.log, &self.reference);
        let piece_of = |reference: &Reference| {
            let all = reference.batches();
            let from = all.iter().position(|batch| Some(batch) == found.first());
            found.is_empty() || from.is_some_and(|from| all[from..].starts_with(found))
        };
        assert!(piece_of(before) || piece_of(after), "what was never there is there");
        if is_reset {
            return;
        }
        assert!((before.start..=after.start).contains(&log.start()));
        let sure = before.persisted_end().min(after.end());
        assert!(log.end() >= sure, "something durable is lost: {} < {sure}", log.end());
    }

    /// What the crash has left is what there is.
    fn adopt(&mut self, before: &Reference) {
        let found = self.replica.batches();
        let known = before.list.iter().chain(&self.reference.list);
        let mut list: Vec<_> = known.filter(|(batch, _)| found.contains(batch)).cloned().collect();
        list.sort_by_key(|(batch, _)| batch.base);
        list.dedup();
        self.reference =
            Reference { start: self.replica.log.start(), list, durable: found, ..Reference::default() };
    }

    fn read(&self, from: Index, up_to: Index, max_bytes: u64) {
        let (from, up_to) = (self.offset(from), self.offset(up_to));
        if from < self.reference.start || from > self.reference.end() {
            assert!(self.replica.log.read(from, up_to, max_bytes).is_err());
            return;
        }
        let expected = self.reference.read(from, up_to, max_bytes);
        let found = self.replica.read(from, up_to, max_bytes);
        assert!(expected.starts_with(&found), "{found:?} is no beginning of {expected:?}");
        assert_eq!(found.is_empty(), expected.is_empty(), "there is at least one batch if there is any");
        assert_eq!(self.replica.read_all(from, up_to), self.reference.read(from, up_to, u64::MAX));
    }

    fn compare(&self) {
        let (log, reference) = (&self.replica.log, &self.reference);
        assert_eq!((log.start(), log.end()), (reference.start, reference.end()));
        assert_eq!(log.persisted_end(), reference.persisted_end());
        assert_eq!(self.replica.batches(), reference.batches());
        let mut lineage: Vec<_> = reference.list.iter().map(|(batch, _)| (batch.epoch, batch.base)).collect();
        lineage.dedup_by_key(|(epoch, _)| *epoch);
        assert_eq!(log.epoch_starts(), lineage);
        let bytes: Vec<u8> = reference.list.iter().flat_map(|(_, frame)| frame.clone()).collect();
        let files: Vec<u8> = self.replica.disk.files().into_iter().flat_map(|(_, bytes)| bytes).collect();
        assert!(files == bytes, "the files are not the frames one behind the other");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_durable_is_lost_and_nothing_dropped_comes_back(
        knobs in knobs(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(knobs);
        for step in steps {
            world.take(step);
        }
    }
}
