//! The world of three members, and a reference that knows all that was ever committed.

use rehearsal_model::coordination::consensus::{
    Index, Input, LogEntry, Member, MemberId, Message, Output, ReadId, Snapshot, Stored, Term, Ticket, Timer,
};
use rehearsal_model::queue::defects::Defects;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

const MEMBERS: [MemberId; 3] = [MemberId(0), MemberId(1), MemberId(2)];
const STEPS: u64 = 500;
/// So many messages are on their way at most.
const CROWD: usize = 20;

/// A promise that was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    TwoLeaders { term: Term },
    CommittedOtherwise { member: MemberId, index: Index },
    CommittedOutOfOrder { member: MemberId, index: Index },
    LogDiffers { member: MemberId, index: Index },
    LeaderLacks { leader: MemberId, index: Index },
    LostOnDisk { index: Index },
    SnapshotDiffers { member: MemberId, index: Index },
    StaleRead { reader: MemberId, index: Index },
    NothingDone,
}

/// What happened in a run, so that silence means something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    pub leaders: u64,
    pub crashes: u64,
    pub committed: u64,
    pub reads: u64,
    /// Entries that were replaced by those of a later leader.
    pub replaced: u64,
    pub compacted: u64,
    pub installed: u64,
    /// Leaders that nobody answered, and that stopped leading.
    pub resigned: u64,
}

impl Progress {
    pub fn add(&mut self, other: &Progress) {
        self.leaders += other.leaders;
        self.crashes += other.crashes;
        self.committed += other.committed;
        self.reads += other.reads;
        self.replaced += other.replaced;
        self.compacted += other.compacted;
        self.installed += other.installed;
        self.resigned += other.resigned;
    }
}

/// Numbers that look like chance (splitmix64).
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(mixed ^ mixed >> 31) * u128::from(bound)) >> 64) as u64
    }
}

/// Something on its way to the disk.
struct Write {
    ticket: Ticket,
    term: Term,
    vote: Option<MemberId>,
    snapshot: Option<Snapshot>,
    keep: Index,
    entries: Vec<LogEntry<u8>>,
}

struct Node {
    member: Member<u8>,
    disk: Stored<u8>,
    writes: VecDeque<Write>,
    /// How much it has said to be committed since it came up.
    applied: Index,
}

/// A command that was committed, in which term that was first known, and its entry.
type Reference = Vec<(Term, LogEntry<u8>)>;

/// Three members and all around them.
pub struct World {
    defects: Defects,
    draws: Draws,
    /// How likely each kind of step is in this run: arrivals, writes, elections, heartbeats, proposals,
    /// reads, crashes, cuts, snapshots.
    weights: [u64; 9],
    /// Who is cut off from the others.
    cut: Option<MemberId>,
    nodes: Vec<Node>,
    network: Vec<(MemberId, MemberId, Message<u8>)>,
    leaders: BTreeMap<Term, MemberId>,
    reference: Reference,
    /// How much was committed when the read was asked for.
    reads: BTreeMap<ReadId, Index>,
    proposed: u8,
    asked: u32,
    progress: Progress,
}

/// A run of so many random steps.
pub fn run(seed: u64, defects: Defects) -> (Progress, Result<(), Broken>) {
    let mut world = World::new(seed, defects);
    let result = (0..STEPS).try_for_each(|_| world.anything());
    (world.progress, result)
}

/// After a wild beginning nothing is lost any more, and a proposal is committed by all.
pub fn calms_down(seed: u64) -> Result<(), Broken> {
    let mut world = World::new(seed, Defects::NONE);
    (0..200).try_for_each(|_| world.anything())?;
    for attempt in 0..50 {
        let candidate = world.draws.below(3) as usize;
        world.step(candidate, Input::TimerFired(Timer::Election))?;
        world.settle()?;
        let Some(leader) = (0..3).find(|&node| world.leads_newest(node)) else { continue };
        world.step(leader, Input::Propose { command: 200 + attempt })?;
        let reads = world.progress.reads;
        world.read(leader)?;
        world.settle()?;
        world.step(leader, Input::TimerFired(Timer::Heartbeat))?;
        world.settle()?;
        let all = world.nodes.iter().all(|node| node.applied == world.newest());
        let done = world.reference.last().is_some_and(|(_, entry)| entry.command == Some(200 + attempt));
        let read = world.progress.reads > reads;
        return if all && done && read { Ok(()) } else { Err(Broken::NothingDone) };
    }
    Err(Broken::NothingDone)
}

impl World {
    pub fn new(seed: u64, defects: Defects) -> World {
        let node = |id: MemberId| Node {
            member: Member::recover(id, MEMBERS, Stored::default(), defects),
            disk: Stored::default(),
            writes: VecDeque::new(),
            applied: Index(0),
        };
        let mut draws = Draws(seed);
        let from_to = [(40, 120), (20, 60), (1, 8), (1, 8), (1, 8), (1, 8), (0, 5), (0, 4), (0, 6)];
        let weights = from_to.map(|(least, most)| least + draws.below(most - least));
        World {
            defects,
            draws,
            weights,
            cut: None,
            nodes: MEMBERS.map(node).into(),
            network: Vec::new(),
            leaders: BTreeMap::new(),
            reference: Vec::new(),
            reads: BTreeMap::new(),
            proposed: 0,
            asked: 0,
            progress: Progress::default(),
        }
    }

    fn newest(&self) -> Index {
        Index(self.reference.len() as u32)
    }

    fn leads_newest(&self, node: usize) -> bool {
        let newest = self.nodes.iter().map(|node| node.member.term()).max();
        self.nodes[node].member.leads() && Some(self.nodes[node].member.term()) == newest
    }

    pub fn member(&self, node: usize) -> &Member<u8> {
        &self.nodes[node].member
    }

    /// Lets a member stand for election so often, and one other hear of it and answer. Then it leads.
    pub fn elect(&mut self, candidate: usize, voter: usize, times: usize) {
        for _ in 0..times {
            self.step(candidate, Input::TimerFired(Timer::Election)).expect("it is no leader yet");
            self.persist_all(candidate);
        }
        self.deliver(candidate, voter);
        self.persist_all(voter);
        self.deliver(voter, candidate);
        assert!(self.member(candidate).leads());
    }

    /// All that one has sent to the other by now arrives, and all that was sent to others is lost.
    pub fn deliver(&mut self, from: usize, to: usize) {
        for (sender, receiver, message) in std::mem::take(&mut self.network) {
            if (sender, receiver) == (MEMBERS[from], MEMBERS[to]) {
                self.step(to, Input::Received { from: sender, message }).expect("nothing is broken");
            }
        }
    }

    pub fn persist_all(&mut self, node: usize) {
        if let Some(through) = self.write(node, self.nodes[node].writes.len()) {
            self.step(node, Input::Persisted { through }).expect("nothing is broken");
        }
    }

    pub fn propose(&mut self, node: usize, command: u8) {
        self.step(node, Input::Propose { command }).expect("nothing is broken");
    }

    pub fn beat(&mut self, node: usize) {
        self.step(node, Input::TimerFired(Timer::Heartbeat)).expect("nothing is broken");
    }

    fn anything(&mut self) -> Result<(), Broken> {
        let node = self.draws.below(3) as usize;
        let mut drawn = self.draws.below(self.weights.iter().sum());
        let mut exceeds = |weight: &u64| {
            let is_it = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            is_it
        };
        match self.weights.iter().position(&mut exceeds) {
            Some(0) => self.something_arrives()?,
            Some(1) => self.persist_some(node)?,
            Some(2) => {
                let led = self.nodes[node].member.leads();
                // A leader is heard most of the time.
                if led && self.draws.below(3) > 0 {
                    return Ok(());
                }
                self.step(node, Input::TimerFired(Timer::Election))?;
                self.progress.resigned += u64::from(led && !self.nodes[node].member.leads());
            }
            Some(3) => self.step(node, Input::TimerFired(Timer::Heartbeat))?,
            Some(4) => {
                self.proposed = self.proposed.wrapping_add(1);
                self.step(node, Input::Propose { command: self.proposed })?;
            }
            Some(5) => self.read(node)?,
            Some(6) => self.crash(node),
            Some(8) => self.compact(node)?,
            _ => self.cut = if self.cut.is_none() { Some(MEMBERS[node]) } else { None },
        }
        self.check()
    }

    /// What it has carried out takes the place of the log that led there.
    pub fn compact(&mut self, node: usize) -> Result<(), Broken> {
        let through = self.nodes[node].applied;
        self.progress.compacted += u64::from(through > self.nodes[node].member.snapshot().through);
        self.step(node, Input::Compact { through, state: self.state(through) })
    }

    /// What a member that has carried out all up to there holds: every command, in order.
    fn state(&self, through: Index) -> Arc<[u8]> {
        let entries = self.reference.iter().take(through.0 as usize);
        entries.filter_map(|(_, entry)| entry.command).collect()
    }

    fn read(&mut self, node: usize) -> Result<(), Broken> {
        self.asked += 1;
        self.reads.insert(ReadId(self.asked), self.newest());
        self.step(node, Input::Read { read: ReadId(self.asked) })
    }

    /// Any message: it is lost, arrives, or arrives and stays to arrive again. Of too many some are lost.
    fn something_arrives(&mut self) -> Result<(), Broken> {
        if self.network.is_empty() {
            return Ok(());
        }
        let place = self.draws.below(self.network.len() as u64) as usize;
        let fate = self.draws.below(10);
        let (from, to, message) =
            if fate == 0 { self.network[place].clone() } else { self.network.swap_remove(place) };
        while self.network.len() > CROWD {
            let lost = self.draws.below(CROWD as u64) as usize;
            self.network.swap_remove(lost);
        }
        if fate == 1 || self.cut.is_some_and(|cut| [from, to].contains(&cut)) {
            return Ok(());
        }
        self.step(to.0.into(), Input::Received { from, message })
    }

    fn persist_some(&mut self, node: usize) -> Result<(), Broken> {
        let count = self.nodes[node].writes.len() as u64;
        if count == 0 {
            return Ok(());
        }
        let writes = 1 + self.draws.below(count);
        let through = self.write(node, writes as usize).expect("there is a write");
        self.step(node, Input::Persisted { through })
    }

    /// The first so many writes reach the disk. The last of their tickets.
    fn write(&mut self, node: usize, count: usize) -> Option<Ticket> {
        let Node { disk, writes, .. } = &mut self.nodes[node];
        let mut last = None;
        for Write { ticket, term, vote, snapshot, keep, entries } in writes.drain(..count) {
            disk.write((term, vote), snapshot, keep, entries);
            last = Some(ticket);
        }
        last
    }

    /// Of what was on its way to the disk some reaches it. Everything else is forgotten.
    pub fn crash(&mut self, node: usize) {
        let reach = self.draws.below(self.nodes[node].writes.len() as u64 + 1);
        self.write(node, reach as usize);
        let Node { member, disk, writes, applied } = &mut self.nodes[node];
        *member = Member::recover(MEMBERS[node], MEMBERS, disk.clone(), self.defects);
        writes.clear();
        *applied = disk.snapshot.through;
        self.progress.crashes += 1;
    }

    /// Everything arrives and is written, until nothing is left to do.
    fn settle(&mut self) -> Result<(), Broken> {
        for _ in 0..10_000 {
            if let Some((from, to, message)) = self.network.pop() {
                self.step(to.0.into(), Input::Received { from, message })?;
            } else if let Some(node) = (0..3).find(|&node| !self.nodes[node].writes.is_empty()) {
                let all = self.nodes[node].writes.len();
                let through = self.write(node, all).expect("there is a write");
                self.step(node, Input::Persisted { through })?;
            } else {
                return self.check();
            }
        }
        Err(Broken::NothingDone)
    }

    fn step(&mut self, node: usize, input: Input<u8>) -> Result<(), Broken> {
        let mut outputs = Vec::new();
        self.nodes[node].member.step(input, &mut outputs);
        outputs.into_iter().try_for_each(|output| self.take(node, output))?;
        let member = &self.nodes[node].member;
        if member.leads() {
            let (term, before) = (member.term(), self.leaders.len());
            if *self.leaders.entry(term).or_insert(MEMBERS[node]) != MEMBERS[node] {
                return Err(Broken::TwoLeaders { term });
            }
            self.progress.leaders += (self.leaders.len() - before) as u64;
        }
        Ok(())
    }

    fn take(&mut self, node: usize, output: Output<u8>) -> Result<(), Broken> {
        let newest = self.newest();
        let on = &mut self.nodes[node];
        match output {
            Output::Send { to, message } => self.network.push((MEMBERS[node], to, message)),
            Output::Persist { ticket, term, vote, snapshot, keep, entries } => {
                let length = on
                    .writes
                    .iter()
                    .fold(on.disk.last(), |_, write| Index(write.keep.0 + write.entries.len() as u32));
                self.progress.replaced += u64::from(length.0.saturating_sub(keep.0));
                on.writes.push_back(Write { ticket, term, vote, snapshot, keep, entries });
            }
            Output::Installed { snapshot } => {
                let (member, index) = (MEMBERS[node], snapshot.through);
                if index <= on.applied || index > newest {
                    return Err(Broken::CommittedOutOfOrder { member, index });
                }
                on.applied = index;
                self.progress.installed += 1;
                if snapshot.state != self.state(index) {
                    return Err(Broken::SnapshotDiffers { member, index });
                }
            }
            Output::Committed { index, entry } => return self.commit(node, index, entry),
            Output::ReadConfirmed { read, index } => {
                let before = self.reads.remove(&read).expect("each read is answered once");
                // What was committed when the read came must be in what it is answered from.
                if on.applied < index || on.applied < before {
                    return Err(Broken::StaleRead { reader: MEMBERS[node], index });
                }
                assert!(on.applied <= newest);
                self.progress.reads += 1;
            }
            Output::ReadRefused { .. } | Output::ProposalRefused { .. } => {}
            Output::Accepted { .. } | Output::SetTimer(_) => {}
        }
        Ok(())
    }

    fn commit(&mut self, node: usize, index: Index, entry: LogEntry<u8>) -> Result<(), Broken> {
        let (member, term) = (MEMBERS[node], self.nodes[node].member.term());
        if index != self.nodes[node].applied.next() || index > self.newest().next() {
            return Err(Broken::CommittedOutOfOrder { member, index });
        }
        self.nodes[node].applied = index;
        match self.reference.get(index.0 as usize - 1) {
            Some((_, known)) if *known == entry => Ok(()),
            Some(_) => Err(Broken::CommittedOtherwise { member, index }),
            None => {
                self.reference.push((term, entry));
                self.progress.committed += 1;
                Ok(())
            }
        }
    }

    fn check(&self) -> Result<(), Broken> {
        for (node, member) in self.nodes.iter().zip(MEMBERS) {
            let cut = node.member.snapshot().through;
            let behind = self.reference.iter().enumerate().skip(cut.0 as usize);
            let below = behind.take_while(|(place, _)| Index(*place as u32) < node.member.committed());
            for (entry, (place, (_, known))) in node.member.log().iter().zip(below) {
                if entry != known {
                    return Err(Broken::LogDiffers { member, index: Index(place as u32 + 1) });
                }
            }
        }
        for (place, (in_term, known)) in self.reference.iter().enumerate() {
            let index = Index(place as u32 + 1);
            // A snapshot has it: what is in one was compared with the reference when it was made or taken.
            let has = |cut: Index, log: &[LogEntry<u8>]| {
                index <= cut || log.get((index.0 - cut.0) as usize - 1) == Some(known)
            };
            let on_disk = |node: &&Node| has(node.disk.snapshot.through, &node.disk.log);
            if self.nodes.iter().filter(on_disk).count() < 2 {
                return Err(Broken::LostOnDisk { index });
            }
            for (node, leader) in self.nodes.iter().zip(MEMBERS) {
                let member = &node.member;
                if member.leads() && member.term() > *in_term && !has(member.snapshot().through, member.log())
                {
                    return Err(Broken::LeaderLacks { leader, index });
                }
            }
        }
        Ok(())
    }
}
