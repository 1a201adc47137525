//! One state of the search: members with their disks, and what is on its way between them.

use super::setup::Setup;
use rehearsal_model::coordination::consensus::{
    Index, LogEntry, Member, MemberId, Message, ReadId, Stored, Term, Ticket,
};
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What is proposed: a number.
pub type Command = u8;

/// Something on its way to a disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Write {
    /// Its number.
    pub ticket: Ticket,
    /// The term.
    pub term: Term,
    /// The vote of that term.
    pub vote: Option<MemberId>,
    /// Of the log so much stays,
    pub keep: Index,
    /// and this comes behind it.
    pub entries: Vec<LogEntry<Command>>,
}

/// One member: the core as it runs in one, and its disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// The core.
    pub member: Member<Command>,
    /// What its disk has.
    pub disk: Stored<Command>,
    /// What is on its way there.
    pub writes: VecDeque<Write>,
    /// The reads that it was asked for and has not answered, each with how much was committed when it came.
    pub reads: Vec<(ReadId, Index)>,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Letter {
    /// From whom.
    pub from: MemberId,
    /// To whom.
    pub to: MemberId,
    /// What.
    pub message: Message<Command>,
}

/// An entry that somebody said to be committed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Committed {
    /// The entry.
    pub entry: LogEntry<Command>,
    /// The term of who said so first.
    pub term: Term,
}

/// One state. Its hash is that of what can still matter in it (`key.rs`), so that a search takes states for one that
/// differ in nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The members, by number.
    pub nodes: Vec<Arc<Node>>,
    /// What is on its way, in the order in which it was sent; nothing twice.
    pub network: Vec<Letter>,
    /// Who has led in which term, in order.
    pub leaders: Arc<Vec<(Term, MemberId)>>,
    /// All that anybody said to be committed.
    pub committed: Arc<Vec<Committed>>,
    /// How many proposals leaders took.
    pub proposed: u8,
    /// How many reads leaders took.
    pub asked: u8,
    /// How many reads were answered.
    pub answered: u8,
    /// How many crashes there were.
    pub crashes: u8,
    /// Whether a read was answered without something that was committed when it came.
    pub stale_read: bool,
    pub(super) key: u64,
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.key);
    }
}

impl Write {
    /// It is on this disk.
    pub(super) fn reach(self, disk: &mut Stored<Command>) {
        (disk.term, disk.vote) = (self.term, self.vote);
        disk.log.truncate(self.keep.0 as usize);
        disk.log.extend(self.entries);
    }
}

impl Node {
    fn new(id: MemberId, setup: &Setup) -> Node {
        let disk = Stored::default();
        let member = Member::recover(id, setup.members(), disk.clone(), setup.defects);
        Node { member, disk, writes: VecDeque::new(), reads: Vec::new() }
    }

    /// For whom it has voted in its term.
    pub fn vote(&self) -> Option<MemberId> {
        self.writes.back().map_or(self.disk.vote, |write| write.vote)
    }

    /// Whether it takes itself for the leader of this term.
    pub fn leads_in(&self, term: Term) -> bool {
        self.member.leads() && self.member.term() == term
    }
}

impl State {
    /// The beginning: nobody leads, and nothing was ever written.
    pub fn first(setup: &Setup) -> State {
        let mut state = State {
            nodes: setup.members().map(|id| Arc::new(Node::new(id, setup))).collect(),
            network: Vec::new(),
            leaders: Arc::default(),
            committed: Arc::default(),
            proposed: 0,
            asked: 0,
            answered: 0,
            crashes: 0,
            stale_read: false,
            key: 0,
        };
        state.key = state.key(setup);
        state
    }

    /// The members with their numbers.
    pub fn members(&self) -> impl Iterator<Item = (MemberId, &Node)> {
        self.nodes.iter().enumerate().map(|(number, node)| (MemberId(number as u8), &**node))
    }

    /// A member.
    pub fn node(&self, id: MemberId) -> &Node {
        &self.nodes[usize::from(id.0)]
    }

    /// A member, to be changed.
    pub(super) fn node_mut(&mut self, id: MemberId) -> &mut Node {
        Arc::make_mut(&mut self.nodes[usize::from(id.0)])
    }
}
