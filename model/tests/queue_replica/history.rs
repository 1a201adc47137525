//! Several replicas over long histories, with answers that come late, twice or never.

use crate::stage::{Answer, SETTINGS, Stage};
use proptest::prelude::*;
use proptest::sample::Index;
use rehearsal_model::queue::brokers::{BrokerEpoch, BrokerId};
use rehearsal_model::queue::offset::{LeaderEpoch, Offset};
use rehearsal_model::queue::replica::{Asker, FetchRequest};

#[derive(Clone, Debug)]
enum Step {
    Hear(usize),
    Append(usize),
    Sync(usize),
    Ask(usize),
    AskAndHearAtOnce(usize),
    Answer(Index),
    Elect(usize),
    ChangeSet(usize, usize),
    Restart(usize),
    Expire(usize, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let broker = || 0..3_usize;
    prop_oneof![
        6 => broker().prop_map(Step::Hear),
        4 => broker().prop_map(Step::Append),
        6 => broker().prop_map(Step::Sync),
        3 => broker().prop_map(Step::Ask),
        12 => broker().prop_map(Step::AskAndHearAtOnce),
        3 => any::<Index>().prop_map(Step::Answer),
        2 => broker().prop_map(Step::Elect),
        2 => (broker(), broker()).prop_map(|(leader, other)| Step::ChangeSet(leader, other)),
        1 => broker().prop_map(Step::Restart),
        1 => (broker(), 0..101_u64).prop_map(|(broker, share)| Step::Expire(broker, share)),
    ]
}

fn play(stage: &mut Stage, step: &Step) {
    match step {
        Step::Hear(broker) => stage.hear(*broker),
        Step::Append(broker) => stage.append(*broker),
        Step::Sync(broker) => stage.sync(*broker),
        Step::Ask(broker) => stage.ask(*broker),
        Step::AskAndHearAtOnce(broker) => {
            let before = stage.answers.len();
            stage.ask(*broker);
            if let Some(answer) = stage.answers.get(before).cloned() {
                stage.answered(&answer);
            }
        }
        Step::Answer(index) => {
            if !stage.answers.is_empty() {
                let answer = index.get(&stage.answers).clone();
                stage.answered(&answer);
            }
        }
        Step::Elect(broker) => stage.elect(*broker),
        Step::ChangeSet(leader, other) => stage.change_set(*leader, *other),
        Step::Restart(broker) => stage.restart(*broker),
        Step::Expire(broker, share) => stage.expire(*broker, *share),
    }
    stage.note();
}

/// What the replica thinks of its log is what the log is.
fn knows_its_log(stage: &Stage) -> Result<(), TestCaseError> {
    for (broker, (replica, log)) in stage.replicas.iter().zip(&stage.logs).enumerate() {
        prop_assert_eq!(replica.lineage(), &stage.lineage(broker));
        prop_assert_eq!(replica.end().0 as usize, log.len());
        prop_assert!(replica.start() <= replica.watermark() && replica.watermark() <= replica.end());
        prop_assert!(replica.persisted_end() <= replica.end());
    }
    Ok(())
}

/// Whoever is in the set, or may be in it as the leader knows, has all that is below the leader's watermark; whoever is
/// in it has all that was acknowledged, on its disk.
fn the_set_has_it_all(stage: &Stage) -> Result<(), TestCaseError> {
    let members = stage.state.in_sync;
    for member in members.iter().map(|broker| usize::from(broker.0)) {
        // Of what retention has taken nothing is asked, and it takes nothing that was not acknowledged.
        let start = stage.replicas[member].start().0 as usize;
        let acknowledged = stage.acknowledged.get(start..);
        let has_it_all = acknowledged.is_some_and(|rest| stage.logs[member][start..].starts_with(rest));
        prop_assert!(has_it_all, "broker {member} of {members}");
        prop_assert!(stage.replicas[member].persisted_end().0 as usize >= stage.acknowledged.len());
    }
    let Some(leader) = stage.state.leader.map(|leader| usize::from(leader.broker.0)) else { return Ok(()) };
    if let Some(leads) = stage.leadership(leader).filter(|leads| leads.epoch() == stage.state.epoch) {
        let maximal = leads.proposed().map_or(members, |request| members.or(request.in_sync));
        for member in maximal.iter().map(|broker| usize::from(broker.0)) {
            prop_assert!(stage.replicas[leader].watermark() <= stage.replicas[member].end());
        }
    }
    Ok(())
}

/// Whether an answer is to the question that its replica asks now.
fn is_awaited(stage: &Stage, answer: &Answer) -> bool {
    match answer {
        Answer::End(answer) => {
            let replica = &stage.replicas[usize::from(answer.request.asker.broker.0)];
            replica.end_request().is_some_and(|(_, request)| request == answer.request)
        }
        Answer::OutOfRange(answer) => {
            let replica = &stage.replicas[usize::from(answer.request.asker.broker.0)];
            replica.fetch_request(SETTINGS).is_some_and(|(_, request)| request == answer.request)
        }
        Answer::Fetched(answer, _) => {
            let replica = &stage.replicas[usize::from(answer.request.asker.broker.0)];
            replica.fetch_request(SETTINGS).is_some_and(|(_, request)| request == answer.request)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_over_any_history(steps in prop::collection::vec(step(), 1..200)) {
        let mut stage = Stage::new();
        for step in &steps {
            play(&mut stage, step);
            knows_its_log(&stage)?;
            the_set_has_it_all(&stage)?;
        }
    }

    #[test]
    fn an_answer_to_a_question_that_is_not_asked_now_changes_nothing(
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut stage = Stage::new();
        for step in &steps {
            play(&mut stage, step);
        }
        for answer in stage.answers.clone() {
            if !is_awaited(&stage, &answer) {
                let before = stage.replicas.clone();
                prop_assert!(!stage.answered(&answer));
                prop_assert_eq!(&stage.replicas, &before);
            }
        }
    }

    #[test]
    fn a_fetch_of_another_epoch_or_an_earlier_life_changes_nothing(
        steps in prop::collection::vec(step(), 1..150),
        (leader, follower, offset, by) in (0..3_usize, 0..3_u8, 0..6_u64, 1..3_u32),
    ) {
        let mut stage = Stage::new();
        for step in &steps {
            play(&mut stage, step);
        }
        let replica = &mut stage.replicas[leader];
        let (epoch, before) = (replica.epoch(), replica.clone());
        let fetch = |life: BrokerEpoch, epoch: LeaderEpoch| FetchRequest {
            asker: Asker { broker: BrokerId(follower), life, epoch },
            offset: Offset(offset),
        };
        for other in [epoch.0 + by, epoch.0.wrapping_sub(by)] {
            prop_assert!(replica.fetch(&fetch(BrokerEpoch(9), LeaderEpoch(other)), SETTINGS).is_err());
            prop_assert_eq!(&*replica, &before);
        }
        // A life that is over may still ask; what is known of the later one stands.
        let known = stage.leadership(leader).and_then(|leads| leads.progress(BrokerId(follower)));
        if let Some(known) = known.filter(|known| known.life > BrokerEpoch(0)) {
            let earlier = BrokerEpoch(known.life.0 - 1);
            let _ = stage.replicas[leader].fetch(&fetch(earlier, epoch), SETTINGS);
            let progress = stage.leadership(leader).and_then(|leads| leads.progress(BrokerId(follower)));
            prop_assert_eq!(progress, Some(known));
        }
    }

    #[test]
    fn an_order_for_another_life_changes_nothing(steps in prop::collection::vec(step(), 1..100), broker in 0..3_usize) {
        let mut stage = Stage::new();
        for step in &steps {
            play(&mut stage, step);
        }
        let state = stage.state.elected(stage.state.leader.unwrap_or(
            rehearsal_model::queue::controller::Leader { broker: BrokerId(broker as u8), life: BrokerEpoch(0) },
        ), 1);
        let replica = &mut stage.replicas[broker];
        let (before, life) = (replica.clone(), replica.life().1);
        prop_assert_eq!(replica.ordered(&state, BrokerEpoch(life.0 + 1), SETTINGS), None);
        prop_assert_eq!(&*replica, &before);
        replica.ordered(&state, life, SETTINGS);
        prop_assert_ne!(&*replica, &before);
    }
}
