//! A blob store: immutable pieces of bytes by name, put once and then there for good.
//!
//! ```text
//!  client ─Put(name, bytes)─▶ server: name.part ─sync─▶ rename ─sync directory─▶ Stored
//! ```
//!
//! A file gets its name when all of its bytes are durable, and counts when its name is: so whatever a crash leaves under a
//! name is whole, and a name that was told stays. Putting the same bytes again does nothing and is answered as the first
//! time; other bytes under the same name are refused. Each blob carries a checksum, which is checked whenever it is read.

mod client;
mod messages;
mod server;
mod store;

pub use client::{BlobError, Blobs};
pub use messages::{Answer, Happening, Report, Request};
pub use server::serve;
pub use store::{Admission, Store, seal, unseal};
