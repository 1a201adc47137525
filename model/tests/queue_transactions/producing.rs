//! A producer before leaders that forget nothing and a network that forgets a lot: what it reports of a record is so,
//! and records stand in the order sent, each once, if the settings promise it.

use crate::makings::{Broken, all_records, append, convicts, partition, record, value_of};
use proptest::prelude::*;
use proptest::sample::Index;
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::identity::ProducerIdentity;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::producers::{Admission, Producers};
use rehearsal_model::queue::production::{
    Acks, BatchId, Fate, Input, Outcome, Output, Production, RecordId, Settings, Timer,
};
use rehearsal_model::queue::record::{Batch, Content, Payload};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Happening {
    Sends {
        partition: u32,
        records: u64,
    },
    Flushes,
    /// A copy arrives and is answered, or the answer is lost.
    Arrives(Index, Reply),
    /// The producer hears nothing of a copy, which may arrive later all the same.
    GoesUnheard(Index),
    Fires(Index),
    Identified,
    Abandons,
}

#[derive(Clone, Copy, Debug)]
enum Reply {
    Told,
    Lost,
    /// Appended, but not known to be safe.
    AfterAppend,
    /// This broker does not lead, and appends nothing.
    NotLeader,
}

fn happening() -> impl Strategy<Value = Happening> {
    let reply = prop_oneof![
        6 => Just(Reply::Told), 2 => Just(Reply::Lost), 1 => Just(Reply::AfterAppend), 2 => Just(Reply::NotLeader)
    ];
    prop_oneof![
        4 => (0..2_u32, 1..3_u64).prop_map(|(partition, records)| Happening::Sends { partition, records }),
        1 => Just(Happening::Flushes),
        6 => (any::<Index>(), reply).prop_map(|(copy, reply)| Happening::Arrives(copy, reply)),
        2 => any::<Index>().prop_map(Happening::GoesUnheard),
        4 => any::<Index>().prop_map(Happening::Fires),
        2 => Just(Happening::Identified),
        1 => prop::bool::weighted(0.3).prop_map(|all| if all { Happening::Abandons } else { Happening::Flushes }),
    ]
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    prop::collection::vec(happening(), 0..100)
}

fn settings(idempotent: bool, max_in_flight: usize) -> Settings {
    Settings {
        acks: Acks::All,
        idempotent,
        transactional: false,
        max_in_flight,
        batch_records: 2,
        batch_bytes: 1000,
        buffer_bytes: 1000,
        buffer_wait: Duration::from_secs(60),
        linger: Duration::from_millis(5),
        backoff: Duration::from_millis(100),
        delivery_timeout: Duration::from_secs(120),
    }
}

struct Copy {
    batch: BatchId,
    payload: Arc<Payload>,
    /// The producer has heard what came of it.
    is_heard: bool,
}

struct World {
    /// Copies arrive in the order sent, and those that the producer hears nothing of do not arrive at all.
    in_session: bool,
    is_idempotent: bool,
    production: Production,
    copies: Vec<Copy>,
    timers: BTreeSet<Timer>,
    fates: BTreeMap<RecordId, Fate>,
    leaders: BTreeMap<Partition, (Vec<Batch>, Producers)>,
    sent: u64,
    epoch: u16,
    room: usize,
}

impl World {
    fn new(settings: Settings, defects: Defects) -> World {
        let mut world = World {
            room: settings.buffer_bytes,
            in_session: !settings.idempotent,
            is_idempotent: settings.idempotent,
            production: Production::new(settings, defects),
            copies: Vec::new(),
            timers: BTreeSet::new(),
            fates: BTreeMap::new(),
            leaders: (0..2)
                .map(|number| (partition(number), (Vec::new(), Producers::new(Defects::NONE))))
                .collect(),
            sent: 0,
            epoch: 0,
        };
        world.step(Input::Identified(ProducerIdentity::first(7))).expect("nothing was sent");
        world
    }

    fn step(&mut self, input: Input) -> Result<(), Broken> {
        let mut out = Vec::new();
        self.production.step(input, &mut out);
        for output in out {
            match output {
                Output::Send { batch, payload } => self.copies.push(Copy { batch, payload, is_heard: false }),
                Output::Report { id, fate } => {
                    if let Some(before) = self.fates.insert(id, fate) {
                        return Err(format!("reported once: {id:?} was {before:?} and is {fate:?}"));
                    }
                }
                Output::WantsIdentity => {}
                Output::SetTimer { timer, .. } => {
                    self.timers.insert(timer);
                }
                Output::CancelTimer(timer) => {
                    self.timers.remove(&timer);
                }
            }
        }
        self.has_room()
    }

    /// What the producer was given, has not told of and does not let wait is no more than there is room for.
    fn has_room(&self) -> Result<(), Broken> {
        let waits = |id| self.timers.contains(&Timer::Room(id));
        let held = (1..=self.sent).map(RecordId).filter(|id| !self.fates.contains_key(id) && !waits(*id));
        let bytes: usize = held.map(|id| record(id.0).bytes()).sum();
        if bytes <= self.room { Ok(()) } else { Err(format!("room: {bytes} bytes in {}", self.room)) }
    }

    fn happens(&mut self, happening: Happening) -> Result<(), Broken> {
        match happening {
            Happening::Sends { partition: number, records } => (0..records).try_for_each(|_| {
                self.sent += 1;
                let (id, record) = (RecordId(self.sent), record(self.sent));
                self.step(Input::Send { id, partition: partition(number), record })
            }),
            Happening::Flushes => self.step(Input::Flush),
            Happening::Abandons => self.step(Input::Abandon),
            Happening::Arrives(copy, reply) if !self.copies.is_empty() => {
                let place = if self.in_session { 0 } else { copy.index(self.copies.len()) };
                self.arrives(place, reply)
            }
            Happening::GoesUnheard(copy) if !self.copies.is_empty() => {
                let place = copy.index(self.copies.len());
                let batch = self.copies[place].batch;
                let was_heard = std::mem::replace(&mut self.copies[place].is_heard, true);
                if self.in_session {
                    self.copies.remove(place);
                }
                if was_heard {
                    Ok(())
                } else {
                    self.step(Input::Answered { batch, outcome: Outcome::NoAnswer })
                }
            }
            Happening::Fires(timer) if !self.timers.is_empty() => {
                let timer = *timer.get(&Vec::from_iter(self.timers.clone()));
                self.timers.remove(&timer);
                self.step(Input::TimerFired(timer))
            }
            Happening::Identified => {
                self.epoch += 1;
                self.step(Input::Identified(ProducerIdentity { id: 7, epoch: self.epoch }))
            }
            Happening::Arrives(..) | Happening::GoesUnheard(_) | Happening::Fires(_) => Ok(()),
        }
    }

    /// Each copy arrives at most once: a connection doubles nothing.
    fn arrives(&mut self, place: usize, reply: Reply) -> Result<(), Broken> {
        let Copy { batch, payload, is_heard } = self.copies.remove(place);
        let (log, producers) = self.leaders.get_mut(&batch.partition).expect("there are two");
        let outcome = match reply {
            Reply::NotLeader => Outcome::Refused { definitely_not_appended: true, retriable: true },
            Reply::Told | Reply::Lost | Reply::AfterAppend => match producers.check(&payload) {
                Admission::Append => {
                    let appended = append(log, Payload::clone(&payload));
                    producers.appended(appended);
                    Outcome::Appended { base: appended.base }
                }
                Admission::Duplicate { base } => Outcome::Appended { base },
                refused => Outcome::Refused {
                    definitely_not_appended: refused.definitely_not_appended(),
                    retriable: matches!(refused, Admission::OutOfOrder { .. }),
                },
            },
        };
        let outcome = match (reply, outcome) {
            (Reply::Lost, _) => Outcome::NoAnswer,
            (Reply::AfterAppend, Outcome::Appended { .. }) => {
                Outcome::Refused { definitely_not_appended: false, retriable: true }
            }
            (_, outcome) => outcome,
        };
        if is_heard { Ok(()) } else { self.step(Input::Answered { batch, outcome }) }
    }

    /// Nothing is lost any more, and every record gets its fate.
    fn calm(&mut self) -> Result<(), Broken> {
        for _ in 0..1000 {
            self.happens(Happening::Flushes)?;
            self.happens(Happening::Identified)?;
            while !self.copies.is_empty() {
                self.arrives(0, Reply::Told)?;
            }
            if self.production.is_idle() {
                break;
            }
            let backoffs = self.timers.iter().filter(|timer| matches!(timer, Timer::Backoff(_)));
            for timer in Vec::from_iter(backoffs.copied()) {
                self.timers.remove(&timer);
                self.step(Input::TimerFired(timer))?;
            }
        }
        if self.fates.len() as u64 == self.sent && self.timers.is_empty() {
            return Ok(());
        }
        Err(format!("settled: {} of {} reported, timers {:?}", self.fates.len(), self.sent, self.timers))
    }

    fn fates_are_so(&self) -> Result<(), Broken> {
        let written: Vec<_> = self
            .leaders
            .values()
            .flat_map(|(log, _)| all_records(log))
            .map(|(offset, record)| (RecordId(value_of(&record)), offset))
            .collect();
        for (id, fate) in &self.fates {
            let is_so = match fate {
                Fate::Acknowledged { offset } => {
                    offset.is_some_and(|offset| written.contains(&(*id, offset)))
                }
                Fate::DefinitelyNot | Fate::Misrouted => written.iter().all(|(other, _)| other != id),
                Fate::Unknown => true,
            };
            if !is_so {
                return Err(format!("honest: {id:?} is {fate:?}, and written are {written:?}"));
            }
        }
        Ok(())
    }

    fn records_stand_in_the_order_sent(&self) -> Result<(), Broken> {
        for (log, _) in self.leaders.values() {
            let values: Vec<u64> = all_records(log).iter().map(|(_, record)| value_of(record)).collect();
            let batches: Vec<u64> = log.iter().map(first_value).collect();
            if self.is_idempotent && !values.is_sorted_by(|one, next| one < next) {
                return Err(format!("order: {values:?}, each once"));
            }
            if !batches.is_sorted() {
                return Err(format!("order: {values:?}"));
            }
        }
        Ok(())
    }
}

fn first_value(batch: &Batch) -> u64 {
    match &batch.payload.content {
        Content::Records(records) => value_of(&records[0]),
        Content::Marker(_) | Content::Routing(_) => 0,
    }
}

fn run(happenings: Vec<Happening>, settings: Settings, defects: Defects) -> Result<(), Broken> {
    let mut world = World::new(settings, defects);
    happenings.into_iter().try_for_each(|happening| world.happens(happening))?;
    world.calm()?;
    world.fates_are_so()?;
    world.records_stand_in_the_order_sent()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_idempotent_producer_writes_each_record_once_in_order_and_says_so(
        happenings in happenings(), max_in_flight in 1..6_usize
    ) {
        prop_assert_eq!(run(happenings, settings(true, max_in_flight), Defects::NONE), Ok(()));
    }

    #[test]
    fn with_one_in_flight_records_stand_in_order_without_sequences(happenings in happenings()) {
        prop_assert_eq!(run(happenings, settings(false, 1), Defects::NONE), Ok(()));
    }
}

/// As [`settings`], with room for so many records.
fn with_room_for(records: usize, settings: Settings) -> Settings {
    Settings { buffer_bytes: records * record(0).bytes(), ..settings }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_little_room_nothing_is_lost_and_the_order_is_kept(
        happenings in happenings(), max_in_flight in 1..6_usize, records in 1..8_usize
    ) {
        let idempotent = with_room_for(records, settings(true, max_in_flight));
        prop_assert_eq!(run(happenings.clone(), idempotent, Defects::NONE), Ok(()));
        let one_at_a_time = with_room_for(records, settings(false, 1));
        prop_assert_eq!(run(happenings, one_at_a_time, Defects::NONE), Ok(()));
    }
}

#[test]
fn who_makes_room_by_dropping_the_oldest_leaves_somebody_without_an_answer() {
    let defects = Defects::of([Defect::FullBufferDropsOldest]);
    let little = with_room_for(2, settings(true, 5));
    convicts("settled", happenings(), |happenings| run(happenings, little.clone(), defects));
}

#[test]
fn with_several_in_flight_and_no_sequence_a_retry_falls_behind() {
    let defects = Defects::of([Defect::InFlightWithoutSequence]);
    convicts("order", happenings(), |happenings| run(happenings, settings(true, 5), defects));
    convicts("order", happenings(), |happenings| run(happenings, settings(false, 1), defects));
}

#[test]
fn who_takes_after_the_append_for_definitely_not_is_wrong() {
    let defects = Defects::of([Defect::AfterAppendIsDefinite]);
    convicts("honest", happenings(), |happenings| run(happenings, settings(true, 5), defects));
}

fn steps(production: &mut Production, inputs: impl IntoIterator<Item = Input>) -> Vec<Output> {
    let mut out = Vec::new();
    inputs.into_iter().for_each(|input| production.step(input, &mut out));
    out
}

fn send(id: u64) -> Input {
    Input::Send { id: RecordId(id), partition: partition(0), record: record(id) }
}

fn sizes(out: &[Output]) -> Vec<u64> {
    out.iter().filter_map(|output| Some(as_sent(output)?.offsets())).collect()
}

fn as_sent(output: &Output) -> Option<&Payload> {
    match output {
        Output::Send { payload, .. } => Some(payload),
        _ => None,
    }
}

#[test]
fn with_acks_none_a_record_is_acknowledged_when_it_is_sent() {
    let settings = Settings { acks: Acks::None, ..settings(false, 1) };
    let mut production = Production::new(settings, Defects::NONE);
    let out = steps(&mut production, [send(1), send(2)]);
    assert_eq!(sizes(&out), [2]);
    let fate = Fate::Acknowledged { offset: None };
    assert!(out.contains(&Output::Report { id: RecordId(2), fate }), "{out:?}");
    assert!(production.is_idle());
}

#[test]
fn a_batch_ends_by_count_by_size_and_by_linger() {
    let settings = Settings { batch_records: 3, batch_bytes: 20, ..settings(false, 5) };
    let mut production = Production::new(settings, Defects::NONE);
    assert_eq!(sizes(&steps(&mut production, [send(1), send(2)])), [0; 0]);
    assert_eq!(sizes(&steps(&mut production, [send(3)])), [2], "three records have 24 bytes");
    let lingers = Timer::Linger(BatchId { partition: partition(0), number: 2 });
    assert_eq!(sizes(&steps(&mut production, [Input::TimerFired(lingers)])), [1]);
    assert_eq!(sizes(&steps(&mut production, [Input::TimerFired(lingers)])), [0; 0]);
}

#[test]
fn nothing_is_sent_beyond_what_may_be_in_flight() {
    let mut production = Production::new(settings(false, 2), Defects::NONE);
    let out = steps(&mut production, (1..=10).map(send));
    assert_eq!(sizes(&out), [2, 2]);
}

#[test]
fn a_newer_epoch_is_used_when_all_of_the_older_one_is_done() {
    let mut production = Production::new(settings(true, 5), Defects::NONE);
    let identity = |epoch| Input::Identified(ProducerIdentity { id: 7, epoch });
    let stamps = |out: &[Output]| -> Vec<(u16, u32)> {
        let stamps = out.iter().filter_map(|output| as_sent(output)?.producer);
        stamps.map(|stamp| (stamp.epoch, stamp.sequence)).collect()
    };
    let sent = steps(&mut production, [identity(0), send(1), send(2), identity(1), send(3), send(4)]);
    assert_eq!(stamps(&sent), [(0, 0)]);
    let batch = BatchId { partition: partition(0), number: 1 };
    let outcome = Outcome::Appended { base: Offset(0) };
    let answered = steps(&mut production, [Input::Answered { batch, outcome }, send(5), send(6)]);
    assert_eq!(stamps(&answered), [(1, 0), (1, 2)]);
}

#[test]
fn a_batch_given_up_leaves_a_gap_that_a_newer_epoch_closes() {
    let mut production = Production::new(settings(true, 5), Defects::NONE);
    let first = Input::Identified(ProducerIdentity::first(7));
    steps(&mut production, [first, send(1), send(2)]);
    let batch = BatchId { partition: partition(0), number: 1 };
    let late = steps(&mut production, [Input::TimerFired(Timer::Delivery(batch)), send(3), send(4)]);
    assert!(late.contains(&Output::Report { id: RecordId(1), fate: Fate::Unknown }), "{late:?}");
    assert!(late.contains(&Output::WantsIdentity), "{late:?}");
    assert_eq!(sizes(&late), [0; 0]);
    let next = Input::Identified(ProducerIdentity::first(7).next());
    assert_eq!(sizes(&steps(&mut production, [next])), [2]);
}

#[test]
fn nothing_is_sent_that_would_make_leaders_forget_a_batch_without_an_answer() {
    let mut production = Production::new(settings(true, 5), Defects::NONE);
    let first = Input::Identified(ProducerIdentity::first(7));
    let sent = steps(&mut production, std::iter::once(first).chain((1..=20).map(send)));
    assert_eq!(sizes(&sent), [2; 5]);
    let appended = |number| Input::Answered {
        batch: BatchId { partition: partition(0), number },
        outcome: Outcome::Appended { base: Offset(2 * (number - 1)) },
    };
    assert_eq!(sizes(&steps(&mut production, (2..=5).map(appended))), [0; 0], "the first has no answer");
    assert_eq!(sizes(&steps(&mut production, [appended(1)])), [2; 5]);
}

#[test]
fn what_is_misrouted_is_handed_back_with_all_behind_it_and_the_next_takes_its_sequence() {
    let mut production = Production::new(Settings { batch_records: 1, ..settings(true, 5) }, Defects::NONE);
    let mut out = steps(&mut production, [Input::Identified(ProducerIdentity::first(7))]);
    out.extend(steps(&mut production, [send(1), send(2), send(3)]));
    let batches: Vec<BatchId> = out
        .iter()
        .filter_map(|output| match output {
            Output::Send { batch, .. } => Some(*batch),
            _ => None,
        })
        .collect();
    assert_eq!(batches.len(), 3);
    // The first may be there; the second is not, and so the third is not.
    let unheard = Input::Answered { batch: batches[0], outcome: Outcome::NoAnswer };
    let misrouted = Input::Answered { batch: batches[1], outcome: Outcome::Misrouted };
    let reports = reported(&steps(&mut production, [unheard, misrouted]));
    assert_eq!(reports, [(RecordId(2), Fate::Misrouted), (RecordId(3), Fate::Misrouted)]);
    let settled = Input::Answered { batch: batches[0], outcome: Outcome::Appended { base: Offset(4) } };
    let again = steps(&mut production, [Input::TimerFired(Timer::Backoff(batches[0])), settled, send(4)]);
    assert_eq!(reported(&again), [(RecordId(1), Fate::Acknowledged { offset: Some(Offset(4)) })]);
    let sequences: Vec<u32> =
        again.iter().filter_map(as_sent).filter_map(|payload| Some(payload.producer?.sequence)).collect();
    assert_eq!(sequences, [0, 1], "the first once more, and then the next in place of the second");
}

#[test]
fn without_sequences_what_may_be_written_waits_for_its_own_answer() {
    let mut production = Production::new(Settings { batch_records: 1, ..settings(false, 2) }, Defects::NONE);
    let out = steps(&mut production, [send(1), send(2), send(3)]);
    let batches: Vec<BatchId> = out
        .iter()
        .filter_map(|output| match output {
            Output::Send { batch, .. } => Some(*batch),
            _ => None,
        })
        .collect();
    let misrouted = Input::Answered { batch: batches[0], outcome: Outcome::Misrouted };
    let reports = reported(&steps(&mut production, [misrouted]));
    assert_eq!(reports, [(RecordId(1), Fate::Misrouted), (RecordId(3), Fate::Misrouted)]);
    assert!(production.is_in_flight(batches[1]));
}

#[test]
fn without_sequences_nobody_knows_of_what_an_earlier_attempt_may_have_written() {
    let mut production = Production::new(Settings { batch_records: 1, ..settings(false, 1) }, Defects::NONE);
    let out = steps(&mut production, [send(1)]);
    let Some(Output::Send { batch, .. }) = out.iter().find(|output| as_sent(output).is_some()) else {
        panic!("it is sent at once: {out:?}")
    };
    let unheard = Input::Answered { batch: *batch, outcome: Outcome::NoAnswer };
    let again = Input::TimerFired(Timer::Backoff(*batch));
    let misrouted = Input::Answered { batch: *batch, outcome: Outcome::Misrouted };
    let reports = reported(&steps(&mut production, [unheard, again, misrouted]));
    assert_eq!(reports, [(RecordId(1), Fate::Unknown)], "this attempt wrote nothing, the first one may have");
}

fn reported(out: &[Output]) -> Vec<(RecordId, Fate)> {
    let report = |output: &Output| match output {
        Output::Report { id, fate } => Some((*id, *fate)),
        _ => None,
    };
    out.iter().filter_map(report).collect()
}

#[test]
fn a_record_that_finds_no_room_waits_until_there_is_some() {
    let little = with_room_for(2, Settings { batch_records: 4, ..settings(false, 1) });
    let mut production = Production::new(little, Defects::NONE);
    assert_eq!(sizes(&steps(&mut production, [send(1), send(2)])), [0; 0], "they wait for more");
    let out = steps(&mut production, [send(3)]);
    assert!(production.waits_for_room(RecordId(3)).is_some());
    assert_eq!(sizes(&out), [2], "nothing waits for more while somebody waits for room");
    let (batch, base) = (BatchId { partition: partition(0), number: 1 }, Offset(0));
    let out = steps(&mut production, [Input::Answered { batch, outcome: Outcome::Appended { base } }]);
    assert!(production.waits_for_room(RecordId(3)).is_none());
    assert!(out.contains(&Output::CancelTimer(Timer::Room(RecordId(3)))), "{out:?}");
}

#[test]
fn a_record_that_waits_too_long_is_definitely_not_written_and_those_behind_it_go_on() {
    let mut production = Production::new(with_room_for(1, settings(false, 1)), Defects::NONE);
    steps(&mut production, (1..=3).map(send));
    let refused = Output::Report { id: RecordId(2), fate: Fate::DefinitelyNot };
    let fires = || Input::TimerFired(Timer::Room(RecordId(2)));
    assert_eq!(steps(&mut production, [fires()]), [refused]);
    assert_eq!(steps(&mut production, [fires()]), [], "a stale one does nothing");
    let (batch, base) = (BatchId { partition: partition(0), number: 1 }, Offset(0));
    let out = steps(&mut production, [Input::Answered { batch, outcome: Outcome::Appended { base } }]);
    assert!(out.contains(&Output::CancelTimer(Timer::Room(RecordId(3)))), "{out:?}");
}

#[test]
fn a_record_that_is_larger_than_the_buffer_has_it_to_itself() {
    let tight = Settings { buffer_bytes: 4, ..settings(false, 5) };
    let mut production = Production::new(tight, Defects::NONE);
    steps(&mut production, [send(1)]);
    assert!(production.waits_for_room(RecordId(1)).is_none());
    steps(&mut production, [send(2)]);
    assert!(production.waits_for_room(RecordId(2)).is_some());
}
