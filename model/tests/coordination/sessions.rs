//! Sessions: an ephemeral key stays while its owner is heard, and is gone soon after it is not.

use crate::honesty::assert_honest;
use crate::stage::{
    Handle, PATIENCE, SERVICE, Seen, Stage, TICK, at, crash, crash_loop, millis, note, partition, rough,
    steady, steady_but, vanish,
};
use rehearsal_env::{Clock, Time};
use rehearsal_model::coordination::{
    Check, Coordination, CoordinationError, CoordinationSession, Edit, Happening, Outcome, Request,
};
use rehearsal_sim::Settings;
use std::future::pending;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_millis(600);
/// The network, two writes and two syncs.
const LITTLE: Duration = Duration::from_millis(60);

async fn open(env: &Handle, coordination: &Coordination<Handle>) -> CoordinationSession<Handle> {
    loop {
        env.sleep(Duration::from_millis(10)).await;
        if let Ok(session) = coordination.open_session(TIMEOUT).await {
            return session;
        }
    }
}

/// Says that it is there, and notes whenever it can no longer be sure.
async fn is_there(env: Handle, coordination: Coordination<Handle>) {
    let session = open(&env, &coordination).await;
    let here =
        session.transact(vec![Check::absent("/here")], vec![Edit::put_ephemeral("/here", *b"1")]).await;
    here.expect("nobody else is there");
    note(&env, "here", session.id().0);
    session.lost().await;
    note(&env, "unsure", session.id().0);
    pending::<()>().await;
}

fn run(settings: Settings) -> Seen {
    let mut stage = Stage::new(1, settings);
    stage.node("owner", is_there);
    let seen = stage.run();
    assert_honest(&seen);
    assert!(!seen.noted("here").is_empty());
    for (_, happening) in seen.happenings() {
        if let Happening::SessionSilent { silent, .. } = happening {
            assert!(*silent > TIMEOUT && *silent <= TIMEOUT + TICK, "ended after {silent:?}");
        }
    }
    seen
}

#[test]
fn an_ephemeral_key_stays_while_its_owner_renews() {
    let seen = run(steady());
    assert_eq!((seen.deleted("/here"), seen.noted("unsure")), (None, Vec::new()));
}

#[test]
fn an_ephemeral_key_goes_when_its_owner_crashes() {
    let seen = run(steady_but([at(2_000, vanish("owner"))]));
    let gone = seen.deleted("/here").expect("its owner is gone");
    assert!(gone > millis(2_000) + TIMEOUT * 2 / 3, "it was heard shortly before, {gone}");
    assert!(gone < millis(2_000) + TIMEOUT + TICK + LITTLE, "{gone}");
    assert_eq!(seen.count(|happening| matches!(happening, Happening::SessionExpired { .. })), 1);
}

#[test]
fn an_ephemeral_key_survives_a_short_silence() {
    for seed in 0..20 {
        let seen = run(steady_but([at(2_000 + seed * 17, partition("owner", SERVICE, 300))]));
        assert_eq!((seen.deleted("/here"), seen.noted("unsure")), (None, Vec::new()));
    }
}

#[test]
fn who_is_cut_off_knows_it_before_the_key_goes() {
    for seed in 0..20 {
        let seen = run(steady_but([at(2_000 + seed * 17, partition("owner", SERVICE, 5_000))]));
        let gone = seen.deleted("/here").expect("nobody heard its owner");
        assert!(seen.noted("unsure")[0].0 < gone, "the owner thought it was there");
    }
}

#[test]
fn an_ephemeral_key_survives_crashes_of_the_service() {
    for seed in 0..20 {
        let seen = run(steady_but([at(1_000 + seed * 13, crash_loop(SERVICE, 20, 50, 200))]));
        assert_eq!(seen.deleted("/here"), None, "after each the session has its full time anew");
    }
    // So it is even when the service is away for longer than the session may be silent.
    assert_eq!(run(steady_but([at(1_000, crash(SERVICE, 3_000))])).deleted("/here"), None);
}

#[test]
fn an_owner_that_crashes_while_the_service_is_away_is_given_its_timeout_once_more() {
    let seen = run(steady_but([at(1_000, crash(SERVICE, 3_000)), at(2_000, vanish("owner"))]));
    let gone = seen.deleted("/here").expect("its owner is gone");
    assert!(gone > millis(4_000) + TIMEOUT, "{gone}");
    assert!(gone < millis(4_000) + TIMEOUT + TICK + LITTLE, "{gone}");
}

#[test]
fn what_an_ended_session_asks_is_refused() {
    let mut stage = Stage::new(1, steady_but([at(1_000, partition("owner", SERVICE, 2_000))]));
    stage.client("owner", |env: Handle, coordination| async move {
        let session = open(&env, &coordination).await;
        session.transact(Vec::new(), vec![Edit::put_ephemeral("/here", *b"1")]).await.expect("it is open");
        env.sleep_until(millis(4_000)).await;
        assert!(!session.is_alive());
        let refused = session.transact(Vec::new(), vec![Edit::put("/there", *b"2")]).await;
        assert_eq!(refused, Err(CoordinationError::SessionExpired));
        assert_eq!(coordination.read("/here").await, Ok(None));
        assert_eq!(session.close().await, Err(CoordinationError::SessionExpired));
    });
    assert_honest(&stage.run_until_done());
}

#[test]
fn a_closed_session_takes_its_keys_along_at_once() {
    let mut stage = Stage::new(1, steady());
    stage.client("owner", |env: Handle, coordination| async move {
        let session = open(&env, &coordination).await;
        session.transact(Vec::new(), vec![Edit::put_ephemeral("/here", *b"1")]).await.expect("it is open");
        session.transact(Vec::new(), vec![Edit::put("/there", *b"2")]).await.expect("it is open");
        session.close().await.expect("it is open");
        let view = coordination.read_prefix("/").await.expect("it is reachable");
        assert_eq!(view.entries.keys().collect::<Vec<_>>(), ["/there"]);
    });
    let seen = stage.run_until_done();
    assert_eq!(seen.count(|happening| matches!(happening, Happening::SessionClosed { .. })), 1);
}

/// Elects itself whenever nobody leads, and notes when it began to lead and when it stopped to be sure.
async fn leads(env: Handle, coordination: Coordination<Handle>, who: u8) {
    loop {
        let session = open(&env, &coordination).await;
        while session.is_alive() {
            let checks = vec![Check::absent("/leader")];
            let value = [
                who,
                env.now().0.to_le_bytes()[2],
                env.now().0.to_le_bytes()[3],
                env.now().0.to_le_bytes()[1],
            ];
            match session.transact(checks, vec![Edit::put_ephemeral("/leader", value)]).await {
                Ok(_) if session.is_alive() => {
                    note(&env, "leads", who.into());
                    session.lost().await;
                    note(&env, "unsure", who.into());
                }
                _ => env.sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

#[test]
fn there_is_never_a_second_who_is_sure_to_lead() {
    let mut elections = 0;
    for seed in 0..30 {
        let mut faults: Vec<_> =
            (0..3).map(|nth| at(500 + seed * 31 + nth * 2_900, crash(SERVICE, 100))).collect();
        let cut = |nth: u64| {
            at(700 + seed * 57 + nth * 1_300, partition(&format!("node-{}", nth % 3), SERVICE, 900))
        };
        faults.extend((0..7).map(cut));
        let mut stage = Stage::new(seed, Settings { faults, ..rough() });
        for who in 0..3 {
            stage.node(&format!("node-{who}"), move |env, coordination| leads(env, coordination, who));
        }
        let seen = stage.run();
        assert_honest(&seen);
        let mut sure = None;
        for (time, word, who) in words(&seen) {
            match word {
                "leads" => assert_eq!(sure.replace(who), None, "seed {seed}, {time}: two lead"),
                _ => sure = sure.filter(|leader| *leader != who),
            }
        }
        elections += seen.noted("leads").len();
    }
    assert!(elections > 60, "{elections} elections");
}

fn words(seen: &Seen) -> Vec<(Time, &'static str, u64)> {
    let noted = |word: &'static str| seen.noted(word).into_iter().map(move |(time, who)| (time, word, who));
    let mut all: Vec<_> = noted("unsure").chain(noted("leads")).collect();
    all.sort_by_key(|(time, word, _)| (*time, *word == "leads"));
    all
}

#[test]
fn a_wish_to_open_whose_answer_was_lost_leaves_nothing_for_ever() {
    for seed in 0..20 {
        let mut stage = Stage::new(seed, steady_but([at(5 + seed, partition("owner", SERVICE, 2_000))]));
        stage.node("owner", |_, coordination| async move {
            let _ = coordination.open_session(TIMEOUT).await;
            pending::<()>().await;
        });
        let seen = stage.run();
        let opened = seen.count(|happening| matches!(happening, Happening::SessionOpened { .. }));
        assert_eq!(seen.count(|happening| matches!(happening, Happening::SessionExpired { .. })), opened);
        let asked = |happening: &Happening| {
            matches!(happening, Happening::Invoked { request: Request::OpenSession { .. }, .. })
        };
        let answered = |happening: &Happening| {
            matches!(happening, Happening::Returned { outcome: Outcome::Answered(_), .. })
        };
        assert!(seen.count(asked) == 1 && seen.count(answered) <= 1);
    }
    assert!(PATIENCE.silence < TIMEOUT);
}
