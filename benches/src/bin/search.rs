//! Prints how many runs each strategy needs to convict bugs of order, the median over disjoint ranges of seeds. The
//! schedules are those that a campaign draws with `--strategy NAME`.
//!
//! `search [RUNS [RANGES]]`: at most so many runs per range, and so many ranges.

use rehearsal::draws::Draws;
use rehearsal::scenario::Overrides;
use rehearsal::schedule::Schedule;
use rehearsal_benches::orders::{self, Bug};

const STRATEGIES: [&str; 9] =
    ["time", "uniform", "pct:1", "pct:2", "pct:3", "pct:5", "urw", "pos", "portfolio"];

const BUGS: [(&str, Bug); 5] = [
    ("four clients book one room twice", Bug::DoubleBooking),
    ("a late acknowledgement is taken for all", Bug::LateAcknowledgement),
    ("a stale holder writes, its rival took 10 steps", Bug::StaleLease(10)),
    ("20 steps", Bug::StaleLease(20)),
    ("40 steps", Bug::StaleLease(40)),
];

/// Whether the bug shows in the run of this seed.
fn shows(bug: Bug, seed: u64, fixed: &Overrides) -> bool {
    let network = orders::network();
    let schedule = Schedule::draw(&Draws::of(seed), &network, fixed).expect("a strategy there is");
    orders::shows(bug, schedule.search(&network).decider(seed))
}

/// The median of the runs to the first conviction; None when most ranges have none.
fn median(bug: Bug, strategy: &str, most: u64, ranges: u64) -> Option<u64> {
    let values = vec![("schedule.search".to_owned(), strategy.into())];
    let fixed = Overrides { values, ..Overrides::default() };
    let (mut found, mut never) = (Vec::new(), 0);
    for range in 0..ranges {
        let begin = range * most;
        match (begin..begin + most).position(|seed| shows(bug, seed, &fixed)) {
            Some(before) => found.push(before as u64 + 1),
            None => never += 1,
        }
        if never > ranges / 2 {
            return None;
        }
    }
    found.sort_unstable();
    found.get((ranges / 2) as usize).copied()
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a number"));
    let (most, ranges) = (numbers.next().unwrap_or(100_000), numbers.next().unwrap_or(11));
    println!("| bug | {} |", STRATEGIES.join(" | "));
    println!("|---|{}", "---|".repeat(STRATEGIES.len()));
    for (name, bug) in BUGS {
        let cells = STRATEGIES.map(|strategy| {
            median(bug, strategy, most, ranges).map_or("never".to_owned(), |runs| runs.to_string())
        });
        println!("| {name} | {} |", cells.join(" | "));
    }
}
