//! The key of a state: what can still matter in it, the same for all states that differ in the names of members alone.
//!
//! As in the replication's: members are put in order by what can be said of each without naming another, and only among
//! those that nothing tells apart every order is tried, and the smallest text taken.

use super::setup::Setup;
use super::state::{Letter, Node, State};
use crate::explore::orders::{each_order, places};
use rehearsal_model::coordination::consensus::{LogEntry, MemberId, Message, Term};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Each member's place.
type Places<'a> = &'a [u8];

impl State {
    pub(super) fn key(&self, setup: &Setup) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.text(setup).hash(&mut hasher);
        hasher.finish()
    }

    /// The key, written out.
    fn text(&self, setup: &Setup) -> Vec<u8> {
        let mut text = Vec::with_capacity(192);
        text.extend([self.proposed, self.asked, self.answered, self.crashes, u8::from(self.stale_read)]);
        text.push(self.committed.len() as u8);
        for known in self.committed.iter() {
            entry_text(&known.entry, &mut text);
            text.push(known.term.0 as u8);
        }
        let plain: Vec<Vec<u8>> = self.members().map(|(id, node)| self.plain(id, node, setup)).collect();
        let mut sorted: Vec<usize> = (0..plain.len()).collect();
        sorted.sort_unstable_by(|one, other| plain[*one].cmp(&plain[*other]));
        for member in &sorted {
            text.push(plain[*member].len() as u8);
            text.extend_from_slice(&plain[*member]);
        }
        let mut least: Option<Vec<u8>> = None;
        each_order(&mut sorted, 0, &plain, &mut |sorted| {
            let named = self.named(&places(sorted), sorted, setup);
            if least.as_ref().is_none_or(|known| named < *known) {
                least = Some(named);
            }
        });
        text.extend(least.expect("there is at least one order"));
        text
    }

    /// What members know of each other, and what is on its way between them.
    fn named(&self, places: Places, sorted: &[usize], setup: &Setup) -> Vec<u8> {
        let mut text = Vec::with_capacity(96);
        for number in sorted {
            let node = &self.nodes[*number];
            text.push(optional(node.vote(), places));
            text.extend(
                node.member
                    .votes()
                    .map(|votes| votes.iter().fold(0, |set, id| set | 1 << place(*id, places))),
            );
            if let Some(leader) = node.member.leadership() {
                let mut followers = vec![[0; 3]; places.len()];
                for (id, known) in &leader.followers {
                    followers[usize::from(place(*id, places))] =
                        [known.matched.0 as u8, known.next.0 as u8, known.round as u8];
                }
                text.extend(followers.into_iter().flatten());
            }
            text.push(optional(node.disk.vote, places));
            text.extend(node.writes.iter().map(|write| optional(write.vote, places)));
            let held = self.held(MemberId(*number as u8), setup).into_iter();
            let mut held: Vec<_> =
                held.map(|(behind, letter)| (behind, letter_text(&letter, places))).collect();
            held.sort_unstable();
            text.extend(held.into_iter().flat_map(|(_, letter)| letter));
        }
        // A term that everybody is beyond gets no second leader.
        let open = self.nodes.iter().map(|node| node.member.term()).min().unwrap_or(Term(0));
        let led = self.leaders.iter().filter(|(term, _)| *term >= open);
        let mut led: Vec<[u8; 2]> =
            led.map(|(term, leader)| [term.0 as u8, place(*leader, places)]).collect();
        led.sort_unstable();
        text.extend(led.into_iter().flatten());
        text.push(u8::MAX);
        let mut network: Vec<Vec<u8>> =
            self.network.iter().map(|letter| letter_text(letter, places)).collect();
        network.sort_unstable();
        text.extend(network.into_iter().flatten());
        text
    }

    /// What can be said of a member without naming another.
    fn plain(&self, id: MemberId, node: &Node, setup: &Setup) -> Vec<u8> {
        let Node { member, disk, writes, reads } = node;
        let mut text = Vec::with_capacity(48);
        let role = match (member.leadership(), member.votes()) {
            (Some(_), _) => 2,
            (None, Some(votes)) => 8 + votes.len() as u8,
            (None, None) => 0,
        };
        let own = |vote: Option<MemberId>| u8::from(vote.is_some()) + u8::from(vote == Some(id));
        text.extend([member.term().0 as u8, own(node.vote()), role, member.committed().0 as u8]);
        log_text(member.log(), &mut text);
        if let Some(leader) = member.leadership() {
            text.extend([leader.first.0 as u8, leader.round as u8]);
            text.extend(leader.reads.iter().flat_map(|waiting| [waiting.index.0 as u8, waiting.round as u8]));
        }
        text.extend([u8::MAX, reads.len() as u8]);
        text.extend(reads.iter().map(|(_, before)| before.0 as u8));
        text.extend([writes.len() as u8, disk.term.0 as u8]);
        // Without anything on its way, the disk has what the member has.
        if !writes.is_empty() {
            log_text(&disk.log, &mut text);
        }
        for write in writes {
            text.extend([write.term.0 as u8, write.keep.0 as u8]);
            log_text(&write.entries, &mut text);
        }
        let mut held: Vec<u8> = self.held(id, setup).into_iter().map(|(behind, _)| behind).collect();
        held.sort_unstable();
        text.extend(held);
        text
    }

    /// What a member will say, and behind how many of its writes: each message once, and none that nobody would heed.
    fn held(&self, id: MemberId, setup: &Setup) -> Vec<(u8, Letter)> {
        let Node { member, writes, .. } = self.node(id);
        let mut held: Vec<(u8, Letter)> = Vec::new();
        for (ticket, to, message) in member.held() {
            let letter = Letter { from: id, to: *to, message: message.clone() };
            let behind = writes.iter().take_while(|write| write.ticket <= *ticket).count() as u8;
            let is_known = held.iter().any(|(_, known)| *known == letter);
            if !is_known && (!setup.reduced || self.may_be_heeded(&letter, setup)) {
                held.push((behind, letter));
            }
        }
        held
    }
}

fn log_text(log: &[LogEntry<u8>], text: &mut Vec<u8>) {
    text.push(log.len() as u8);
    log.iter().for_each(|entry| entry_text(entry, text));
}

fn entry_text(entry: &LogEntry<u8>, text: &mut Vec<u8>) {
    text.extend([entry.term.0 as u8, entry.command.unwrap_or(0)]);
}

fn letter_text(letter: &Letter, places: Places) -> Vec<u8> {
    let mut text = vec![place(letter.from, places), place(letter.to, places), letter.message.term().0 as u8];
    match &letter.message {
        Message::RequestVote { last, last_term, .. } => text.extend([1, last.0 as u8, last_term.0 as u8]),
        Message::Vote { granted, .. } => text.extend([2, u8::from(*granted)]),
        Message::Append { before, before_term, entries, committed, round, .. } => {
            text.extend([3, before.0 as u8, before_term.0 as u8, committed.0 as u8, *round as u8]);
            log_text(entries, &mut text);
        }
        Message::Install { snapshot, round, .. } => text.extend([5, snapshot.through.0 as u8, *round as u8]),
        Message::Appended { result, round, .. } => {
            let result = match result {
                Ok(matched) => [1, matched.0 as u8],
                Err(mismatch) => [0, mismatch.hint.0 as u8],
            };
            text.extend([4, result[0], result[1], *round as u8]);
        }
    }
    text
}

fn place(id: MemberId, places: Places) -> u8 {
    places[usize::from(id.0)]
}

fn optional(id: Option<MemberId>, places: Places) -> u8 {
    id.map_or(u8::MAX, |id| place(id, places))
}
