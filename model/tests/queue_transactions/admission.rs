//! What a leader admits, beside a reading of the whole log: whatever is lost, repeated, late or out of order, and
//! whoever leads, no record is written twice or out of order, and no transaction begins that nobody will end.

use crate::makings::{Broken, append, convicts, end_of, marker, records, stamped, value_of, verdict};
use proptest::prelude::*;
use proptest::sample::Index;
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::identity::ProducerIdentity;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::producers::{Admission, Producers};
use rehearsal_model::queue::record::{Batch, Content, Payload, ProducerStamp, Verdict};
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
enum Happening {
    /// A producer makes its next batch.
    Makes { producer: usize, count: u64, transactional: bool },
    /// Something that was ever sent arrives.
    Arrives(Index),
    /// What was made last arrives.
    NewestArrives,
    /// A leader is asked about something that nobody may ever send.
    Asked(Payload),
    /// The coordinator says which transaction is open.
    Verified(usize),
    /// The producer's transaction ends; a producer without one is replaced.
    Ends(usize, Verdict),
    /// What is there is safe from now on.
    Replicated,
    /// A replica leads that may lack the end of the log.
    NewLeader(Index),
}

fn payload() -> impl Strategy<Value = Payload> {
    let content = prop_oneof![
        1 => verdict().prop_map(Content::Marker),
        3 => (1..3_u64).prop_map(|count| records(0..count)),
    ];
    (0..2_u64, 0..5_u16, 0..3_u32, any::<bool>(), content).prop_map(
        |(id, epoch, sequence, transactional, content)| {
            stamped(ProducerIdentity { id, epoch }, sequence, transactional, content)
        },
    )
}

fn happening() -> impl Strategy<Value = Happening> {
    let makes = (0..2_usize, 1..4_u64, any::<bool>());
    prop_oneof![
        4 => makes.prop_map(|(producer, count, transactional)| {
            Happening::Makes { producer, count, transactional }
        }),
        6 => any::<Index>().prop_map(Happening::Arrives),
        4 => Just(Happening::NewestArrives),
        3 => payload().prop_map(Happening::Asked),
        3 => (0..2_usize).prop_map(Happening::Verified),
        1 => (0..2_usize, verdict()).prop_map(|(producer, verdict)| Happening::Ends(producer, verdict)),
        1 => Just(Happening::Replicated),
        1 => any::<Index>().prop_map(Happening::NewLeader),
    ]
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    prop::collection::vec(happening(), 0..80)
}

/// A producer, and what its coordinator knows of it.
struct Maker {
    identity: ProducerIdentity,
    next_sequence: u32,
    is_open: bool,
}

struct World {
    defects: Defects,
    makers: Vec<Maker>,
    sent: Vec<Payload>,
    made: u64,
    log: Vec<Batch>,
    safe: usize,
    producers: Producers,
    verified: BTreeSet<ProducerIdentity>,
}

impl World {
    fn new(defects: Defects) -> World {
        let maker = |id| Maker { identity: ProducerIdentity::first(id), next_sequence: 0, is_open: false };
        World {
            defects,
            makers: (0..2).map(maker).collect(),
            sent: Vec::new(),
            made: 0,
            log: Vec::new(),
            safe: 0,
            producers: Producers::new(defects),
            verified: BTreeSet::new(),
        }
    }

    fn happens(&mut self, happening: Happening) -> Result<(), Broken> {
        match happening {
            Happening::Makes { producer, count, transactional } => self.makes(producer, count, transactional),
            Happening::Arrives(which) if !self.sent.is_empty() => {
                self.arrives(which.get(&self.sent).clone())?;
            }
            Happening::NewestArrives => {
                self.sent.last().cloned().map_or(Ok(()), |sent| self.arrives(sent))?
            }
            Happening::Asked(payload) => {
                self.asked(&payload)?;
            }
            Happening::Verified(producer) if self.makers[producer].is_open => {
                self.verified.insert(self.makers[producer].identity);
                self.producers.verified(self.makers[producer].identity);
            }
            Happening::Ends(producer, verdict) => self.ends(producer, verdict)?,
            Happening::Replicated => self.safe = self.log.len(),
            Happening::NewLeader(lost) => {
                self.log.truncate(self.log.len() - lost.index(self.log.len() - self.safe + 1));
                self.producers = Producers::of(self.defects, &self.log);
                self.verified.clear();
            }
            Happening::Arrives(_) | Happening::Verified(_) => {}
        }
        self.nothing_is_broken()
    }

    fn makes(&mut self, producer: usize, count: u64, transactional: bool) {
        let maker = &mut self.makers[producer];
        let content = records(self.made..self.made + count);
        self.sent.push(stamped(maker.identity, maker.next_sequence, transactional, content));
        maker.is_open |= transactional;
        maker.next_sequence += count as u32;
        self.made += count;
    }

    /// The coordinator writes the marker until it is safe; then the producer goes on.
    fn ends(&mut self, producer: usize, verdict: Verdict) -> Result<(), Broken> {
        let maker = &mut self.makers[producer];
        let next = maker.identity.next();
        let was_open = std::mem::take(&mut maker.is_open);
        (maker.identity, maker.next_sequence) = (next, 0);
        if was_open {
            self.sent.push(marker(next, verdict));
            self.arrives(marker(next, verdict))?;
            self.safe = self.log.len();
        }
        Ok(())
    }

    fn arrives(&mut self, payload: Payload) -> Result<(), Broken> {
        let admission = self.asked(&payload)?;
        if admission == Admission::Append {
            self.producers.appended(append(&mut self.log, payload));
        }
        Ok(())
    }

    fn asked(&self, payload: &Payload) -> Result<Admission, Broken> {
        let admission = self.producers.check(payload);
        if self.defects == Defects::NONE {
            let expected = naive_admission(&self.log, &self.verified, payload);
            broken_unless(admission == expected, || {
                format!("naive: {payload:?} is {admission:?}, not {expected:?}")
            })?;
            let is_there = self.log.iter().any(|batch| *batch.payload == *payload);
            broken_unless(!admission.definitely_not_appended() || !is_there, || {
                format!("honest: {payload:?} is there, and {admission:?}")
            })?;
        }
        Ok(admission)
    }

    fn nothing_is_broken(&self) -> Result<(), Broken> {
        records_stand_once_and_in_order(&self.log)?;
        for maker in &self.makers {
            let open = naive_open(&self.log, maker.identity.id);
            broken_unless(
                open.is_none_or(|(epoch, _)| maker.is_open && epoch == maker.identity.epoch),
                || format!("hanging: nobody will end the transaction of {}", maker.identity),
            )?;
            let stamps = || self.log.iter().filter_map(|batch| batch.payload.producer);
            let epochs: Vec<u16> =
                stamps().filter(|stamp| stamp.id == maker.identity.id).map(|stamp| stamp.epoch).collect();
            broken_unless(epochs.is_sorted(), || format!("fenced: {epochs:?} of {}", maker.identity))?;
        }
        Ok(())
    }
}

fn broken_unless(holds: bool, words: impl FnOnce() -> Broken) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(words()) }
}

/// The records of each producer and epoch are those it made first, each once.
fn records_stand_once_and_in_order(log: &[Batch]) -> Result<(), Broken> {
    for id in 0..2 {
        let own = log.iter().filter(|batch| batch.payload.producer.is_some_and(|stamp| stamp.id == id));
        let values: Vec<u64> = own
            .filter_map(|batch| match &batch.payload.content {
                Content::Records(records) => Some(records.iter().map(value_of)),
                Content::Marker(_) | Content::Routing(_) => None,
            })
            .flatten()
            .collect();
        broken_unless(values.is_sorted_by(|one, next| one < next), || {
            format!("once and in order: {values:?}")
        })?;
    }
    Ok(())
}

fn of_producer(log: &[Batch], id: u64) -> Vec<(ProducerStamp, &Batch)> {
    let stamped = log.iter().filter_map(|batch| Some((batch.payload.producer?, batch)));
    stamped.filter(|(stamp, _)| stamp.id == id).collect()
}

fn is_marker(batch: &Batch) -> bool {
    matches!(batch.payload.content, Content::Marker(_))
}

/// The epoch and first offset of the transaction without a marker.
fn naive_open(log: &[Batch], id: u64) -> Option<(u16, Offset)> {
    let own = of_producer(log, id);
    let after = own.iter().rposition(|(_, batch)| is_marker(batch)).map_or(0, |place| place + 1);
    let (stamp, batch) = own[after..].iter().find(|(_, batch)| batch.payload.transactional)?;
    Some((stamp.epoch, batch.base))
}

/// What a leader says who reads its whole log again for each payload.
fn naive_admission(log: &[Batch], verified: &BTreeSet<ProducerIdentity>, payload: &Payload) -> Admission {
    let stamp = payload.producer.expect("all are stamped here");
    let own = of_producer(log, stamp.id);
    let newest = own.iter().map(|(stamp, _)| stamp.epoch).max();
    let current = newest.unwrap_or(0);
    if matches!(payload.content, Content::Marker(_)) {
        return match own.iter().rfind(|(_, batch)| is_marker(batch)) {
            Some((last, batch)) if last.epoch == stamp.epoch => Admission::Duplicate { base: batch.base },
            _ if newest.is_some() && stamp.epoch <= current => Admission::Fenced { current },
            _ => Admission::Append,
        };
    }
    if stamp.epoch < current {
        return Admission::Fenced { current };
    }
    let same: Vec<_> =
        own.iter().filter(|(other, batch)| other.epoch == stamp.epoch && !is_marker(batch)).collect();
    let repeated = same.iter().rev().take(5).find(|(other, batch)| {
        (other.sequence, batch.payload.offsets()) == (stamp.sequence, payload.offsets())
    });
    if let Some((_, batch)) = repeated {
        return Admission::Duplicate { base: batch.base };
    }
    let expected: u64 = same.iter().map(|(_, batch)| batch.payload.offsets()).sum();
    match stamp.sequence.cmp(&(expected as u32)) {
        _ if own.is_empty() && stamp.sequence > 0 => Admission::UnknownProducer,
        std::cmp::Ordering::Equal if !payload.transactional => Admission::Append,
        std::cmp::Ordering::Equal => match naive_open(log, stamp.id) {
            Some((epoch, _)) if epoch == stamp.epoch => Admission::Append,
            None if verified.contains(&stamp.into()) => Admission::Append,
            _ => Admission::NotInTransaction,
        },
        order => Admission::OutOfOrder { expected: expected as u32, ahead: order.is_gt() },
    }
}

fn run(happenings: Vec<Happening>, defects: Defects) -> Result<(), Broken> {
    let mut world = World::new(defects);
    happenings.into_iter().try_for_each(|happening| world.happens(happening))?;
    let rebuilt = Producers::of(defects, &world.log);
    let end = end_of(&world.log);
    broken_unless(rebuilt.last_stable(end) == world.producers.last_stable(end), || "rebuilt".into())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_leader_admits_what_a_reading_of_its_whole_log_admits(happenings in happenings()) {
        prop_assert_eq!(run(happenings, Defects::NONE), Ok(()));
    }
}

#[test]
fn without_sequences_a_record_is_written_twice_or_out_of_order() {
    let defects = Defects::of([Defect::SequenceUnchecked]);
    convicts("once and in order", happenings(), |happenings| run(happenings, defects));
}

#[test]
fn a_producer_that_is_not_fenced_goes_on_behind_its_successor() {
    let defects = Defects::of([Defect::ProducerEpochUnfenced]);
    convicts("fenced", happenings(), |happenings| run(happenings, defects));
}

#[test]
fn without_verification_a_late_batch_begins_a_transaction_that_nobody_ends() {
    let defects = Defects::of([Defect::HangingTransaction]);
    convicts("hanging", happenings(), |happenings| run(happenings, defects));
}

#[test]
fn a_batch_after_the_largest_sequence_continues_with_zero() {
    let producer = ProducerIdentity::first(1);
    let mut producers = Producers::new(Defects::NONE);
    let mut log = Vec::new();
    producers.appended(append(&mut log, stamped(producer, u32::MAX, false, records([1, 2]))));
    assert_eq!(producers.check(&stamped(producer, 1, false, records([3]))), Admission::Append);
    let before = producers.check(&stamped(producer, u32::MAX - 1, false, records([0])));
    assert_eq!(before, Admission::OutOfOrder { expected: 1, ahead: false });
}

#[test]
fn a_repeated_end_of_an_earlier_transaction_does_not_touch_the_one_that_follows() {
    let (first, second) = (ProducerIdentity { id: 1, epoch: 4 }, ProducerIdentity { id: 1, epoch: 5 });
    let mut producers = Producers::new(Defects::NONE);
    let mut log = Vec::new();
    let of_first = stamped(first, 0, true, records([1]));
    let of_second = stamped(second, 0, true, records([2]));
    for payload in [of_first.clone(), marker(second, Verdict::Commit), of_second] {
        producers.verified(payload.producer.expect("it is stamped").into());
        assert_eq!(producers.check(&payload), Admission::Append);
        producers.appended(append(&mut log, payload));
    }
    assert_eq!(producers.check(&marker(second, Verdict::Commit)), Admission::Duplicate { base: Offset(1) });
    assert_eq!(producers.check(&marker(first, Verdict::Abort)), Admission::Fenced { current: 5 });
    assert_eq!(producers.check(&of_first), Admission::Fenced { current: 5 });
    assert_eq!(producers.last_stable(Offset(3)), Offset(2));
}
