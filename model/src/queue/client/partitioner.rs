//! In which partition of its topic a record is to stand: by its key, anywhere, or by a rule of the user's own.

use super::super::record::Record;
use super::super::topics::{KeyOrder, TopicState};
use rehearsal_env::Env;

/// Decides where a producer's records go. Whoever has a rule of his own implements it, and hands what is not his matter on
/// to another.
pub trait Partitioner: 'static {
    /// The number of the partition where a record is to stand whose topic is in this state. Asked once when the record is
    /// first sent, and once more when it was refused because the state was an older one, so that it stands nowhere; what
    /// is sent again otherwise goes where it went. Where the partition takes no records
    /// ([`TopicState::takes`]), the record is refused as definitely not written.
    fn place(&self, record: &Record, state: &TopicState) -> u32;
}

/// By the hash of the key; what has none is another's matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByKey<P> {
    order: KeyOrder,
    otherwise: P,
}

/// Anywhere, with equal chances: drawn for each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AtRandom<E>(E);

/// The usual rule: by the key, and at random what has none.
pub fn usual<E: Env>(env: &E, order: KeyOrder) -> ByKey<AtRandom<E>> {
    ByKey { order, otherwise: AtRandom(env.clone()) }
}

impl<P: Partitioner> Partitioner for ByKey<P> {
    fn place(&self, record: &Record, state: &TopicState) -> u32 {
        match &record.key {
            Some(key) => state.route(key, self.order),
            None => self.otherwise.place(record, state),
        }
    }
}

impl<E: Env> Partitioner for AtRandom<E> {
    fn place(&self, _record: &Record, state: &TopicState) -> u32 {
        let places: Vec<u32> = state.active().collect();
        places[self.0.below(places.len() as u64) as usize]
    }
}
