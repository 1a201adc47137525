//! The log of one replica of one partition: batches one behind the other, in segments.
//!
//! ```text
//!   start                                                        persisted end      end
//!     │                                                                │             │
//!     ▼ 00000000000000000400.log   00000000000000000650.log   00000000000000000812.log
//!     ├──────────────────────────┬──────────────────────────┬──────────┼ ─ ─ ─ ─ ─ ─ ┤
//!       closed: synced, and        closed: as well, but in    active: the only one
//!       read from the disk         memory (the page cache)    that is written to
//! ```
//!
//! The core knows what stands where and says what has to be written; the shell writes, syncs, and says when it has.
//! The batch is the unit of everything: it is written, read, cut off and recovered whole or not at all.
//!
//! **Order on the disk.** At a crash each unsynced write is kept, torn or lost on its own, and of the directory's
//! changes a prefix is kept (`rehearsal_env::Storage`). Each mutation therefore puts the syncs that its order
//! depends on between its writes:
//!
//! - A segment is synced before the next one is created. So a hole can only be in the last segment, and one in a
//!   closed segment is damage.
//! - A cut is synced before anything is written behind it. Or else the cut might be lost and the new bytes kept,
//!   and where they end, what was cut off would go on.
//! - A file's name is synced before its first byte, or else a synced batch could vanish with its file; and what was
//!   removed is surely gone before anything takes its place.
//!
//! To make the newest ticket durable it is then enough to sync the segment that is active at that moment
//! ([`PartitionLog::due_sync`]); whatever was written to others before was synced when they were closed or cut.

mod durability;
mod frame;
mod index;
mod partition_log;
mod reading;
mod recovery;
mod retention;
mod segment;
mod stuffing;
mod write;

pub use durability::{DueSync, Ticket};
pub use frame::{Corrupt, Located, decode_frames, decode_frames_from};
pub use partition_log::{LogKnobs, PartitionLog};
pub use reading::{Found, ReadError};
pub use recovery::{CorruptLog, Recovered};
pub use retention::{ClosedSegment, Extent, Retention};
pub use write::{SegmentName, Write};
