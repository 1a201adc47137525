//! The database's log over many lives: what was synced comes back, what was torn is wholly gone, and damage
//! that no crash can do is refused.

use proptest::prelude::*;
use proptest::sample::Index;
use rehearsal_model::database::{
    Commit, LogCorrupt, LogPosition, Recovered, Row, RowChange, TableId, Value, encode_batch, read_log,
};

/// What one transaction changed; its position is given when it is appended.
type Changes = Vec<RowChange>;
type Batch = Vec<Changes>;

/// Any few characters; in some texts a whole frame stands between them, as far as a text can hold it.
fn text() -> impl Strategy<Value = Box<str>> {
    let any_text = || prop::collection::vec(any::<char>(), 0..6).prop_map(String::from_iter);
    let frame = prop::sample::select(texts_like_frames());
    prop_oneof![
        3 => any_text(),
        1 => (any_text(), frame, any_text()).prop_map(|(before, frame, after)| before + &frame + &after),
    ]
    .prop_map(String::into_boxed_str)
}

/// Frames as texts: of many, those in which the fewest bytes have to be replaced.
fn texts_like_frames() -> Vec<String> {
    let texts = (0..200).flat_map(|reported| {
        [vec![], vec![Commit { position: LogPosition(reported + 1), changes: vec![] }]].map(|commits| {
            let mut frame = Vec::new();
            encode_batch(&commits, LogPosition(reported), &mut frame);
            String::from_utf8_lossy(&frame).into_owned()
        })
    });
    let mut texts: Vec<String> = texts.collect();
    let replaced = |text: &str| text.matches(char::REPLACEMENT_CHARACTER).count();
    let fewest = texts.iter().map(|text| replaced(text)).min();
    texts.retain(|text| Some(replaced(text)) == fewest);
    texts
}

fn row() -> impl Strategy<Value = Option<Row>> {
    let value =
        prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::Int), text().prop_map(Value::Text)];
    prop::option::of(prop::collection::vec(value, 0..4))
}

fn batch() -> impl Strategy<Value = Batch> {
    let change = (0..3_usize, row(), row());
    let change = change.prop_map(|(table, before, after)| RowChange { table: TableId(table), before, after });
    prop::collection::vec(prop::collection::vec(change, 0..3), 1..4)
}

/// What a crash makes of bytes that were not synced.
#[derive(Clone, Debug)]
enum Tear {
    Nothing,
    Cut(Index),
    /// Sectors that were never written.
    Zeros(Index, Index),
    Flips(Vec<(Index, u8)>),
}

fn tear() -> impl Strategy<Value = Tear> {
    prop_oneof![
        Just(Tear::Nothing),
        any::<Index>().prop_map(Tear::Cut),
        any::<(Index, Index)>().prop_map(|(from, to)| Tear::Zeros(from, to)),
        prop::collection::vec((any::<Index>(), 1..=u8::MAX), 1..4).prop_map(Tear::Flips),
    ]
}

impl Tear {
    fn strike(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        match self {
            _ if length == 0 => {}
            Tear::Nothing => {}
            Tear::Cut(at) => bytes.truncate(at.index(length)),
            Tear::Zeros(one, other) => {
                let (one, other) = (one.index(length), other.index(length));
                bytes[one.min(other)..=one.max(other)].fill(0);
            }
            Tear::Flips(flips) => flips.iter().for_each(|(at, mask)| bytes[at.index(length)] ^= mask),
        }
    }
}

/// What stands behind the last byte that was written: zeros, anything, or what begins as a frame does.
fn behind() -> impl Strategy<Value = Vec<u8>> {
    let anything = || prop::collection::vec(any::<u8>(), 0..60);
    prop_oneof![
        2 => Just(Vec::new()),
        1 => (0..60_usize).prop_map(|length| vec![0; length]),
        1 => anything(),
        1 => anything().prop_map(|bytes| [b"\xff\x00\xff\x01".as_slice(), &bytes].concat()),
    ]
}

/// What is appended between two crashes. Each batch is synced before the next one is written.
#[derive(Clone, Debug)]
struct Life {
    batches: Vec<Batch>,
    last_is_synced: bool,
    tear: Tear,
    behind: Vec<u8>,
}

fn life() -> impl Strategy<Value = Life> {
    let parts = (prop::collection::vec(batch(), 0..4), any::<bool>(), tear(), behind());
    parts.prop_map(|(batches, last_is_synced, tear, behind)| Life { batches, last_is_synced, tear, behind })
}

/// All batches that should be in the log, each as bytes and as what it tells.
#[derive(Clone, Default)]
struct Reference(Vec<(Vec<u8>, Recovered)>);

impl Reference {
    fn append(&mut self, batch: Batch) {
        let mut recovered = self.recovered();
        recovered.reported = self.last_position();
        let first = recovered.reported.0 + 1;
        let commits = (first..).zip(batch);
        let commits: Vec<Commit> =
            commits.map(|(position, changes)| Commit { position: LogPosition(position), changes }).collect();
        let mut bytes = Vec::new();
        encode_batch(&commits, recovered.reported, &mut bytes);
        recovered.commits.extend(commits);
        recovered.valid_length += bytes.len();
        self.0.push((bytes, recovered));
    }

    fn last_position(&self) -> LogPosition {
        self.recovered().commits.last().map_or(LogPosition(0), |commit| commit.position)
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(bytes, _)| bytes.clone()).collect()
    }

    /// What a log of all these batches tells.
    fn recovered(&self) -> Recovered {
        self.0.last().map_or(Recovered::default(), |(_, recovered)| recovered.clone())
    }

    /// For each batch: where it begins, and whether it stands in `bytes` as it was written.
    fn sound_in<'a>(&'a self, bytes: &'a [u8]) -> impl DoubleEndedIterator<Item = (usize, bool)> + 'a {
        self.0.iter().map(|(batch, told)| {
            let begin = told.valid_length - batch.len();
            (begin, bytes.get(begin..told.valid_length) == Some(batch))
        })
    }

    /// What is to be read from a log that was damaged at any place.
    fn read(&self, bytes: &[u8]) -> Result<Recovered, LogCorrupt> {
        let sound = self.sound_in(bytes).take_while(|(_, sound)| *sound).count();
        let mut behind = self.sound_in(bytes).skip(sound);
        if let Some((offset, _)) = behind.next()
            && behind.any(|(_, sound)| sound)
        {
            return Err(LogCorrupt { offset });
        }
        let recovered = Reference(self.0[..sound].to_vec()).recovered();
        Ok(Recovered { torn: bytes.len() > recovered.valid_length, ..recovered })
    }
}

/// The next life of a log that holds `reference`: it is appended to, the crash comes, it is read and cut.
fn live(life: Life, disk: &mut Vec<u8>, reference: &mut Reference) {
    let mut synced = reference.clone();
    for batch in life.batches {
        synced = reference.clone();
        let begin = disk.len();
        reference.append(batch);
        disk.extend(&reference.bytes()[begin..]);
    }
    if life.last_is_synced {
        synced = reference.clone();
    }
    let mut tail = disk.split_off(synced.recovered().valid_length);
    life.tear.strike(&mut tail);
    disk.extend(tail);
    disk.extend(life.behind);

    if !disk.starts_with(&reference.bytes()) {
        *reference = synced;
    }
    let expected = reference.recovered();
    let torn = disk.len() > expected.valid_length;
    assert_eq!(read_log(disk), Ok(Recovered { torn, ..expected.clone() }));
    disk.truncate(expected.valid_length);
    assert_eq!(read_log(disk), Ok(expected), "the log that was cut tells something else");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_synced_comes_back_after_every_crash_and_what_was_torn_is_wholly_gone(
        lives in prop::collection::vec(life(), 1..5),
    ) {
        let (mut disk, mut reference) = (Vec::new(), Reference::default());
        for life in lives {
            live(life, &mut disk, &mut reference);
        }
    }

    #[test]
    fn a_log_damaged_at_any_place_tells_its_sound_beginning_or_is_refused(
        batches in prop::collection::vec(batch(), 1..5),
        damage in tear(),
    ) {
        let mut reference = Reference::default();
        batches.into_iter().for_each(|batch| reference.append(batch));
        let mut bytes = reference.bytes();
        damage.strike(&mut bytes);
        prop_assert_eq!(read_log(&bytes), reference.read(&bytes));
    }
}
