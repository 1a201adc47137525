//! What the shell has to do to the disk.

use crate::queue::offset::Offset;
use std::fmt;

/// A segment, named by the offset of its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName(pub Offset);

/// One change of the disk. The shell carries them out one after the other, in the order in which they were handed
/// out, each done before the next is begun.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// Create an empty file.
    Create {
        /// Its name.
        segment: SegmentName,
    },
    /// Write behind the last byte of the file.
    Append {
        /// The file.
        segment: SegmentName,
        /// One frame.
        bytes: Vec<u8>,
    },
    /// Cut the file.
    Truncate {
        /// The file.
        segment: SegmentName,
        /// How many bytes are left.
        length: u64,
    },
    /// Remove the file.
    Remove {
        /// The file.
        segment: SegmentName,
    },
    /// Make everything that was done to the file survive a crash, before what follows is done.
    Sync {
        /// The file.
        segment: SegmentName,
    },
    /// Make every creation and removal survive a crash, before what follows is done.
    SyncDirectory,
}

impl SegmentName {
    const DIGITS: usize = 20;
    const ENDING: &str = ".log";

    /// Where its first record stands.
    pub fn base(self) -> Offset {
        self.0
    }

    /// The name of its file: sorted as texts, names are in the order of their offsets.
    pub fn file_name(self) -> String {
        self.to_string()
    }

    /// The segment in the file of this name; `None` when it is no segment's.
    pub fn of_file(name: &str) -> Option<SegmentName> {
        let digits = name.strip_suffix(Self::ENDING)?;
        let is_base = digits.len() == Self::DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
        is_base.then(|| digits.parse().ok().map(|base| SegmentName(Offset(base))))?
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:0digits$}{}", self.0.0, Self::ENDING, digits = Self::DIGITS)
    }
}
