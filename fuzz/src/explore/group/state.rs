//! One state of the search: the coordinator with its log, and the consumers.

use super::setup::Setup;
use rehearsal_model::queue::group::{
    Ask, Generation, Group, GroupEntry, Knobs, Member, MemberId, RequestId, Standing, Timer, WriteId,
};
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::partition::Partition;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The one who coordinates the group now, and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coordinator {
    /// The core.
    pub group: Group,
    /// What is appended and not in sync, in the order of the log.
    pub unsettled: VecDeque<(WriteId, GroupEntry)>,
    /// The timers that run.
    pub timers: BTreeSet<Timer>,
}

/// What is in sync of the group's log, as whoever reads it sees it: of the entries of a kind the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Log {
    /// The newest generation.
    pub generation: Option<GroupEntry>,
    /// What was committed.
    pub offsets: BTreeMap<Partition, Offset>,
}

/// One consumer: the core as it runs in one, and what its shell waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// The core.
    pub member: Member,
    /// As whom it has joined or will.
    pub known: Option<MemberId>,
    /// What it is at.
    pub at: At,
    /// Its commits without an answer.
    pub commits: Vec<Commit>,
}

/// What a consumer is at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// This is what it is to ask or do next; nothing: it works, if it owns anything.
    Next(Ask),
    /// It waits for the answer to its join or sync.
    Waits(RequestId),
    /// It waits to hear where to go on, and that waits for this write.
    Begins(Question),
}

/// A question where to go on, without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// In which partitions.
    pub partitions: BTreeSet<Partition>,
    /// Under which numbers the coordinator has it, and writes.
    pub taken: (RequestId, WriteId),
}

/// A commit without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Commit {
    /// By whom.
    pub member: MemberId,
    /// In which generation.
    pub generation: Generation,
    /// Of what.
    pub offsets: BTreeMap<Partition, Offset>,
    /// Under which numbers the coordinator has it, and writes it; none while it is on its way.
    pub taken: Option<(RequestId, WriteId)>,
}

/// What somebody knows who sees everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chronicle {
    /// How often each record was processed, by partition.
    pub processed: BTreeMap<Partition, Vec<u8>>,
    /// The largest commit of each partition that was confirmed.
    pub confirmed: BTreeMap<Partition, Offset>,
    /// The newest generation that anybody was told of.
    pub told: Generation,
    /// Whether a commit of one was taken whom a later generation had left behind.
    pub zombie_committed: bool,
    /// Whether such a one was told to go on.
    pub zombie_told_alive: bool,
    /// Whether somebody stayed a member after its session had ended.
    pub silent_stayed: bool,
    /// Whether a consumer began below what had been confirmed.
    pub began_below: bool,
}

/// How often something happened that the bounds limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Deaths of consumers.
    pub deaths: u8,
    /// Other coordinators that took over.
    pub takeovers: u8,
    /// Sessions that ended by silence.
    pub silences: u8,
    /// Answers that were not waited for.
    pub timeouts: u8,
}

/// One state. Its hash is that of what can still matter in it (`key.rs`), so that a search takes states for one that
/// differ in nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The coordinator.
    pub coordinator: Arc<Coordinator>,
    /// The core of the one before it, if that has not heard that it was replaced, and may still be asked.
    pub deposed: Option<Arc<Group>>,
    /// What is in sync of the log.
    pub log: Arc<Log>,
    /// The consumers, by number.
    pub consumers: Vec<Arc<Consumer>>,
    /// What happened.
    pub chronicle: Arc<Chronicle>,
    /// How often.
    pub counts: Counts,
    /// The number of the last commit, or question where to go on.
    pub(super) asked: u64,
    pub(super) key: u64,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.key);
    }
}

impl Log {
    /// This is in sync, too.
    pub(super) fn settle(&mut self, entry: GroupEntry) {
        match entry {
            GroupEntry::Offsets { offsets } => self.offsets.extend(offsets),
            generation @ GroupEntry::Generation { .. } => self.generation = Some(generation),
            // It says nothing; and nobody here does transactions.
            GroupEntry::Asked | GroupEntry::OffsetsWithin { .. } | GroupEntry::TransactionEnded { .. } => {}
        }
    }

    /// As one who reads it sees it.
    pub(super) fn entries(&self) -> Vec<GroupEntry> {
        let offsets = GroupEntry::Offsets { offsets: self.offsets.clone() };
        self.generation.iter().cloned().chain([offsets]).collect()
    }
}

impl Consumer {
    pub(super) fn newcomer(setup: &Setup) -> Consumer {
        let mut member = setup.newcomer();
        let at = At::Next(member.join());
        Consumer { member, known: None, at, commits: Vec::new() }
    }

    /// What it owns, and in which generation, as far as it knows.
    pub fn owned(&self) -> Option<(Generation, &BTreeSet<Partition>)> {
        match self.member.standing() {
            Standing::Steady { generation, owned } => Some((*generation, owned)),
            _ => None,
        }
    }

    /// Whether it is at work on what it owns.
    pub fn works(&self) -> bool {
        self.owned().is_some() && self.at == At::Next(Ask::Nothing)
    }

    /// Whether it was ever heard of.
    pub(super) fn is_newcomer(&self) -> bool {
        self.known.is_none() && matches!(self.at, At::Next(Ask::Join { .. })) && self.commits.is_empty()
    }
}

impl State {
    /// The beginning: nobody is in the group, and nothing was ever written.
    pub fn first(setup: &Setup) -> State {
        let group = Group::new(Knobs::default(), setup.defects);
        let coordinator = Coordinator { group, unsettled: VecDeque::new(), timers: BTreeSet::new() };
        let records = usize::from(setup.bounds.records);
        let chronicle = Chronicle {
            processed: setup.partitions().map(|partition| (partition, vec![0; records])).collect(),
            confirmed: BTreeMap::new(),
            told: Generation::default(),
            zombie_committed: false,
            zombie_told_alive: false,
            silent_stayed: false,
            began_below: false,
        };
        let newcomer = Arc::new(Consumer::newcomer(setup));
        let mut state = State {
            coordinator: Arc::new(coordinator),
            deposed: None,
            log: Arc::default(),
            consumers: vec![newcomer; usize::from(setup.bounds.consumers)],
            chronicle: Arc::new(chronicle),
            counts: Counts::default(),
            asked: 0,
            key: 0,
        };
        state.key = state.key(setup);
        state
    }

    /// The smallest name that nobody bears or bore, as far as anybody or anything remembers.
    pub(super) fn fresh(&self) -> MemberId {
        let members = |entry: &GroupEntry| match entry {
            GroupEntry::Generation { members, .. } => members.keys().copied().collect(),
            GroupEntry::Asked
            | GroupEntry::Offsets { .. }
            | GroupEntry::OffsetsWithin { .. }
            | GroupEntry::TransactionEnded { .. } => Vec::new(),
        };
        let Coordinator { group, unsettled, .. } = &*self.coordinator;
        let mut used: BTreeSet<MemberId> = group.members().collect();
        used.extend(unsettled.iter().flat_map(|(_, entry)| members(entry)));
        used.extend(self.log.generation.iter().flat_map(members));
        for consumer in &self.consumers {
            used.extend(consumer.known);
            used.extend(consumer.commits.iter().map(|commit| commit.member));
        }
        let names = (1..).map(MemberId);
        names.into_iter().find(|name| !used.contains(name)).expect("there are names enough")
    }

    /// How far the group has committed in a partition, as it tells it.
    pub fn committed(&self, partition: Partition) -> Offset {
        self.coordinator.group.committed(partition).unwrap_or(Offset::ZERO)
    }

    /// Whether this generation was left behind: somebody was told of a later one.
    pub fn is_over(&self, generation: Generation) -> bool {
        generation < self.chronicle.told
    }
}
