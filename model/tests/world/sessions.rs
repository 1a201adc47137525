//! Sessions: requests taken once and in order, whatever the network does, and an end that both sides notice.

use crate::stage::{Handle, Stage, at, crash, millis, note, partition, rough, steady, steady_but, vanish};
use rehearsal_env::{Clock, Network, NodeId, Port, Random, Received, Spawner};
use rehearsal_model::session::{Frame, Patience, Session, SessionOver, SessionTable, Sessions, Verdict};
use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

const PATIENCE: Patience =
    Patience { resend: Duration::from_millis(100), silence: Duration::from_millis(1_000) };
/// So patient that no rough network ends a session.
const ENDLESS: Patience = Patience { resend: Duration::from_millis(100), silence: Duration::from_secs(60) };

type NumberFrame = Frame<u64, u64>;

/// A server that carries requests out one after the other, each in a random time up to `work`.
struct Clerk {
    env: Handle,
    port: <Handle as Network>::Port<NumberFrame>,
    table: RefCell<SessionTable<u64>>,
    carried_out: Cell<u64>,
    work: Duration,
}

/// Answers each request with how many have been carried out so far.
async fn counts(env: Handle, patience: Patience, work: Duration) {
    let (port, table, carried_out) = (env.bind(), RefCell::default(), Cell::new(0));
    let clerk = Rc::new(Clerk { env: env.clone(), port, table, carried_out, work });
    env.spawn(clerk.clone().end_silent(patience.silence));
    loop {
        let Received { from, message } = clerk.port.recv().await;
        match message {
            Frame::Hello { nonce } => {
                let session = clerk.table.borrow_mut().hello(from, nonce, env.bits(), env.now());
                clerk.port.send(from, Frame::Welcome { nonce, session });
            }
            Frame::Request { session, number, body } => clerk.request(from, session, number, body),
            Frame::End { session } => {
                if clerk.table.borrow_mut().end(from, session) {
                    note(&env, "ended", 0);
                }
            }
            other => panic!("a client does not say {other:?}"),
        }
    }
}

impl Clerk {
    fn request(self: &Rc<Self>, from: NodeId, session: u64, number: u64, body: u64) {
        let verdict = self.table.borrow_mut().request(from, session, number, self.env.now());
        match verdict {
            Verdict::Take => {
                note(&self.env, "taken", body);
                self.carried_out.set(self.carried_out.get() + 1);
                self.env.spawn(self.clone().carry_out(session, self.carried_out.get()));
            }
            Verdict::Repeat(body) => self.port.send(from, Frame::Answer { session, number, body }),
            Verdict::Working => self.port.send(from, Frame::Working { session, number }),
            Verdict::Ignore => {}
            Verdict::Unknown => self.port.send(from, Frame::End { session }),
        }
    }

    async fn carry_out(self: Rc<Self>, session: u64, body: u64) {
        self.env.sleep(Duration::from_nanos(self.env.below(self.work.as_nanos() as u64 + 1))).await;
        let waiting = self.table.borrow_mut().answered(session, body);
        match waiting {
            Some((client, number)) => self.port.send(client, Frame::Answer { session, number, body }),
            None => note(&self.env, "answered nobody", body),
        }
    }

    async fn end_silent(self: Rc<Self>, silence: Duration) {
        loop {
            self.env.sleep(silence / 2).await;
            for _ in self.table.borrow_mut().end_silent(self.env.now(), silence) {
                note(&self.env, "let go", 0);
            }
        }
    }
}

fn clerk(stage: &mut Stage, patience: Patience, work: Duration) -> NodeId {
    stage.start("server", move |env| counts(env, patience, work))
}

async fn open(env: &Handle, server: NodeId, patience: Patience) -> Session<Handle, u64, u64> {
    Sessions::bind(env, patience).open(server).await.expect("the server is there")
}

#[test]
fn each_request_is_taken_once_and_in_order_on_any_network() {
    for seed in 0..300 {
        let mut stage = Stage::new(seed, rough());
        let server = clerk(&mut stage, ENDLESS, Duration::from_millis(150));
        stage.client("client", move |env| async move {
            let mut session = open(&env, server, ENDLESS).await;
            for number in 1..=20 {
                note(&env, "told", session.ask(number).await.expect("nobody is silent for long"));
            }
        });
        let seen = stage.run_until_done();
        let all: Vec<u64> = (1..=20).collect();
        assert_eq!((seen.noted("taken"), seen.noted("told")), (all.clone(), all), "seed {seed}");
    }
}

/// Asks 1, 2, 3, … session after session. A request's tens of thousands are its session, so that no two are alike.
async fn asks_on(env: Handle, server: NodeId, first_session: u64) {
    let sessions = Sessions::<Handle, u64, u64>::bind(&env, PATIENCE);
    let mut count = first_session;
    while env.now() < millis(28_000) {
        let Ok(mut session) = sessions.open(server).await else { continue };
        count += 1;
        for number in 1..=30 {
            if session.ask(count * 10_000 + number).await.is_err() {
                note(&env, "over", count * 10_000 + number);
                break;
            }
            note(&env, "told", count * 10_000 + number);
        }
    }
}

#[test]
fn whatever_ends_sessions_none_takes_a_request_twice_or_out_of_order() {
    let (mut over, mut told) = (0, 0);
    for seed in 0..60 {
        let mut settings = rough();
        settings.faults = vec![
            at(5_000, partition("client", "server", 3_000)),
            at(12_000, crash("server", 300)),
            at(15_000, crash("server", 2_000)),
            at(22_000, partition("client", "server", 1_200)),
        ];
        let mut stage = Stage::new(seed, settings);
        let server = clerk(&mut stage, PATIENCE, Duration::from_millis(300));
        let client = stage.client("client", move |env| asks_on(env, server, 0));
        let other = stage.client("other", move |env| asks_on(env, server, 1_000));
        let seen = stage.run();
        let taken = seen.noted("taken");
        for client in [client, other] {
            assert!(seen.noted_by(client, "told").iter().all(|number| taken.contains(number)));
        }
        let mut sessions: Vec<u64> = taken.iter().map(|request| request / 10_000).collect();
        sessions.sort_unstable();
        sessions.dedup();
        for session in sessions {
            let requests: Vec<u64> =
                taken.iter().filter(|request| *request / 10_000 == session).copied().collect();
            let expected: Vec<u64> =
                (1..=requests.len() as u64).map(|number| session * 10_000 + number).collect();
            assert_eq!(requests, expected, "seed {seed}");
        }
        (over, told) = (over + seen.count("over"), told + seen.count("told"));
    }
    assert!(over > 240 && told > 6_000, "{over} sessions were cut short, {told} requests answered");
}

#[test]
fn a_repeat_gets_the_stored_answer_and_what_is_out_of_order_none() {
    let mut stage = Stage::new(1, steady());
    let server = clerk(&mut stage, ENDLESS, Duration::ZERO);
    stage.client("client", move |env| async move {
        let port = env.bind::<NumberFrame>();
        let pause = || env.sleep(Duration::from_millis(10));
        port.send(server, Frame::Hello { nonce: 5 });
        port.send(server, Frame::Hello { nonce: 5 });
        let Frame::Welcome { nonce: 5, session } = port.recv().await.message else { panic!("no welcome") };
        assert_eq!(
            port.recv().await.message,
            Frame::Welcome { nonce: 5, session },
            "a repeat begins nothing"
        );
        for number in [1, 1, 3, 1, 2, 1, 2, 0] {
            port.send(server, Frame::Request { session, number, body: number });
            pause().await;
        }
        for number in [1, 1, 1, 2, 2] {
            assert_eq!(port.recv().await.message, Frame::Answer { session, number, body: number });
        }
        port.send(server, Frame::Request { session: session ^ 1, number: 1, body: 0 });
        assert_eq!(port.recv().await.message, Frame::End { session: session ^ 1 });
    });
    assert_eq!(stage.run_until_done().noted("taken"), [1, 2]);
}

#[test]
fn a_request_that_takes_longer_than_the_silence_is_answered() {
    let mut stage = Stage::new(1, steady());
    let server = clerk(&mut stage, PATIENCE, Duration::from_secs(20));
    stage.client("client", move |env| async move {
        let mut session = open(&env, server, PATIENCE).await;
        assert_eq!(session.ask(1).await, Ok(1));
        assert!(env.now() > millis(5_000), "the seed draws a long work");
    });
    let seen = stage.run_until_done();
    assert_eq!((seen.count("let go"), seen.noted("taken")), (0, vec![1]));
}

#[test]
fn silence_ends_a_session_on_both_sides() {
    let mut stage = Stage::new(1, steady_but([at(100, partition("client", "server", 5_000))]));
    let server = clerk(&mut stage, PATIENCE, Duration::ZERO);
    stage.client("client", move |env| async move {
        let mut session = open(&env, server, PATIENCE).await;
        assert_eq!(session.ask(1).await, Ok(1));
        env.sleep_until(millis(200)).await;
        assert_eq!(session.ask(2).await, Err(SessionOver));
        note(&env, "over", 2);
        env.sleep_until(millis(3_000)).await;
    });
    let seen = stage.run_until_done();
    assert!((millis(1_200)..=millis(1_302)).contains(&seen.time("over")), "silence, and at most one resend");
    // It heard the client last when it asked for 1, and looks twice in every silence.
    assert!((millis(1_001)..=millis(1_510)).contains(&seen.time("let go")));
    assert_eq!(seen.noted("taken"), [1]);
}

#[test]
fn a_session_whose_client_vanished_is_let_go() {
    let mut stage = Stage::new(1, steady_but([at(700, vanish("client"))]));
    let server = clerk(&mut stage, PATIENCE, Duration::from_secs(20));
    stage.start("client", move |env| async move {
        let mut session = open(&env, server, PATIENCE).await;
        let _ = session.ask(1).await;
    });
    let mut settled = stage.run();
    settled.facts.retain(|(stamp, _)| stamp.time < millis(30_000));
    // It was heard last before that, and by then it knew that its request had come, and asked again every third of a
    // silence.
    assert!((millis(1_366)..=millis(2_210)).contains(&settled.time("let go")));
    assert_eq!(settled.count("answered nobody"), 1);
}

#[test]
fn a_client_that_was_silent_too_long_is_told_at_its_next_request() {
    let mut stage = Stage::new(1, steady());
    let server = clerk(&mut stage, PATIENCE, Duration::ZERO);
    stage.client("client", move |env| async move {
        let mut session = open(&env, server, PATIENCE).await;
        assert!(session.is_fresh());
        env.sleep_until(millis(499)).await;
        assert!(session.is_fresh());
        assert_eq!(session.ask(1).await, Ok(1));
        env.sleep_until(millis(1_010)).await;
        assert!(!session.is_fresh(), "half the silence is over");
        env.sleep_until(millis(2_600)).await;
        assert_eq!(session.ask(2).await, Err(SessionOver));
        assert_eq!(env.now(), millis(2_602));
    });
    assert_eq!(stage.run_until_done().noted("taken"), [1]);
}

#[test]
fn the_servers_crash_ends_its_sessions_as_soon_as_it_is_back() {
    let mut stage = Stage::new(1, steady_but([at(150, crash("server", 100))]));
    let server = clerk(&mut stage, PATIENCE, Duration::from_secs(20));
    stage.client("client", move |env| async move {
        let sessions = Sessions::<Handle, u64, u64>::bind(&env, PATIENCE);
        let mut session = sessions.open(server).await.expect("the server is there");
        let mut idle = sessions.open(server).await.expect("the server is there");
        assert_eq!(session.ask(1).await, Err(SessionOver));
        let until = millis(252) + PATIENCE.while_at_work();
        assert!((millis(250)..=until).contains(&env.now()), "back at 250, and heard of at the next resend");
        let (asked, fresh) = (env.now(), sessions.open(server).await);
        assert_eq!(idle.ask(2).await, Err(SessionOver));
        assert_eq!(env.now().since(asked), Duration::from_millis(4), "two round trips");
        assert!(fresh.is_ok());
    });
    assert_eq!(stage.run_until_done().noted("taken"), [1]);
}

#[test]
fn a_dropped_session_ends_at_the_server_at_once() {
    let mut stage = Stage::new(1, steady());
    let server = clerk(&mut stage, PATIENCE, Duration::from_secs(20));
    stage.client("client", move |env| async move {
        let sessions = Sessions::<Handle, u64, u64>::bind(&env, PATIENCE);
        let mut session = sessions.open(server).await.expect("the server is there");
        assert!(env.timeout(Duration::from_millis(50), session.ask(1)).await.is_err());
        drop(session);
        env.sleep_until(millis(30_000)).await;
    });
    let seen = stage.run_until_done();
    assert_eq!(seen.time("ended"), millis(53));
    assert_eq!((seen.count("answered nobody"), seen.count("let go")), (1, 0));
}

#[test]
fn nobody_is_kept_waiting_by_a_server_that_is_not_there() {
    let mut stage = Stage::new(1, steady_but([at(0, vanish("server"))]));
    let server = clerk(&mut stage, PATIENCE, Duration::ZERO);
    stage.client("client", move |env| async move {
        let sessions = Sessions::<Handle, u64, u64>::bind(&env, PATIENCE);
        assert!(sessions.open(server).await.is_err());
        assert!((millis(1_000)..=millis(1_100)).contains(&env.now()), "{}", env.now());
    });
    stage.run_until_done();
}

#[test]
fn sessions_of_one_node_do_not_hear_each_others_answers() {
    for seed in 0..50 {
        let mut stage = Stage::new(seed, rough());
        let server = clerk(&mut stage, ENDLESS, Duration::from_millis(50));
        stage.start("client", move |env: Handle| async move {
            let sessions = Sessions::<Handle, u64, u64>::bind(&env, ENDLESS);
            for _ in 0..10 {
                let (asking, sessions) = (env.clone(), sessions.clone());
                env.spawn(async move {
                    let mut session = sessions.open(server).await.expect("nobody is silent for long");
                    for request in 0..5 {
                        note(&asking, "told", session.ask(request).await.expect("nobody is silent for long"));
                    }
                });
            }
            pending::<()>().await;
        });
        let mut told = stage.run().noted("told");
        told.sort_unstable();
        assert_eq!(told, (1..=50).collect::<Vec<_>>(), "each answer was told once");
    }
}
