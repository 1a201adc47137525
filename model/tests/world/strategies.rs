//! The strategies over a real database: all nights or none, exactly the limit, and who waits in circles.

use crate::database::{begin, connect, empty_database, start_database};
use crate::stage::{Handle, Seen, Stage, note, steady};
use rehearsal_env::{Clock, Random};
use rehearsal_model::database::server::Setup;
use rehearsal_model::database::{DatabaseError, RemoteDatabase, RowChange, Transaction, TransactionError};
use rehearsal_model::reservation::knobs::{LockOrder, StrategyName};
use rehearsal_model::reservation::stay::{Night, RoomType, Stay, limit};
use rehearsal_model::reservation::strategy::{Ownership, Taken, Terms, give_back, take_nights};
use rehearsal_model::reservation::tables::{
    Tables, inventory_row, owner_row, read_inventory, read_night, schema,
};
use std::collections::BTreeMap;
use std::time::Duration;

const ROOM_TYPE: RoomType = RoomType { hotel: 3, kind: 7 };
const PROTECTED: [StrategyName; 4] = [
    StrategyName::Pessimistic,
    StrategyName::Optimistic,
    StrategyName::Constraint,
    StrategyName::Conditional,
];
/// Those under which everybody takes nights.
const FOR_EVERYBODY: [StrategyName; 5] = [
    StrategyName::Unprotected,
    StrategyName::Pessimistic,
    StrategyName::Optimistic,
    StrategyName::Constraint,
    StrategyName::Conditional,
];

fn usual_terms(strategy: StrategyName) -> Terms<'static> {
    let (lock_order, overbooking_percent) = (LockOrder::Sorted, 10);
    Terms { strategy, lock_order, overbooking_percent, limit_rounds_up: false, writer: None }
}

fn stay(start: i64, end: i64, rooms: i64) -> Stay {
    Stay { room_type: ROOM_TYPE, start, end, rooms }
}

/// A stay as a number that can be noted, and back.
fn noted(stay: &Stay) -> u64 {
    (stay.start * 10_000 + stay.end * 100 + stay.rooms) as u64
}

/// What a guest wants, and how.
#[derive(Clone, Copy)]
struct Wish {
    stay: Stay,
    backwards: bool,
    /// Gives the nights back as soon as they are booked.
    changes_mind: bool,
    /// So many milliseconds after the first guest.
    comes_after: u64,
}

fn wish(stay: Stay) -> Wish {
    Wish { stay, backwards: false, changes_mind: false, comes_after: 0 }
}

/// Tries until the nights are booked or sold out.
async fn books(env: Handle, database: rehearsal_env::NodeId, wish: Wish, terms: Terms<'static>) {
    let database = connect(&env, database);
    let pause = async |longest: u64| env.sleep(Duration::from_micros(env.below(longest))).await;
    env.sleep(Duration::from_millis(100 + wish.comes_after)).await;
    loop {
        pause(5_000).await;
        let mut transaction = begin(&database).await.expect("the database is up");
        match take_nights(&mut transaction, &wish.stay, wish.backwards, &terms).await {
            Ok(Taken::All) => break assert_eq!(transaction.commit().await, Ok(())),
            Ok(Taken::SoldOut) => {
                transaction.rollback().await;
                return note(&env, "sold out", noted(&wish.stay));
            }
            Ok(Taken::Again) => transaction.rollback().await,
            Ok(Taken::Fenced) => panic!("nobody owns anything"),
            Err(TransactionError::Refused(DatabaseError::DeadlockDetected)) => transaction.rollback().await,
            Err(other) => panic!("{other}"),
        }
    }
    note(&env, "sold", noted(&wish.stay));
    if wish.changes_mind {
        pause(20_000).await;
        let mut transaction = begin(&database).await.expect("the database is up");
        assert_eq!(give_back(&mut transaction, &wish.stay, &terms).await, Ok(Taken::All));
        assert_eq!(transaction.commit().await, Ok(()));
    }
}

/// All wish at about the same time; night `n` has `inventory[n]` rooms.
fn race(seed: u64, terms: Terms<'static>, inventory: &[i64], wishes: impl IntoIterator<Item = Wish>) -> Seen {
    let mut stage = Stage::new(seed, steady());
    let checked = (terms.strategy == StrategyName::Constraint).then_some(terms.overbooking_percent);
    let night = |date: usize| Night { room_type: ROOM_TYPE, date: date as i64 };
    let nights = inventory.iter().enumerate();
    let rows = nights.map(|(date, total)| (Tables::INVENTORY, inventory_row(night(date), *total))).collect();
    let setup = Setup { schema: schema(checked), first_rows: rows, ..empty_database() };
    let database = start_database(&mut stage, setup);
    // A writer's terms are its node's alone.
    let Terms { strategy, lock_order, limit_rounds_up, .. } = terms;
    for (number, wish) in wishes.into_iter().enumerate() {
        stage.client(&format!("guest-{number}"), move |env| {
            books(env, database, wish, Terms { lock_order, limit_rounds_up, ..usual_terms(strategy) })
        });
    }
    stage.run_until_done()
}

/// What a commit did to a night: the date, rooms taken before, rooms taken after.
fn taken(change: &RowChange) -> (i64, i64, i64) {
    let reserved = |row: &Option<_>| row.as_ref().map_or(0, |row: &Vec<_>| read_inventory(row).1);
    let row = change.after.as_ref().expect("no night is ever removed");
    (read_night(row).date, reserved(&change.before), reserved(&change.after))
}

/// How many rooms each night's row says are taken, in the end.
fn reserved(seen: &Seen) -> Vec<i64> {
    let changes = seen.reports().flat_map(|commit| &commit.changes).map(taken);
    changes.map(|(date, _, after)| (date, after)).collect::<BTreeMap<_, _>>().into_values().collect()
}

/// The most rooms that any row ever said were taken.
fn most_reserved(seen: &Seen) -> i64 {
    seen.reports().flat_map(|commit| &commit.changes).map(|change| taken(change).2).max().unwrap_or(0)
}

fn hundred_and_thirty(stay: Stay) -> impl Iterator<Item = Wish> {
    std::iter::repeat_n(wish(stay), 130)
}

#[test]
fn every_protected_strategy_sells_exactly_the_limit() {
    for strategy in PROTECTED {
        for total in [0, 1, 9, 10, 11, 19, 100] {
            for seed in 0..2 {
                let seen =
                    race(seed, usual_terms(strategy), &[total, total], hundred_and_thirty(stay(0, 2, 1)));
                let allowed = limit(total, 10);
                let told = (seen.count("sold") as i64, seen.count("sold out") as i64);
                assert_eq!(told, (allowed, 130 - allowed), "{strategy:?} with {total} rooms");
                assert_eq!((reserved(&seen), most_reserved(&seen)), (vec![allowed; 2], allowed));
                assert_eq!(seen.count("DeadlockBroken"), 0, "{strategy:?} takes nights in their order");
            }
        }
    }
}

#[test]
fn unprotected_oversells_while_its_column_says_that_it_does_not() {
    for seed in 0..20 {
        let unprotected = usual_terms(StrategyName::Unprotected);
        let seen = race(seed, unprotected, &[10], hundred_and_thirty(stay(0, 1, 1)));
        assert!(seen.count("sold") > 11, "seed {seed} sold {}", seen.count("sold"));
        assert!(most_reserved(&seen) <= 11, "a lost update makes the column too small, never too large");
    }
}

/// Guests with stays of every length and two sizes, some of which go past the end of the calendar.
fn mixed_wishes(seed: u64) -> impl Iterator<Item = Wish> {
    (0..40).map(move |guest| {
        let start = (guest * 7 + seed) % 5;
        let length = (guest / 3 + seed) % 4 + 1;
        wish(stay(start as i64, (start + length) as i64, (guest % 2) as i64 + 1))
    })
}

/// The stays of all commits but the first, as their dates tell, sorted.
fn committed_stays(seen: &Seen) -> Vec<u64> {
    let commits = seen.reports().filter(|commit| commit.position.0 > 1);
    let stay_of = |changes: &Vec<RowChange>| {
        let nights: Vec<_> = changes.iter().map(taken).collect();
        let ((first, before, after), (last, ..)) = (nights[0], nights[nights.len() - 1]);
        assert_eq!(last - first + 1, nights.len() as i64, "nights were left out: {nights:?}");
        noted(&stay(first, last + 1, after - before))
    };
    let mut stays: Vec<u64> = commits.map(|commit| stay_of(&commit.changes)).collect();
    stays.sort_unstable();
    stays
}

fn sorted(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_unstable();
    numbers
}

#[test]
fn every_strategy_takes_all_nights_of_a_stay_or_none() {
    for strategy in FOR_EVERYBODY {
        let (mut sold, mut sold_out) = (0, 0);
        for seed in 0..40 {
            // The unprotected one keeps its promises only among guests who come one after the other.
            let apart = if strategy == StrategyName::Unprotected { 100 } else { 0 };
            let wishes =
                mixed_wishes(seed).zip(0..).map(|(wish, nth)| Wish { comes_after: nth * apart, ..wish });
            let seen = race(seed, usual_terms(strategy), &[10, 4, 6, 9, 3], wishes);
            let told = sorted(seen.noted("sold"));
            let committed = committed_stays(&seen);
            assert_eq!(committed, told, "{strategy:?}, seed {seed}");
            assert_eq!(reserved(&seen), covered(&told));
            assert!(told.iter().all(|stay| stay / 100 % 100 <= 5), "a night past the calendar was sold");
            (sold, sold_out) = (sold + told.len(), sold_out + seen.count("sold out"));
        }
        assert!(sold > 100 && sold_out > 100, "{strategy:?}: {sold} and {sold_out}");
    }
}

/// How many rooms of each of the five nights these stays take.
fn covered(stays: &[u64]) -> Vec<i64> {
    let covers = |stay: &&u64, date: u64| (*stay / 10_000..*stay / 100 % 100).contains(&date);
    let rooms = |date| stays.iter().filter(|stay| covers(stay, date)).map(|stay| (stay % 100) as i64).sum();
    (0..5).map(rooms).collect()
}

/// Every other guest names the nights last to first.
fn some_backwards() -> impl Iterator<Item = Wish> {
    (0..30).map(|guest| Wish { backwards: guest % 2 == 1, ..wish(stay(0, 3, 1)) })
}

#[test]
fn nights_locked_as_asked_deadlock_and_in_order_never() {
    let mut deadlocks = 0;
    for seed in 0..30 {
        let in_order = usual_terms(StrategyName::Pessimistic);
        let as_asked = Terms { lock_order: LockOrder::AsAsked, ..in_order };
        for (terms, may_deadlock) in [(in_order, false), (as_asked, true)] {
            let seen = race(seed, terms, &[19, 19, 19], some_backwards());
            assert_eq!((seen.count("sold"), reserved(&seen)), (20, vec![20; 3]), "deadlocks cost no room");
            assert!(may_deadlock || seen.count("DeadlockBroken") == 0);
            deadlocks += seen.count("DeadlockBroken");
        }
        let forwards = race(seed, as_asked, &[19, 19, 19], some_backwards().map(|asked| wish(asked.stay)));
        assert_eq!((forwards.count("sold"), forwards.count("DeadlockBroken")), (20, 0));
    }
    assert!(deadlocks > 30, "{deadlocks} deadlocks in 30 races");
}

#[test]
fn what_is_given_back_is_sold_again_and_nothing_is_left_over() {
    let fickle = |(wish, nth): (Wish, u64)| Wish { changes_mind: true, comes_after: nth * 2, ..wish };
    for strategy in PROTECTED {
        for seed in 0..10 {
            let wishes = hundred_and_thirty(stay(1, 3, 2)).zip(0..).map(fickle);
            let seen = race(seed, usual_terms(strategy), &[10, 10, 10], wishes);
            assert!(seen.count("sold") > 15, "five guests at a time, and only {}", seen.count("sold"));
            assert_eq!(reserved(&seen), [0; 3], "{strategy:?}");
            assert!(most_reserved(&seen) <= 10);
        }
    }
}

#[test]
fn a_stay_without_nights_takes_nothing() {
    for strategy in FOR_EVERYBODY {
        let seen = race(1, usual_terms(strategy), &[1], [wish(stay(0, 0, 1))]);
        assert_eq!((seen.count("sold"), seen.reports().count()), (1, 1), "only the first rows");
    }
}

#[test]
fn a_limit_that_is_rounded_up_sells_one_too_many() {
    for strategy in [StrategyName::Pessimistic, StrategyName::Optimistic, StrategyName::Conditional] {
        let rounded_up = Terms { limit_rounds_up: true, ..usual_terms(strategy) };
        let seen = race(1, rounded_up, &[9], hundred_and_thirty(stay(0, 1, 1)));
        assert_eq!((seen.count("sold"), most_reserved(&seen)), (10, 10));
    }
}

/// A writer takes a room of the only night; whether it was let.
async fn writes(database: &RemoteDatabase<Handle>, ownership: &Ownership) -> Taken {
    let terms = Terms { writer: Some(ownership), ..usual_terms(StrategyName::SingleWriter) };
    let mut transaction = begin(database).await.expect("the database is up");
    let taken =
        take_nights(&mut transaction, &stay(0, 1, 1), false, &terms).await.expect("nobody else is there");
    match taken {
        Taken::All => assert_eq!(transaction.commit().await, Ok(())),
        _ => transaction.rollback().await,
    }
    taken
}

/// An old writer takes a room, a later one takes one, and then the old one wants another: what becomes of that, and how
/// many rooms the night's row says are taken.
fn an_old_writer_comes_back(fenced: bool) -> (Vec<u64>, Vec<i64>) {
    let mut stage = Stage::new(1, steady());
    let night = Night { room_type: ROOM_TYPE, date: 0 };
    let rows = vec![(Tables::INVENTORY, inventory_row(night, 10)), (Tables::OWNER, owner_row(ROOM_TYPE))];
    let setup = Setup { schema: schema(None), first_rows: rows, ..empty_database() };
    let database = start_database(&mut stage, setup);
    stage.client("writers", move |env| async move {
        let database = connect(&env, database);
        env.sleep(Duration::from_millis(100)).await;
        let (old, later) = (Ownership::new(4, fenced), Ownership::new(5, fenced));
        for writer in [&old, &later, &old] {
            let taken = writes(&database, writer).await;
            note(&env, "taken", u64::from(taken == Taken::All));
        }
    });
    let seen = stage.run_until_done();
    let nights = seen.reports().flat_map(|commit| &commit.changes);
    let nights = nights.filter(|change| change.table == Tables::INVENTORY);
    (seen.noted("taken"), nights.map(|change| taken(change).2).collect())
}

#[test]
fn a_writer_that_was_left_behind_writes_nothing() {
    assert_eq!(an_old_writer_comes_back(true), (vec![1, 1, 0], vec![0, 1, 2]));
}

#[test]
fn without_a_fence_it_buries_what_its_successor_wrote() {
    assert_eq!(an_old_writer_comes_back(false), (vec![1, 1, 1], vec![0, 1, 2, 2]));
}
