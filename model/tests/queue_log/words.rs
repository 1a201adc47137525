//! What the tests are told in.

use crate::disk::Disk;
use rehearsal_model::queue::defects::Defects;
use rehearsal_model::queue::log::{
    CorruptLog, Found, LogKnobs, PartitionLog, Recovered, Write, decode_frames,
};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::record::{Batch, Content, Payload, Record};
use rehearsal_model::queue::tags::Tags;
use std::sync::Arc;

/// One large segment.
pub const ONE_SEGMENT: LogKnobs =
    LogKnobs { segment_bytes: 1 << 30, segment_age_micros: i64::MAX, cached_segments: 1 };

/// A segment for each batch; one of them in memory.
pub const SEGMENT_EACH: LogKnobs = LogKnobs { segment_bytes: 1, ..ONE_SEGMENT };

/// A batch of so many records, each with this value.
pub fn batch(base: u64, records: u64, value: &[u8]) -> Arc<Batch> {
    batch_at(base, records, value, 0, 0)
}

/// Likewise, of this epoch, appended at this time, and made long before.
pub fn batch_at(base: u64, records: u64, value: &[u8], epoch: u32, appended: i64) -> Arc<Batch> {
    let record = Record { key: None, value: value.into(), tags: Tags::default(), created: appended - 1_000 };
    let content = Content::Records(vec![record; records as usize]);
    let payload = Payload { producer: None, transactional: false, content };
    let checksum = payload.checksum();
    let (base, epoch) = (Offset(base), LeaderEpoch(epoch));
    Arc::new(Batch { base, epoch, appended, payload: Arc::new(payload), checksum })
}

/// A log and its disk. What is called here is carried out at once, and synced only where the log asks for it.
#[derive(Clone, Debug)]
pub struct Replica {
    knobs: LogKnobs,
    pub log: PartitionLog,
    pub disk: Disk,
}

impl Replica {
    pub fn new(knobs: LogKnobs) -> Replica {
        Replica { knobs, log: PartitionLog::new(knobs), disk: Disk::default() }
    }

    /// With batches of two records each, from 0 on, appended at 0, 10, 20 and so on.
    pub fn with_batches(knobs: LogKnobs, batches: u64) -> Replica {
        let mut replica = Replica::new(knobs);
        for number in 0..batches {
            replica.append(batch_at(2 * number, 2, b"message", 0, 10 * number as i64));
        }
        replica
    }

    pub fn append(&mut self, batch: Arc<Batch>) -> Vec<Write> {
        let now = batch.appended;
        let writes = self.log.append(batch, now);
        self.carry_out(&writes);
        writes
    }

    pub fn truncate(&mut self, to: u64) -> Vec<Write> {
        let writes = self.log.truncate(Offset(to));
        self.carry_out(&writes);
        writes
    }

    pub fn carry_out(&mut self, writes: &[Write]) {
        writes.iter().for_each(|write| self.disk.carry_out(write));
    }

    /// Everything is made durable.
    pub fn sync(&mut self) {
        let due = self.log.due_sync();
        let segment = due.segment.expect("something was written");
        self.disk.carry_out(&Write::Sync { segment });
        self.log.persisted(due.ticket);
    }

    /// What a log read from this disk would be.
    pub fn recovered(&self, defects: Defects) -> Result<Recovered, CorruptLog> {
        PartitionLog::recover(self.knobs, self.disk.files(), defects)
    }

    /// Starts again from the disk as it is.
    pub fn restart(&mut self, defects: Defects) -> bool {
        let Recovered { log, writes, torn, .. } = self.recovered(defects).expect("no damage");
        self.log = log;
        self.carry_out(&writes);
        torn
    }

    /// All batches with offsets in `from..up_to`, however many reads it takes.
    pub fn read_all(&self, mut from: Offset, up_to: Offset) -> Vec<Arc<Batch>> {
        let mut all = Vec::new();
        loop {
            let found = self.read(from, up_to, u64::MAX);
            let Some(last) = found.last() else { return all };
            from = last.end();
            all.extend(found);
        }
    }

    /// What one read finds, wherever it is.
    pub fn read(&self, from: Offset, up_to: Offset, max_bytes: u64) -> Vec<Arc<Batch>> {
        match self.log.read(from, up_to, max_bytes).expect("within the log") {
            Found::InMemory(batches) => batches,
            Found::OnDisk { segment, position, length } => {
                let bytes = &self.disk.bytes(segment)[position as usize..][..length as usize];
                decode_frames(bytes).expect("no damage").into_iter().map(Arc::new).collect()
            }
        }
    }

    /// All of it.
    pub fn batches(&self) -> Vec<Arc<Batch>> {
        self.read_all(self.log.start(), self.log.end())
    }
}
