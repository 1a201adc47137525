//! The write-ahead log as bytes.
//!
//! ```text
//! frame:  ff 00 ff version | length | reported | checksum | commits, as postcard writes them
//!             4 bytes          4        8           4         `length` bytes
//! ```
//!
//! One batch of commits (group commit) is one frame; all numbers are little-endian. The checksum (CRC-32) covers
//! everything else in the frame. `reported` says up to which commit everybody had been told when the batch was
//! written, so that recovery knows whom it still owes a word.
//!
//! **Where a frame begins.** Whatever texts and numbers a client chooses, `ff 00` never stands within commits.
//! Postcard writes them as texts, varints and the bytes 0 and 1 (<https://postcard.jamesmunns.com/wire-format.html>).
//! `ff` is in no text (UTF-8, RFC 3629, section 1), and in a varint it says that more follows, which is never 0:
//! what is left of the number would then be nothing. Who adds a cell of any other kind has to keep this so, or
//! to escape it.
//!
//! **Reading.** A batch is written only after the one before it is synced, so at a crash at most the last one
//! is torn. A bad frame with nothing valid behind it is therefore a torn tail, to be cut off: nobody was told of
//! it. (Or it is a synced batch that rotted: at the tail nothing tells the two apart.) A bad frame with a valid
//! one anywhere behind its header cannot be a torn write: a tear leaves sectors of the batch and zeros in place of
//! the others, and a frame begins in neither, nor where they meet, since so many zeros do not go between two
//! `ff`. That is corruption, and the log is refused, since going on would lose commits that clients were told of.
//! (Unless all behind it is bad as well: then it looks like a torn tail.) A gap in the positions is corruption
//! likewise.

use thiserror::Error;

use super::commit::{Commit, LogPosition};

/// Starts a frame: three bytes that commits never hold in this order, and the version of the format.
const MAGIC: [u8; 4] = *b"\xff\x00\xff\x01";
const HEADER: usize = 20;
const CHECKSUM_AT: usize = 16;

/// What a log holds.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Recovered {
    /// All commits, from position 1 on without a gap.
    pub commits: Vec<Commit>,
    /// Up to here they had been reported durable when the last batch was written. Those behind it may not be.
    pub reported: LogPosition,
    /// How many bytes of the log hold it. The file is to be cut to this length before it is written again.
    pub valid_length: usize,
    /// Whether there are bytes behind that.
    pub torn: bool,
}

/// The log is damaged in the middle: what clients were told of is lost, and the database does not start.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Error)]
#[error("the log is corrupt at byte {offset}")]
pub struct LogCorrupt {
    /// Where the bad frame begins.
    pub offset: usize,
}

/// Adds one batch of commits to `bytes`. Everything up to `reported` was durable and reported before.
pub fn encode_batch(commits: &[Commit], reported: LogPosition, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.extend(MAGIC);
    bytes.extend([0; 4]);
    bytes.extend(reported.0.to_le_bytes());
    bytes.extend([0; 4]);
    let written = postcard::to_extend(commits, std::mem::take(bytes));
    *bytes = written.expect("commits are plain data, and memory grows");
    let length = u32::try_from(bytes.len() - start - HEADER).expect("a batch is below 4 GiB");
    bytes[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&bytes[start..]);
    bytes[start + CHECKSUM_AT..start + HEADER].copy_from_slice(&checksum.to_le_bytes());
}

/// Reads a log after a restart. On error nothing of it may be served.
pub fn read_log(bytes: &[u8]) -> Result<Recovered, LogCorrupt> {
    let mut recovered = Recovered::default();
    while recovered.valid_length < bytes.len() {
        let offset = recovered.valid_length;
        let Some(frame) = Frame::at(bytes, offset) else {
            // Behind the header, whose numbers may hold any bytes: no other frame can begin before.
            if (offset + HEADER..bytes.len()).any(|behind| Frame::at(bytes, behind).is_some()) {
                return Err(LogCorrupt { offset });
            }
            recovered.torn = true;
            break;
        };
        recovered.take(frame).ok_or(LogCorrupt { offset })?;
    }
    Ok(recovered)
}

impl Recovered {
    /// Adds a frame. `None` when it does not follow on what was read so far.
    fn take(&mut self, frame: Frame<'_>) -> Option<()> {
        let last = |commits: &[Commit]| commits.last().map_or(LogPosition(0), |commit| commit.position);
        let mut before = last(&self.commits);
        if frame.reported > before || frame.reported < self.reported {
            return None;
        }
        for commit in postcard::from_bytes::<Vec<Commit>>(frame.payload).ok()? {
            if commit.position != before.next() {
                return None;
            }
            before = commit.position;
            self.commits.push(commit);
        }
        self.reported = frame.reported;
        self.valid_length += HEADER + frame.payload.len();
        Some(())
    }
}

/// A frame whose checksum is right.
struct Frame<'a> {
    reported: LogPosition,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    fn at(bytes: &'a [u8], offset: usize) -> Option<Self> {
        let bytes = &bytes[offset..];
        if bytes.len() < HEADER || bytes[..4] != MAGIC {
            return None;
        }
        let length = u32::from_le_bytes(bytes[4..8].try_into().ok()?) as usize;
        let frame = bytes.get(..HEADER.checked_add(length)?)?;
        let expected = u32::from_le_bytes(frame[CHECKSUM_AT..HEADER].try_into().ok()?);
        let reported = LogPosition(u64::from_le_bytes(frame[8..CHECKSUM_AT].try_into().ok()?));
        (checksum(frame) == expected).then_some(Frame { reported, payload: &frame[HEADER..] })
    }
}

/// Over all of the frame but the checksum itself.
fn checksum(frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&frame[..CHECKSUM_AT]);
    hasher.update(&frame[HEADER..]);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{RowChange, TableId, Value};

    fn commit(position: u64) -> Commit {
        let row =
            |value: u64| Some(vec![Value::Int(position as i64), Value::Int(value as i64), "guest".into()]);
        let changes = vec![
            RowChange { table: TableId(0), before: None, after: row(position) },
            RowChange { table: TableId(1), before: row(7), after: None },
        ];
        Commit { position: LogPosition(position), changes }
    }

    /// One batch of one commit, which inserts one row.
    fn log_of_row(row: Vec<Value>) -> Vec<u8> {
        let changes = vec![RowChange { table: TableId(0), before: None, after: Some(row) }];
        let mut bytes = Vec::new();
        encode_batch(&[Commit { position: LogPosition(1), changes }], LogPosition(0), &mut bytes);
        bytes
    }

    /// The text that comes nearest to being a frame: of many frames, the one in which the fewest bytes have to
    /// be replaced.
    fn text_like_a_frame() -> String {
        let texts = (0..1000).map(|reported| {
            let mut frame = Vec::new();
            encode_batch(&[], LogPosition(reported), &mut frame);
            String::from_utf8_lossy(&frame).into_owned()
        });
        let replaced = |text: &String| text.matches(char::REPLACEMENT_CHARACTER).count();
        texts.min_by_key(replaced).expect("there are many")
    }

    /// Three batches, and where each ends.
    fn log() -> (Vec<u8>, [usize; 3]) {
        let mut bytes = Vec::new();
        let mut ends = [0; 3];
        for (end, (positions, reported)) in ends.iter_mut().zip([(1..=2, 0), (3..=3, 2), (4..=6, 3)]) {
            let commits: Vec<Commit> = positions.map(commit).collect();
            encode_batch(&commits, LogPosition(reported), &mut bytes);
            *end = bytes.len();
        }
        (bytes, ends)
    }

    fn positions(recovered: &Recovered) -> Vec<u64> {
        recovered.commits.iter().map(|commit| commit.position.0).collect()
    }

    #[test]
    fn a_whole_log_comes_back_as_it_was_written() {
        let (bytes, _) = log();
        let recovered = read_log(&bytes).unwrap();
        assert_eq!(recovered.commits, (1..=6).map(commit).collect::<Vec<_>>());
        assert_eq!((recovered.reported, recovered.torn), (LogPosition(3), false));
        assert_eq!(recovered.valid_length, bytes.len());
        assert_eq!(read_log(&[]), Ok(Recovered::default()));
    }

    #[test]
    fn a_log_torn_at_any_byte_keeps_exactly_its_whole_batches() {
        let (bytes, ends) = log();
        for length in 0..bytes.len() {
            let recovered = read_log(&bytes[..length]).unwrap();
            let whole = ends.iter().filter(|&&end| end <= length).count();
            assert_eq!(positions(&recovered), (1..=[0, 2, 3, 6][whole]).collect::<Vec<u64>>());
            assert_eq!(recovered.valid_length, [0, ends[0], ends[1], ends[2]][whole]);
            assert_eq!(recovered.torn, length > recovered.valid_length);
        }
    }

    #[test]
    fn a_tail_of_zeros_is_torn_off_wherever_it_starts() {
        let (bytes, ends) = log();
        let last = bytes.iter().rposition(|&byte| byte != 0).unwrap();
        for length in ends[1]..=last {
            let mut zeroed = bytes.clone();
            zeroed[length..].fill(0);
            let recovered = read_log(&zeroed).unwrap();
            assert_eq!((recovered.valid_length, recovered.torn), (ends[1], true));
            assert_eq!(positions(&recovered), [1, 2, 3]);
        }
    }

    #[test]
    fn a_log_with_any_byte_flipped_never_serves_a_wrong_commit() {
        let (bytes, ends) = log();
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut flipped = bytes.clone();
                flipped[at] ^= flip;
                let read = read_log(&flipped);
                if at < ends[1] {
                    let offset = if at < ends[0] { 0 } else { ends[0] };
                    assert_eq!(read, Err(LogCorrupt { offset }), "byte {at}: a valid batch stands behind it");
                } else {
                    assert_eq!(positions(&read.unwrap()), [1, 2, 3], "byte {at}: the last batch is torn");
                }
            }
        }
    }

    #[test]
    fn a_missing_or_doubled_batch_is_corruption() {
        let (bytes, ends) = log();
        let without_second = [&bytes[..ends[0]], &bytes[ends[1]..]].concat();
        assert_eq!(read_log(&without_second), Err(LogCorrupt { offset: ends[0] }));
        let doubled = [&bytes[..ends[1]], &bytes[ends[0]..]].concat();
        assert_eq!(read_log(&doubled), Err(LogCorrupt { offset: ends[1] }));
        assert_eq!(read_log(&bytes[ends[0]..]), Err(LogCorrupt { offset: 0 }));
    }

    #[test]
    fn a_torn_batch_whose_text_looks_like_a_frame_is_cut() {
        let text = format!("{}and more", text_like_a_frame());
        let bytes = log_of_row(vec![Value::Int(1), text.as_str().into()]);
        let torn = &bytes[..bytes.len() - 1];
        assert_eq!(read_log(torn), Ok(Recovered { torn: true, ..Recovered::default() }));
    }

    #[test]
    fn no_number_and_no_text_begins_a_frame() {
        // Numbers and a length whose bytes are ff but for the last one, and texts that might go on from there.
        let numbers: Vec<Value> = (0..64).map(|bits| Value::Int(i64::MIN >> bits)).collect();
        for text in ["", "\0", "\0\u{ff}\u{1}", &"\0".repeat(255)] {
            let row = numbers.iter().flat_map(|number| [number.clone(), text.into(), Value::Null]);
            let commits = &log_of_row(row.collect())[HEADER..];
            assert!(commits.contains(&0xff));
            assert!(commits.windows(2).all(|pair| pair != &MAGIC[..2]), "{text:?}");
        }
    }
}
