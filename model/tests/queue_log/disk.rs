//! A disk that does at a crash what `rehearsal_env::Storage` says it may do, with small sectors.

use rehearsal_model::queue::log::{SegmentName, Write};
use std::collections::BTreeMap;

/// The unit in which a write is torn. Small, so that frames are torn in many places.
const SECTOR: usize = 64;

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

#[derive(Clone, Debug, Default)]
struct File {
    seen: Vec<u8>,
    sure: Vec<u8>,
    unsynced: Vec<Change>,
    /// How many changes came before those.
    settled: usize,
}

#[derive(Clone, Debug)]
enum NameChange {
    Create(SegmentName, usize),
    Remove(SegmentName),
}

/// A place up to which the changes of one file may be synced.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    file: usize,
    changes: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: Vec<File>,
    names: BTreeMap<SegmentName, usize>,
    sure_names: BTreeMap<SegmentName, usize>,
    unsynced_names: Vec<NameChange>,
}

/// What becomes of each unsynced change, as small numbers that come again and again.
pub struct Fates<'a>(std::iter::Cycle<std::slice::Iter<'a, u8>>);

impl<'a> Fates<'a> {
    pub fn new(fates: &'a [u8]) -> Fates<'a> {
        assert!(!fates.is_empty());
        Fates(fates.iter().cycle())
    }

    fn next(&mut self) -> usize {
        usize::from(*self.0.next().expect("it goes on for ever"))
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { at, bytes } => {
                content.resize(content.len().max(at + bytes.len()), 0);
                content[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Change::Truncate { length } => content.resize(*length, 0),
        }
    }

    /// What is left of it.
    fn survive(self, content: &mut Vec<u8>, fates: &mut Fates<'_>) {
        match (fates.next() % 4, self) {
            (0 | 1, change) => change.apply(content),
            (2, Change::Write { at, mut bytes }) => {
                let borders = (at / SECTOR + 1..).map(|sector| sector * SECTOR - at);
                let borders: Vec<usize> = borders.take_while(|border| *border < bytes.len()).collect();
                if borders.is_empty() {
                    return;
                }
                let border = borders[fates.next() % borders.len()];
                if fates.next().is_multiple_of(2) {
                    bytes.truncate(border);
                    Change::Write { at, bytes }.apply(content);
                } else {
                    Change::Write { at: at + border, bytes: bytes.split_off(border) }.apply(content);
                }
            }
            _ => {}
        }
    }
}

impl Disk {
    pub fn carry_out(&mut self, write: &Write) {
        match write {
            Write::Create { segment } => {
                assert!(!self.names.contains_key(segment), "{segment} is there already");
                self.files.push(File::default());
                self.names.insert(*segment, self.files.len() - 1);
                self.unsynced_names.push(NameChange::Create(*segment, self.files.len() - 1));
            }
            Write::Append { segment, bytes } => {
                let at = self.bytes(*segment).len();
                self.change(*segment, Change::Write { at, bytes: bytes.clone() });
            }
            Write::Truncate { segment, length } => {
                assert!(*length <= self.bytes(*segment).len() as u64, "a cut makes nothing longer");
                self.change(*segment, Change::Truncate { length: *length as usize });
            }
            Write::Remove { segment } => {
                self.names.remove(segment).expect("only what is there is removed");
                self.unsynced_names.push(NameChange::Remove(*segment));
            }
            Write::Sync { segment } => self.sync(self.mark(*segment)),
            Write::SyncDirectory => {
                self.sure_names.clone_from(&self.names);
                self.unsynced_names.clear();
            }
        }
    }

    fn change(&mut self, segment: SegmentName, change: Change) {
        let file = &mut self.files[self.names[&segment]];
        change.apply(&mut file.seen);
        file.unsynced.push(change);
    }

    /// What a sync that begins now will cover.
    pub fn mark(&self, segment: SegmentName) -> Mark {
        let file = self.names[&segment];
        Mark { file, changes: self.files[file].settled + self.files[file].unsynced.len() }
    }

    /// A sync that began at `mark` ends.
    pub fn sync(&mut self, mark: Mark) {
        let file = &mut self.files[mark.file];
        let covered = mark.changes.saturating_sub(file.settled).min(file.unsynced.len());
        file.settled += covered;
        for change in file.unsynced.drain(..covered) {
            change.apply(&mut file.sure);
        }
    }

    /// The power goes.
    pub fn crash(&mut self, fates: &mut Fates<'_>) {
        for file in &mut self.files {
            file.settled += file.unsynced.len();
            for change in std::mem::take(&mut file.unsynced) {
                change.survive(&mut file.sure, fates);
            }
            file.seen.clone_from(&file.sure);
        }
        let kept = fates.next() % (self.unsynced_names.len() + 1);
        for change in self.unsynced_names.drain(..).take(kept) {
            match change {
                NameChange::Create(name, file) => self.sure_names.insert(name, file),
                NameChange::Remove(name) => self.sure_names.remove(&name),
            };
        }
        self.names.clone_from(&self.sure_names);
    }

    /// A file as this node reads it.
    pub fn bytes(&self, segment: SegmentName) -> &[u8] {
        &self.files[self.names[&segment]].seen
    }

    /// All of them.
    pub fn files(&self) -> Vec<(SegmentName, Vec<u8>)> {
        self.names.iter().map(|(name, file)| (*name, self.files[*file].seen.clone())).collect()
    }

    /// Changes a byte as no program does.
    pub fn rot(&mut self, segment: SegmentName, at: usize, mask: u8) {
        let file = &mut self.files[self.names[&segment]];
        file.seen[at] ^= mask;
    }

    /// Cuts a file as a tear does.
    pub fn tear(&mut self, segment: SegmentName, length: usize) {
        let file = &mut self.files[self.names[&segment]];
        file.seen.truncate(length);
    }

    /// Loses a file.
    pub fn lose(&mut self, segment: SegmentName) {
        self.names.remove(&segment).expect("it is there");
    }
}
