//! What the registry is asked, and what it answers.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How often keys had been changed. One transaction, or the end of one session, is one change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision(pub u64);

/// A session. Its client draws the number, so that a repeated wish to open it opens nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub u64);

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// What was put there.
    pub value: Arc<[u8]>,
    /// When the key came to be.
    pub created: Revision,
    /// When it was put last: the entry's version, and the fencing token of whoever put it.
    pub modified: Revision,
    /// The session at whose end it goes.
    pub owner: Option<SessionId>,
}

/// One key that one revision changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Change {
    /// Which key.
    pub key: String,
    /// By which revision.
    pub revision: Revision,
    /// What it held from then on; nothing when it was deleted.
    pub entry: Option<Entry>,
}

/// What a key must hold for a transaction to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Expected {
    /// Nothing.
    Absent,
    /// Something.
    Present,
    /// An entry of this version.
    Version(Revision),
}

/// A condition of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Check {
    /// Of which key.
    pub key: String,
    /// What it must hold.
    pub expected: Expected,
}

/// A write of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Edit {
    /// The key holds this from now on.
    Put {
        /// Which.
        key: String,
        /// What.
        value: Arc<[u8]>,
        /// Whether it goes when the transaction's session ends.
        ephemeral: bool,
    },
    /// The key holds nothing from now on.
    Delete {
        /// Which.
        key: String,
    },
}

/// Which keys to read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Keys {
    /// This one.
    One(String),
    /// All that begin like this.
    Prefix(String),
}

/// Something to be done to the registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// A session begins. One that is open already stays as it is.
    OpenSession {
        /// Which.
        session: SessionId,
        /// How long it may be silent.
        timeout: Duration,
    },
    /// Its client ends a session.
    CloseSession {
        /// Which.
        session: SessionId,
    },
    /// A session was silent for too long.
    ExpireSession {
        /// Which.
        session: SessionId,
    },
    /// All of the writes if all of the checks hold, or else nothing.
    Transact {
        /// Who must be there still, and will own what is ephemeral.
        session: Option<SessionId>,
        /// What must hold.
        checks: Vec<Check>,
        /// What to write. Of several writes to one key the last one counts.
        writes: Vec<Edit>,
    },
    /// Changes nothing.
    Read {
        /// What.
        keys: Keys,
    },
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reply {
    /// It was carried out.
    Done {
        /// The registry's revision afterwards.
        revision: Revision,
    },
    /// A check does not hold; nothing was changed.
    Conflict {
        /// The first check's key.
        key: String,
        /// The version that it holds.
        found: Option<Revision>,
    },
    /// The session has ended, or an ephemeral entry was to be put without one; nothing was changed.
    SessionGone,
    /// What was read.
    Entries {
        /// The registry's revision when it was read.
        revision: Revision,
        /// What the keys held.
        entries: BTreeMap<String, Entry>,
    },
}

impl Expected {
    /// Whether a key of this version is as expected.
    pub fn admits(self, found: Option<Revision>) -> bool {
        match self {
            Expected::Absent => found.is_none(),
            Expected::Present => found.is_some(),
            Expected::Version(version) => found == Some(version),
        }
    }
}

impl Check {
    /// The key must hold nothing.
    pub fn absent(key: impl Into<String>) -> Check {
        Check { key: key.into(), expected: Expected::Absent }
    }

    /// The key must hold something.
    pub fn present(key: impl Into<String>) -> Check {
        Check { key: key.into(), expected: Expected::Present }
    }

    /// The key must hold an entry of this version.
    pub fn version(key: impl Into<String>, version: Revision) -> Check {
        Check { key: key.into(), expected: Expected::Version(version) }
    }

    /// The key must be as it is known to be: with an entry of this version, or without any.
    pub fn unchanged(key: impl Into<String>, known: Option<Revision>) -> Check {
        match known {
            Some(version) => Check::version(key, version),
            None => Check::absent(key),
        }
    }
}

impl Edit {
    /// Puts what stays until it is deleted.
    pub fn put(key: impl Into<String>, value: impl Into<Arc<[u8]>>) -> Edit {
        Edit::Put { key: key.into(), value: value.into(), ephemeral: false }
    }

    /// Puts what goes with the session.
    pub fn put_ephemeral(key: impl Into<String>, value: impl Into<Arc<[u8]>>) -> Edit {
        Edit::Put { key: key.into(), value: value.into(), ephemeral: true }
    }

    /// Deletes.
    pub fn delete(key: impl Into<String>) -> Edit {
        Edit::Delete { key: key.into() }
    }

    /// The key it writes.
    pub fn key(&self) -> &str {
        match self {
            Edit::Put { key, .. } | Edit::Delete { key } => key,
        }
    }

    pub(super) fn is_ephemeral(&self) -> bool {
        matches!(self, Edit::Put { ephemeral: true, .. })
    }
}

impl Revision {
    /// The one after it.
    #[must_use]
    pub fn next(self) -> Revision {
        Revision(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}
