//! What clients ask a broker.

use super::super::defects::Defect;
use super::super::facts::{Fact, Stretch};
use super::super::message::MessageId;
use super::super::offset::{LeaderEpoch, Offset};
use super::super::partition::Partition;
use super::super::producers::Admission;
use super::super::production::Acks;
use super::super::protocol::{Answer, Refusal, Request};
use super::super::record::{Batch, Content, Payload};
use super::super::replica::{self, Role};
use super::super::transactions::TransactionalId;
use super::{Broker, Host};
use rehearsal_env::Env;
use std::rc::Rc;
use std::sync::Arc;

/// What is to be appended to a partition.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    pub(super) payload: Arc<Payload>,
    /// As whoever made it says.
    pub(super) checksum: u32,
    /// The version of the topic's state by which it was sent here; none where that does not change.
    pub(super) routing: Option<u32>,
}

impl Submission {
    /// Something of the queue's own.
    pub(super) fn own(payload: Payload) -> Submission {
        Submission { checksum: payload.checksum(), payload: Arc::new(payload), routing: None }
    }
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Takes requests, each once, and answers each in its own time.
    pub(super) async fn answer_clients(self: Rc<Self>) {
        loop {
            let (session, request) = self.counter.next().await;
            let broker = self.clone();
            self.env.spawn(async move {
                let answer = broker.answer_client(request).await;
                broker.counter.answer(session, answer);
            });
        }
    }

    async fn answer_client(self: &Rc<Self>, request: Request) -> Answer {
        match request {
            Request::Metadata => {
                let known = self.known.borrow();
                let leaders = known.partitions.iter();
                let leaders =
                    leaders.filter_map(|(partition, (state, _))| Some((*partition, state.leader?.broker)));
                Answer::Metadata(leaders.collect())
            }
            Request::Topic { topic } => Answer::Topic(self.topic(topic)),
            Request::Produce { partition, acks, payload, checksum, transaction, routing } => {
                let by = (transaction, routing);
                Answer::Produced(self.produce(partition, acks, payload, checksum, by).await)
            }
            Request::Fetch { partition, offset, terms, footing } => {
                Answer::Fetched(self.fetch(partition, offset, (terms, footing)).await)
            }
            Request::Transaction { id, request } => {
                Answer::Transaction(self.ask_transaction(id, request).await)
            }
            Request::Earliest { partition } => Answer::Bound(self.earliest(partition)),
            Request::Latest { partition } => Answer::Bound(self.latest(partition)),
            Request::Group { group, request } => Answer::Group(self.ask_group(group, request).await),
            Request::Lending { group, request } => Answer::Lending(self.ask_lender(group, request).await),
        }
    }

    async fn produce(
        &self,
        partition: Partition,
        acks: Acks,
        payload: Arc<Payload>,
        checksum: u32,
        (transaction, routing): (Option<TransactionalId>, Option<u32>),
    ) -> Result<Offset, Refusal> {
        let host = self.host(partition).ok_or(Refusal::UnknownPartition)?;
        let messages = MessageId::of_payload(&payload);
        if let Some(id) = transaction {
            self.verify_if_needed(&host, id, &payload).await?;
        }
        let appended = self.admit_in_turn(&host, acks, Submission { payload, checksum, routing }).await;
        if acks == Acks::Leader && self.plan.defects.has(Defect::AnswersBeforeAppending) {
            return Ok(appended.map_or_else(|_| host.cores.borrow().replica.end(), |(base, ..)| base));
        }
        let (base, end, epoch) = appended.inspect_err(|refusal| {
            self.env.observe(Fact::Refused { partition, why: refusal.to_string(), messages });
        })?;
        self.acknowledge(&host, acks, end, epoch).await?;
        Ok(base)
    }

    /// A transaction's first batch in a partition is appended only when its coordinator says that the transaction is open
    /// (KIP-890). What belongs to one that has ended is not taken at all.
    pub(super) async fn verify_if_needed(
        &self,
        host: &Host,
        id: TransactionalId,
        payload: &Payload,
    ) -> Result<(), Refusal> {
        let admission = host.cores.borrow().producers.check(payload);
        match (admission, payload.producer) {
            (Admission::NotInTransaction, Some(stamp)) => self.verify(id, stamp.into(), host.partition).await,
            (Admission::Fenced { .. }, _) => Err(Refusal::Fenced),
            _ => Ok(()),
        }
    }

    /// As [`admit`](Broker::admit), but what has overtaken those before it waits for them. Each request has a session for
    /// itself while it is under way, so that one may overtake another, which on one connection it could not.
    async fn admit_in_turn(
        &self,
        host: &Host,
        acks: Acks,
        submission: Submission,
    ) -> Result<(Offset, Offset, LeaderEpoch), Refusal> {
        let admit = || self.admit(host, acks, submission.clone());
        let is_early = |admitted: &Result<_, Refusal>| {
            matches!(admitted, Err(Refusal::OutOfOrder { ahead: true } | Refusal::UnknownProducer))
        };
        let at_once = admit();
        if !is_early(&at_once) {
            return at_once;
        }
        let in_turn = async {
            loop {
                host.changed.notified().await;
                let admitted = admit();
                if !is_early(&admitted) {
                    return admitted;
                }
            }
        };
        // By then those before it would have been asked for again.
        self.env.timeout(self.plan.knobs.resend.duration(), in_turn).await.unwrap_or(at_once)
    }

    /// Checks a payload of a producer and appends it, or finds it appended; where it begins and ends, and in which epoch it
    /// is waited for.
    fn admit(
        &self,
        host: &Host,
        acks: Acks,
        Submission { payload, checksum, routing }: Submission,
    ) -> Result<(Offset, Offset, LeaderEpoch), Refusal> {
        let found = payload.checksum();
        if found != checksum && !self.plan.defects.has(Defect::ChecksumRewritten) {
            return Err(Refusal::Corrupt);
        }
        let checksum = found;
        let Content::Records(records) = &payload.content else { return Err(Refusal::Corrupt) };
        let limit = self.plan.knobs.record_limit as usize;
        if records.is_empty() || records.iter().any(|record| record.value.len() > limit) {
            return Err(Refusal::TooLarge);
        }
        self.append_checked(host, acks, Submission { payload, checksum, routing })
    }

    /// Appends a payload if that is the one to come next from its producer.
    pub(super) fn append_checked(
        &self,
        host: &Host,
        acks: Acks,
        Submission { payload, checksum, routing }: Submission,
    ) -> Result<(Offset, Offset, LeaderEpoch), Refusal> {
        let mut cores = host.cores.borrow_mut();
        let Role::Leading(leadership) = cores.replica.role() else { return Err(Refusal::NotLeader) };
        if host.closed.get() {
            return Err(Refusal::NotLeader);
        }
        let (epoch, count) = (leadership.epoch(), payload.offsets());
        match cores.producers.check(&payload) {
            Admission::Append => {}
            Admission::Duplicate { base } => {
                let messages = MessageId::of_payload(&payload);
                self.env.observe(Fact::DuplicateAbsorbed { partition: host.partition, base, messages });
                return Ok((base, base.plus(count), epoch));
            }
            Admission::OutOfOrder { ahead, .. } => return Err(Refusal::OutOfOrder { ahead }),
            Admission::UnknownProducer => return Err(Refusal::UnknownProducer),
            Admission::NotInTransaction => return Err(Refusal::NotVerified),
            Admission::Fenced { .. } => return Err(Refusal::Fenced),
        }
        self.check_routing(host.partition, epoch, &payload.content, routing)?;
        let refusal = |refusal| match refusal {
            replica::Refusal::NotEnoughReplicas => Refusal::NotEnoughReplicas,
            replica::Refusal::NotLeader | replica::Refusal::OutOfRange { .. } => Refusal::NotLeader,
        };
        let base = cores.replica.append(count, acks == Acks::All, host.settings).map_err(refusal)?;
        let appended = self.env.wall().micros();
        let batch = Arc::new(Batch { base, epoch, appended, payload, checksum });
        let end = batch.end();
        self.env.observe(Fact::Appended {
            partition: host.partition,
            stretch: Stretch::of(host.partition, &batch),
        });
        host.append(&self.env, &mut cores, batch);
        host.moved(&self.env, &mut cores);
        Ok((base, end, epoch))
    }

    /// Waits until a batch that ends there may be acknowledged.
    async fn acknowledge(
        &self,
        host: &Host,
        acks: Acks,
        end: Offset,
        epoch: LeaderEpoch,
    ) -> Result<(), Refusal> {
        loop {
            {
                let cores = host.cores.borrow();
                let leads = matches!(cores.replica.role(), Role::Leading(now) if now.epoch() == epoch);
                if !leads {
                    return Err(Refusal::LeadershipLost);
                }
                let reached = match acks {
                    Acks::None => return Ok(()),
                    Acks::Leader => cores.replica.held(host.settings),
                    Acks::All => cores.replica.acknowledged(host.settings),
                };
                if reached >= end {
                    return Ok(());
                }
                if acks == Acks::All && cores.replica.lacks_replicas(host.settings) {
                    return Err(Refusal::NotEnoughReplicasAfterAppend);
                }
            }
            host.changed.notified().await;
        }
    }

    /// Appends something of the queue's own to a partition that this broker leads in `epoch`: where it ends. It counts
    /// when the watermark has passed that. No limit of what producers may send holds for it.
    pub(super) fn append_own(
        &self,
        host: &Host,
        epoch: LeaderEpoch,
        payload: Payload,
    ) -> Result<Offset, Refusal> {
        let (_, end, appended_in) = self.append_checked(host, Acks::All, Submission::own(payload))?;
        if appended_in == epoch { Ok(end) } else { Err(Refusal::LeadershipLost) }
    }

    /// Waits until everything before `end` is in sync, as long as this broker leads in `epoch`, however few others there are.
    pub(super) async fn in_sync(&self, host: &Host, end: Offset, epoch: LeaderEpoch) -> Result<(), Refusal> {
        loop {
            match self.acknowledge(host, Acks::All, end, epoch).await {
                Err(Refusal::NotEnoughReplicasAfterAppend) => host.changed.notified().await,
                settled => return settled,
            }
        }
    }

    /// Whether a coordinator may answer without having read to the end: a known bug.
    pub(super) fn answers_while_loading(&self) -> bool {
        self.plan.defects.has(Defect::AnswersWhileLoading)
    }
}
