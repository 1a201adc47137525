//! A log that is corrupt is said to be so, and nothing is ever answered from it.

use super::{DATABASE, connect, empty_database, report, writes};
use crate::stage::{Handle, Seen, Stage, at, crash, note, steady_but};
use rehearsal_env::{Clock, File, Storage};
use rehearsal_model::database::{Keys, server};
use std::rc::Rc;
use std::time::Duration;

const LOG: &str = "log";

/// How far from the log's beginning, or from its end, a byte rots.
#[derive(Clone, Copy)]
enum Rots {
    FromBeginning(u64),
    FromEnd(u64),
}

/// A database that finds one byte of its log flipped when it starts again.
async fn serves_from_a_rotten_disk(env: Handle, rots: Rots) {
    let file = env.open(LOG).await.expect("a healthy disk");
    let length = file.len().await.expect("a healthy disk");
    if length > 0 {
        note(&env, "length", length);
        let place = match rots {
            Rots::FromBeginning(place) => place,
            Rots::FromEnd(place) => length - place,
        };
        let byte = file.read_at(place, 1).await.expect("a healthy disk")[0];
        file.write_at(place, &[byte ^ 0x10]).await.expect("a healthy disk");
        file.sync().await.expect("a healthy disk");
    }
    server::serve(env, Rc::new(empty_database()), report).await;
}

/// Six commits, each a batch of its own; then the disk rots, and somebody asks for the rest of the run.
fn run(rots: Rots) -> Seen {
    let mut stage = Stage::new(1, steady_but([at(5_000, crash(DATABASE, 100))]));
    let database = stage.start(DATABASE, move |env| serves_from_a_rotten_disk(env, rots));
    stage.client("client", move |env| writes(env, database, 1..7));
    stage.start("onlooker", move |env: Handle| async move {
        env.sleep(Duration::from_millis(5_001)).await;
        let database = connect(&env, database);
        loop {
            let answered = database.read(super::ROW, Keys::All, None).await.is_ok();
            note(&env, if answered { "answered" } else { "unanswered" }, 0);
            env.sleep(Duration::from_millis(100)).await;
        }
    });
    let seen = stage.run();
    assert_eq!((seen.count("acknowledged"), seen.count("found")), (6, 12));
    seen
}

/// The database says where its log is corrupt, and never another word.
#[track_caller]
fn assert_refused(seen: &Seen, offset: u64) {
    assert_eq!(seen.noted("LogCorrupt"), [offset]);
    assert_eq!((seen.count("Recovered"), seen.count("TornTailCut"), seen.reports().count()), (1, 0, 6));
    assert!(seen.count("answered") == 0 && seen.count("unanswered") > 10);
}

#[test]
fn a_flipped_byte_in_the_first_batch_is_refused() {
    let batch = run(Rots::FromBeginning(0)).noted("length")[0] / 6;
    for place in (0..24).chain((24..batch - 20).step_by(61)) {
        assert_refused(&run(Rots::FromBeginning(place)), 0);
    }
}

#[test]
fn a_flipped_byte_between_two_sound_batches_is_refused() {
    let length = run(Rots::FromBeginning(0)).noted("length")[0];
    for place in (length / 3..length * 2 / 3).step_by(173) {
        let seen = run(Rots::FromBeginning(place));
        let offset = seen.noted("LogCorrupt")[0];
        assert!(offset > 0 && offset <= place && place - offset < length / 5, "{offset} for byte {place}");
        assert_refused(&seen, offset);
    }
}

#[test]
fn a_flipped_byte_in_the_last_batch_looks_like_a_torn_tail() {
    for place in [1, 2, 100, 1_000] {
        let seen = run(Rots::FromEnd(place));
        assert_eq!((seen.count("TornTailCut"), seen.count("LogCorrupt")), (1, 0));
        assert_eq!(seen.noted("Recovered"), [0, 5]);
        assert!(seen.count("answered") > 10);
    }
}

#[test]
fn a_database_that_was_refused_is_refused_again_at_every_start() {
    let faults =
        [at(5_000, crash(DATABASE, 100)), at(7_000, crash(DATABASE, 100)), at(9_000, crash(DATABASE, 100))];
    let mut stage = Stage::new(1, steady_but(faults));
    let database = stage.start(DATABASE, |env: Handle| async move {
        // One byte rots, once, before the second life.
        let rotten = env.open("rotten").await.expect("a healthy disk");
        let (log, done) =
            (env.open(LOG).await.expect("a healthy disk"), rotten.len().await.expect("a healthy disk"));
        if done == 0 && log.len().await.expect("a healthy disk") > 0 {
            log.write_at(30, &[0xaa]).await.expect("a healthy disk");
            log.sync().await.expect("a healthy disk");
            rotten.append(b"!").await.expect("a healthy disk");
            rotten.sync().await.expect("a healthy disk");
            env.sync_dir().await.expect("a healthy disk");
        }
        server::serve(env, Rc::new(empty_database()), report).await;
    });
    stage.client("client", move |env| writes(env, database, 1..7));
    assert_eq!(stage.run().noted("LogCorrupt"), [0, 0, 0]);
}
