//! The partitions' logs on the disk: read when a broker comes up, written while it runs.

use super::super::defects::Defects;
use super::super::knobs::Knobs;
use super::super::log::{
    ClosedSegment, CorruptLog, DueSync, LogKnobs, PartitionLog, Recovered, SegmentName, Write,
};
use super::super::partition::Partition;
use super::super::record::Batch;
use super::super::replica::Flush;
use super::host::Host;
use rehearsal_env::{Env, File, Span, StorageError};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;
use std::sync::Arc;

/// The longest segment that is read, in bytes.
const WHOLE: usize = usize::MAX;

/// What was found of a partition.
pub(super) struct Found {
    pub(super) log: PartitionLog,
    /// All of its batches.
    pub(super) batches: Vec<Arc<Batch>>,
    pub(super) torn: bool,
}

/// How logs are kept.
fn log_knobs(knobs: &Knobs) -> LogKnobs {
    LogKnobs {
        segment_bytes: u64::from(knobs.segment_bytes),
        segment_age_micros: match knobs.segment_age {
            Span(0) => i64::MAX,
            age => (age.0 / 1_000) as i64,
        },
        cached_segments: match knobs.cached_segments {
            0 => usize::MAX,
            cached => cached as usize,
        },
    }
}

fn name(partition: Partition, segment: SegmentName) -> String {
    format!("{}{}", prefix(partition), segment.file_name())
}

/// What the names of a partition's files begin with.
fn prefix(partition: Partition) -> String {
    format!("{}-{}-", partition.topic, partition.number)
}

/// Reads a partition's log, cuts a torn tail off, and syncs what is kept, unless the log is corrupt.
pub(super) async fn read<E: Env>(
    env: &E,
    files: &[String],
    partition: Partition,
    knobs: &Knobs,
    defects: Defects,
) -> Result<Result<Found, CorruptLog>, StorageError> {
    let prefix = prefix(partition);
    let mut segments = Vec::new();
    for file in files {
        if let Some(segment) = file.strip_prefix(&prefix).and_then(SegmentName::of_file) {
            let bytes = env.open(file).await?.read_at(0, WHOLE).await?;
            segments.push((segment, bytes));
        }
    }
    let Recovered { log, batches, writes, torn } =
        match PartitionLog::recover(log_knobs(knobs), segments, defects) {
            Ok(recovered) => recovered,
            Err(corrupt) => return Ok(Err(corrupt)),
        };
    let mut open = BTreeMap::new();
    for write in writes {
        carry_out(env, partition, &mut open, write).await?;
    }
    Ok(Ok(Found { log, batches, torn }))
}

/// Writes what the log hands out, one after the other, and syncs: before anything is acknowledged, or from time to time.
/// Returns when the disk failed; what it holds then is for the next life to find out.
pub(super) async fn keep<E: Env<Fact = super::super::facts::Fact>>(
    env: E,
    host: Rc<Host>,
    flush: Flush,
    interval: std::time::Duration,
) -> StorageError {
    let mut open = BTreeMap::new();
    loop {
        if host.writes.borrow().is_empty() {
            host.something_to_write.notified().await;
            continue;
        }
        if flush == Flush::Background {
            env.sleep(interval).await;
        }
        let (writes, due) = (host.writes.take(), host.cores.borrow().log.due_sync());
        if let Err(failed) = write_all(&env, &host, &mut open, writes.into(), due).await {
            return failed;
        }
    }
}

async fn write_all<E: Env<Fact = super::super::facts::Fact>>(
    env: &E,
    host: &Host,
    open: &mut BTreeMap<SegmentName, E::File>,
    writes: Vec<Write>,
    due: DueSync,
) -> Result<(), StorageError> {
    let files = host.files.lock().await;
    let carried_out = writes.len() as u64;
    for write in writes {
        carry_out(env, host.partition, open, write).await?;
    }
    drop(files);
    host.carried_out(carried_out);
    if let Some(segment) = due.segment {
        carry_out(env, host.partition, open, Write::Sync { segment }).await?;
    }
    host.cores.borrow_mut().log.persisted(due.ticket);
    host.persisted(env);
    Ok(())
}

/// All bytes of a closed segment. None when its log has it no more, or when the disk has failed.
pub(super) async fn read_closed<E: Env>(env: &E, host: &Host, closed: ClosedSegment) -> Option<Vec<u8>> {
    // Whoever opens a file that was removed makes it anew. The log knows of each removal before the disk does, and while
    // this is held the disk does nothing.
    let cuts = host.cuts();
    host.carried_out_of(closed.segment).await;
    let _files = host.files.lock().await;
    if host.cuts() != cuts || !host.cores.borrow().log.closed_segments().any(|known| known == closed) {
        return None;
    }
    read_piece(env, host.partition, closed.segment, 0, closed.length).await.ok()
}

/// So many bytes of a segment, from `position` on; fewer where it ends. Nothing else may be done to the partition's files
/// meanwhile, and the segment has to be there: who opens a file that was removed makes it anew.
pub(super) async fn read_piece<E: Env>(
    env: &E,
    partition: Partition,
    segment: SegmentName,
    position: u64,
    length: u64,
) -> Result<Vec<u8>, StorageError> {
    env.open(&name(partition, segment)).await?.read_at(position, length as usize).await
}

async fn carry_out<E: Env>(
    env: &E,
    partition: Partition,
    open: &mut BTreeMap<SegmentName, E::File>,
    write: Write,
) -> Result<(), StorageError> {
    match write {
        Write::Create { segment } => {
            let file = env.open(&name(partition, segment)).await?;
            open.insert(segment, file);
        }
        Write::Append { segment, bytes } => {
            opened(env, partition, open, segment).await?.append(&bytes).await?;
        }
        Write::Truncate { segment, length } => {
            opened(env, partition, open, segment).await?.truncate(length).await?;
        }
        Write::Sync { segment } => opened(env, partition, open, segment).await?.sync().await?,
        Write::Remove { segment } => {
            open.remove(&segment);
            env.remove(&name(partition, segment)).await?;
        }
        Write::SyncDirectory => env.sync_dir().await?,
    }
    Ok(())
}

async fn opened<'a, E: Env>(
    env: &E,
    partition: Partition,
    open: &'a mut BTreeMap<SegmentName, E::File>,
    segment: SegmentName,
) -> Result<&'a E::File, StorageError> {
    Ok(match open.entry(segment) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(vacant) => vacant.insert(env.open(&name(partition, segment)).await?),
    })
}
