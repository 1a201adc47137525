//! The registry beside a reference that keeps every state it was ever in and knows nothing else.

use proptest::prelude::*;
use rehearsal_model::coordination::{
    Change, Check, Command, Compacted, Edit, Entry, Expected, Keys, Registry, Reply, Revision, SessionId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const KEYS: [&str; 6] = ["/a", "/a/0", "/a/1", "/b", "/b/0", ""];
const REMEMBERED: u64 = 5;
const TIMEOUT: Duration = Duration::from_secs(1);

type State = BTreeMap<String, Entry>;

/// One state per revision, and who is there.
struct Reference {
    states: Vec<State>,
    sessions: BTreeSet<SessionId>,
}

impl Reference {
    fn newest(&self) -> &State {
        self.states.last().expect("there is always one")
    }

    fn revision(&self) -> Revision {
        Revision(self.states.len() as u64 - 1)
    }

    /// Keeps `state` as the next revision if it is another one. Entries put now are those of a version to
    /// come.
    fn become_if_changed(&mut self, state: State) -> Reply {
        if state != *self.newest() {
            self.states.push(state);
        }
        Reply::Done { revision: self.revision() }
    }

    fn apply(&mut self, command: &Command) -> Reply {
        match command {
            Command::OpenSession { session, .. } => {
                self.sessions.insert(*session);
                Reply::Done { revision: self.revision() }
            }
            Command::CloseSession { session } | Command::ExpireSession { session } => {
                if !self.sessions.remove(session) {
                    return Reply::SessionGone;
                }
                let mut state = self.newest().clone();
                state.retain(|_, entry| entry.owner != Some(*session));
                self.become_if_changed(state)
            }
            Command::Transact { session, checks, writes } => self.transact(*session, checks, writes),
            Command::Read { keys } => {
                let wanted = |key: &String| match keys {
                    Keys::One(one) => key == one,
                    Keys::Prefix(prefix) => key.starts_with(prefix),
                };
                let mut entries = self.newest().clone();
                entries.retain(|key, _| wanted(key));
                Reply::Entries { revision: self.revision(), entries }
            }
        }
    }

    fn transact(&mut self, session: Option<SessionId>, checks: &[Check], writes: &[Edit]) -> Reply {
        let ephemeral = writes.iter().any(|edit| matches!(edit, Edit::Put { ephemeral: true, .. }));
        if session.map_or(ephemeral, |session| !self.sessions.contains(&session)) {
            return Reply::SessionGone;
        }
        for Check { key, expected } in checks {
            let found = self.newest().get(key).map(|entry| entry.modified);
            let holds = match expected {
                Expected::Absent => found.is_none(),
                Expected::Present => found.is_some(),
                Expected::Version(version) => found == Some(*version),
            };
            if !holds {
                return Reply::Conflict { key: key.clone(), found };
            }
        }
        let (now, mut state) = (self.revision().next(), self.newest().clone());
        for edit in writes {
            match edit {
                Edit::Put { key, value, ephemeral } => {
                    let created = self.newest().get(key).map_or(now, |before| before.created);
                    let owner = if *ephemeral { session } else { None };
                    let entry = Entry { value: value.clone(), created, modified: now, owner };
                    state.insert(key.clone(), entry);
                }
                Edit::Delete { key } => {
                    state.remove(key);
                }
            }
        }
        self.become_if_changed(state)
    }

    /// What is different from each state to the next.
    fn changes_since(&self, prefix: &str, since: Revision) -> Vec<Change> {
        let mut changes = Vec::new();
        for revision in (since.0 + 1)..self.states.len() as u64 {
            let (before, after) = (&self.states[revision as usize - 1], &self.states[revision as usize]);
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for key in keys {
                if key.starts_with(prefix) && before.get(key) != after.get(key) {
                    let (revision, entry) = (Revision(revision), after.get(key).cloned());
                    changes.push(Change { key: key.clone(), revision, entry });
                }
            }
        }
        changes
    }
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(&KEYS[..]).prop_map(str::to_owned)
}

fn session() -> impl Strategy<Value = SessionId> {
    (0..3_u64).prop_map(SessionId)
}

fn command() -> impl Strategy<Value = Command> {
    let expected = prop_oneof![
        Just(Expected::Absent),
        Just(Expected::Present),
        (0..12_u64).prop_map(|version| Expected::Version(Revision(version))),
    ];
    let check = (key(), expected).prop_map(|(key, expected)| Check { key, expected });
    let edit = prop_oneof![
        3 => (key(), any::<u8>(), any::<bool>())
            .prop_map(|(key, value, ephemeral)| Edit::Put { key, value: [value].into(), ephemeral }),
        2 => key().prop_map(|key| Edit::Delete { key }),
    ];
    let checks = prop::collection::vec(check, 0..2);
    let writes = prop::collection::vec(edit, 0..4);
    prop_oneof![
        2 => session().prop_map(|session| Command::OpenSession { session, timeout: TIMEOUT }),
        1 => session().prop_map(|session| Command::CloseSession { session }),
        1 => session().prop_map(|session| Command::ExpireSession { session }),
        8 => (prop::option::of(session()), checks, writes)
            .prop_map(|(session, checks, writes)| Command::Transact { session, checks, writes }),
        1 => key().prop_map(|key| Command::Read { keys: Keys::One(key) }),
        1 => key().prop_map(|prefix| Command::Read { keys: Keys::Prefix(prefix) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_registry_answers_as_the_reference_does(commands in prop::collection::vec(command(), 0..60)) {
        let mut registry = Registry::new(REMEMBERED);
        let mut reference = Reference { states: vec![State::new()], sessions: BTreeSet::new() };
        for command in &commands {
            let before = registry.clone();
            prop_assert_eq!(registry.apply(command), reference.apply(command), "{:?}", command);
            prop_assert_eq!(registry.position() > before.position(), registry != before);
            prop_assert_eq!(registry.revision(), reference.revision());
            prop_assert!(registry.sessions().keys().eq(&reference.sessions));
        }
        let newest = registry.revision();
        for since in (0..=newest.0).map(Revision) {
            for prefix in KEYS {
                let told = registry.changes_since(prefix, since);
                if since.0 + REMEMBERED < newest.0 {
                    prop_assert_eq!(told, Err(Compacted { horizon: Revision(newest.0 - REMEMBERED) }));
                } else {
                    prop_assert_eq!(told, Ok(reference.changes_since(prefix, since)));
                }
            }
        }
    }
}

fn put_by(session: u64, key: &str) -> Command {
    let writes = vec![Edit::put_ephemeral(key, *b"here")];
    Command::Transact { session: Some(SessionId(session)), checks: vec![Check::absent(key)], writes }
}

fn open(session: u64) -> Command {
    Command::OpenSession { session: SessionId(session), timeout: TIMEOUT }
}

#[test]
fn all_that_a_session_owned_goes_with_one_revision() {
    let mut registry = Registry::new(REMEMBERED);
    for command in [open(1), open(2), put_by(1, "/a"), put_by(1, "/b"), put_by(2, "/c")] {
        assert!(matches!(registry.apply(&command), Reply::Done { .. }));
    }
    registry.apply(&Command::ExpireSession { session: SessionId(1) });
    let gone = |key: &str| Change { key: key.to_owned(), revision: Revision(4), entry: None };
    assert_eq!(registry.changes_since("/", Revision(3)), Ok(vec![gone("/a"), gone("/b")]));
}

#[test]
fn an_ended_session_does_nothing_more() {
    let mut registry = Registry::new(REMEMBERED);
    for command in [open(1), Command::ExpireSession { session: SessionId(1) }] {
        registry.apply(&command);
    }
    let before = registry.clone();
    assert_eq!(registry.apply(&put_by(1, "/a")), Reply::SessionGone);
    assert_eq!(registry.apply(&Command::CloseSession { session: SessionId(1) }), Reply::SessionGone);
    assert_eq!(registry, before);
}

#[test]
fn a_key_that_was_made_anew_has_another_version() {
    let mut registry = Registry::new(REMEMBERED);
    let first = Check::version("/leader", Revision(1));
    for writes in [vec![Edit::put("/leader", *b"1")], vec![Edit::delete("/leader")]] {
        registry.apply(&Command::Transact { session: None, checks: Vec::new(), writes });
    }
    let writes = vec![Edit::put("/leader", *b"1")];
    registry.apply(&Command::Transact { session: None, checks: Vec::new(), writes: writes.clone() });
    let stale = Command::Transact { session: None, checks: vec![first], writes };
    let conflict = Reply::Conflict { key: "/leader".to_owned(), found: Some(Revision(3)) };
    assert_eq!(registry.apply(&stale), conflict);
}
