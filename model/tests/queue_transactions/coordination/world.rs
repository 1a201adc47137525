//! Everything around the coordinator, and what must hold of it.

use super::producer::Producer;
use super::{Happening, Write};
use crate::makings::{Broken, append, end_of, marker, partition};
use proptest::sample::Index;
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::identity::ProducerIdentity;
use rehearsal_model::queue::partition::Partition;
use rehearsal_model::queue::producers::{Admission, Producers};
use rehearsal_model::queue::reading::{Isolation, View};
use rehearsal_model::queue::record::{Batch, Content, Payload, Verdict};
use rehearsal_model::queue::transactions::{
    Answer, Entry, Input, Output, Refusal, RequestId, State, Timer, TransactionalId, Transactions, WriteId,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

type Marker = (TransactionalId, Partition, ProducerIdentity, bool);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asker {
    Producer(usize),
    Leader(Partition, ProducerIdentity),
}

struct Asked {
    asker: Asker,
    input: Input,
    is_answered: bool,
    /// By which coordinator of those after one another.
    life: u32,
}

struct World {
    defects: Defects,
    coordinator: Transactions,
    life: u32,
    log: Vec<Entry>,
    writing: VecDeque<(WriteId, Entry)>,
    markers: BTreeSet<Marker>,
    /// All that were ever to be written.
    ever: Vec<Marker>,
    timers: BTreeSet<Timer>,
    leaders: BTreeMap<Partition, (Vec<Batch>, Producers)>,
    producers: Vec<Producer>,
    asked: Vec<Asked>,
    batches: Vec<(Partition, TransactionalId, Payload)>,
    verifications: Vec<(Partition, ProducerIdentity)>,
    owners: BTreeMap<ProducerIdentity, usize>,
    /// The last that was initialised under each id, and whose it is.
    newest: BTreeMap<TransactionalId, (ProducerIdentity, usize)>,
    told: BTreeMap<ProducerIdentity, Verdict>,
    fresh_producer_id: u64,
}

pub fn run(epoch: u16, happenings: Vec<Happening>, defects: Defects) -> Result<(), Broken> {
    let mut world = World::new(epoch, defects);
    happenings.into_iter().try_for_each(|happening| world.happens(happening))?;
    world.calm()?;
    world.everybody_is_answered()?;
    world.each_transaction_has_one_verdict()
}

impl World {
    /// The ids 0 and 1 are known already, under this epoch, and nobody knows who they were.
    fn new(epoch: u16, defects: Defects) -> World {
        let known = |id| Entry {
            id: TransactionalId(id),
            producer: ProducerIdentity { id, epoch },
            timeout: Duration::from_secs(60),
            state: State::Empty { known: None },
        };
        let log: Vec<Entry> = (0..2).map(known).collect();
        let producers = [0, 0, 1].map(|id| Producer::new(TransactionalId(id)));
        World {
            defects,
            coordinator: Transactions::recover(defects, log.clone(), &mut Vec::new()),
            life: 0,
            log,
            writing: VecDeque::new(),
            markers: BTreeSet::new(),
            ever: Vec::new(),
            timers: BTreeSet::new(),
            leaders: (0..3)
                .map(|number| (partition(number), (Vec::new(), Producers::new(Defects::NONE))))
                .collect(),
            producers: producers.into(),
            asked: Vec::new(),
            batches: Vec::new(),
            verifications: Vec::new(),
            owners: BTreeMap::new(),
            newest: BTreeMap::new(),
            told: BTreeMap::new(),
            fresh_producer_id: 10,
        }
    }

    fn happens(&mut self, happening: Happening) -> Result<(), Broken> {
        match happening {
            Happening::Initialises { producer, says_who } => self.initialises(producer, says_who),
            Happening::Adds { producer, partitions } => self.adds(producer, &partitions),
            Happening::Ends(producer, verdict) => self.ends(producer, verdict),
            Happening::AsksAgain(which) => {
                let Some(Asked { asker, input, .. }) = chosen(&self.asked, which) else { return Ok(()) };
                self.asks(*asker, input.clone())
            }
            Happening::Produces(producer, number) => {
                self.produces(producer, number);
                Ok(())
            }
            Happening::Arrives(which) => match chosen(&self.batches, which).cloned() {
                Some((partition, id, payload)) => self.arrives(partition, id, payload),
                None => Ok(()),
            },
            Happening::Verifies(which) => match chosen(&self.batches, which).cloned() {
                Some((partition, id, payload)) => self.verifies(partition, id, &payload),
                None => Ok(()),
            },
            Happening::VerificationArrives(which) => {
                if let Some((partition, identity)) = chosen(&self.verifications, which).copied() {
                    self.leader(partition).1.verified(identity);
                }
                Ok(())
            }
            Happening::Writes(write) => self.writes(write),
            Happening::Marks(which, is_heard) => {
                let markers = Vec::from_iter(self.markers.iter().copied());
                chosen(&markers, which).map_or(Ok(()), |marker| self.marks(*marker, is_heard))
            }
            Happening::LateMarker(which) => {
                let Some(marker) = chosen(&self.ever, which).copied() else { return Ok(()) };
                self.markers.insert(marker);
                self.marks(marker, true)
            }
            Happening::Fires(which) => {
                let timers = Vec::from_iter(self.timers.iter().copied());
                chosen(&timers, which).map_or(Ok(()), |timer| self.fires(*timer))
            }
            Happening::Crashes(kept) => self.crashes(kept),
            Happening::Works { producer, partitions } => self.works(producer, &partitions),
            Happening::Settles => self.settles(),
        }
    }

    fn leader(&mut self, partition: Partition) -> &mut (Vec<Batch>, Producers) {
        self.leaders.get_mut(&partition).expect("each partition has a leader")
    }

    // ---- what producers and leaders ask ----

    fn initialises(&mut self, producer: usize, says_who: bool) -> Result<(), Broken> {
        self.fresh_producer_id += 1;
        let Producer { id, identity, .. } = self.producers[producer];
        let input = Input::Initialise {
            request: RequestId(0),
            id,
            timeout: Duration::from_secs(60),
            known: identity.filter(|_| says_who),
            fresh_producer_id: self.fresh_producer_id,
        };
        self.asks(Asker::Producer(producer), input)
    }

    fn adds(&mut self, asker: usize, partitions: &BTreeSet<u32>) -> Result<(), Broken> {
        let Producer { id, identity: Some(producer), .. } = self.producers[asker] else { return Ok(()) };
        let partitions = partitions.iter().copied().map(partition).collect();
        let input = Input::AddPartitions { request: RequestId(0), id, producer, partitions };
        self.asks(Asker::Producer(asker), input)
    }

    fn ends(&mut self, asker: usize, verdict: Verdict) -> Result<(), Broken> {
        let Producer { id, identity: Some(producer), .. } = self.producers[asker] else { return Ok(()) };
        self.asks(Asker::Producer(asker), Input::End { request: RequestId(0), id, producer, verdict })
    }

    fn verifies(
        &mut self,
        partition: Partition,
        id: TransactionalId,
        payload: &Payload,
    ) -> Result<(), Broken> {
        let producer: ProducerIdentity = payload.producer.expect("it is stamped").into();
        let input = Input::Verify { request: RequestId(0), id, producer, partition };
        self.asks(Asker::Leader(partition, producer), input)
    }

    fn asks(&mut self, asker: Asker, mut input: Input) -> Result<(), Broken> {
        let number = RequestId(self.asked.len() as u64);
        if let Input::Initialise { request, .. }
        | Input::AddPartitions { request, .. }
        | Input::Verify { request, .. }
        | Input::End { request, .. } = &mut input
        {
            *request = number;
        }
        self.asked.push(Asked { asker, input: input.clone(), is_answered: false, life: self.life });
        self.step(input)
    }

    fn produces(&mut self, producer: usize, number: u32) {
        let value = self.batches.len() as u64;
        let producer = &mut self.producers[producer];
        let batch = producer.batch(partition(number), value);
        self.batches.extend(batch.map(|batch| (partition(number), producer.id, batch)));
    }

    fn arrives(&mut self, at: Partition, id: TransactionalId, payload: Payload) -> Result<(), Broken> {
        let identity: ProducerIdentity = payload.producer.expect("it is stamped").into();
        let (log, producers) = self.leader(at);
        if producers.check(&payload) == Admission::Append {
            producers.appended(append(log, payload));
            return self.is_not_replaced(id, identity);
        }
        Ok(())
    }

    // ---- what the coordinator wants ----

    fn step(&mut self, input: Input) -> Result<(), Broken> {
        let mut out = Vec::new();
        self.coordinator.step(input, &mut out);
        self.does(out)
    }

    fn does(&mut self, out: Vec<Output>) -> Result<(), Broken> {
        for output in out {
            match output {
                Output::Answer { request, result } => self.is_answered(request, result)?,
                Output::Persist { write, entry } => self.writing.push_back((write, entry)),
                Output::WriteMarker { id, partition, producer, verdict } => {
                    let marker = (id, partition, producer, verdict == Verdict::Commit);
                    self.markers.insert(marker);
                    self.ever.push(marker);
                }
                Output::SetTimer { timer, .. } => {
                    self.timers.insert(timer);
                }
                Output::CancelTimer(timer) => {
                    self.timers.remove(&timer);
                }
            }
        }
        Ok(())
    }

    fn is_answered(&mut self, request: RequestId, result: Result<Answer, Refusal>) -> Result<(), Broken> {
        let asked = &mut self.asked[request.0 as usize];
        if std::mem::replace(&mut asked.is_answered, true) || asked.life != self.life {
            return Err(format!("answered once: {:?}", asked.input));
        }
        let (asker, input) = (asked.asker, asked.input.clone());
        let Ok(answer) = result else { return Ok(()) };
        match (asker, &input) {
            (Asker::Producer(asker), Input::AddPartitions { id, producer, partitions, .. }) => {
                self.is_heard(*id, *producer, asker)?;
                let state = self.coordinator.entry(*id).map(|entry| &entry.state);
                if !matches!(state, Some(State::Ongoing { partitions: all }) if partitions.is_subset(all)) {
                    return Err(format!("persisted first: {partitions:?}, and there is {state:?}"));
                }
            }
            (Asker::Producer(asker), Input::End { id, producer, verdict, .. }) => {
                self.is_heard(*id, *producer, asker)?;
                if *self.told.entry(*producer).or_insert(*verdict) != *verdict {
                    return Err(format!("one verdict: {producer} was told both"));
                }
            }
            (Asker::Leader(partition, identity), _) => self.verifications.push((partition, identity)),
            _ => {}
        }
        if let (Asker::Producer(asker), Answer::Initialised(identity) | Answer::Ended(identity)) =
            (asker, answer)
        {
            self.earlier_ones_have_their_markers(identity)?;
            if *self.owners.entry(identity).or_insert(asker) != asker {
                return Err(format!("alone: two producers are {identity}"));
            }
            let id = self.producers[asker].id;
            let newest = self.newest.entry(id).or_insert((identity, asker));
            *newest = (*newest).max((identity, asker));
            self.producers[asker].becomes(identity);
        }
        Ok(())
    }

    /// Who goes on is told so when everything earlier under its id has ended everywhere.
    fn earlier_ones_have_their_markers(&self, now: ProducerIdentity) -> Result<(), Broken> {
        for (partition, (log, producers)) in &self.leaders {
            let open = log.iter().find(|batch| batch.base == producers.last_stable(end_of(log)));
            let identity = open.and_then(|batch| batch.payload.producer).map(ProducerIdentity::from);
            if identity.is_some_and(|open| open.id == now.id && open < now) {
                return Err(format!("markers first: {now} goes on, and {identity:?} is open in {partition}"));
            }
        }
        Ok(())
    }

    /// Nobody is heard once another was told that it goes on with the id.
    fn is_heard(&self, id: TransactionalId, producer: ProducerIdentity, asker: usize) -> Result<(), Broken> {
        let newest = self.newest.get(&id).filter(|(newest, owner)| *newest > producer && *owner != asker);
        newest.map_or(Ok(()), |newest| Err(format!("replaced: {producer} by {newest:?}, and is heard")))
    }

    fn is_not_replaced(&self, id: TransactionalId, producer: ProducerIdentity) -> Result<(), Broken> {
        let newest = self.newest.get(&id).filter(|(newest, _)| *newest > producer);
        newest.map_or(Ok(()), |newest| Err(format!("replaced: {producer} by {newest:?}, and writes")))
    }

    fn writes(&mut self, write: Write) -> Result<(), Broken> {
        let Some((name, entry)) = self.writing.pop_front() else { return Ok(()) };
        match write {
            Write::Persisted => {
                self.log.push(entry);
                self.step(Input::Persisted(name))
            }
            Write::Lost => self.step(Input::NotPersisted(name)),
            Write::Doubted => {
                self.log.push(entry);
                self.step(Input::NotPersisted(name))
            }
        }
    }

    fn marks(&mut self, written: Marker, is_heard: bool) -> Result<(), Broken> {
        let (id, at, producer, commits) = written;
        let payload = marker(producer, if commits { Verdict::Commit } else { Verdict::Abort });
        let (log, producers) = self.leader(at);
        if producers.check(&payload) == Admission::Append {
            producers.appended(append(log, payload));
        }
        if is_heard && self.markers.remove(&written) {
            self.step(Input::MarkerWritten { id, producer, partition: at })?;
        }
        Ok(())
    }

    fn fires(&mut self, timer: Timer) -> Result<(), Broken> {
        self.timers.remove(&timer);
        self.step(Input::TimerFired(timer))
    }

    fn crashes(&mut self, kept: Index) -> Result<(), Broken> {
        let kept = kept.index(self.writing.len() + 1);
        self.log.extend(self.writing.drain(..).map(|(_, entry)| entry).take(kept));
        self.markers.clear();
        self.timers.clear();
        self.life += 1;
        let mut out = Vec::new();
        self.coordinator = Transactions::recover(self.defects, self.log.clone(), &mut out);
        self.does(out)
    }

    // ---- when nothing goes wrong ----

    fn settles(&mut self) -> Result<(), Broken> {
        while !(self.writing.is_empty() && self.markers.is_empty()) {
            self.writes(Write::Persisted)?;
            if let Some(marker) = self.markers.first().copied() {
                self.marks(marker, true)?;
            }
        }
        Ok(())
    }

    fn works(&mut self, producer: usize, partitions: &BTreeSet<u32>) -> Result<(), Broken> {
        self.settles()?;
        self.adds(producer, partitions)?;
        self.settles()?;
        for number in partitions {
            self.produces(producer, *number);
            let Some((partition, id, payload)) = self.batches.last().cloned() else { return Ok(()) };
            self.verifies(partition, id, &payload)?;
            if let Some((partition, identity)) = self.verifications.last().copied() {
                self.leader(partition).1.verified(identity);
            }
            self.arrives(partition, id, payload)?;
        }
        Ok(())
    }

    /// Nothing goes wrong any more, and every transaction becomes too old.
    fn calm(&mut self) -> Result<(), Broken> {
        for _ in 0..10 {
            self.settles()?;
            while let Some(timer) = self.timers.first().copied() {
                self.fires(timer)?;
            }
        }
        let is_open = |id: &u64| {
            let entry = self.coordinator.entry(TransactionalId(*id)).expect("both ids are known");
            matches!(entry.state, State::Ongoing { .. } | State::Prepare(_))
        };
        let open = (0..2).find(is_open);
        open.map_or(Ok(()), |id| Err(format!("one verdict: the transaction of id {id} does not end")))
    }

    fn everybody_is_answered(&self) -> Result<(), Broken> {
        let waits = self.asked.iter().find(|asked| asked.life == self.life && !asked.is_answered);
        waits.map_or(Ok(()), |asked| Err(format!("answered once: {:?} waits", asked.input)))
    }

    /// Of each transaction all markers say the same and what its producer was told, and each partition shows its records
    /// accordingly.
    fn each_transaction_has_one_verdict(&self) -> Result<(), Broken> {
        let mut verdicts = self.told.clone();
        for batch in self.leaders.values().flat_map(|(log, _)| log) {
            if let (Content::Marker(verdict), Some(stamp)) = (&batch.payload.content, batch.payload.producer)
            {
                let ended = ProducerIdentity { id: stamp.id, epoch: stamp.epoch - 1 };
                if verdicts.insert(ended, *verdict).is_some_and(|other| other != *verdict) {
                    return Err(format!("one verdict: {ended} has both"));
                }
            }
        }
        for (partition, (log, producers)) in &self.leaders {
            let end = producers.last_stable(end_of(log));
            if end != end_of(log) {
                return Err(format!("one verdict: something is open in {partition} at {end}"));
            }
            let aborted = producers.aborted(log.first().map_or(end, |first| first.base), end);
            let view = View {
                isolation: Isolation::ReadCommitted,
                tag: None,
                end,
                next: end,
                aborted,
                defects: Defects::NONE,
            };
            for batch in log.iter().filter(|batch| matches!(batch.payload.content, Content::Records(_))) {
                let identity = batch.payload.producer.expect("all are stamped here").into();
                let is_shown = !view.read(batch.base, std::slice::from_ref(batch)).records.is_empty();
                if is_shown != (verdicts.get(&identity) == Some(&Verdict::Commit)) {
                    return Err(format!("one verdict: {identity} in {partition}, shown: {is_shown}"));
                }
            }
        }
        Ok(())
    }
}

fn chosen<T>(from: &[T], which: Index) -> Option<&T> {
    (!from.is_empty()).then(|| which.get(from))
}
