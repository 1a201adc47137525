//! What is printed in the end: tables that can be pasted into a page.

use crate::contenders::{CONTENDERS, Contender};
use comfy_table::{Table, presets::ASCII_MARKDOWN};
use measure::Workload;

/// Where Rehearsal stands among the contenders; the others are its peers.
const OURS: usize = 0;

/// Rates by workload, contender and round.
#[derive(Default)]
pub struct Rates([[Vec<f64>; CONTENDERS.len()]; Workload::ALL.len()]);

impl Rates {
    /// Adds the rate of the next round.
    pub fn push(&mut self, workload: Workload, contender: usize, rate: f64) {
        self.0[workload as usize][contender].push(rate);
    }

    fn of(&self, workload: Workload, contender: usize) -> &[f64] {
        &self.0[workload as usize][contender]
    }

    /// Ours divided by a peer's, round by round: what disturbs a whole round falls out.
    fn ratios(&self, workload: Workload, peer: usize) -> Vec<f64> {
        let rounds = self.of(workload, OURS).iter().zip(self.of(workload, peer));
        rounds.map(|(ours, theirs)| ours / theirs).collect()
    }

    /// The peer with the highest median.
    fn fastest_peer(&self, workload: Workload) -> usize {
        let median = |peer: &usize| median(self.of(workload, *peer));
        let peers = 1..CONTENDERS.len();
        peers.max_by(|one, other| median(one).total_cmp(&median(other))).expect("there are peers")
    }
}

/// All that is printed.
pub fn report(rates: &Rates) -> String {
    let rounds = rates.of(Workload::PingPong, OURS).len();
    let otherwise =
        CONTENDERS.iter().map(|contender| format!("- {}: {}\n", contender.name, contender.otherwise));
    format!(
        "Messages delivered per CPU second, in W4 worlds built, run and dropped; median of {rounds} rounds.\n\n\
         {}\n\n\
         Rehearsal's rate divided by the peer's, round by round: the median (lowest to highest).\n\n\
         {}\n\n\
         Not comparable:\n\n{}",
        rate_table(rates),
        ratio_table(rates),
        otherwise.collect::<String>(),
    )
}

fn rate_table(rates: &Rates) -> Table {
    let rows = CONTENDERS.iter().enumerate().map(|(index, contender)| {
        let cells = Workload::ALL.map(|workload| rounded(median(rates.of(workload, index))));
        row(contender.title(), cells)
    });
    table("engine", rows)
}

fn ratio_table(rates: &Rates) -> Table {
    let peers = CONTENDERS.iter().enumerate().filter(|(index, _)| *index != OURS);
    let rows = peers.map(|(index, contender): (usize, &Contender)| {
        row(contender.title(), Workload::ALL.map(|workload| spread(rates.ratios(workload, index))))
    });
    let fastest = Workload::ALL.map(|workload| {
        let fastest = rates.fastest_peer(workload);
        format!("{:.1} ({})", median(&rates.ratios(workload, fastest)), CONTENDERS[fastest].name)
    });
    table("against", rows.chain([row("the fastest of them".to_string(), fastest)]))
}

fn row(head: String, cells: [String; Workload::ALL.len()]) -> Vec<String> {
    [head].into_iter().chain(cells).collect()
}

fn table(corner: &str, rows: impl Iterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    let heads = Workload::ALL.map(|workload| workload.title().to_string());
    table.load_style(ASCII_MARKDOWN).set_header(row(corner.to_string(), heads)).add_rows(rows);
    table
}

/// The middle one, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 }
}

fn spread(ratios: Vec<f64>) -> String {
    let lowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = ratios.iter().copied().fold(0.0, f64::max);
    format!("{:.1} ({lowest:.1} to {highest:.1})", median(&ratios))
}

/// Two digits that count, or three.
fn rounded(rate: f64) -> String {
    match rate {
        10e6.. => format!("{:.1} M", rate / 1e6),
        1e5.. => format!("{:.2} M", rate / 1e6),
        1e4.. => format!("{:.0} k", rate / 1e3),
        1e3.. => format!("{:.1} k", rate / 1e3),
        _ => format!("{rate:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_taken_round_by_round() {
        let mut rates = Rates::default();
        // A machine that is half as fast in the second round, and a peer that is a tenth of us in all three.
        for speed in [1.0, 0.5, 1.0] {
            for workload in Workload::ALL {
                for contender in 0..CONTENDERS.len() {
                    let rate = if contender == OURS { 10e6 } else { 1e6 / contender as f64 };
                    rates.push(workload, contender, rate * speed);
                }
            }
        }
        assert_eq!(spread(rates.ratios(Workload::PingPong, 1)), "10.0 (10.0 to 10.0)");
        assert_eq!(rates.fastest_peer(Workload::FanIn), 1);
        let report = report(&rates);
        assert!(report.contains("median of 3 rounds"), "{report}");
        assert!(report.contains("| the fastest of them "), "{report}");
        assert!(report.contains("20.0 (20.0 to 20.0)"), "{report}");
        assert!(report.contains("10.0 (madsim, TCP)"), "{report}");
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
    }

    #[test]
    fn rates_are_rounded_to_what_can_be_told_apart() {
        let shown = [12_940_000.0, 6_312_000.0, 84_600.0, 8_712.0, 351.4].map(rounded);
        assert_eq!(shown, ["12.9 M", "6.31 M", "85 k", "8.7 k", "351"]);
    }
}
