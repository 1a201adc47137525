//! The server's table of sessions beside a reference that remembers everything and forgets nothing.

use proptest::prelude::*;
use rehearsal_env::{NodeId, Time};
use rehearsal_model::session::{SessionTable, Verdict};
use std::time::Duration;

const SILENCE: Duration = Duration::from_nanos(10);

/// One session as the reference has it: all that was ever taken, and what each was answered with.
#[derive(Debug)]
struct History {
    client: NodeId,
    nonce: u64,
    answers: Vec<Option<u32>>,
    heard: Time,
    over: bool,
}

/// All sessions there ever were; a session's id is its place.
#[derive(Debug, Default)]
struct Reference(Vec<History>);

impl Reference {
    fn hello(&mut self, client: NodeId, nonce: u64, now: Time) -> u64 {
        let begun = |session: &History| !session.over && session.client == client && session.nonce == nonce;
        if let Some(id) = self.0.iter().position(begun) {
            return id as u64;
        }
        self.0.push(History { client, nonce, answers: Vec::new(), heard: now, over: false });
        self.0.len() as u64 - 1
    }

    fn open(&mut self, client: NodeId, session: u64) -> Option<&mut History> {
        self.0.get_mut(session as usize).filter(|open| !open.over && open.client == client)
    }

    fn request(&mut self, client: NodeId, session: u64, number: u64, now: Time) -> Verdict<u32> {
        let Some(open) = self.open(client, session) else { return Verdict::Unknown };
        open.heard = now;
        let newest = open.answers.last().copied();
        match (newest, number) {
            (None, 1) => {}
            (Some(Some(_)), next) if next == open.answers.len() as u64 + 1 => {}
            (Some(Some(answer)), same) if same == open.answers.len() as u64 => {
                return Verdict::Repeat(answer);
            }
            (Some(None), same) if same == open.answers.len() as u64 => return Verdict::Working,
            _ => return Verdict::Ignore,
        }
        open.answers.push(None);
        Verdict::Take
    }

    fn works_on(&self, session: u64) -> bool {
        self.0.get(session as usize).is_some_and(|known| known.answers.last() == Some(&None))
    }

    fn answered(&mut self, session: u64, answer: u32) -> Option<(NodeId, u64)> {
        let open = self.0.get_mut(session as usize).filter(|open| !open.over)?;
        *open.answers.last_mut()? = Some(answer);
        Some((open.client, open.answers.len() as u64))
    }

    fn end(&mut self, client: NodeId, session: u64) -> bool {
        self.open(client, session).map(|open| open.over = true).is_some()
    }

    fn end_silent(&mut self, now: Time) -> Vec<u64> {
        let mut ended = Vec::new();
        for (id, session) in self.0.iter_mut().enumerate() {
            if !session.over && now.since(session.heard) > SILENCE {
                session.over = true;
                ended.push(id as u64);
            }
        }
        ended
    }
}

#[derive(Clone, Debug)]
enum Step {
    Hello { client: NodeId, nonce: u64 },
    Request { client: NodeId, session: u64, number: u64 },
    Answered { session: u64, answer: u32 },
    End { client: NodeId, session: u64 },
    EndSilent,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let client = || (0..2_u32).prop_map(NodeId);
    prop_oneof![
        3 => (client(), 0..3_u64).prop_map(|(client, nonce)| Step::Hello { client, nonce }),
        12 => (client(), 0..4_u64, 0..5_u64)
            .prop_map(|(client, session, number)| Step::Request { client, session, number }),
        6 => (0..4_u64, any::<u32>()).prop_map(|(session, answer)| Step::Answered { session, answer }),
        1 => (client(), 0..4_u64).prop_map(|(client, session)| Step::End { client, session }),
        1 => Just(Step::EndSilent),
        2 => (0..6_u64).prop_map(Step::Wait),
    ]
}

fn compare(steps: Vec<Step>) {
    let (mut table, mut reference, mut now) = (SessionTable::default(), Reference::default(), Time(0));
    for step in steps {
        match step {
            Step::Hello { client, nonce } => {
                let fresh = reference.0.len() as u64;
                assert_eq!(table.hello(client, nonce, fresh, now), reference.hello(client, nonce, now));
            }
            Step::Request { client, session, number } => {
                let verdict = reference.request(client, session, number, now);
                assert_eq!(table.request(client, session, number, now), verdict);
            }
            // Only what is being worked on can be answered, if its session lives or not.
            Step::Answered { session, .. } if !reference.works_on(session) => {}
            Step::Answered { session, answer } => {
                assert_eq!(table.answered(session, answer), reference.answered(session, answer));
            }
            Step::End { client, session } => {
                assert_eq!(table.end(client, session), reference.end(client, session));
            }
            Step::EndSilent => assert_eq!(table.end_silent(now, SILENCE), reference.end_silent(now)),
            Step::Wait(nanoseconds) => now = now + Duration::from_nanos(nanoseconds),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_says_what_a_reference_that_forgets_nothing_says(
        steps in prop::collection::vec(step(), 1..100),
    ) {
        compare(steps);
    }
}
