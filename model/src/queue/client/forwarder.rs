//! Writes a record that follows from another one, however often it is asked to, once.
//!
//! The copy's producer is named after its source: the group that makes it, and the partition, the leader epoch and the
//! offset where the source stands, of which the last three name one record for ever. It sends this one batch and no
//! other, so that whoever leads the target knows a repeat again (KIP-98), from whomever it comes.

use super::super::defects::{Defect, Defects};
use super::super::facts::Fact;
use super::super::identity::ProducerIdentity;
use super::super::offset::Offset;
use super::super::partition::Partition;
use super::super::production::Acks;
use super::super::protocol::{Answer, Request};
use super::super::record::{Content, Payload, Record};
use super::{Client, Place, Seat};
use rehearsal_env::Env;
use std::rc::Rc;
use std::sync::Arc;

/// Writes what follows from the records of one seat.
pub struct Forwarder<E: Env> {
    env: E,
    client: Rc<Client<E>>,
    seat: Rc<Seat<E>>,
    defects: Defects,
}

impl<E: Env<Fact = Fact>> Forwarder<E> {
    /// One for what this seat reads.
    pub fn new(env: &E, client: Rc<Client<E>>, seat: Rc<Seat<E>>, defects: Defects) -> Forwarder<E> {
        Forwarder { env: env.clone(), client, seat, defects }
    }

    /// Writes `record`, which follows from the one at `source`, to a partition, and asks until all in sync have it: where
    /// it stands, now or since earlier. None when the source is no longer this member's; whether it is written is
    /// unknown then.
    ///
    /// From one source at most one record may follow in each partition.
    pub async fn forward(&self, source: Place, to: Partition, record: Record) -> Option<Offset> {
        let producer = Some(self.identity(source).stamp(0));
        let content = Content::Records(vec![record]);
        let payload = Arc::new(Payload { producer, transactional: false, content });
        let checksum = payload.checksum();
        while self.seat.is_at_work(source.membership) {
            let payload = payload.clone();
            let (acks, transaction, routing) = (Acks::All, None, None);
            let request = Request::Produce { partition: to, acks, payload, checksum, transaction, routing };
            match self.client.ask_leader(to, request).await {
                Ok(Answer::Produced(Ok(base))) => return Some(base),
                _ => self.seat.pause().await,
            }
        }
        None
    }

    fn identity(&self, source: Place) -> ProducerIdentity {
        if self.defects.has(Defect::MovesAgain) {
            return ProducerIdentity::first(self.env.bits());
        }
        let named = (self.seat.group(), source.partition, source.epoch, source.offset);
        let name = postcard::to_allocvec(&named).expect("a place can be written as bytes");
        ProducerIdentity::first(name.iter().fold(OFFSET_BASIS, |hash, byte| mixed(hash ^ u64::from(*byte))))
    }
}

/// What the name begins with: any number that is not 0.
const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;

/// Every bit of the number depends on every bit of the one before, and no two become the same (the finalizer of
/// SplitMix64; Steele, Lea, Flood, OOPSLA 2014). So names meet as seldom as those that producers draw at random.
fn mixed(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}
