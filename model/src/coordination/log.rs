//! The log as bytes: every command that changed something, in order. (Or, where several members agree on a log,
//! every change of what a member remembers.)
//!
//! ```text
//! frame:  ff 00 ff version | length | first | reported | checksum | commands, by postcard, stuffed
//!             4 bytes          4       8        8           4         `length` bytes
//! ```
//!
//! One batch (group commit) is one frame; all numbers are little-endian. `first` is the position of its first
//! command; up to `reported` everybody had been told when it was written. The checksum (CRC-32) covers all
//! the rest.
//!
//! **Where a frame begins.** Values are any bytes, so the commands are stuffed: behind every `ff` stands an
//! `01` more, and `ff 00` is nowhere within them (as in HDLC, ISO/IEC 13239).
//!
//! **Reading.** A batch is written only after the one before it is synced, so a crash tears at most the last
//! one. A bad frame with nothing valid behind it is a torn tail: nobody was told of it, and it is cut off.
//! With a valid frame behind it, it is corruption, and so is a gap in the positions: the log is refused,
//! since going on would lose what clients were told of.

use super::command::Command;
use super::registry::Position;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Starts a frame: three bytes that commands never hold in this order, and the version of the format.
const MAGIC: [u8; 4] = *b"\xff\x00\xff\x01";
const HEADER: usize = 28;
const CHECKSUM_AT: usize = 24;

/// What a log holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Recovered<C = Command> {
    /// All commands behind the snapshot.
    pub commands: Vec<C>,
    /// Up to here their effects had been reported when the last batch was written. Those behind it may not
    /// be.
    pub reported: Position,
    /// How many bytes of the log hold them. The file is to be cut to this length before it is written again.
    pub valid_length: usize,
    /// Whether there are bytes behind that.
    pub torn: bool,
}

/// The log is damaged in the middle: what clients were told of is lost, and the service does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the log is corrupt at byte {offset}")]
pub struct LogCorrupt {
    /// Where the bad frame begins.
    pub offset: usize,
}

/// Adds one batch to `bytes`, whose first command has the position `first`.
pub fn encode_batch<C: Serialize>(first: Position, commands: &[C], reported: Position, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.extend(MAGIC);
    bytes.extend([0; 4]);
    bytes.extend(first.0.to_le_bytes());
    bytes.extend(reported.0.to_le_bytes());
    bytes.extend([0; 4]);
    for byte in postcard::to_allocvec(commands).expect("commands are plain data, and memory grows") {
        bytes.push(byte);
        if byte == 0xff {
            bytes.push(0x01);
        }
    }
    let length = u32::try_from(bytes.len() - start - HEADER).expect("a batch is below 4 GiB");
    bytes[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&bytes[start..]);
    bytes[start + CHECKSUM_AT..start + HEADER].copy_from_slice(&checksum.to_le_bytes());
}

/// Reads a log after a restart. What the snapshot holds, which is everything up to `snapshot`, is skipped: a
/// crash may have come before it was cut off the log.
///
/// # Errors
/// [`LogCorrupt`]: nothing of it may be served.
pub fn read_log<C: DeserializeOwned>(bytes: &[u8], snapshot: Position) -> Result<Recovered<C>, LogCorrupt> {
    let mut recovered = Recovered { reported: snapshot, ..Recovered::default() };
    let mut last = None;
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
        last = Some(recovered.take(&frame, last, snapshot).ok_or(LogCorrupt { offset })?);
    }
    if recovered.commands.is_empty() {
        // All that is left is in the snapshot.
        recovered.torn |= recovered.valid_length > 0;
        recovered.valid_length = 0;
    }
    Ok(recovered)
}

impl<C> Default for Recovered<C> {
    fn default() -> Self {
        Recovered { commands: Vec::new(), reported: Position(0), valid_length: 0, torn: false }
    }
}

impl<C: DeserializeOwned> Recovered<C> {
    /// Adds a frame, and says which command was its last. `None` when it does not follow on the one before
    /// it, whose last command was `last`.
    fn take(
        &mut self,
        frame: &Frame<'_>,
        mut last: Option<Position>,
        snapshot: Position,
    ) -> Option<Position> {
        let follows = match last {
            Some(last) => frame.first.0 == last.0 + 1,
            None => (1..=snapshot.0 + 1).contains(&frame.first.0),
        };
        if !follows || frame.reported >= frame.first {
            return None;
        }
        let mut plain = Vec::with_capacity(frame.payload.len());
        let mut stuffed = frame.payload.iter();
        while let Some(byte) = stuffed.next() {
            plain.push(*byte);
            if *byte == 0xff && stuffed.next() != Some(&0x01) {
                return None;
            }
        }
        for (command, position) in
            postcard::from_bytes::<Vec<C>>(&plain).ok()?.into_iter().zip(frame.first.0..)
        {
            self.commands.extend((position > snapshot.0).then_some(command));
            last = Some(Position(position));
        }
        self.reported = self.reported.max(frame.reported);
        self.valid_length += HEADER + frame.payload.len();
        last
    }
}

/// A frame whose checksum is right.
struct Frame<'a> {
    first: Position,
    reported: Position,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    fn at(bytes: &'a [u8], offset: usize) -> Option<Self> {
        let bytes = &bytes[offset..];
        if bytes.len() < HEADER || bytes[..4] != MAGIC {
            return None;
        }
        let number = |at: usize| Some(u64::from_le_bytes(bytes[at..at + 8].try_into().ok()?));
        let length = u32::from_le_bytes(bytes[4..8].try_into().ok()?) as usize;
        let frame = bytes.get(..HEADER.checked_add(length)?)?;
        let expected = u32::from_le_bytes(frame[CHECKSUM_AT..HEADER].try_into().ok()?);
        let (first, reported) = (Position(number(8)?), Position(number(16)?));
        (checksum(frame) == expected).then_some(Frame { first, reported, payload: &frame[HEADER..] })
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
    use crate::coordination::{Edit, SessionId};

    const NONE: Position = Position(0);

    fn read_log(bytes: &[u8], snapshot: Position) -> Result<Recovered, LogCorrupt> {
        super::read_log(bytes, snapshot)
    }

    fn command(number: u64) -> Command {
        let value = vec![0xff, number as u8, 0x00, 0xff, 0x00, 0xff];
        let writes = vec![Edit::put(format!("/key/{number}"), value), Edit::delete("/other")];
        Command::Transact { session: Some(SessionId(number)), checks: Vec::new(), writes }
    }

    /// Three batches, and where each ends.
    fn log() -> (Vec<u8>, [usize; 3]) {
        let (mut bytes, mut ends) = (Vec::new(), [0; 3]);
        for (end, (numbers, reported)) in ends.iter_mut().zip([(1..=2, 0), (3..=3, 2), (4..=6, 3)]) {
            let first = Position(*numbers.start());
            let commands: Vec<Command> = numbers.map(command).collect();
            encode_batch(first, &commands, Position(reported), &mut bytes);
            *end = bytes.len();
        }
        (bytes, ends)
    }

    #[test]
    fn a_whole_log_comes_back_as_it_was_written() {
        let (bytes, _) = log();
        let commands = (1..=6).map(command).collect();
        let whole = Recovered { commands, reported: Position(3), valid_length: bytes.len(), torn: false };
        assert_eq!(read_log(&bytes, NONE), Ok(whole));
        assert_eq!(read_log(&[], NONE), Ok(Recovered::default()));
    }

    #[test]
    fn a_log_torn_or_blanked_at_any_byte_keeps_exactly_its_whole_batches() {
        let (bytes, ends) = log();
        for length in 0..bytes.len() {
            let recovered = read_log(&bytes[..length], NONE).expect("a torn tail is no corruption");
            let whole = ends.iter().filter(|&&end| end <= length).count();
            assert_eq!(recovered.commands.len(), [0, 2, 3, 6][whole]);
            assert_eq!(recovered.valid_length, [0, ends[0], ends[1], ends[2]][whole]);
            assert_eq!(recovered.torn, length > recovered.valid_length);
            let mut blanked = bytes.clone();
            blanked[length.max(ends[1])..].fill(0);
            assert_eq!(read_log(&blanked, NONE).expect("zeros are no corruption").commands.len(), 3);
        }
    }

    #[test]
    fn a_log_with_any_byte_flipped_never_serves_a_wrong_command() {
        let (bytes, ends) = log();
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut flipped = bytes.clone();
                flipped[at] ^= flip;
                if at < ends[1] {
                    let offset = if at < ends[0] { 0 } else { ends[0] };
                    assert_eq!(
                        read_log(&flipped, NONE),
                        Err(LogCorrupt { offset }),
                        "a valid batch stands behind it"
                    );
                } else {
                    assert_eq!(read_log(&flipped, NONE).expect("a bad tail is torn").commands.len(), 3);
                }
            }
        }
    }

    #[test]
    fn a_missing_or_doubled_batch_is_corruption() {
        let (bytes, ends) = log();
        let without_second = [&bytes[..ends[0]], &bytes[ends[1]..]].concat();
        assert_eq!(read_log(&without_second, NONE), Err(LogCorrupt { offset: ends[0] }));
        let doubled = [&bytes[..ends[1]], &bytes[ends[0]..]].concat();
        assert_eq!(read_log(&doubled, NONE), Err(LogCorrupt { offset: ends[1] }));
        assert_eq!(read_log(&bytes[ends[0]..], NONE), Err(LogCorrupt { offset: 0 }));
    }

    #[test]
    fn what_the_snapshot_holds_is_skipped_and_a_gap_behind_it_is_corruption() {
        let (bytes, ends) = log();
        let behind_second = read_log(&bytes, Position(3)).expect("the snapshot is of an earlier moment");
        assert_eq!(behind_second.commands, (4..=6).map(command).collect::<Vec<_>>());
        assert_eq!((behind_second.reported, behind_second.valid_length), (Position(3), bytes.len()));
        assert_eq!(read_log(&bytes[ends[1]..], Position(3)).expect("it was cut").commands.len(), 3);
        assert_eq!(read_log(&bytes[ends[1]..], Position(2)), Err(LogCorrupt { offset: 0 }));
        let all = Recovered { reported: Position(6), torn: true, ..Recovered::default() };
        assert_eq!(read_log(&bytes, Position(6)), Ok(all), "the log may be cut off");
    }

    #[test]
    fn a_value_that_is_itself_a_log_begins_no_frame() {
        let (inner, _) = log();
        let writes = vec![Edit::put("/log", inner)];
        let commands = [Command::Transact { session: None, checks: Vec::new(), writes }];
        let mut bytes = Vec::new();
        encode_batch(Position(1), &commands, Position(0), &mut bytes);
        assert_eq!(read_log(&bytes, NONE).expect("it is whole").commands, commands);
        for torn in HEADER..bytes.len() {
            let cut = Recovered { torn: true, ..Recovered::default() };
            assert_eq!(read_log(&bytes[..torn], NONE), Ok(cut));
        }
    }
}
