//! The server's table of sessions behind a network that loses, repeats and reorders, with clients that go by
//! the protocol: every request is carried out at most once and in order, every answer is that of its request,
//! and silence ends what was left open.

use proptest::prelude::*;
use proptest::sample::Index;
use rehearsal_env::{NodeId, Time};
use rehearsal_model::session::{Frame, SessionTable, Verdict};
use std::collections::BTreeMap;
use std::time::Duration;

const CLIENTS: u32 = 3;
const SILENCE: Duration = Duration::from_nanos(10);

/// Requests are numbered through the whole run, and so are the answers: each is carried out under a new one.
type Words = Frame<u64, u64>;

/// Where a frame comes from, or goes to: the client in either case.
type Mail = Vec<(NodeId, Words)>;

/// A client in one session at a time.
#[derive(Default)]
struct Client {
    nonce: u64,
    session: Option<u64>,
    number: u64,
    /// The request that it waits for, if it does.
    asks: Option<u64>,
    answered: usize,
}

impl Client {
    /// Sends what it has not heard of yet; else it asks something new.
    fn speak(&mut self, last_request: &mut u64) -> Words {
        let Some(session) = self.session else { return Frame::Hello { nonce: self.nonce } };
        if self.asks.is_none() {
            *last_request += 1;
            self.number += 1;
            self.asks = Some(*last_request);
        }
        Frame::Request { session, number: self.number, body: self.asks.expect("it asks something") }
    }

    fn begin_anew(&mut self) {
        *self = Client { nonce: self.nonce + 1, answered: self.answered, ..Client::default() };
    }

    fn hear(&mut self, words: Words, carried_out: &BTreeMap<u64, u64>) {
        match words {
            Frame::Welcome { nonce, session } if nonce == self.nonce && self.session.is_none() => {
                self.session = Some(session);
            }
            Frame::End { session } if self.session == Some(session) => self.begin_anew(),
            Frame::Answer { session, number, body }
                if self.session == Some(session) && self.number == number =>
            {
                if let Some(asked) = self.asks.take() {
                    assert_eq!(carried_out.get(&asked), Some(&body), "the answer to something else");
                    self.answered += 1;
                }
            }
            _ => {}
        }
    }
}

/// A session as whoever looks over the server's shoulder knows it: all that was taken, in order.
struct Known {
    client: NodeId,
    taken: Vec<u64>,
    heard: Time,
}

#[derive(Default)]
struct World {
    now: Time,
    table: SessionTable<u64>,
    /// The sessions that have not ended, by id; ids are never given twice.
    open: BTreeMap<u64, Known>,
    last_session: u64,
    /// Being worked on, each for a session, which may have ended meanwhile.
    working: Vec<(u64, u64)>,
    /// Requests and their answers, whether anybody heard of them or not.
    carried_out: BTreeMap<u64, u64>,
    clients: BTreeMap<NodeId, Client>,
    last_request: u64,
    to_server: Mail,
    to_clients: Mail,
}

#[derive(Clone, Debug)]
enum Deed {
    Speak(NodeId),
    Quit(NodeId),
    /// The frame stays on its way: it may come again, and any time later.
    ReachServer(Index),
    ReachClient(Index),
    LoseFrame(Index),
    Finish(Index),
    Pass(u64),
    EndSilent,
}

fn deed() -> impl Strategy<Value = Deed> {
    let client = || (0..CLIENTS).prop_map(NodeId);
    prop_oneof![
        10 => client().prop_map(Deed::Speak),
        1 => client().prop_map(Deed::Quit),
        14 => any::<Index>().prop_map(Deed::ReachServer),
        14 => any::<Index>().prop_map(Deed::ReachClient),
        6 => any::<Index>().prop_map(Deed::LoseFrame),
        6 => any::<Index>().prop_map(Deed::Finish),
        2 => (0..6_u64).prop_map(Deed::Pass),
        1 => Just(Deed::EndSilent),
    ]
}

fn pick<T: Clone>(from: &[T], which: Index) -> Option<T> {
    (!from.is_empty()).then(|| which.get(from).clone())
}

impl World {
    fn new() -> Self {
        let clients = (0..CLIENTS).map(|client| (NodeId(client), Client::default()));
        World { clients: clients.collect(), ..World::default() }
    }

    fn happen(&mut self, deed: Deed) {
        match deed {
            Deed::Speak(who) => self.speak(who),
            Deed::Quit(who) => self.quit(who),
            Deed::ReachServer(which) => {
                if let Some((from, words)) = pick(&self.to_server, which) {
                    self.serve(from, words);
                }
            }
            Deed::ReachClient(which) => {
                if let Some((to, words)) = pick(&self.to_clients, which) {
                    self.hear(to, words);
                }
            }
            Deed::LoseFrame(which) => {
                let at = which.index(self.to_server.len() + self.to_clients.len() + 1);
                if at < self.to_server.len() {
                    self.to_server.remove(at);
                } else if at - self.to_server.len() < self.to_clients.len() {
                    self.to_clients.remove(at - self.to_server.len());
                }
            }
            Deed::Finish(_) if self.working.is_empty() => {}
            Deed::Finish(which) => self.finish(which.index(self.working.len())),
            Deed::Pass(nanoseconds) => self.now = self.now + Duration::from_nanos(nanoseconds),
            Deed::EndSilent => self.end_silent(),
        }
    }

    fn client(&mut self, who: NodeId) -> &mut Client {
        self.clients.get_mut(&who).expect("it is one of them")
    }

    fn speak(&mut self, who: NodeId) {
        let client = self.clients.get_mut(&who).expect("it is one of them");
        self.to_server.push((who, client.speak(&mut self.last_request)));
    }

    fn hear(&mut self, who: NodeId, words: Words) {
        let client = self.clients.get_mut(&who).expect("it is one of them");
        client.hear(words, &self.carried_out);
    }

    fn quit(&mut self, who: NodeId) {
        if let Some(session) = self.client(who).session {
            self.to_server.push((who, Frame::End { session }));
        }
        self.client(who).begin_anew();
    }

    fn serve(&mut self, from: NodeId, words: Words) {
        match words {
            Frame::Hello { nonce } => {
                let fresh = self.last_session + 1;
                let session = self.table.hello(from, nonce, fresh, self.now);
                if session == fresh {
                    self.last_session = fresh;
                    self.open.insert(fresh, Known { client: from, taken: Vec::new(), heard: self.now });
                }
                assert_eq!(self.open.get(&session).map(|open| open.client), Some(from));
                self.to_clients.push((from, Frame::Welcome { nonce, session }));
            }
            Frame::Request { session, number, body } => self.take(from, session, number, body),
            Frame::End { session } => {
                assert_eq!(self.table.end(from, session), self.open.remove(&session).is_some());
            }
            Frame::Welcome { .. } | Frame::Working { .. } | Frame::Answer { .. } => unreachable!(),
        }
    }

    fn take(&mut self, from: NodeId, session: u64, number: u64, body: u64) {
        let verdict = self.table.request(from, session, number, self.now);
        let Some(open) = self.open.get_mut(&session) else {
            assert_eq!(verdict, Verdict::Unknown, "the session is over");
            return self.to_clients.push((from, Frame::End { session }));
        };
        open.heard = self.now;
        match verdict {
            Verdict::Take => {
                assert_eq!(number, open.taken.len() as u64 + 1, "out of order");
                let mut before = open.taken.iter();
                assert!(before.all(|taken| self.carried_out.contains_key(taken)), "two at once");
                open.taken.push(body);
                self.working.push((session, body));
            }
            Verdict::Repeat(answer) => {
                assert_eq!(open.taken.last(), Some(&body));
                assert_eq!(self.carried_out.get(&body), Some(&answer));
                self.to_clients.push((from, Frame::Answer { session, number, body: answer }));
            }
            Verdict::Working => assert!(self.working.contains(&(session, body)), "nobody works on it"),
            Verdict::Ignore => assert!(number < open.taken.len() as u64, "an honest client is ignored"),
            Verdict::Unknown => panic!("session {session} is open, and unknown"),
        }
    }

    fn finish(&mut self, which: usize) {
        let (session, request) = self.working.remove(which);
        let answer = 1_000 + self.carried_out.len() as u64;
        assert_eq!(self.carried_out.insert(request, answer), None, "carried out twice");
        let waits = self.table.answered(session, answer);
        let open = self.open.get(&session);
        assert_eq!(waits, open.map(|open| (open.client, open.taken.len() as u64)));
        if let Some((client, number)) = waits {
            self.to_clients.push((client, Frame::Answer { session, number, body: answer }));
        }
    }

    fn end_silent(&mut self) {
        let is_silent = |open: &Known| self.now.since(open.heard) > SILENCE;
        let silent = self.open.iter().filter(|(_, open)| is_silent(open)).map(|(id, _)| *id);
        let silent: Vec<u64> = silent.collect();
        assert_eq!(self.table.end_silent(self.now, SILENCE), silent);
        self.open.retain(|id, _| !silent.contains(id));
    }

    /// The network heals, and everybody asks until the answer is there.
    fn everyone_is_answered(&mut self) {
        let before: Vec<usize> = self.clients.values().map(|client| client.answered).collect();
        // An answer that got lost, an End, a Welcome, a new answer: each takes a round at most.
        for _ in 0..5 {
            (0..CLIENTS).for_each(|who| self.speak(NodeId(who)));
            for (from, words) in std::mem::take(&mut self.to_server) {
                self.serve(from, words);
            }
            while !self.working.is_empty() {
                self.finish(0);
            }
            for (to, words) in std::mem::take(&mut self.to_clients) {
                self.hear(to, words);
            }
        }
        let after = self.clients.values().map(|client| client.answered);
        assert!(after.zip(before).all(|(after, before)| after > before), "somebody asks in vain");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_is_carried_out_at_most_once_and_answered_with_its_own_answer(
        deeds in prop::collection::vec(deed(), 1..200),
    ) {
        let mut world = World::new();
        for deed in deeds {
            world.happen(deed);
        }
        world.everyone_is_answered();
        world.happen(Deed::Pass(11));
        world.end_silent();
        prop_assert!(world.open.is_empty());
        prop_assert_eq!(world.table, SessionTable::default(), "all are silent, and something is left");
    }
}
