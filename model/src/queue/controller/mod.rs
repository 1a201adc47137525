//! What the controller decides about partitions: who leads, who is in sync.

mod state;

pub use state::{Leader, PartitionState, SetRefusal};
