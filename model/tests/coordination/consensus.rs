//! Three who agree, in a world that delivers, loses, doubles and reorders as it likes, and in which whoever
//! crashes forgets what was not on its disk. After every single step nothing promised may be broken.

mod world;

use rehearsal_model::coordination::consensus::{
    Index, Input, LogEntry, Member, MemberId, Message, Stored, Term, Ticket, Timer,
};
use rehearsal_model::queue::defects::{Defect, Defects};
use world::{Broken, Progress, World, run};

const RUNS: u64 = 4_000;

/// Runs until something is broken.
fn first_broken(defects: Defects) -> Option<Broken> {
    (0..RUNS).find_map(|seed| run(seed, defects).1.err())
}

#[test]
fn nothing_promised_is_ever_broken() {
    let mut progress = Progress::default();
    for seed in 0..RUNS {
        let (made, result) = run(seed, Defects::NONE);
        assert_eq!(result, Ok(()), "seed {seed}");
        progress.add(&made);
    }
    assert!(progress.leaders > RUNS && progress.crashes > RUNS, "{progress:?}");
    assert!(
        progress.committed > 2 * RUNS && progress.reads > RUNS && progress.replaced > 100,
        "{progress:?}"
    );
    assert!(progress.compacted > RUNS && progress.installed > 100 && progress.resigned > 100, "{progress:?}");
}

#[test]
fn a_vote_that_is_not_synced_elects_two() {
    let broken = first_broken(Defects::of([Defect::VoteNotSynced]));
    assert!(matches!(broken, Some(Broken::TwoLeaders { .. })), "{broken:?}");
}

#[test]
fn a_deposed_leader_that_answers_reads_shows_the_past() {
    let broken = first_broken(Defects::of([Defect::DeposedLeaderReads]));
    assert!(matches!(broken, Some(Broken::StaleRead { .. })), "{broken:?}");
}

/// Figure 3.7 of the dissertation, with three: what a majority has may still be replaced.
#[test]
fn what_an_earlier_leader_left_is_not_committed_by_counting() {
    let mut world = World::new(1, Defects::NONE);
    for (leader, times) in [(0, 1), (2, 2)] {
        world.elect(leader, 1, times);
        world.persist_all(leader);
        world.crash(leader);
    }
    world.elect(0, 1, 2);
    for (from, to) in [(0, 1), (1, 0), (0, 1)] {
        world.deliver(from, to);
    }
    world.persist_all(1);
    world.deliver(1, 0);
    let terms = |node: usize| world.member(node).log().iter().map(|entry| entry.term).collect::<Vec<_>>();
    assert_eq!(
        [terms(0), terms(1), terms(2)],
        [vec![Term(1), Term(3)], vec![Term(1), Term(3)], vec![Term(2)]]
    );
    // The first leader has its old entry on its disk, and not the new one that protects it.
    assert_eq!(world.member(0).committed(), Index(0));
    world.persist_all(0);
    assert_eq!(world.member(0).committed(), Index(2));
}

#[test]
fn a_follower_commits_no_further_than_it_has_compared() {
    let entry = |term| LogEntry { term: Term(term), command: Some(1_u8) };
    let stored = Stored { term: Term(1), log: vec![entry(1), entry(1)], ..Stored::default() };
    let mut follower = Member::recover(MemberId(0), [MemberId(1), MemberId(2)], stored, Defects::NONE);
    let (term, before, before_term) = (Term(2), Index(0), Term(0));
    let message =
        Message::Append { term, before, before_term, entries: vec![entry(1)], committed: Index(2), round: 0 };
    follower.step(Input::Received { from: MemberId(1), message }, &mut Vec::new());
    assert_eq!(follower.committed(), Index(1));
}

#[test]
fn a_follower_that_lacks_what_is_in_no_log_any_more_gets_the_snapshot() {
    let mut world = World::new(3, Defects::NONE);
    world.elect(0, 1, 1);
    for command in [5, 6] {
        world.propose(0, command);
    }
    for _ in 0..2 {
        world.persist_all(0);
        world.deliver(0, 1);
        world.persist_all(1);
        world.deliver(1, 0);
    }
    assert_eq!(world.member(0).committed(), Index(3));
    world.compact(0).expect("nothing is broken");
    assert!(world.member(0).log().is_empty());
    // It never heard anything; the log would begin behind what it lacks.
    for _ in 0..3 {
        world.beat(0);
        world.deliver(0, 2);
        world.persist_all(2);
        world.deliver(2, 0);
    }
    let follower = world.member(2);
    assert_eq!((follower.snapshot().through, follower.committed()), (Index(3), Index(3)));
    assert_eq!(*follower.snapshot().state, [5, 6]);
    world.crash(2);
    assert_eq!(world.member(2).committed(), Index(3));
}

#[test]
fn who_is_alone_leads_when_its_own_vote_is_on_the_disk() {
    let mut alone = Member::<u8>::recover(MemberId(0), [], Stored::default(), Defects::NONE);
    let mut out = Vec::new();
    alone.step(Input::TimerFired(Timer::Election), &mut out);
    assert!(!alone.leads());
    alone.step(Input::Persisted { through: Ticket(1) }, &mut out);
    assert!(alone.leads());
    alone.step(Input::Propose { command: 7 }, &mut out);
    assert_eq!(alone.committed(), Index(0));
    alone.step(Input::Persisted { through: Ticket(3) }, &mut out);
    assert_eq!(alone.committed(), Index(2));
}

#[test]
fn in_a_calm_world_somebody_leads_and_everything_is_done() {
    for seed in 0..200 {
        assert_eq!(world::calms_down(seed), Ok(()), "seed {seed}");
    }
}
