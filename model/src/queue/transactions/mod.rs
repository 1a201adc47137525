//! The transaction coordinator: the state of the transactional ids of one partition of [`Topic::Transactions`](super::partition::Topic::Transactions)
//! (KIP-98, KIP-360, KIP-890).
//!
//! ```text
//!            add partitions              end, or its time is out,           every partition
//!            (persisted)                 or another initialises             has its marker
//!   Empty ────────────────▶ Ongoing ──────────────────────────▶ Prepare ────────────────────▶ Complete, Empty
//!     ▲                                                        (persisted: decided)               │
//!     └──────────────────────────────── initialise ───────────────────────────────────────────────┘
//! ```
//!
//! The end of a transaction is decided when its `Prepare` is persisted: from then on nothing but the same verdict is
//! written to any partition, by this coordinator or by the next. Kafka answers the producer then; here it is answered
//! when `Complete` is persisted, so that it may use the epoch in the answer at once, and a read-committed consumer that
//! is asked after the answer sees the records. The price is the markers' round trip.
//!
//! A transaction's markers have its epoch plus one, and that is the producer's epoch afterwards. So an epoch names one
//! transaction, a repeated marker is known by its epoch, and whatever comes late for an ended transaction (a batch,
//! an end, a marker) is older than what stands there.
//!
//! One entry per id is written at a time. Who asks meanwhile is told to come again.

mod decide;
mod entry;
mod step;

use decide::Decision;
pub use entry::{After, Entry, Prepared, State, TransactionalId};
pub use step::{Answer, Input, Output, Refusal, RequestId, Timer, TimerKind, WriteId};

use super::defects::{Defect, Defects};
use super::identity::ProducerIdentity;
use super::partition::Partition;
use super::record::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long to wait before an entry that must be persisted is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// The coordinator of some transactional ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transactions {
    defects: Defects,
    ids: BTreeMap<TransactionalId, Slot>,
    /// How many entries it has given to its log.
    writes: u64,
}

/// One transactional id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Slot {
    /// The newest that is persisted.
    entry: Option<Entry>,
    /// The one that is being persisted.
    writing: Option<(WriteId, Entry)>,
    /// Who is answered when the write, and what follows from it, is done.
    waiting: Vec<RequestId>,
    /// While it is prepared: the partitions whose marker is not known to be written.
    unmarked: BTreeSet<Partition>,
    /// Its timer fired during a write.
    overdue: bool,
}

impl Transactions {
    /// A coordinator of ids that nobody has used.
    pub fn new(defects: Defects) -> Transactions {
        Transactions { defects, ids: BTreeMap::new(), writes: 0 }
    }

    /// The coordinator after these entries, all that were persisted, in the order of the log: of each id the last
    /// counts. What was prepared goes on writing its markers; what is open has its whole timeout again, for nobody knows
    /// how much of it has gone by. To be called once the log has been read to its end, and in a new leader's time alone,
    /// so that its predecessor persists nothing more.
    pub fn recover(
        defects: Defects,
        entries: impl IntoIterator<Item = Entry>,
        out: &mut Vec<Output>,
    ) -> Transactions {
        let mut transactions = Transactions::new(defects);
        for entry in entries {
            let slot = transactions.slot(entry.id);
            slot.entry = Some(entry);
        }
        let ids: Vec<TransactionalId> = transactions.ids.keys().copied().collect();
        ids.into_iter().for_each(|id| transactions.entered(id, true, out));
        transactions
    }

    /// What is persisted of an id.
    pub fn entry(&self, id: TransactionalId) -> Option<&Entry> {
        self.ids.get(&id)?.entry.as_ref()
    }

    /// Takes one input. What is to be done about it is added to `out`, in the order in which to do it.
    pub fn step(&mut self, input: Input, out: &mut Vec<Output>) {
        let unknown = Slot::default();
        match input {
            Input::Initialise { request, id, timeout, known, fresh_producer_id } => {
                let decision =
                    self.ids.get(&id).unwrap_or(&unknown).initialise(id, timeout, known, fresh_producer_id);
                self.do_for(request, id, decision, out);
            }
            Input::AddPartitions { request, id, producer, partitions } => {
                let decision = self.ids.get(&id).unwrap_or(&unknown).add_partitions(producer, partitions);
                self.do_for(request, id, decision, out);
            }
            Input::Verify { request, id, producer, partition } => {
                let decision = self.ids.get(&id).unwrap_or(&unknown).verify(producer, partition);
                self.do_for(request, id, decision, out);
            }
            Input::End { request, id, producer, verdict } => {
                let decision = self.ids.get(&id).unwrap_or(&unknown).end(producer, verdict);
                self.do_for(request, id, decision, out);
            }
            Input::MarkerWritten { id, producer, partition } => {
                self.marker_written(id, producer, partition, out);
            }
            Input::Persisted(write) => self.persisted(write, out),
            Input::NotPersisted(write) => self.not_persisted(write, out),
            Input::TimerFired(timer) => self.timer_fired(timer, out),
        }
    }

    fn slot(&mut self, id: TransactionalId) -> &mut Slot {
        self.ids.entry(id).or_default()
    }

    fn do_for(
        &mut self,
        request: RequestId,
        id: TransactionalId,
        decision: Result<Decision, Refusal>,
        out: &mut Vec<Output>,
    ) {
        match decision {
            Ok(Decision::Answer(answer)) => out.push(Output::Answer { request, result: Ok(answer) }),
            Ok(Decision::Persist(entry)) => {
                self.slot(id).waiting.push(request);
                self.persist(entry, out);
            }
            Ok(Decision::Join) => self.slot(id).waiting.push(request),
            Err(refusal) => out.push(Output::Answer { request, result: Err(refusal) }),
        }
    }

    fn persist(&mut self, entry: Entry, out: &mut Vec<Output>) {
        self.writes += 1;
        let write = WriteId { id: entry.id, number: self.writes };
        let before = self.slot(entry.id).writing.replace((write, entry.clone()));
        assert_eq!(before, None, "one entry of an id is written at a time");
        out.push(Output::Persist { write, entry });
    }

    fn persisted(&mut self, write: WriteId, out: &mut Vec<Output>) {
        let slot = self.slot(write.id);
        let Some((_, entry)) = slot.writing.take_if(|(writing, _)| *writing == write) else { return };
        let before = slot.entry.replace(entry);
        let began = !before.is_some_and(|before| matches!(before.state, State::Ongoing { .. }));
        self.entered(write.id, began, out);
    }

    /// The id is in another state, and that is persisted: who waits for it is answered, and what follows is begun.
    fn entered(&mut self, id: TransactionalId, began: bool, out: &mut Vec<Output>) {
        let defects = self.defects;
        let slot = self.slot(id);
        let entry = slot.entry.as_ref().expect("what was entered is persisted");
        let (producer, timeout) = (entry.producer, entry.timeout);
        match &entry.state {
            State::Empty { .. } => slot.answer(Ok(Answer::Initialised(producer)), out),
            State::Complete { .. } => slot.answer(Ok(Answer::Ended(producer)), out),
            State::Ongoing { .. } => {
                slot.answer(Ok(Answer::Added), out);
                if began {
                    let timer = Timer { id, producer, kind: TimerKind::TooOld };
                    out.push(Output::SetTimer { timer, after: timeout });
                }
                self.abort_if_overdue(id, out);
            }
            State::Prepare(Prepared { ended, verdict, partitions, .. }) => {
                let (ended, verdict, mut unmarked) = (*ended, *verdict, partitions.clone());
                if unmarked.len() > 1 && defects.has(Defect::MarkerMissing) {
                    unmarked.pop_last();
                }
                slot.overdue = false;
                slot.unmarked = unmarked;
                out.push(Output::CancelTimer(Timer { id, producer: ended, kind: TimerKind::TooOld }));
                out.extend(slot.unmarked.iter().map(|&partition| Output::WriteMarker {
                    id,
                    partition,
                    producer: ended.next(),
                    verdict,
                }));
            }
        }
    }

    fn marker_written(
        &mut self,
        id: TransactionalId,
        producer: ProducerIdentity,
        partition: Partition,
        out: &mut Vec<Output>,
    ) {
        let slot = self.slot(id);
        let of_it = slot.prepared().is_some_and(|prepared| prepared.ended.next() == producer);
        if of_it && slot.unmarked.remove(&partition) {
            self.conclude_if_marked(id, out);
        }
    }

    fn conclude_if_marked(&mut self, id: TransactionalId, out: &mut Vec<Output>) {
        let slot = self.slot(id);
        if let (Some(prepared), Some(entry)) = (slot.prepared(), &slot.entry)
            && slot.unmarked.is_empty()
        {
            let concluded = prepared.concluded(entry);
            self.persist(concluded, out);
        }
    }

    fn abort_if_overdue(&mut self, id: TransactionalId, out: &mut Vec<Output>) {
        let slot = self.slot(id);
        if let (Some(entry), None, true) = (&slot.entry, &slot.writing, slot.overdue) {
            let aborted = entry.ended(Verdict::Abort);
            self.persist(aborted, out);
        }
    }

    /// The end of a transaction that is decided must be persisted, and the abort of one that is too old: both are tried
    /// again. All else is for those who asked to try again.
    fn not_persisted(&mut self, write: WriteId, out: &mut Vec<Output>) {
        let slot = self.slot(write.id);
        if slot.writing.take_if(|(writing, _)| *writing == write).is_none() {
            return;
        }
        if slot.prepared().is_none() {
            slot.answer(Err(Refusal::NotPersisted), out);
        }
        if let Some(entry) = slot.entry.as_ref().filter(|_| slot.overdue || slot.prepared().is_some()) {
            let timer = Timer { id: write.id, producer: entry.producer, kind: TimerKind::Again };
            out.push(Output::SetTimer { timer, after: AGAIN_AFTER });
        }
    }

    fn timer_fired(&mut self, timer: Timer, out: &mut Vec<Output>) {
        let slot = self.slot(timer.id);
        let Some(entry) = slot.entry.as_ref().filter(|entry| entry.producer == timer.producer) else {
            return;
        };
        match (timer.kind, &entry.state) {
            (TimerKind::TooOld, State::Ongoing { .. }) => {
                slot.overdue = true;
                self.abort_if_overdue(timer.id, out);
            }
            (TimerKind::Again, State::Ongoing { .. }) => self.abort_if_overdue(timer.id, out),
            (TimerKind::Again, State::Prepare(_)) if slot.writing.is_none() => {
                self.conclude_if_marked(timer.id, out);
            }
            _ => {}
        }
    }
}

impl Slot {
    fn prepared(&self) -> Option<&Prepared> {
        match &self.entry.as_ref()?.state {
            State::Prepare(prepared) => Some(prepared),
            State::Empty { .. } | State::Ongoing { .. } | State::Complete { .. } => None,
        }
    }

    /// Answers everybody who waits.
    fn answer(&mut self, result: Result<Answer, Refusal>, out: &mut Vec<Output>) {
        let waiting = std::mem::take(&mut self.waiting);
        out.extend(waiting.into_iter().map(|request| Output::Answer { request, result }));
    }
}
