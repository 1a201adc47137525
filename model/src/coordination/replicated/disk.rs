//! What a member keeps on its disk: a snapshot of all that it remembers, and behind that every change of it.
//!
//! A change is a batch in the log, as with one node, torn tail and all. When the core cuts its log off, all that
//! is remembered is written as one new snapshot, which takes the log's place.

use super::super::command::Command;
use super::super::consensus::{Index, LogEntry, MemberId, Snapshot, Stored, Term};
use super::super::happening::Happening;
use super::super::log::{encode_batch, read_log};
use super::super::registry::Position;
use super::super::snapshot::{SNAPSHOT, encode_snapshot, read_snapshot, replace_snapshot};
use rehearsal_env::{Env, File, StorageError};
use serde::{Deserialize, Serialize};

/// The file that holds the changes since the snapshot.
const LOG: &str = "log";
/// The longest file that is read, in bytes.
const WHOLE: usize = usize::MAX;

/// One change of what a member remembers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Write {
    /// The term.
    pub term: Term,
    /// The vote of that term.
    pub vote: Option<MemberId>,
    /// A new snapshot of the registry, in place of the commands that led to it.
    pub snapshot: Option<Snapshot>,
    /// Of the log so much stays,
    pub keep: Index,
    /// and this comes behind it.
    pub entries: Vec<LogEntry<Command>>,
    /// Up to here all that was committed had been reported by then.
    pub reported: Index,
}

/// All that a member remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Kept {
    /// How many changes led to it.
    pub position: Position,
    /// Up to here all that was committed had been reported.
    pub reported: Index,
    /// Term, vote and log.
    pub stored: Stored<Command>,
}

/// The two files.
pub(super) struct Disk<E: Env> {
    env: E,
    log: E::File,
    kept: Kept,
}

impl Kept {
    /// Carries out one change.
    pub fn take(&mut self, write: Write) {
        let Write { term, vote, snapshot, keep, entries, reported } = write;
        self.stored.write((term, vote), snapshot, keep, entries);
        self.reported = reported;
        self.position.0 += 1;
    }
}

impl<E: Env> Disk<E> {
    /// Reads everything, and cuts a torn tail off. What is wrong is an Ok with what happened: then nothing may be
    /// served.
    ///
    /// # Errors
    /// The disk's.
    pub async fn recover(
        env: &E,
        say: impl Fn(&Happening),
    ) -> Result<Result<Disk<E>, Happening>, StorageError> {
        let (log, snapshot) = (env.open(LOG).await?, env.open(SNAPSHOT).await?);
        env.sync_dir().await?;
        let Ok(snapshot) = read_snapshot::<Kept>(&snapshot.read_at(0, WHOLE).await?) else {
            return Ok(Err(Happening::SnapshotCorrupt));
        };
        let mut kept = snapshot.unwrap_or_default();
        let written = match read_log::<Write>(&log.read_at(0, WHOLE).await?, kept.position) {
            Ok(written) => written,
            Err(corrupt) => return Ok(Err(Happening::LogCorrupt { offset: corrupt.offset as u64 })),
        };
        if written.torn {
            log.truncate(written.valid_length as u64).await?;
            say(&Happening::TornTailCut);
        }
        // What was in the file may have been seen and not be sure: a read says nothing about a crash.
        log.sync().await?;
        written.commands.into_iter().for_each(|write| kept.take(write));
        Ok(Ok(Disk { env: env.clone(), log, kept }))
    }

    /// All that is remembered.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Makes these changes survive any crash.
    ///
    /// # Errors
    /// The disk's: what survives is unknown then, but for an order: of the changes the first so many.
    pub async fn write(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        let before = self.kept.position;
        let is_cut = writes.iter().any(|write| write.snapshot.is_some()) || self.env.rarely("snapshot-early");
        let mut bytes = Vec::new();
        if !is_cut {
            encode_batch(Position(before.0 + 1), &writes, before, &mut bytes);
        }
        writes.into_iter().for_each(|write| self.kept.take(write));
        if is_cut {
            return replace_snapshot(&self.env, &encode_snapshot(&self.kept), &self.log).await;
        }
        self.log.append(&bytes).await?;
        self.log.sync().await
    }
}
