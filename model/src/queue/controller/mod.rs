//! What the controller decides about partitions: who leads, who is in sync, who has a copy.

mod balance;
mod metadata;
mod placement;
mod reassignment;
mod state;

pub use metadata::{Change, Metadata, Rules};
pub use reassignment::MOVES_AT_ONCE;
pub use state::{Leader, PartitionState, SetRefusal};
