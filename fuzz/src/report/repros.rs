//! How small the scenarios become that show the known bugs.

use super::figures::grouped;
use super::table::table;
use crate::campaign::Group;
use crate::shrink::{Shrunk, Size};
use crate::system::Defect;

/// What is aimed at, as medians over the known bugs: faults, requests, events.
const AIMS: [f64; 3] = [3.0, 4.0, 60.0];
const HEADER: [&str; 10] = [
    "system",
    "defect",
    "broken",
    "seed",
    "faults",
    "requests",
    "events",
    "sentences",
    "virtual s",
    "shrunk in s",
];

/// One known bug.
pub struct Row {
    cells: [String; 10],
    sizes: Option<Sizes>,
}

/// What one became.
struct Sizes {
    size: Size,
    /// How many sentences tell its story.
    sentences: usize,
    seconds: f64,
}

impl Row {
    /// Of a known bug; the group is what its campaign found.
    pub fn of(system: &str, defect: &Defect, group: Option<&Group>) -> Row {
        let head =
            |broken: &str, seed: String| [system.to_owned(), defect.name.to_owned(), broken.to_owned(), seed];
        let Some((group, Shrunk { before, after, wall, .. })) =
            group.and_then(|group| Some((group, group.shrunk.as_ref()?)))
        else {
            let mut cells = [const { String::new() }; 10];
            cells[..4].clone_from_slice(&head("not found", String::new()));
            return Row { cells, sizes: None };
        };
        let [a, b, c, d] = head(&group.invariant, group.seeds[0].to_string());
        let sentences = group.story.as_ref().map_or(0, |story| story.sentences.len());
        let change = |before: u64, after: u64| format!("{} → {}", grouped(before), grouped(after));
        let cells = [
            a,
            b,
            c,
            d,
            change(before.faults as u64, after.faults as u64),
            change(before.requests as u64, after.requests as u64),
            change(before.events, after.events),
            sentences.to_string(),
            format!("{:.1} → {:.1}", before.seconds, after.seconds),
            format!("{:.1}", wall.as_secs_f64()),
        ];
        Row { cells, sizes: Some(Sizes { size: *after, sentences, seconds: wall.as_secs_f64() }) }
    }
}

/// The table and its medians, for a terminal.
pub fn words(rows: &[Row]) -> String {
    let table = table(HEADER, rows.iter().map(|row| row.cells.clone()), 4);
    format!("{table}\n{}\n", medians(rows))
}

/// The table and its medians, as a page.
pub fn page(rows: &[Row]) -> String {
    let mut text = "# How small failures become\n\n\
        For every known bug the first seed at which it breaks the invariant that must convict it, as it was drawn →\n\
        as it was shrunk. Requests and events are those before the violation, and so many sentences tell its story.\n\
        Made by\n\n\
        ```sh\nrehearsal defects --shrink --markdown docs/repros.md\n```\n\n\
        which keeps the repros and their stories under `rehearsal-out/defects/`.\n\n"
        .to_owned();
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    text.push_str(&line(&HEADER.map(str::to_owned)));
    text.push_str(&line(&HEADER.map(|_| "---".to_owned())));
    rows.iter().for_each(|row| text.push_str(&line(&row.cells)));
    text.push_str(&format!("\n{}\n", medians(rows)));
    text
}

fn medians(rows: &[Row]) -> String {
    let sizes: Vec<&Sizes> = rows.iter().filter_map(|row| row.sizes.as_ref()).collect();
    let median = |of: &dyn Fn(&Sizes) -> f64| median(sizes.iter().map(|size| of(size)).collect());
    let faults = median(&|of| of.size.faults as f64);
    let requests = median(&|of| of.size.requests as f64);
    let events = median(&|of| of.size.events as f64);
    let sentences = median(&|of| of.sentences as f64);
    let seconds = median(&|of| of.seconds);
    let longest = sizes.iter().map(|of| of.seconds).fold(0.0, f64::max);
    let [most_faults, most_requests, most_events] = AIMS;
    format!(
        "Medians: {faults} faults (aim: at most {most_faults}), {requests} requests (at most {most_requests}), {events} \
         events (at most {most_events}),\n{sentences} sentences. Shrinking took {seconds:.1} s on one core, {longest:.1} s at \
         most."
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn a_median_is_the_middle_or_the_mean_of_the_two() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
