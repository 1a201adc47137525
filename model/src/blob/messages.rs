//! What a blob store is asked, what it answers, and what it reports.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Request {
    /// Keep this.
    Put {
        /// Under which name.
        name: String,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// What has this name?
    Get {
        /// Which.
        name: String,
    },
    /// What is there?
    Names {
        /// What the names begin with.
        prefix: String,
    },
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Answer {
    /// To `Put`: it is durable.
    Stored,
    /// To `Put`: there is something else of that name. Nothing has changed.
    Occupied,
    /// To `Get`: this, or nothing.
    Got(Option<Arc<[u8]>>),
    /// To `Names`: all, sorted.
    Names(Vec<String>),
}

/// Something that happened in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Happening {
    /// A blob is durable. After a restart every blob is reported again.
    Stored {
        /// Its name.
        name: String,
    },
}

/// Turns a happening into the facts of the system that the store belongs to.
pub type Report<F> = fn(&Happening, &mut dyn FnMut(F));
