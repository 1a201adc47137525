//! What the controller decides about partitions: who leads, who is in sync.

mod metadata;
mod state;

pub use metadata::{Change, Metadata, Rules};
pub use state::{Leader, PartitionState, SetRefusal};
