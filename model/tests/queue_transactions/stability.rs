//! What a consumer is shown, beside a reading of the whole log: of transactions the committed records alone, each once,
//! up to the last stable offset and no less.

use crate::makings::{Broken, all_records, append, convicts, end_of, marker, records, stamped, verdict};
use proptest::prelude::*;
use proptest::sample::Index;
use rehearsal_model::queue::defects::{Defect, Defects};
use rehearsal_model::queue::identity::ProducerIdentity;
use rehearsal_model::queue::offset::Offset;
use rehearsal_model::queue::producers::{Admission, Producers};
use rehearsal_model::queue::reading::{Isolation, View};
use rehearsal_model::queue::record::{Batch, Content, Payload, Record, Verdict};
use rehearsal_model::queue::tags::Tags;

/// What comes next in a log.
#[derive(Clone, Debug)]
enum Piece {
    Records { producer: Option<usize>, transactional: bool, tags: Vec<Tags> },
    End(usize, Verdict),
}

fn piece() -> impl Strategy<Value = Piece> {
    let tags = prop::collection::vec(0..3_u16, 0..3).prop_map(Tags::from_iter);
    let tags = prop::collection::vec(tags, 1..4);
    let producer = prop::option::weighted(0.9, 0..3_usize);
    let records = (producer, any::<bool>(), tags);
    prop_oneof![
        3 => records.prop_map(|(producer, transactional, tags)| {
            Piece::Records { producer, transactional: transactional && producer.is_some(), tags }
        }),
        2 => (0..3_usize, verdict()).prop_map(|(producer, verdict)| Piece::End(producer, verdict)),
    ]
}

/// A log, and how a consumer goes through it.
#[derive(Clone, Debug)]
struct Reading {
    pieces: Vec<Piece>,
    watermark: Index,
    from: Index,
    at_a_time: usize,
    tag: Option<u16>,
    isolation: Isolation,
}

fn reading() -> impl Strategy<Value = Reading> {
    let isolation = prop_oneof![Just(Isolation::ReadCommitted), Just(Isolation::ReadUncommitted)];
    let pieces = prop::collection::vec(piece(), 0..30);
    (pieces, any::<Index>(), any::<Index>(), 1..5_usize, prop::option::of(0..2_u16), isolation).prop_map(
        |(pieces, watermark, from, at_a_time, tag, isolation)| Reading {
            pieces,
            watermark,
            from,
            at_a_time,
            tag,
            isolation,
        },
    )
}

fn log_of(pieces: &[Piece]) -> Vec<Batch> {
    let mut log = Vec::new();
    let mut makers = [0, 1, 2].map(|id| (ProducerIdentity::first(id), 0));
    for piece in pieces {
        match piece {
            Piece::Records { producer, transactional, tags } => {
                let record =
                    |tags: &Tags| Record { key: None, value: [].into(), tags: tags.clone(), created: 0 };
                let content = Content::Records(tags.iter().map(record).collect());
                let payload = match producer {
                    Some(producer) => {
                        let (identity, sequence) = &mut makers[*producer];
                        let first = std::mem::replace(sequence, *sequence + tags.len() as u32);
                        stamped(*identity, first, *transactional, content)
                    }
                    None => Payload { producer: None, transactional: false, content },
                };
                append(&mut log, payload);
            }
            Piece::End(producer, verdict) => {
                makers[*producer] = (makers[*producer].0.next(), 0);
                append(&mut log, marker(makers[*producer].0, *verdict));
            }
        }
    }
    log
}

/// How the transaction of a batch ends, and where; nothing for a batch outside any.
fn naive_end(log: &[Batch], place: usize) -> Option<Option<(Offset, Verdict)>> {
    let payload = &log[place].payload;
    let producer = payload.producer.filter(|_| payload.transactional)?.id;
    let mut ends = log[place..].iter().filter_map(|batch| match batch.payload.content {
        Content::Marker(verdict) if batch.payload.producer?.id == producer => Some((batch.base, verdict)),
        Content::Marker(_) | Content::Records(_) | Content::Routing(_) => None,
    });
    Some(ends.next())
}

fn naive_last_stable(log: &[Batch], watermark: Offset) -> Offset {
    let is_unstable = |place: &usize| {
        let end =
            (!matches!(log[*place].payload.content, Content::Marker(_))).then(|| naive_end(log, *place));
        end.flatten().is_some_and(|end| end.is_none_or(|(marker, _)| marker >= watermark))
    };
    (0..log.len()).find(is_unstable).map_or(watermark, |place| log[place].base.min(watermark))
}

fn naively_shown(log: &[Batch], reading: &Reading, from: Offset, end: Offset) -> Vec<(Offset, Record)> {
    let counts = |place: usize| match (reading.isolation, naive_end(log, place)) {
        (Isolation::ReadUncommitted, _) | (_, None) => true,
        (Isolation::ReadCommitted, Some(end)) => matches!(end, Some((_, Verdict::Commit))),
    };
    let shown =
        (0..log.len()).filter(|place| counts(*place)).flat_map(|place| all_records(&log[place..=place]));
    shown
        .filter(|(offset, _)| from <= *offset && *offset < end)
        .filter(|(_, record)| reading.tag.is_none_or(|tag| record.tags.has(tag)))
        .collect()
}

/// Goes through the log, some batches at a time, from one place to the end of sight.
fn go_through(reading: &Reading, defects: Defects) -> Result<(), Broken> {
    let log = log_of(&reading.pieces);
    let producers = Producers::of(defects, &log);
    let ends: Vec<Offset> = std::iter::once(Offset::ZERO).chain(log.iter().map(Batch::end)).collect();
    let watermark = *reading.watermark.get(&ends);
    let end = match reading.isolation {
        Isolation::ReadCommitted => producers.last_stable(watermark),
        Isolation::ReadUncommitted => watermark,
    };
    let naive = naive_last_stable(&log, watermark);
    if producers.last_stable(watermark) != naive {
        return Err(format!("stable: {} and not {naive}", producers.last_stable(watermark)));
    }
    let from = Offset(reading.from.index(end_of(&log).0 as usize + 1) as u64).min(end);
    let (mut at, mut shown) = (from, Vec::new());
    while at < end {
        let there = log.iter().skip_while(|batch| batch.end() <= at).take(reading.at_a_time);
        let fetched: Vec<Batch> = there.cloned().collect();
        let aborted = producers.aborted(at, end_of(&fetched));
        let next = end_of(&fetched);
        let view = View { isolation: reading.isolation, tag: reading.tag, end, next, aborted, defects };
        let step = view.read(at, &fetched);
        if step.next <= at {
            return Err(format!("lags: stays at {at}, and {end} is in sight"));
        }
        at = step.next;
        shown.extend(step.records.into_iter().map(|shown| (shown.offset, shown.record)));
    }
    let expected = naively_shown(&log, reading, from, end);
    if shown != expected || at != end {
        return Err(format!("shown: {shown:?} up to {at}, not {expected:?} up to {end}"));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_consumer_is_shown_what_is_committed_and_has_its_tag(reading in reading()) {
        prop_assert_eq!(go_through(&reading, Defects::NONE), Ok(()));
    }

    #[test]
    fn the_last_stable_offset_never_falls(pieces in prop::collection::vec(piece(), 0..30)) {
        let log = log_of(&pieces);
        let mut producers = Producers::new(Defects::NONE);
        let mut before = Offset::ZERO;
        for batch in &log {
            producers.appended(batch);
            let now = producers.last_stable(batch.base);
            prop_assert!(before <= now, "from {before} to {now}");
            before = now;
        }
    }

    #[test]
    fn what_retention_has_taken_is_known_again_and_the_rest_as_if_it_were_all(
        pieces in prop::collection::vec(piece(), 0..30),
        start in any::<Index>(),
        probes in prop::collection::vec((0..3_u64, 0..4_u16, 0..8_u32, 1..4_usize, any::<bool>()), 20),
    ) {
        let mut log = log_of(&pieces);
        let mut producers = Producers::of(Defects::NONE, &log);
        let stable = producers.last_stable(end_of(&log));
        let may_go = log.iter().filter(|batch| batch.end() <= stable).count();
        let left = log.split_off(start.index(may_go + 1));
        let start = left.first().map_or(end_of(&log), |first| first.base);
        let all = producers.clone();
        producers.dropped_below(start);
        let rebuilt = Producers::of(Defects::NONE, &left);
        for (id, epoch, sequence, count, is_marker) in probes {
            let identity = ProducerIdentity { id, epoch };
            let values = records(0..count as u64);
            let probe =
                if is_marker { marker(identity, Verdict::Abort) } else { stamped(identity, sequence, true, values) };
            let (known, before) = (producers.check(&probe), all.check(&probe));
            if is_marker {
                let counts_as_written = matches!(known, Admission::Fenced { .. }) && before != Admission::Append;
                prop_assert!(known == rebuilt.check(&probe) || counts_as_written, "{known:?}, {before:?}");
            } else {
                prop_assert_eq!(known, before);
            }
        }
        let end = end_of(&left);
        let markers = |producers: &Producers| -> Vec<_> {
            producers.aborted(start, end).iter().map(|aborted| aborted.marker).collect()
        };
        let known = markers(&producers);
        prop_assert!(markers(&rebuilt).iter().all(|marker| known.contains(marker)));
        prop_assert_eq!(producers.last_stable(end), rebuilt.last_stable(end).min(end));
    }
}

#[test]
fn a_filtered_tail_leaves_lag() {
    let defects = Defects::of([Defect::FilteredTailLags]);
    convicts("lags", reading(), |reading| go_through(&reading, defects));
}

#[test]
fn a_marker_whose_first_copy_retention_has_taken_does_not_end_what_came_after_it() {
    let identity = ProducerIdentity { id: 0, epoch: 1 };
    let mut log = Vec::new();
    let mut producers = Producers::new(Defects::NONE);
    producers.appended(append(&mut log, marker(identity, Verdict::Commit)));
    producers.appended(append(&mut log, stamped(identity, 0, true, records([1]))));
    producers.dropped_below(Offset(1));
    assert_eq!(producers.check(&marker(identity, Verdict::Commit)), Admission::Fenced { current: 1 });
    assert_eq!(producers.last_stable(Offset(2)), Offset(1));
}
