//! A batch as bytes.
//!
//! ```text
//! ff 00 ff version | length | base | epoch | appended | persisted | payload's  | frame's  | payload, as postcard
//!                                                                   checksum     checksum   writes it, stuffed
//!     4 bytes          4       8       4        8          8           4           4          `length` bytes
//! ```
//!
//! All numbers are little-endian. The payload's checksum is its producer's, as it came. It cannot know the base
//! offset and the epoch, which are the leader's; the frame's own checksum (CRC-32) covers everything else in the
//! frame. `persisted` is the offset up to which the log was known to be durable when the frame was written: by it
//! recovery tells a durable batch that rotted from one that was never synced.
//!
//! **Where a frame begins.** `ff 00` stands nowhere in a payload (see [`stuffing`](super::stuffing)), and a frame
//! does not end in `ff`. Nor does a tear make a beginning: it leaves sectors, and zeros in place of the others. At
//! the end of a sector `ff` may come to stand before zeros; but for `ff 00 ff 01` there would have to be just one
//! zero, the last byte of its frame, and the next frame goes on with `ff 00`. In the numbers of a header the four
//! bytes may stand by chance; then the frame's checksum would have to be right by chance as well.

use super::stuffing::{stuff, unstuff};
use crate::queue::offset::{LeaderEpoch, Offset};
use crate::queue::record::{Batch, Payload};
use std::sync::Arc;
use thiserror::Error;

/// Starts a frame: three bytes that no payload holds in this order, and the version of the format.
const MAGIC: [u8; 4] = *b"\xff\x00\xff\x01";
const HEADER: usize = 44;
const CHECKSUM_AT: usize = 40;

/// Bytes that should be whole frames are not: they have changed since they were written. Nothing of them is to be
/// delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("the frame at byte {position} is broken")]
pub struct Corrupt {
    /// Where the bad frame begins.
    pub position: u64,
}

/// A frame whose own checksum is right.
pub(super) struct Frame<'a> {
    base: Offset,
    epoch: LeaderEpoch,
    appended: i64,
    /// Up to where the log was known to be durable when it was written.
    pub(super) persisted: Offset,
    checksum: u32,
    stuffed: &'a [u8],
}

/// The frame of a batch, in a log that is durable up to `persisted`.
///
/// # Panics
/// When the payload is not what its producer made: once written, it would be taken for damage of this disk.
pub(super) fn encode(batch: &Batch, persisted: Offset) -> Vec<u8> {
    let payload = batch.payload.written();
    assert_eq!(crc32fast::hash(&payload), batch.checksum, "the batch at {} is not intact", batch.base);
    let mut bytes = Vec::with_capacity(HEADER + payload.len() + payload.len() / 64);
    bytes.extend(MAGIC);
    bytes.extend([0; 4]);
    bytes.extend(batch.base.0.to_le_bytes());
    bytes.extend(batch.epoch.0.to_le_bytes());
    bytes.extend(batch.appended.to_le_bytes());
    bytes.extend(persisted.0.to_le_bytes());
    bytes.extend(batch.checksum.to_le_bytes());
    bytes.extend([0; 4]);
    stuff(&payload, &mut bytes);
    let length = u32::try_from(bytes.len() - HEADER).expect("a batch is below 4 GiB");
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&bytes);
    bytes[CHECKSUM_AT..HEADER].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The batches of a piece of a segment that begins and ends with a frame. Both checksums of each are checked.
///
/// # Errors
/// [`Corrupt`]: the first frame that is not what was written.
pub fn decode_frames(bytes: &[u8]) -> Result<Vec<Batch>, Corrupt> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut position = 0;
    while position < bytes.len() {
        let corrupt = Corrupt { position: position as u64 };
        let frame = Frame::at(bytes, position).ok_or(corrupt)?;
        let batch = frame.batch().ok_or(corrupt)?;
        if batches.last().is_some_and(|before| before.end() != batch.base) {
            return Err(corrupt);
        }
        position += frame.length();
        batches.push(batch);
    }
    Ok(batches)
}

/// The end of a piece of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Located {
    /// Where it begins in the piece.
    pub position: u64,
    /// Its batches.
    pub batches: Vec<Batch>,
}

/// The same from the batch that holds `from` on. All of the piece is checked.
///
/// # Errors
/// [`Corrupt`]: the first frame that is not what was written.
pub fn decode_frames_from(bytes: &[u8], from: Offset) -> Result<Located, Corrupt> {
    let mut batches = decode_frames(bytes)?;
    let before = batches.partition_point(|batch| batch.end() <= from);
    let mut position = 0;
    for _ in 0..before {
        let frame = Frame::at(bytes, position).ok_or(Corrupt { position: position as u64 })?;
        position += frame.length();
    }
    Ok(Located { position: position as u64, batches: batches.split_off(before) })
}

impl<'a> Frame<'a> {
    /// The frame that begins at `position`. `None` when none does, or not all of it is there and right.
    pub(super) fn at(bytes: &'a [u8], position: usize) -> Option<Self> {
        let bytes = bytes.get(position..)?;
        let header: &[u8; HEADER] = bytes.first_chunk()?;
        if header[..4] != MAGIC {
            return None;
        }
        let length = u32::from_le_bytes(field(header, 4)) as usize;
        let bytes = bytes.get(..HEADER.checked_add(length)?)?;
        (checksum(bytes) == u32::from_le_bytes(field(header, CHECKSUM_AT))).then(|| Frame {
            base: Offset(u64::from_le_bytes(field(header, 8))),
            epoch: LeaderEpoch(u32::from_le_bytes(field(header, 16))),
            appended: i64::from_le_bytes(field(header, 20)),
            persisted: Offset(u64::from_le_bytes(field(header, 28))),
            checksum: u32::from_le_bytes(field(header, 36)),
            stuffed: &bytes[HEADER..],
        })
    }

    /// How many bytes it takes.
    pub(super) fn length(&self) -> usize {
        HEADER + self.stuffed.len()
    }

    /// What it holds. `None` when that is not what the producer made.
    pub(super) fn batch(&self) -> Option<Batch> {
        let payload = unstuff(self.stuffed)?;
        if crc32fast::hash(&payload) != self.checksum {
            return None;
        }
        let payload: Payload = postcard::from_bytes(&payload).ok()?;
        let (base, epoch, appended, checksum) = (self.base, self.epoch, self.appended, self.checksum);
        Some(Batch { base, epoch, appended, payload: Arc::new(payload), checksum })
    }
}

/// The bytes of a number in a header.
fn field<const BYTES: usize>(header: &[u8; HEADER], at: usize) -> [u8; BYTES] {
    header[at..at + BYTES].try_into().expect("a field lies within the header")
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
    use crate::queue::record::{Content, Verdict};

    fn marker() -> Batch {
        let payload =
            Payload { producer: None, transactional: true, content: Content::Marker(Verdict::Abort) };
        let (base, epoch, checksum) = (Offset(7), LeaderEpoch(3), payload.checksum());
        Batch { base, epoch, appended: -5, payload: Arc::new(payload), checksum }
    }

    /// Makes the frame's own checksum right again.
    fn seal(frame: &mut [u8]) {
        let sealed = checksum(frame);
        frame[CHECKSUM_AT..HEADER].copy_from_slice(&sealed.to_le_bytes());
    }

    #[test]
    fn a_frame_says_all_of_its_batch_and_up_to_where_the_log_was_durable() {
        let bytes = encode(&marker(), Offset(4));
        let frame = Frame::at(&bytes, 0).expect("it is whole");
        assert_eq!(
            (frame.batch(), frame.persisted, frame.length()),
            (Some(marker()), Offset(4), bytes.len())
        );
    }

    #[test]
    fn a_payload_that_is_not_its_producers_is_no_batch_however_right_its_frame() {
        for at in (36..CHECKSUM_AT).chain(HEADER..HEADER + 3) {
            let mut bytes = encode(&marker(), Offset(4));
            bytes[at] ^= 2;
            seal(&mut bytes);
            assert!(Frame::at(&bytes, 0).is_some_and(|frame| frame.batch().is_none()), "byte {at}");
            assert_eq!(decode_frames(&bytes), Err(Corrupt { position: 0 }));
        }
    }

    #[test]
    #[should_panic(expected = "the batch at 7 is not intact")]
    fn a_payload_that_is_not_its_producers_is_not_written() {
        encode(&Batch { checksum: 0, ..marker() }, Offset(4));
    }
}
