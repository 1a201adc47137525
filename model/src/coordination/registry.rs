//! Keys, their versions, and the sessions that some of them hang on: the deterministic state behind
//! everything.
//!
//! It follows ZooKeeper (Hunt et al., 2010) in its sessions and ephemeral keys, and etcd in that one revision
//! numbers the changes of all keys, a transaction is checks and writes, and a watch goes on from a revision.

use super::command::{Change, Check, Command, Edit, Entry, Keys, Reply, Revision, SessionId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How many commands have changed anything: the place of the last of them in a log of exactly these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position(pub u64);

/// The changes asked for are no longer known. Whoever asked must read anew and go on from what that read
/// says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("what changed up to revision {horizon} is no longer known")]
pub struct Compacted {
    /// Changes up to here are forgotten.
    pub horizon: Revision,
}

/// What the keys become: a value with its owner, or nothing.
type Writes<'a> = BTreeMap<&'a str, Option<(&'a Arc<[u8]>, Option<SessionId>)>>;

/// All keys and sessions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Registry {
    position: Position,
    revision: Revision,
    entries: BTreeMap<String, Entry>,
    /// How long each open session may be silent.
    sessions: BTreeMap<SessionId, Duration>,
    /// What each of the newest revisions changed.
    history: BTreeMap<Revision, BTreeMap<String, Option<Entry>>>,
    /// How many revisions the history reaches back.
    remembers: u64,
}

impl Registry {
    /// Without keys and sessions. It will remember what its last so many revisions changed.
    pub fn new(remembers: u64) -> Registry {
        Registry {
            position: Position::default(),
            revision: Revision::default(),
            entries: BTreeMap::new(),
            sessions: BTreeMap::new(),
            history: BTreeMap::new(),
            remembers,
        }
    }

    /// Carries out one command. It has changed something if and only if the [position](Registry::position)
    /// rose.
    pub fn apply(&mut self, command: &Command) -> Reply {
        match command {
            Command::OpenSession { session, timeout } => self.open(*session, *timeout),
            Command::CloseSession { session } | Command::ExpireSession { session } => self.end(*session),
            Command::Transact { session, checks, writes } => self.transact(*session, checks, writes),
            Command::Read { keys } => self.read(keys),
        }
    }

    /// How many commands have changed something.
    pub fn position(&self) -> Position {
        self.position
    }

    /// How often keys were changed.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Every open session, and how long it may be silent.
    pub fn sessions(&self) -> &BTreeMap<SessionId, Duration> {
        &self.sessions
    }

    /// All that changed after `revision` among the keys that begin with `prefix`, in the order in which it
    /// did.
    ///
    /// # Errors
    /// [`Compacted`] when some of it may be forgotten.
    pub fn changes_since(&self, prefix: &str, revision: Revision) -> Result<Vec<Change>, Compacted> {
        let horizon = Revision(self.revision.0.saturating_sub(self.remembers));
        if revision < horizon {
            return Err(Compacted { horizon });
        }
        let later = self.history.range(revision.next()..).flat_map(|(revision, changed)| {
            let change = |(key, entry): (&String, &Option<Entry>)| Change {
                key: key.clone(),
                revision: *revision,
                entry: entry.clone(),
            };
            beginning_with(changed, prefix).map(change)
        });
        Ok(later.collect())
    }

    fn open(&mut self, session: SessionId, timeout: Duration) -> Reply {
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.sessions.entry(session) {
            vacant.insert(timeout);
            self.position.0 += 1;
        }
        Reply::Done { revision: self.revision }
    }

    /// Ends a session: what it owned goes, all at once.
    fn end(&mut self, session: SessionId) -> Reply {
        if self.sessions.remove(&session).is_none() {
            return Reply::SessionGone;
        }
        let owned = self.entries.iter().filter(|(_, entry)| entry.owner == Some(session));
        let owned: Vec<String> = owned.map(|(key, _)| key.clone()).collect();
        self.write(owned.iter().map(|key| (key.as_str(), None)).collect());
        self.position.0 += 1;
        Reply::Done { revision: self.revision }
    }

    fn transact(&mut self, session: Option<SessionId>, checks: &[Check], writes: &[Edit]) -> Reply {
        let is_open = session.map(|session| self.sessions.contains_key(&session));
        let needs_one = writes.iter().any(Edit::is_ephemeral);
        if is_open == Some(false) || is_open.is_none() && needs_one {
            return Reply::SessionGone;
        }
        for Check { key, expected } in checks {
            let found = self.entries.get(key).map(|entry| entry.modified);
            if !expected.admits(found) {
                return Reply::Conflict { key: key.clone(), found };
            }
        }
        let becomes = |edit| match edit {
            &Edit::Put { ref value, ephemeral, .. } => Some((value, session.filter(|_| ephemeral))),
            Edit::Delete { .. } => None,
        };
        if self.write(writes.iter().map(|edit| (edit.key(), becomes(edit))).collect()) {
            self.position.0 += 1;
        }
        Reply::Done { revision: self.revision }
    }

    /// Makes one revision of these writes; none when they change nothing. Whether they did.
    fn write(&mut self, mut writes: Writes<'_>) -> bool {
        writes.retain(|key, becomes| becomes.is_some() || self.entries.contains_key(*key));
        if writes.is_empty() {
            return false;
        }
        self.revision = self.revision.next();
        let mut changed = BTreeMap::new();
        for (key, becomes) in writes {
            let before = self.entries.remove(key);
            let entry = becomes.map(|(value, owner)| Entry {
                value: value.clone(),
                created: before.map_or(self.revision, |before| before.created),
                modified: self.revision,
                owner,
            });
            if let Some(entry) = &entry {
                self.entries.insert(key.to_owned(), entry.clone());
            }
            changed.insert(key.to_owned(), entry);
        }
        self.history.insert(self.revision, changed);
        if self.history.len() as u64 > self.remembers {
            self.history.pop_first();
        }
        true
    }

    fn read(&self, keys: &Keys) -> Reply {
        let copy = |(key, entry): (&String, &Entry)| (key.clone(), entry.clone());
        let entries = match keys {
            Keys::One(key) => self.entries.get_key_value(key).map(copy).into_iter().collect(),
            Keys::Prefix(prefix) => beginning_with(&self.entries, prefix).map(copy).collect(),
        };
        Reply::Entries { revision: self.revision, entries }
    }
}

fn beginning_with<'a, V>(
    map: &'a BTreeMap<String, V>,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a String, &'a V)> {
    use std::ops::Bound::{Included, Unbounded};
    map.range::<str, _>((Included(prefix), Unbounded)).take_while(move |(key, _)| key.starts_with(prefix))
}
