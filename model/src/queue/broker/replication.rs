//! Between replicas: a follower asks, its leader answers when there is something to say.

use super::super::brokers::BrokerId;
use super::super::facts::{Fact, Stretch};
use super::super::log::Found;
use super::super::offset::{LeaderEpoch, Offset};
use super::super::protocol::{ReplicaBody, ReplicaMessage};
use super::super::record::Batch;
use super::super::replica::{FetchRequest, OutOfRangeAnswer, Refusal};
use super::{Broker, Host};
use rehearsal_env::{Env, Port, Received};
use std::rc::Rc;
use std::sync::Arc;

/// What a follower is to send next, and to whom.
type Question = (BrokerId, ReplicaBody);

/// What is wanted is to be read from the disk first, up to there.
struct OnDisk {
    end: Offset,
}

impl<E: Env<Fact = Fact>> Broker<E> {
    /// Step 5: asks the leader, again and again, whatever the core wants to know.
    pub(super) async fn follow(self: Rc<Self>, host: Rc<Host>) {
        let wait = self.plan.knobs.fetch_wait.duration() + self.plan.knobs.resend.duration();
        loop {
            let Some((leader, body)) = question(&host) else {
                host.changed.notified().await;
                continue;
            };
            let message = ReplicaMessage { partition: host.partition, body: body.clone() };
            self.replicas.send(self.node_of(leader), message);
            // The next one goes out when this one is answered, or is not the one to ask any more; or after a while.
            let answers = host.answers.get();
            let settled = async {
                while host.answers.get() == answers && question(&host).is_some_and(|(_, now)| now == body) {
                    host.changed.notified().await;
                }
            };
            let _ = self.env.timeout(wait, settled).await;
        }
    }

    /// Takes what other replicas ask and answer.
    pub(super) async fn answer_replicas(self: Rc<Self>) {
        loop {
            let Received { from, message: ReplicaMessage { partition, body } } = self.replicas.recv().await;
            let Some(host) = self.host(partition) else { continue };
            match body {
                ReplicaBody::End(request) => {
                    let answer = host.cores.borrow().replica.end_of_epoch(&request, host.settings);
                    match answer {
                        Ok(answer) => {
                            let body = ReplicaBody::EndAnswer(answer);
                            self.replicas.send(from, ReplicaMessage { partition, body });
                        }
                        Err(_) => self.refused_as_stale(&host, request.asker.epoch),
                    }
                }
                ReplicaBody::Fetch(request) => {
                    let Some(turn) = self.take_note(&host, &request) else { continue };
                    let broker = self.clone();
                    self.env.spawn(async move {
                        if let Some(body) = broker.answer_fetch(&host, &request, turn).await {
                            broker.replicas.send(from, ReplicaMessage { partition, body });
                        }
                    });
                }
                answer => self.take_answer(&host, answer),
            }
        }
    }

    /// A leader has not answered a follower of another epoch. Whoever leads in none says nothing.
    fn refused_as_stale(&self, host: &Host, epoch: LeaderEpoch) {
        if host.cores.borrow().replica.leads() {
            self.env.observe(Fact::StaleRequestRefused { partition: host.partition, epoch });
        }
    }

    /// Step 4: a fetch says how far its follower is. The number under which it waits for its answer; none when it gets
    /// none.
    fn take_note(self: &Rc<Self>, host: &Rc<Host>, request: &FetchRequest) -> Option<u64> {
        let mut cores = host.cores.borrow_mut();
        let end = cores.replica.end();
        let taken = cores.replica.fetch(request, host.settings);
        host.watermark_may_have_moved(&self.env, &mut cores);
        if matches!(taken, Err(Refusal::NotLeader)) {
            drop(cores);
            self.refused_as_stale(host, request.asker.epoch);
            return None;
        }
        cores.lag.asked(request.asker.broker, request.offset, end, self.env.now());
        let turn = cores.waiting.entry(request.asker.broker).or_default();
        *turn += 1;
        let turn = *turn;
        drop(cores);
        self.expand(host);
        Some(turn)
    }

    /// Waits until there is something for this follower, or long enough.
    async fn answer_fetch(&self, host: &Host, request: &FetchRequest, turn: u64) -> Option<ReplicaBody> {
        let follower = request.asker.broker;
        let something = async {
            loop {
                {
                    let cores = host.cores.borrow();
                    let told = cores.told.get(&follower).copied().unwrap_or_default();
                    let leads = cores.replica.leads();
                    let overtaken = cores.waiting.get(&follower) != Some(&turn);
                    if !leads
                        || overtaken
                        || cores.replica.end() != request.offset
                        || cores.replica.watermark() != told
                    {
                        return;
                    }
                }
                host.changed.notified().await;
            }
        };
        let _ = self.env.timeout(self.plan.knobs.fetch_wait.duration(), something).await;
        let mut from_disk = None;
        loop {
            match self.answer_with(host, request, turn, from_disk) {
                Ok(answer) => return answer,
                Err(OnDisk { end }) => {
                    let bytes = u64::from(self.plan.knobs.fetch_bytes);
                    from_disk = self.read_from_disk(host, request.offset, end, bytes).await;
                }
            }
        }
    }

    /// The answer to a fetch as things are, with what is in memory, or was read `from_disk` just now.
    fn answer_with(
        &self,
        host: &Host,
        request: &FetchRequest,
        turn: u64,
        from_disk: Option<Vec<Arc<Batch>>>,
    ) -> Result<Option<ReplicaBody>, OnDisk> {
        let follower = request.asker.broker;
        let mut cores = host.cores.borrow_mut();
        if cores.waiting.get(&follower) != Some(&turn) {
            return Ok(None);
        }
        let out_of_range =
            |start| Ok(Some(ReplicaBody::OutOfRange(OutOfRangeAnswer { request: *request, start })));
        let answer = match cores.replica.fetch(request, host.settings) {
            Ok(answer) => answer,
            Err(Refusal::OutOfRange { start, .. }) => return out_of_range(start),
            Err(_) => return Ok(None),
        };
        let end = cores.log.end();
        let batches = match from_disk {
            Some(batches) => batches,
            None => match cores.log.read(request.offset, end, u64::from(self.plan.knobs.fetch_bytes)) {
                Ok(Found::InMemory(batches)) => batches,
                Ok(Found::OnDisk { .. }) => return Err(OnDisk { end }),
                Err(_) => Vec::new(),
            },
        };
        cores.told.insert(follower, answer.watermark);
        if request.offset == cores.replica.end() {
            cores.lag.has_all(follower, self.env.now());
        }
        // A follower with an empty log may want to go on where no batch of this one begins.
        if batches.first().is_some_and(|first| first.base < request.offset) {
            return out_of_range(cores.log.start());
        }
        Ok(Some(ReplicaBody::Fetched(answer, batches)))
    }

    fn take_answer(&self, host: &Host, answer: ReplicaBody) {
        if host.closed.get() {
            return;
        }
        let mut cores = host.cores.borrow_mut();
        match answer {
            ReplicaBody::EndAnswer(answer) => {
                if let Ok(cut) = cores.replica.end_answered(&answer) {
                    host.cut(&self.env, &mut cores, cut);
                }
            }
            ReplicaBody::Fetched(answer, batches) => {
                let epochs = batches.iter().map(|batch| (batch.epoch, batch.payload.offsets()));
                if cores.replica.fetched(&answer, epochs, host.settings).is_ok() {
                    host.answers.set(host.answers.get() + 1);
                    for batch in batches {
                        let (partition, stretch) = (host.partition, Stretch::of(host.partition, &batch));
                        self.env.observe(Fact::Replicated { partition, stretch });
                        host.append(&self.env, &mut cores, batch);
                    }
                }
            }
            ReplicaBody::OutOfRange(answer) => {
                if let Ok(anew) = cores.replica.out_of_range(&answer, host.settings) {
                    host.cut(&self.env, &mut cores, anew);
                }
            }
            ReplicaBody::End(_) | ReplicaBody::Fetch(_) => {}
        }
        host.moved(&self.env, &mut cores);
    }
}

fn question(host: &Host) -> Option<Question> {
    let cores = host.cores.borrow();
    let end = cores.replica.end_request().map(|(leader, request)| (leader, ReplicaBody::End(request)));
    end.or_else(|| {
        let (leader, request) = cores.replica.fetch_request(host.settings)?;
        Some((leader, ReplicaBody::Fetch(request)))
    })
}
