//! The partitions' logs on the disk: read when a broker comes up, written while it runs.

use super::super::defects::Defects;
use super::super::knobs::Knobs;
use super::super::log::{ClosedSegment, DueSync, LogKnobs, PartitionLog, SegmentName, Write};
use super::super::partition::Partition;
use super::super::replica::Flush;
use super::host::Host;
use rehearsal_env::{Env, File, StorageError};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

/// The longest segment that is read, in bytes.
const WHOLE: usize = usize::MAX;

/// What was found of a partition.
pub(super) struct Found {
    pub(super) log: PartitionLog,
    pub(super) torn: bool,
}

/// How logs are kept.
fn log_knobs(knobs: &Knobs) -> LogKnobs {
    LogKnobs {
        segment_bytes: u64::from(knobs.segment_bytes),
        segment_age_micros: i64::MAX,
        cached_segments: usize::MAX,
    }
}

fn name(partition: Partition, segment: SegmentName) -> String {
    format!("{}{}", prefix(partition), segment.file_name())
}

/// What the names of a partition's files begin with.
fn prefix(partition: Partition) -> String {
    format!("{}-{}-", partition.topic, partition.number)
}

/// Reads a partition's log, cuts a torn tail off, and syncs what is kept. None when the log is corrupt.
pub(super) async fn read<E: Env>(
    env: &E,
    files: &[String],
    partition: Partition,
    knobs: &Knobs,
    defects: Defects,
) -> Result<Option<Found>, StorageError> {
    let prefix = prefix(partition);
    let mut segments = Vec::new();
    for file in files {
        if let Some(segment) = file.strip_prefix(&prefix).and_then(SegmentName::of_file) {
            let bytes = env.open(file).await?.read_at(0, WHOLE).await?;
            segments.push((segment, bytes));
        }
    }
    let Ok(recovered) = PartitionLog::recover(log_knobs(knobs), segments, defects) else { return Ok(None) };
    let mut open = BTreeMap::new();
    for write in recovered.writes {
        carry_out(env, partition, &mut open, write).await?;
    }
    Ok(Some(Found { log: recovered.log, torn: recovered.torn }))
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
    for write in writes {
        carry_out(env, host.partition, open, write).await?;
    }
    drop(files);
    if let Some(segment) = due.segment {
        carry_out(env, host.partition, open, Write::Sync { segment }).await?;
    }
    host.cores.borrow_mut().log.persisted(due.ticket);
    host.persisted(env);
    Ok(())
}

/// All bytes of a closed segment. None when its log has it no more, when not all of it is on the disk yet, or when the
/// disk has failed.
pub(super) async fn read_closed<E: Env>(env: &E, host: &Host, closed: ClosedSegment) -> Option<Vec<u8>> {
    // Whoever opens a file that was removed makes it anew. The log knows of each removal before the disk does, and while
    // this is held the disk does nothing.
    let _files = host.files.lock().await;
    if !host.cores.borrow().log.closed_segments().any(|known| known == closed) {
        return None;
    }
    let file = env.open(&name(host.partition, closed.segment)).await.ok()?;
    let bytes = file.read_at(0, WHOLE).await.ok()?;
    (bytes.len() as u64 == closed.length).then_some(bytes)
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
