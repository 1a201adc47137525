//! Systems of one's own, each in one file with its tests. They use nothing but what `rehearsal` has for everybody.
//!
//! [`lock`] is the one that `docs/guide.md` goes through, step by step; [`replicas`] has work that shrinking takes apart.

pub mod lock;
pub mod replicas;
