//! The promises of [`Storage`](crate::Storage) and [`File`]: while a node is up, and across a power failure.

use super::{AT_MOST, Check, check};
use crate::{Env, File, StorageError};
use std::time::Duration;

/// The unit in which an unsynced write is torn, in bytes.
const SECTOR: usize = 512;

pub(super) fn checks<E: Env>() -> Vec<Check<E>> {
    vec![
        check("storage::a_write_is_read_at_once", a_write_is_read_at_once),
        check("storage::a_gap_reads_as_zeros", a_gap_reads_as_zeros),
        check("storage::append_returns_where_it_wrote", append_returns_where_it_wrote),
        check("storage::truncate_cuts_and_extends", truncate_cuts_and_extends),
        check("storage::opening_creates_once", opening_creates_once),
        check("storage::rename_replaces", rename_replaces),
        check("storage::what_is_not_there_is_not_found", what_is_not_there_is_not_found),
        check("storage::two_handles_are_one_file", two_handles_are_one_file),
        check("storage::a_dropped_write_is_whole_or_nothing", a_dropped_write_is_whole_or_nothing),
    ]
}

async fn content(file: &impl File) -> Vec<u8> {
    let length = file.len().await.expect("healthy");
    file.read_at(0, length as usize).await.expect("healthy")
}

async fn names<E: Env>(env: &E) -> Vec<String> {
    env.list().await.expect("healthy")
}

/// A write is seen by the reads after it, before any sync; reading past the end gives less.
pub async fn a_write_is_read_at_once<E: Env>(env: E) {
    let file = env.open("written").await.expect("healthy");
    assert_eq!(file.len().await, Ok(0));
    assert_eq!(file.read_at(0, 10).await, Ok(Vec::new()));
    file.write_at(0, b"hello world").await.expect("healthy");
    file.write_at(6, b"there").await.expect("healthy");
    assert_eq!(content(&file).await, b"hello there");
    assert_eq!(file.read_at(6, 100).await, Ok(b"there".to_vec()));
    assert_eq!(file.read_at(2, 3).await, Ok(b"llo".to_vec()));
    assert_eq!(file.read_at(11, 1).await, Ok(Vec::new()));
    assert_eq!(file.read_at(1_000_000, 1).await, Ok(Vec::new()));
    file.write_at(3, b"").await.expect("healthy");
    file.sync().await.expect("healthy");
    assert_eq!(content(&file).await, b"hello there");
}

/// What lies between the end and a write behind it reads as zeros.
pub async fn a_gap_reads_as_zeros<E: Env>(env: E) {
    let file = env.open("gap").await.expect("healthy");
    file.write_at(0, b"a").await.expect("healthy");
    file.write_at(1_000, b"z").await.expect("healthy");
    let read = content(&file).await;
    assert_eq!((read.len(), read[0], read[1_000]), (1_001, b'a', b'z'));
    assert!(read[1..1_000].iter().all(|byte| *byte == 0));
}

/// Appends follow each other without gap or overlap.
pub async fn append_returns_where_it_wrote<E: Env>(env: E) {
    let file = env.open("log").await.expect("healthy");
    assert_eq!(file.append(b"one").await, Ok(0));
    assert_eq!(file.append(b"three").await, Ok(3));
    assert_eq!(file.append(b"").await, Ok(8));
    file.write_at(10, b"!").await.expect("healthy");
    assert_eq!(file.append(b"end").await, Ok(11));
    assert_eq!(content(&file).await, b"onethree\0\0!end");
}

/// Truncating cuts, extends with zeros, and brings nothing back.
pub async fn truncate_cuts_and_extends<E: Env>(env: E) {
    let file = env.open("cut").await.expect("healthy");
    file.append(b"abcdef").await.expect("healthy");
    file.truncate(3).await.expect("healthy");
    assert_eq!(content(&file).await, b"abc");
    file.truncate(6).await.expect("healthy");
    assert_eq!(content(&file).await, b"abc\0\0\0");
    assert_eq!(file.append(b"g").await, Ok(6));
    file.truncate(0).await.expect("healthy");
    assert_eq!(file.len().await, Ok(0));
    assert_eq!(file.append(b"h").await, Ok(0));
}

/// Opening makes an empty file where there is none, and leaves one that is there alone.
pub async fn opening_creates_once<E: Env>(env: E) {
    assert!(!names(&env).await.contains(&"opened".to_owned()));
    let file = env.open("opened").await.expect("healthy");
    assert!(names(&env).await.contains(&"opened".to_owned()));
    file.append(b"kept").await.expect("healthy");
    drop(file);
    let again = env.open("opened").await.expect("healthy");
    assert_eq!(content(&again).await, b"kept");
    for name in ["z", "a", "m"] {
        env.open(name).await.expect("healthy");
    }
    let listed = names(&env).await;
    assert!(listed.is_sorted(), "{listed:?}");
    assert!(["a", "m", "opened", "z"].iter().all(|name| listed.iter().any(|listed| listed == name)));
}

/// A rename gives the content its new name and replaces what had that name before.
pub async fn rename_replaces<E: Env>(env: E) {
    let new = env.open("state.new").await.expect("healthy");
    new.append(b"new").await.expect("healthy");
    env.open("state").await.expect("healthy").append(b"old").await.expect("healthy");
    env.rename("state.new", "state").await.expect("it is there");
    assert_eq!(content(&env.open("state").await.expect("healthy")).await, b"new");
    let listed = names(&env).await;
    assert!(listed.contains(&"state".to_owned()) && !listed.contains(&"state.new".to_owned()), "{listed:?}");
    // The handle goes on naming the file, whatever its name.
    new.append(b"er").await.expect("healthy");
    assert_eq!(content(&env.open("state").await.expect("healthy")).await, b"newer");
    env.rename("state", "state").await.expect("it is there");
    assert_eq!(content(&env.open("state").await.expect("healthy")).await, b"newer");
    env.remove("state").await.expect("it is there");
    assert!(!names(&env).await.contains(&"state".to_owned()));
    assert_eq!(env.open("state").await.expect("healthy").len().await, Ok(0));
}

/// What does not exist can be neither renamed nor removed, and the attempt changes nothing.
pub async fn what_is_not_there_is_not_found<E: Env>(env: E) {
    let before = names(&env).await;
    assert_eq!(env.remove("nobody").await, Err(StorageError::NotFound));
    assert_eq!(env.rename("nobody", "somebody").await, Err(StorageError::NotFound));
    assert_eq!(env.rename("nobody", "nobody").await, Err(StorageError::NotFound));
    assert_eq!(names(&env).await, before);
    env.open("brief").await.expect("healthy");
    env.remove("brief").await.expect("it is there");
    assert_eq!(env.remove("brief").await, Err(StorageError::NotFound));
    env.sync_dir().await.expect("healthy");
}

/// Two handles opened by one name see each other's writes.
pub async fn two_handles_are_one_file<E: Env>(env: E) {
    let (one, other) =
        (env.open("shared").await.expect("healthy"), env.open("shared").await.expect("healthy"));
    assert_eq!(one.append(b"ab").await, Ok(0));
    assert_eq!(other.append(b"cd").await, Ok(2));
    assert_eq!(content(&one).await, b"abcd");
    other.truncate(1).await.expect("healthy");
    assert_eq!(content(&one).await, b"a");
}

/// A write whose future is dropped happened or did not; nothing between, and nothing else is touched.
pub async fn a_dropped_write_is_whole_or_nothing<E: Env>(env: E) {
    let file = env.open("dropped").await.expect("healthy");
    file.append(&[1; 1_500]).await.expect("healthy");
    for _ in 0..5 {
        let _ = env.timeout(Duration::from_micros(1), file.write_at(200, &[2; 1_000])).await;
    }
    env.sleep(Duration::from_millis(20)).await;
    let read = env.timeout(AT_MOST, content(&file)).await.expect("the disk answers");
    assert_eq!((&read[..200], &read[1_200..]), (&[1; 200][..], &[1; 300][..]));
    let middle = &read[200..1_200];
    assert!(middle == [1; 1_000] || middle == [2; 1_000], "half a write is seen");
}

/// The first half of the check across a power failure: leaves a disk with sure and unsure things on it. When it
/// has returned, cut the power, and run [`after_crash`] on the same disk.
pub async fn before_crash<E: Env>(env: E) {
    let file = env.open("content").await.expect("healthy");
    file.append(&[b'a'; 3_000]).await.expect("healthy");
    file.sync().await.expect("healthy");
    for name in ["content", "synced, then renamed", "synced, then removed", "replacing", "replaced"] {
        let file = env.open(name).await.expect("healthy");
        if name != "content" {
            file.append(name.as_bytes()).await.expect("healthy");
            file.sync().await.expect("healthy");
        }
    }
    env.rename("replacing", "replaced").await.expect("it is there");
    env.sync_dir().await.expect("healthy");

    // From here on nothing is sure, but for the content of what is synced.
    file.write_at(700, &[b'b'; 2_000]).await.expect("healthy");
    assert_eq!(file.append(&[b'c'; 1_500]).await, Ok(3_000));
    let created = env.open("created").await.expect("healthy");
    created.append(b"synced without a sure name").await.expect("healthy");
    created.sync().await.expect("healthy");
    env.rename("synced, then renamed", "renamed").await.expect("it is there");
    env.remove("synced, then removed").await.expect("it is there");
}

/// The second half, in the node's next life.
pub async fn after_crash<E: Env>(env: E) {
    names_are_a_prefix_of_what_was_done(&env).await;
    let file = env.open("content").await.expect("healthy");
    let left = content(&file).await;
    assert!(left.len() >= 3_000, "what was synced is {} bytes long", left.len());
    assert!(
        left[..700].iter().chain(&left[2_700..3_000]).all(|byte| *byte == b'a'),
        "what was synced is gone"
    );
    for piece in sectors(700, 2_700) {
        let bytes = &left[piece.clone()];
        assert!(same(bytes, b'a') || same(bytes, b'b'), "the sector at {piece:?} is neither old nor new");
    }
    let end = left.len();
    assert!(end == 3_000 || end == 4_500 || (end % SECTOR == 0 && end < 4_500), "a write is torn at {end}");
    for piece in sectors(3_000, end) {
        let bytes = &left[piece.clone()];
        assert!(same(bytes, b'c') || same(bytes, 0), "the sector at {piece:?} is neither written nor empty");
    }
    // What was left is now as good as any file: it stays as it is, and takes writes.
    assert_eq!(content(&file).await, left);
    assert_eq!(file.append(b"more").await, Ok(end as u64));
    file.sync().await.expect("a restart heals");
}

/// A crash keeps a prefix of the directory changes that were not yet sure.
async fn names_are_a_prefix_of_what_was_done<E: Env>(env: &E) {
    let sure = ["content", "replaced", "synced, then removed", "synced, then renamed"];
    let with_created = ["content", "created", "replaced", "synced, then removed", "synced, then renamed"];
    let with_renamed = ["content", "created", "renamed", "replaced", "synced, then removed"];
    let with_removed = ["content", "created", "renamed", "replaced"];
    let listed = names(env).await;
    let prefixes: [&[&str]; 4] = [&sure, &with_created, &with_renamed, &with_removed];
    assert!(prefixes.iter().any(|names| listed == *names), "{listed:?} is no prefix of what was done");
    for name in listed.iter().filter(|name| *name != "content") {
        let expected = match name.as_str() {
            "created" => "synced without a sure name",
            "renamed" => "synced, then renamed",
            "replaced" => "replacing",
            other => other,
        };
        let read = content(&env.open(name).await.expect("healthy")).await;
        assert_eq!(String::from_utf8_lossy(&read), expected, "the content of `{name}`");
    }
}

fn same(bytes: &[u8], expected: u8) -> bool {
    bytes.iter().all(|byte| *byte == expected)
}

/// The pieces into which sector borders cut `start..end`.
fn sectors(start: usize, end: usize) -> Vec<std::ops::Range<usize>> {
    let borders = (start / SECTOR + 1..end.div_ceil(SECTOR)).map(|sector| sector * SECTOR);
    let mut starts: Vec<usize> = std::iter::once(start).chain(borders).collect();
    starts.retain(|at| *at < end);
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([end]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| start..end).collect()
}
