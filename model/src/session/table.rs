//! The server's side of all sessions: a core without waiting.

use rehearsal_env::{NodeId, Time};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Conversation<A> {
    client: NodeId,
    nonce: u64,
    /// The newest request taken.
    taken: u64,
    /// Its answer, once there is one.
    stored: Option<A>,
    heard: Time,
}

/// What to do about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<A> {
    /// It is new: carry it out.
    Take,
    /// It was answered before, thus.
    Repeat(A),
    /// It is being worked on.
    Working,
    /// It is older than one already answered, or from the future, or has no number: no answer.
    Ignore,
    /// There is no such session.
    Unknown,
}

/// All open sessions of a server; answers are `A`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionTable<A> {
    conversations: BTreeMap<u64, Conversation<A>>,
    /// The same by what began them.
    begun: BTreeMap<(NodeId, u64), u64>,
}

impl<A> Default for SessionTable<A> {
    fn default() -> Self {
        SessionTable { conversations: BTreeMap::new(), begun: BTreeMap::new() }
    }
}

impl<A: Clone> SessionTable<A> {
    /// A client wants to begin; `fresh` becomes the session's id unless the Hello is a repeat.
    pub fn hello(&mut self, client: NodeId, nonce: u64, fresh: u64, now: Time) -> u64 {
        if let Some(id) = self.begun.get(&(client, nonce)) {
            return *id;
        }
        let conversation = Conversation { client, nonce, taken: 0, stored: None, heard: now };
        self.conversations.insert(fresh, conversation);
        self.begun.insert((client, nonce), fresh);
        fresh
    }

    /// A request came.
    pub fn request(&mut self, client: NodeId, session: u64, number: u64, now: Time) -> Verdict<A> {
        let Some(open) = self.conversations.get_mut(&session).filter(|open| open.client == client) else {
            return Verdict::Unknown;
        };
        open.heard = now;
        let answered = open.stored.is_some() || open.taken == 0;
        if number == open.taken + 1 && answered {
            open.taken = number;
            open.stored = None;
            return Verdict::Take;
        }
        match &open.stored {
            _ if number != open.taken || number == 0 => Verdict::Ignore,
            Some(answer) => Verdict::Repeat(answer.clone()),
            None => Verdict::Working,
        }
    }

    /// The request being worked on is answered; to whom and under which number. None when the session has
    /// ended meanwhile.
    pub fn answered(&mut self, session: u64, answer: A) -> Option<(NodeId, u64)> {
        let open = self.conversations.get_mut(&session)?;
        open.stored = Some(answer);
        Some((open.client, open.taken))
    }

    /// The client ends the session; whether there was one.
    pub fn end(&mut self, client: NodeId, session: u64) -> bool {
        let owns = self.conversations.get(&session).is_some_and(|open| open.client == client);
        if owns {
            self.forget(session);
        }
        owns
    }

    /// The server ends the session; whose it was, if there was one.
    pub fn forget(&mut self, session: u64) -> Option<NodeId> {
        let ended = self.conversations.remove(&session)?;
        self.begun.remove(&(ended.client, ended.nonce));
        Some(ended.client)
    }

    /// Ends all sessions that have been silent for longer than `silence`, and names them.
    pub fn end_silent(&mut self, now: Time, silence: Duration) -> Vec<u64> {
        let silent: Vec<u64> = self
            .conversations
            .iter()
            .filter(|(_, open)| now.since(open.heard) > silence)
            .map(|(id, _)| *id)
            .collect();
        for id in &silent {
            self.forget(*id);
        }
        silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: NodeId = NodeId(4);

    fn table() -> (SessionTable<&'static str>, u64) {
        let mut table = SessionTable::default();
        let session = table.hello(CLIENT, 11, 7, Time(0));
        (table, session)
    }

    #[test]
    fn a_repeated_hello_begins_nothing_new() {
        let (mut table, session) = table();
        assert_eq!(table.hello(CLIENT, 11, 8, Time(0)), session);
        assert_eq!(table.hello(CLIENT, 12, 8, Time(0)), 8);
        assert_eq!(table.hello(NodeId(5), 11, 9, Time(0)), 9);
    }

    #[test]
    fn a_request_is_taken_once_and_repeats_get_the_stored_answer() {
        let (mut table, session) = table();
        assert_eq!(table.request(CLIENT, session, 1, Time(0)), Verdict::Take);
        assert_eq!(table.request(CLIENT, session, 1, Time(0)), Verdict::Working);
        assert_eq!(table.answered(session, "one"), Some((CLIENT, 1)));
        assert_eq!(table.request(CLIENT, session, 1, Time(0)), Verdict::Repeat("one"));
        assert_eq!(table.request(CLIENT, session, 2, Time(0)), Verdict::Take);
        assert_eq!(table.request(CLIENT, session, 1, Time(0)), Verdict::Ignore);
    }

    #[test]
    fn requests_are_taken_in_order_only() {
        let (mut table, session) = table();
        assert_eq!(table.request(CLIENT, session, 2, Time(0)), Verdict::Ignore);
        assert_eq!(table.request(CLIENT, session, 1, Time(0)), Verdict::Take);
        assert_eq!(table.request(CLIENT, session, 2, Time(0)), Verdict::Ignore);
    }

    #[test]
    fn what_is_not_known_or_belongs_to_another_is_unknown() {
        let (mut table, session) = table();
        assert_eq!(table.request(CLIENT, 99, 1, Time(0)), Verdict::Unknown);
        assert_eq!(table.request(NodeId(5), session, 1, Time(0)), Verdict::Unknown);
        assert!(!table.end(NodeId(5), session));
        assert!(table.end(CLIENT, session));
        assert_eq!(table.request(CLIENT, session, 1, Time(0)), Verdict::Unknown);
    }

    #[test]
    fn silence_ends_a_session_and_words_keep_it() {
        let (mut table, session) = table();
        let other = table.hello(CLIENT, 12, 8, Time(0));
        table.request(CLIENT, other, 1, Time(3_000));
        assert_eq!(table.end_silent(Time(4_000), Duration::from_nanos(2_000)), [session]);
        assert_eq!(table.answered(session, "late"), None);
        assert_eq!(table.request(CLIENT, other, 1, Time(4_000)), Verdict::Working);
    }
}
