//! The world around one coordinator, which checks everything that it is told.

mod happening;
mod hearing;

pub use happening::{Fate, Happening, happenings};
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::group::{
    Generation, Group, GroupEntry, Input, Interest, Knobs, MemberId, Plan, Registration, RequestId, State,
    StrategyName, Timer, TimerKind, WriteId,
};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::{Partition, Topic};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub const CLIENTS: usize = 4;

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    TwoOwners,
    GenerationRises,
    ZombieIsFenced,
    AnsweredOnce,
    OnTheLogFirst,
    LastWriteWins,
    Settles,
}

const READS: [&[u32]; 3] = [&[0, 1], &[0], &[1]];

pub fn topics() -> BTreeMap<Topic, u32> {
    BTreeMap::from([(Topic::Named(0), 3), (Topic::Named(1), 2)])
}

fn strategies(client: usize) -> Vec<StrategyName> {
    match client % 3 {
        0 => vec![StrategyName::Sticky, StrategyName::Range],
        1 => vec![StrategyName::Range, StrategyName::RoundRobin],
        _ => vec![StrategyName::RoundRobin, StrategyName::Sticky, StrategyName::Range],
    }
}

/// A consumer that keeps to the protocol in one thing: it lets go before it joins.
#[derive(Clone, Debug, Default)]
struct Client {
    id: Option<MemberId>,
    generation: Option<Generation>,
    interest: Interest,
    /// The plan, where it leads.
    plan: Plan,
    waits: Option<RequestId>,
}

#[derive(Clone, Debug)]
struct Asked {
    client: usize,
    generation: Generation,
}

pub struct Stage {
    pub group: Group,
    defects: Defects,
    log: Vec<GroupEntry>,
    pending: Vec<(WriteId, GroupEntry)>,
    timers: Vec<Timer>,
    asked: BTreeMap<RequestId, Asked>,
    clients: Vec<Client>,
    last_request: u64,
    last_member: u64,
    /// Who leads which generation, how, and with whom.
    told: BTreeMap<Generation, (MemberId, StrategyName, Option<BTreeSet<MemberId>>)>,
    owners: BTreeMap<(Generation, Partition), MemberId>,
    holders: BTreeMap<MemberId, (Generation, BTreeSet<Partition>)>,
    committed: BTreeMap<Partition, Offset>,
    /// How many generations were shared out, over all runs of the coordinator.
    pub shared_out: usize,
}

impl Stage {
    pub fn new(defects: Defects) -> Stage {
        let client = |_| Client { interest: Interest::of(named(READS[0])), ..Client::default() };
        Stage {
            group: Group::new(Knobs::default(), defects),
            defects,
            log: Vec::new(),
            pending: Vec::new(),
            timers: Vec::new(),
            asked: BTreeMap::new(),
            clients: (0..CLIENTS).map(client).collect(),
            last_request: 0,
            last_member: 0,
            told: BTreeMap::new(),
            owners: BTreeMap::new(),
            holders: BTreeMap::new(),
            committed: BTreeMap::new(),
            shared_out: 0,
        }
    }

    pub fn happen(&mut self, happening: Happening) -> Result<(), Broken> {
        match happening {
            Happening::Act { client } => self.act(client),
            Happening::Quiet => self.quiet(),
            Happening::Patience => self.fire_the_timers_of_ghosts(),
            Happening::Join { client, anew, reads } => {
                if let Some(reads) = reads {
                    self.clients[client].interest.topics = named(READS[reads]).into_iter().collect();
                }
                self.join(client, anew)
            }
            Happening::Sync { client } => self.sync(client),
            Happening::Heartbeat { client, stale } => self.heartbeat(client, stale),
            Happening::Leave { client } => self.leave(client),
            Happening::Commit { client, stale, number, offset } => self.commit(client, stale, number, offset),
            Happening::CommitAlone { number, offset } => self.commit_alone(number, offset),
            Happening::Fetch { client } => self.fetch(client),
            Happening::Timer(_) if self.timers.is_empty() => Ok(()),
            Happening::Timer(which) => {
                let timer = self.timers.remove(which % self.timers.len());
                self.step(Input::TimerFired(timer))
            }
            Happening::Write(fate) => self.write(fate),
            Happening::Recover { survive } => self.recover(survive),
        }
    }

    // ---- what clients do ----

    fn ask(&mut self, client: usize, generation: Generation) -> RequestId {
        self.last_request += 1;
        let request = RequestId(self.last_request);
        self.asked.insert(request, Asked { client, generation });
        request
    }

    fn join(&mut self, client: usize, anew: bool) -> Result<(), Broken> {
        let request = self.ask(client, Generation::default());
        self.last_member += 1;
        let fresh = MemberId(self.last_member);
        let one = &mut self.clients[client];
        if let Some(id) = one.id {
            self.holders.remove(&id);
        }
        if anew {
            one.id = None;
        }
        (one.generation, one.waits) = (None, Some(request));
        let registration = Registration {
            interest: one.interest.clone(),
            strategies: strategies(client),
            session: Duration::from_secs(10),
            rebalance: Duration::from_secs(30),
        };
        let member = one.id;
        self.step(Input::Join { request, member, fresh, registration })
    }

    fn sync(&mut self, client: usize) -> Result<(), Broken> {
        let Client { id: Some(member), generation: Some(generation), plan, .. } =
            self.clients[client].clone()
        else {
            return Ok(());
        };
        let request = self.ask(client, generation);
        self.clients[client].waits = Some(request);
        self.step(Input::Sync { request, member, generation, plan })
    }

    fn heartbeat(&mut self, client: usize, stale: bool) -> Result<(), Broken> {
        let Some((member, generation)) = self.membership(client, stale) else { return Ok(()) };
        let request = self.ask(client, generation);
        self.step(Input::Heartbeat { request, member, generation })
    }

    fn leave(&mut self, client: usize) -> Result<(), Broken> {
        let Some(member) = self.clients[client].id.take() else { return Ok(()) };
        self.holders.remove(&member);
        self.clients[client].generation = None;
        let request = self.ask(client, Generation::default());
        self.step(Input::Leave { request, member })
    }

    fn commit(&mut self, client: usize, stale: bool, number: u32, offset: u64) -> Result<(), Broken> {
        let Some((member, generation)) = self.membership(client, stale) else { return Ok(()) };
        let request = self.ask(client, generation);
        let is_zombie = generation < self.newest();
        let writes = self.pending.len();
        let offsets = BTreeMap::from([(partition(0, number), Offset(offset))]);
        self.step(Input::Commit { request, member: Some((member, generation)), offsets })?;
        ensure(!is_zombie || self.pending.len() == writes, Broken::ZombieIsFenced)
    }

    fn commit_alone(&mut self, number: u32, offset: u64) -> Result<(), Broken> {
        let request = self.ask(0, Generation::default());
        let (state, writes) = (self.group.state(), self.pending.len());
        let offsets = BTreeMap::from([(partition(0, number), Offset(offset))]);
        self.step(Input::Commit { request, member: None, offsets })?;
        ensure(state == State::Empty || self.pending.len() == writes, Broken::ZombieIsFenced)
    }

    fn fetch(&mut self, client: usize) -> Result<(), Broken> {
        let request = self.ask(client, Generation::default());
        let partitions = (0..3).map(|number| partition(0, number)).collect();
        self.step(Input::Fetch { request, partitions })
    }

    fn membership(&self, client: usize, stale: bool) -> Option<(MemberId, Generation)> {
        let Client { id, generation, .. } = self.clients[client];
        Some((id?, Generation(generation?.0 - u32::from(stale))))
    }

    fn newest(&self) -> Generation {
        self.told.keys().max().copied().unwrap_or_default()
    }

    // ---- what becomes of it ----

    fn write(&mut self, fate: Fate) -> Result<(), Broken> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let (write, entry) = self.pending.remove(0);
        if !matches!(fate, Fate::Lost) {
            self.log.push(entry.clone());
        }
        if !matches!(fate, Fate::Persisted) {
            return self.step(Input::NotPersisted { write });
        }
        if let GroupEntry::Offsets { offsets } = entry {
            self.committed.extend(offsets);
        }
        self.step(Input::Persisted { write })
    }

    /// The coordinator is gone. Of its last writes the first so many are on the log.
    fn recover(&mut self, survive: usize) -> Result<(), Broken> {
        self.log.extend(self.pending.drain(..).map(|(_, entry)| entry).take(survive));
        self.timers.clear();
        self.asked.clear();
        for client in &mut self.clients {
            client.waits = None;
        }
        self.committed.clear();
        for entry in &self.log {
            if let GroupEntry::Offsets { offsets } = entry {
                self.committed.extend(offsets.clone());
            }
        }
        let mut out = Vec::new();
        self.group = Group::recover(self.log.clone(), Knobs::default(), self.defects, &mut out);
        out.into_iter().try_for_each(|output| self.hear(output))
    }

    fn step(&mut self, input: Input) -> Result<(), Broken> {
        let mut out = Vec::new();
        self.group.step(input, &mut out);
        out.into_iter().try_for_each(|output| self.hear(output))
    }

    // ---- the calm ----

    /// Writes succeed, clients do as they are told, and only those are silent that nobody runs any more.
    pub fn calm(&mut self) -> Result<(), Broken> {
        for _ in 0..60 {
            self.quiet()?;
            self.fire_the_timers_of_ghosts()?;
        }
        ensure(self.asked.is_empty(), Broken::AnsweredOnce)?;
        ensure(self.group.state() == State::Stable, Broken::Settles)?;
        let mut unowned: BTreeSet<Partition> = BTreeSet::new();
        for client in &self.clients {
            ensure(client.generation == Some(self.group.generation()), Broken::Settles)?;
            let read = topics().into_iter().filter(|(topic, _)| client.interest.topics.contains(topic));
            unowned.extend(
                read.flat_map(|(topic, count)| (0..count).map(move |number| Partition { topic, number })),
            );
        }
        let running = self.clients.iter().filter_map(|client| self.holders.get(&client.id?));
        for partition in running.flat_map(|(_, held)| held) {
            ensure(unowned.remove(partition), Broken::TwoOwners)?;
        }
        ensure(unowned.is_empty(), Broken::Settles)
    }

    fn quiet(&mut self) -> Result<(), Broken> {
        while !self.pending.is_empty() {
            self.write(Fate::Persisted)?;
        }
        (0..CLIENTS).try_for_each(|client| self.act(client))
    }

    fn fire_the_timers_of_ghosts(&mut self) -> Result<(), Broken> {
        let running: BTreeSet<MemberId> = self.clients.iter().filter_map(|client| client.id).collect();
        let fires = |timer: &Timer| match timer.kind {
            TimerKind::Session(member) => !running.contains(&member),
            TimerKind::InitialDelay => true,
            TimerKind::Rebalance => false,
        };
        let (fired, kept) = self.timers.iter().copied().partition(fires);
        self.timers = kept;
        Vec::into_iter(fired).try_for_each(|timer| self.step(Input::TimerFired(timer)))
    }

    fn act(&mut self, client: usize) -> Result<(), Broken> {
        let one = &self.clients[client];
        let holds = one.id.and_then(|id| self.holders.get(&id)).map(|(generation, _)| *generation);
        match one.generation {
            _ if one.waits.is_some_and(|request| self.asked.contains_key(&request)) => Ok(()),
            None => self.join(client, false),
            Some(generation) if holds == Some(generation) => self.heartbeat(client, false),
            Some(_) => self.sync(client),
        }
    }
}

pub fn partition(topic: u32, number: u32) -> Partition {
    Partition { topic: Topic::Named(topic), number }
}

fn named(numbers: &[u32]) -> Vec<Topic> {
    numbers.iter().copied().map(Topic::Named).collect()
}

fn ensure(holds: bool, otherwise: Broken) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(otherwise) }
}
