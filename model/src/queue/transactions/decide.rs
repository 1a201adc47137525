//! What each request is to do to a transactional id: pure functions of what is persisted and what is being persisted.

use super::super::identity::ProducerIdentity;
use super::super::partition::Partition;
use super::super::record::Verdict;
use super::Slot;
use super::entry::{After, Entry, Prepared, State, TransactionalId};
use super::step::{Answer, Refusal};
use std::collections::BTreeSet;
use std::time::Duration;

/// What is to be done about a request.
pub(super) enum Decision {
    /// Answer it at once.
    Answer(Answer),
    /// Persist this, and answer when all that follows is done.
    Persist(Entry),
    /// What it asks for is being done for an earlier request: answer with that one.
    Join,
}

impl Slot {
    pub(super) fn initialise(
        &self,
        id: TransactionalId,
        timeout: Duration,
        known: Option<ProducerIdentity>,
        fresh_producer_id: u64,
    ) -> Result<Decision, Refusal> {
        if self.is_busy() {
            return Err(Refusal::ConcurrentTransactions);
        }
        let Some(entry) = &self.entry else {
            let producer = ProducerIdentity::first(fresh_producer_id);
            let first = Entry { id, producer, timeout, state: State::Empty { known } };
            return if known.is_none() { Ok(Decision::Persist(first)) } else { Err(Refusal::Unknown) };
        };
        let before = entry.state.producer_before();
        match known {
            Some(known) if known != entry.producer && before == Some(known) => {
                return Ok(Decision::Answer(Answer::Initialised(entry.producer)));
            }
            Some(known) if known != entry.producer => return Err(Refusal::Fenced),
            Some(_) | None => {}
        }
        let state = match &entry.state {
            State::Ongoing { partitions } => State::Prepare(Prepared {
                ended: entry.producer,
                verdict: Verdict::Abort,
                partitions: partitions.clone(),
                after: After::Initialised { known },
            }),
            State::Empty { .. } | State::Prepare(_) | State::Complete { .. } => State::Empty { known },
        };
        let producer = entry.producer.successor(fresh_producer_id);
        Ok(Decision::Persist(Entry { id, producer, timeout, state }))
    }

    pub(super) fn add_partitions(
        &self,
        producer: ProducerIdentity,
        partitions: BTreeSet<Partition>,
    ) -> Result<Decision, Refusal> {
        let entry = self.entry_of(producer)?;
        if let Some((_, Entry { state: State::Ongoing { partitions: soon }, .. })) = &self.writing
            && partitions.is_subset(soon)
        {
            return Ok(Decision::Join);
        }
        self.may_change(producer)?;
        let mut all = match &entry.state {
            State::Ongoing { partitions } => partitions.clone(),
            State::Empty { .. } | State::Prepare(_) | State::Complete { .. } => BTreeSet::new(),
        };
        if partitions.is_subset(&all) {
            return Ok(Decision::Answer(Answer::Added));
        }
        all.extend(partitions);
        Ok(Decision::Persist(Entry { state: State::Ongoing { partitions: all }, ..entry.clone() }))
    }

    pub(super) fn verify(
        &self,
        producer: ProducerIdentity,
        partition: Partition,
    ) -> Result<Decision, Refusal> {
        match &self.entry_of(producer)?.state {
            State::Ongoing { partitions } if partitions.contains(&partition) => {
                Ok(Decision::Answer(Answer::Verified))
            }
            _ if self.is_busy() => Err(Refusal::ConcurrentTransactions),
            _ => Err(Refusal::InvalidState),
        }
    }

    pub(super) fn end(&self, producer: ProducerIdentity, verdict: Verdict) -> Result<Decision, Refusal> {
        if let Some(decision) = self.end_again(producer, verdict) {
            return decision;
        }
        let entry = self.entry_of(producer)?;
        self.may_change(producer)?;
        Ok(Decision::Persist(entry.ended(verdict)))
    }

    /// What a producer is told that has ended this transaction already, or whose time was out.
    fn end_again(&self, producer: ProducerIdentity, verdict: Verdict) -> Option<Result<Decision, Refusal>> {
        let entry = self.entry.as_ref()?;
        if let Some(ended) = entry.state.ended().filter(|(ended, _)| *ended == producer) {
            return Some(match &entry.state {
                _ if ended.1 != verdict => Err(Refusal::InvalidState),
                State::Prepare(_) => Ok(Decision::Join),
                _ => Ok(Decision::Answer(Answer::Ended(entry.producer))),
            });
        }
        let soon = self.writing.as_ref().and_then(|(_, soon)| soon.state.ended());
        (soon == Some((producer, verdict))).then_some(Ok(Decision::Join))
    }

    fn entry_of(&self, producer: ProducerIdentity) -> Result<&Entry, Refusal> {
        let entry = self.entry.as_ref().ok_or(Refusal::Unknown)?;
        if entry.producer == producer { Ok(entry) } else { Err(Refusal::Fenced) }
    }

    fn may_change(&self, producer: ProducerIdentity) -> Result<(), Refusal> {
        match () {
            () if self.is_busy() => Err(Refusal::ConcurrentTransactions),
            () if producer.is_used_up() => Err(Refusal::EpochsUsedUp),
            () => Ok(()),
        }
    }

    fn is_busy(&self) -> bool {
        self.writing.is_some() || self.prepared().is_some()
    }
}

impl Entry {
    /// The entry that begins the end of its transaction; if none is open, there is nothing to wait for.
    pub(super) fn ended(&self, verdict: Verdict) -> Entry {
        let ended = self.producer;
        let state = match &self.state {
            State::Ongoing { partitions } => {
                let (partitions, after) = (partitions.clone(), After::Complete);
                State::Prepare(Prepared { ended, verdict, partitions, after })
            }
            State::Empty { .. } | State::Prepare(_) | State::Complete { .. } => {
                State::Complete { ended, verdict }
            }
        };
        Entry { producer: ended.next(), state, ..self.clone() }
    }
}

impl State {
    /// Who asked for, or ended with, the identity that the id has now, if nothing was begun since.
    fn producer_before(&self) -> Option<ProducerIdentity> {
        match self {
            State::Empty { known } => *known,
            State::Complete { ended, .. } => Some(*ended),
            State::Ongoing { .. } | State::Prepare(_) => None,
        }
    }

    /// The transaction that has ended, or is decided to, and whose producer goes on.
    fn ended(&self) -> Option<(ProducerIdentity, Verdict)> {
        match self {
            State::Prepare(Prepared { ended, verdict, after: After::Complete, .. })
            | State::Complete { ended, verdict } => Some((*ended, *verdict)),
            State::Empty { .. } | State::Ongoing { .. } | State::Prepare(_) => None,
        }
    }
}
