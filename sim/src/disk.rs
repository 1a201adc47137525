//! A disk without time: files of bytes, what of them is sure, and what a crash leaves.

use rehearsal_env::StorageError;
use std::collections::BTreeMap;

/// The unit in which a write is torn, in bytes.
pub(crate) const SECTOR: u64 = 512;

/// One file of a disk, whatever its name is by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileId(u64);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Truncate { length: u64 },
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => write(content, *offset, bytes),
            Change::Truncate { length } => content.resize(*length as usize, 0),
        }
    }
}

fn write(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (start, end) = (offset as usize, offset as usize + bytes.len());
    if content.len() < end {
        content.resize(end, 0);
    }
    content[start..end].copy_from_slice(bytes);
}

#[derive(Clone, Debug, Default)]
struct Content {
    /// What this node reads.
    seen: Vec<u8>,
    /// What a crash surely leaves.
    sure: Vec<u8>,
    /// The difference, in the order of the writes, each with the identity of its operation.
    unsynced: Vec<(u64, Change)>,
    /// How many changes came before those.
    settled: usize,
    poisoned: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum NameChange {
    Create { name: String, file: FileId },
    Rename { from: String, to: String },
    Remove { name: String },
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, FileId>) {
        match self {
            NameChange::Create { name, file } => {
                names.insert(name.clone(), *file);
            }
            NameChange::Rename { from, to } => {
                let file = names.remove(from).expect("a rename was checked when it was made");
                names.insert(to.clone(), file);
            }
            NameChange::Remove { name } => {
                names.remove(name);
            }
        }
    }
}

/// What a crash does to one unsynced write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteFate {
    Kept,
    /// Only the sectors before (or from) the one of this number, counted from the write's first
    /// sector border.
    Torn {
        border: u64,
        keeps_front: bool,
    },
    Lost,
}

/// What crashes leave is asked here.
pub(crate) trait CrashLottery {
    /// The fate of an unsynced write that crosses so many sector borders.
    fn write(&mut self, operation: u64, borders: u64) -> WriteFate;
    /// How many of so many unsynced directory changes survive.
    fn names(&mut self, changes: usize) -> usize;
    /// A write was torn or lost; whether that changed any byte.
    fn spoiled(&mut self, fate: WriteFate, changed: bool);
}

/// The disk of one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    files: BTreeMap<FileId, Content>,
    names: BTreeMap<String, FileId>,
    sure_names: BTreeMap<String, FileId>,
    unsynced_names: Vec<NameChange>,
    /// How many directory changes came before those.
    settled_names: usize,
    next_file: u64,
    /// The identity of the operation at hand: what it leaves unsynced remembers it, so that a crash judges each
    /// write by the write alone.
    pub(crate) operation: u64,
    /// While set, nothing that needs room succeeds.
    pub(crate) full: bool,
}

impl Disk {
    pub(crate) fn open(&mut self, name: &str) -> Result<FileId, StorageError> {
        if let Some(file) = self.names.get(name) {
            return Ok(*file);
        }
        if self.full {
            return Err(StorageError::NoSpace);
        }
        let file = FileId(self.next_file);
        self.next_file += 1;
        self.files.insert(file, Content::default());
        self.change_names(NameChange::Create { name: name.to_owned(), file });
        Ok(file)
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), StorageError> {
        if !self.names.contains_key(from) {
            return Err(StorageError::NotFound);
        }
        if from != to {
            self.change_names(NameChange::Rename { from: from.to_owned(), to: to.to_owned() });
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) -> Result<(), StorageError> {
        if !self.names.contains_key(name) {
            return Err(StorageError::NotFound);
        }
        self.change_names(NameChange::Remove { name: name.to_owned() });
        Ok(())
    }

    fn change_names(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }

    pub(crate) fn list(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }

    /// Up to which directory change, counted from the first ever, a sync that begins now will cover them.
    pub(crate) fn names_so_far(&self) -> usize {
        self.settled_names + self.unsynced_names.len()
    }

    pub(crate) fn sync_names(&mut self, covered: usize) {
        let covered = covered.saturating_sub(self.settled_names).min(self.unsynced_names.len());
        self.settled_names += covered;
        for change in self.unsynced_names.drain(..covered) {
            change.apply(&mut self.sure_names);
        }
    }

    pub(crate) fn read(&self, file: FileId, offset: u64, length: usize) -> Result<Vec<u8>, StorageError> {
        let seen = &self.usable(file)?.seen;
        let start = (offset as usize).min(seen.len());
        let end = start.saturating_add(length).min(seen.len());
        Ok(seen[start..end].to_vec())
    }

    pub(crate) fn length(&self, file: FileId) -> Result<u64, StorageError> {
        Ok(self.usable(file)?.seen.len() as u64)
    }

    pub(crate) fn write(&mut self, file: FileId, offset: u64, bytes: Vec<u8>) -> Result<(), StorageError> {
        self.change(file, Change::Write { offset, bytes })
    }

    pub(crate) fn append(&mut self, file: FileId, bytes: Vec<u8>) -> Result<u64, StorageError> {
        let offset = self.length(file)?;
        self.change(file, Change::Write { offset, bytes })?;
        Ok(offset)
    }

    pub(crate) fn truncate(&mut self, file: FileId, length: u64) -> Result<(), StorageError> {
        self.change(file, Change::Truncate { length })
    }

    fn change(&mut self, file: FileId, change: Change) -> Result<(), StorageError> {
        let operation = self.operation;
        self.usable(file)?;
        if self.full && !matches!(change, Change::Truncate { .. }) {
            return Err(StorageError::NoSpace);
        }
        let content = self.content(file);
        change.apply(&mut content.seen);
        content.unsynced.push((operation, change));
        Ok(())
    }

    /// Up to which change of the file, counted from the first ever, a sync that begins now will cover them.
    pub(crate) fn changes_so_far(&self, file: FileId) -> usize {
        let content = &self.files[&file];
        content.settled + content.unsynced.len()
    }

    /// Makes the first `covered` changes of the file sure.
    pub(crate) fn sync(&mut self, file: FileId, covered: usize) -> Result<(), StorageError> {
        self.usable(file)?;
        self.sync_despite_poison(file, covered);
        Ok(())
    }

    /// As [`sync`](Disk::sync), for a sync that is reported as failed and yet reached the disk.
    pub(crate) fn sync_despite_poison(&mut self, file: FileId, covered: usize) {
        let content = self.content(file);
        let covered = covered.saturating_sub(content.settled).min(content.unsynced.len());
        content.settled += covered;
        for (_, change) in content.unsynced.drain(..covered) {
            change.apply(&mut content.sure);
        }
    }

    /// Makes every later use of the file fail until the node restarts.
    pub(crate) fn poison(&mut self, file: FileId) {
        self.content(file).poisoned = true;
    }

    /// Whether every use of the file fails.
    pub(crate) fn is_poisoned(&self, file: FileId) -> bool {
        self.files[&file].poisoned
    }

    /// Whether all that the file has is on the medium.
    pub(crate) fn is_clean(&self, file: FileId) -> bool {
        self.files[&file].unsynced.is_empty()
    }

    /// Loses the first `covered` changes of the file, as a system that takes pages for clean which were not written.
    pub(crate) fn drop_unsynced(&mut self, file: FileId, covered: usize) {
        let content = self.content(file);
        let covered = covered.saturating_sub(content.settled).min(content.unsynced.len());
        content.settled += covered;
        content.unsynced.drain(..covered);
        content.seen.clone_from(&content.sure);
        for (_, change) in &content.unsynced {
            change.apply(&mut content.seen);
        }
    }

    /// Turns round bits of one byte of a clean file, for good.
    pub(crate) fn rot(&mut self, file: FileId, at: u64, bits: u8) {
        let content = self.content(file);
        content.seen[at as usize] ^= bits;
        content.sure[at as usize] ^= bits;
    }

    /// Loses everything; whether there was a file.
    pub(crate) fn lose(&mut self) -> bool {
        let full = self.full;
        let lost = std::mem::replace(self, Disk { full, ..Disk::default() });
        !lost.names.is_empty()
    }

    pub(crate) fn has_unsynced(&self) -> bool {
        !self.unsynced_names.is_empty() || self.files.values().any(|content| !content.unsynced.is_empty())
    }

    fn usable(&self, file: FileId) -> Result<&Content, StorageError> {
        let content = &self.files[&file];
        if content.poisoned { Err(StorageError::Poisoned) } else { Ok(content) }
    }

    fn content(&mut self, file: FileId) -> &mut Content {
        self.files.get_mut(&file).expect("a file lives as long as its disk")
    }

    /// The program ended by itself: what it wrote is still in the machine's memory, but what a failed
    /// sync left behind is dropped, as by a kernel that marks dirty pages clean.
    pub(crate) fn exit(&mut self) {
        for content in self.files.values_mut().filter(|content| content.poisoned) {
            content.settled += content.unsynced.len();
            content.unsynced.clear();
            content.seen.clone_from(&content.sure);
            content.poisoned = false;
        }
    }

    /// What is left when the node loses power.
    pub(crate) fn crash(&mut self, lottery: &mut dyn CrashLottery) {
        for content in self.files.values_mut() {
            content.settled += content.unsynced.len();
            for (operation, change) in std::mem::take(&mut content.unsynced) {
                survive(operation, change, &mut content.sure, lottery);
            }
            content.seen.clone_from(&content.sure);
            content.poisoned = false;
        }
        let kept = lottery.names(self.unsynced_names.len());
        self.sync_names(self.settled_names + kept);
        self.settled_names += self.unsynced_names.len();
        self.unsynced_names.clear();
        self.names.clone_from(&self.sure_names);
        let named: Vec<FileId> = self.names.values().copied().collect();
        self.files.retain(|file, _| named.contains(file));
    }
}

/// Applies what the lottery leaves of `change` to `sure`.
fn survive(operation: u64, change: Change, sure: &mut Vec<u8>, lottery: &mut dyn CrashLottery) {
    let borders = match &change {
        Change::Write { offset, bytes } => borders(*offset, bytes.len() as u64),
        Change::Truncate { .. } => 0,
    };
    let fate = lottery.write(operation, borders);
    match (fate, change) {
        (WriteFate::Kept, change) => change.apply(sure),
        (WriteFate::Torn { border, keeps_front }, Change::Write { offset, bytes }) => {
            let mut whole = sure.clone();
            write(&mut whole, offset, &bytes);
            let cut = ((offset / SECTOR + 1 + border) * SECTOR - offset) as usize;
            if keeps_front {
                write(sure, offset, &bytes[..cut]);
            } else {
                write(sure, offset + cut as u64, &bytes[cut..]);
            }
            lottery.spoiled(fate, whole != *sure);
        }
        (WriteFate::Torn { .. }, Change::Truncate { .. }) => unreachable!("a cut crosses no sector border"),
        (WriteFate::Lost, change) => {
            let mut whole = sure.clone();
            change.apply(&mut whole);
            lottery.spoiled(fate, whole != *sure);
        }
    }
}

/// How many sector borders lie strictly inside a write.
fn borders(offset: u64, length: u64) -> u64 {
    if length == 0 { 0 } else { (offset + length - 1) / SECTOR - offset / SECTOR }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives every unsynced write the same fate, and keeps so many directory changes.
    struct Fixed(WriteFate, usize);

    impl CrashLottery for Fixed {
        fn write(&mut self, _operation: u64, _borders: u64) -> WriteFate {
            self.0
        }
        fn names(&mut self, changes: usize) -> usize {
            self.1.min(changes)
        }
        fn spoiled(&mut self, _fate: WriteFate, _changed: bool) {}
    }

    fn disk_with_synced_file() -> (Disk, FileId) {
        let mut disk = Disk::default();
        let file = disk.open("log").expect("room");
        disk.append(file, b"sure".to_vec()).expect("room");
        disk.sync(file, disk.changes_so_far(file)).expect("healthy");
        disk.sync_names(disk.names_so_far());
        (disk, file)
    }

    fn content(disk: &Disk, file: FileId) -> Vec<u8> {
        disk.read(file, 0, 1 << 20).expect("healthy")
    }

    #[test]
    fn what_was_synced_survives_and_what_was_not_may_be_lost() {
        let (mut disk, file) = disk_with_synced_file();
        disk.append(file, b" and more".to_vec()).expect("room");
        assert_eq!(content(&disk, file), b"sure and more");
        disk.crash(&mut Fixed(WriteFate::Lost, 0));
        assert_eq!(content(&disk, file), b"sure");
    }

    #[test]
    fn an_unsynced_write_may_survive() {
        let (mut disk, file) = disk_with_synced_file();
        disk.append(file, b" and more".to_vec()).expect("room");
        disk.crash(&mut Fixed(WriteFate::Kept, 0));
        assert_eq!(content(&disk, file), b"sure and more");
    }

    #[test]
    fn a_sync_covers_only_what_was_written_before_it_began() {
        let (mut disk, file) = disk_with_synced_file();
        disk.append(file, b"1".to_vec()).expect("room");
        let covered = disk.changes_so_far(file);
        disk.append(file, b"2".to_vec()).expect("room");
        disk.sync(file, covered).expect("healthy");
        disk.crash(&mut Fixed(WriteFate::Lost, 0));
        assert_eq!(content(&disk, file), b"sure1");
    }

    #[test]
    fn of_two_syncs_that_overlap_neither_covers_what_came_later() {
        let (mut disk, file) = disk_with_synced_file();
        disk.append(file, b"1".to_vec()).expect("room");
        disk.open("early").expect("room");
        let (covered, names) = (disk.changes_so_far(file), disk.names_so_far());
        disk.sync(file, covered).expect("healthy");
        disk.sync_names(names);
        disk.append(file, b"2".to_vec()).expect("room");
        disk.open("late").expect("room");
        disk.sync(file, covered).expect("healthy");
        disk.sync_names(names);
        disk.crash(&mut Fixed(WriteFate::Lost, 0));
        assert_eq!(content(&disk, file), b"sure1");
        assert_eq!(disk.list(), ["early", "log"]);
    }

    #[test]
    fn a_write_tears_at_a_sector() {
        for keeps_front in [true, false] {
            let (mut disk, file) = disk_with_synced_file();
            disk.append(file, vec![7; 1000]).expect("room");
            assert_eq!(borders(4, 1000), 1);
            disk.crash(&mut Fixed(WriteFate::Torn { border: 0, keeps_front }, 0));
            let left = content(&disk, file);
            assert_eq!(&left[..4], b"sure");
            if keeps_front {
                assert_eq!(&left[4..], vec![7; 508]);
            } else {
                assert_eq!(&left[4..512], vec![0; 508]);
                assert_eq!(&left[512..], vec![7; 492]);
            }
        }
    }

    #[test]
    fn a_lost_write_below_a_kept_one_leaves_zeros() {
        struct FirstLost(u32);
        impl CrashLottery for FirstLost {
            fn write(&mut self, _operation: u64, _borders: u64) -> WriteFate {
                self.0 += 1;
                if self.0 == 1 { WriteFate::Lost } else { WriteFate::Kept }
            }
            fn names(&mut self, changes: usize) -> usize {
                changes
            }
            fn spoiled(&mut self, _fate: WriteFate, changed: bool) {
                assert!(changed);
            }
        }
        let (mut disk, file) = disk_with_synced_file();
        disk.append(file, b"ab".to_vec()).expect("room");
        disk.append(file, b"cd".to_vec()).expect("room");
        disk.crash(&mut FirstLost(0));
        assert_eq!(content(&disk, file), b"sure\0\0cd");
    }

    #[test]
    fn names_are_sure_only_after_the_directory_was_synced() {
        let (mut disk, _) = disk_with_synced_file();
        disk.open("new").expect("room");
        disk.rename("log", "old").expect("there");
        disk.crash(&mut Fixed(WriteFate::Kept, 1));
        assert_eq!(disk.list(), ["log", "new"]);
        disk.remove("new").expect("there");
        disk.crash(&mut Fixed(WriteFate::Kept, 0));
        assert_eq!(disk.list(), ["log", "new"]);
        disk.remove("new").expect("there");
        disk.sync_names(disk.names_so_far());
        disk.crash(&mut Fixed(WriteFate::Kept, 0));
        assert_eq!(disk.list(), ["log"]);
    }

    #[test]
    fn a_poisoned_file_is_useless_until_the_node_restarts() {
        let (mut disk, file) = disk_with_synced_file();
        disk.poison(file);
        assert_eq!(disk.read(file, 0, 1), Err(StorageError::Poisoned));
        assert_eq!(disk.append(file, vec![1]), Err(StorageError::Poisoned));
        assert_eq!(disk.sync(file, 0), Err(StorageError::Poisoned));
        disk.crash(&mut Fixed(WriteFate::Kept, 0));
        assert_eq!(content(&disk, file), b"sure");
    }

    #[test]
    fn a_full_disk_refuses_whole_writes_and_loses_nothing() {
        let (mut disk, file) = disk_with_synced_file();
        disk.full = true;
        assert_eq!(disk.append(file, vec![1]), Err(StorageError::NoSpace));
        assert_eq!(disk.open("new"), Err(StorageError::NoSpace));
        assert_eq!(content(&disk, file), b"sure");
        disk.full = false;
        assert_eq!(disk.append(file, vec![1]), Ok(4));
    }
}
