//! The archive of partitions: closed segments, copied to a blob store before retention may drop them.
//!
//! ```text
//!   archived through              log of the leader
//!   ├──── piece ────┬── piece ──┐ closed │ closed │ active
//!                               └─ the next piece ┘ below the watermark
//! ```
//!
//! The leader archives. How far it is stands in the coordination service and is moved by compare-and-set, only when the
//! piece behind it is durable: so pieces follow one another without a gap, whoever leads. A leader that dies between the
//! two leaves a piece that nobody counts on; its successor's may overlap it, and says the same.

mod archived;
mod piece;
mod reader;

pub use archived::Archived;
pub use piece::Piece;
pub use reader::ArchiveReader;
