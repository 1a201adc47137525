//! The id service: numbers that are unique over nodes, incarnations and clock steps.
//!
//! The end of each block that is handed out is on the disk before the block is; so a block whose answer was
//! lost, or that a crash cut short, is wasted and never handed out again.

use super::protocol::{IdBlock, IdsWanted};
use crate::rpc::{Caller, Desk};
use rehearsal_env::{Env, File, NodeId, StorageError};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// The file that holds the ends of all blocks, 12 bytes each: the end and its checksum.
const FILE: &str = "ids";
const RECORD: usize = 12;
/// How many ids a server takes at a time.
const BLOCK: i64 = 8;

/// Runs the id service on this node. Returns when the disk failed.
pub async fn serve<E: Env>(env: E) {
    // What the disk holds after a failure only a new start can tell.
    let _ = hand_out(&env).await;
}

/// 1. Read how far the ids were handed out. 2. For each request: write the new end, sync, answer.
async fn hand_out<E: Env>(env: &E) -> Result<(), StorageError> {
    let file = env.open(FILE).await?;
    env.sync_dir().await?;
    let bytes = file.read_at(0, usize::MAX).await?;
    let (mut handed_out, valid) = read_ends(&bytes);
    if valid < bytes.len() {
        file.truncate(valid as u64).await?;
    }
    // What was in the file may have been seen and not be sure: a read says nothing about a crash.
    file.sync().await?;
    let desk = Desk::<E, IdsWanted, IdBlock>::bind(env);
    loop {
        let asked = desk.next().await;
        let block = IdBlock { first: handed_out + 1, count: asked.body.count };
        handed_out += block.count;
        file.append(&end_record(handed_out)).await?;
        file.sync().await?;
        desk.answer(asked.from, asked.call, block);
    }
}

fn end_record(end: i64) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&end.to_le_bytes());
    record[8..].copy_from_slice(&crc32fast::hash(&end.to_le_bytes()).to_le_bytes());
    record
}

/// The end of the last whole record, and how many bytes the whole records take.
fn read_ends(bytes: &[u8]) -> (i64, usize) {
    let whole = bytes.chunks_exact(RECORD).take_while(|record| {
        let checksum = u32::from_le_bytes(record[8..].try_into().expect("four bytes"));
        crc32fast::hash(&record[..8]) == checksum
    });
    let ends: Vec<i64> =
        whole.map(|record| i64::from_le_bytes(record[..8].try_into().expect("eight bytes"))).collect();
    (ends.last().copied().unwrap_or(0), ends.len() * RECORD)
}

/// A server's supply of ids. Cheap to clone.
pub struct IdSupply<E: Env> {
    caller: Caller<E, IdsWanted, IdBlock>,
    service: NodeId,
    rest: Rc<RefCell<IdBlock>>,
}

impl<E: Env> Clone for IdSupply<E> {
    fn clone(&self) -> Self {
        IdSupply { caller: self.caller.clone(), service: self.service, rest: self.rest.clone() }
    }
}

impl<E: Env> IdSupply<E> {
    /// An empty supply that is filled by the id service on `service`.
    pub fn new(env: &E, service: NodeId) -> Self {
        let rest = Rc::new(RefCell::new(IdBlock { first: 0, count: 0 }));
        IdSupply { caller: Caller::bind(env), service, rest }
    }

    /// An id that nobody else has or will get. None when the id service did not answer.
    pub async fn take(&self, within: Duration) -> Option<i64> {
        if self.rest.borrow().count == 0 {
            let block = self.caller.call(self.service, IdsWanted { count: BLOCK }, within).await.ok()?;
            // Another request may have filled the supply meanwhile; one of the blocks is wasted then.
            *self.rest.borrow_mut() = block;
        }
        let mut rest = self.rest.borrow_mut();
        let id = rest.first;
        rest.first += 1;
        rest.count -= 1;
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_up_to_the_first_broken_record() {
        let mut bytes = [end_record(8), end_record(16), end_record(24)].concat();
        assert_eq!(read_ends(&bytes), (24, 36));
        assert_eq!(read_ends(&bytes[..30]), (16, 24));
        bytes[13] ^= 1;
        assert_eq!(read_ends(&bytes), (8, 12));
        assert_eq!(read_ends(&[]), (0, 0));
    }

    #[test]
    fn a_record_of_zeros_is_no_record() {
        assert_eq!(read_ends(&[0; RECORD]), (0, 0));
    }
}
