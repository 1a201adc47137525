//! A core of a dozen states, in which all is known beforehand.

use rehearsal::explore::{Choice, Core, Knob, Limits, Marker, Misfit, Promise, Rule, Shortfall, Verdict, of};
use std::sync::atomic::AtomicBool;

/// Counts from 0, by one or by two.
struct Toy {
    most: u8,
}

impl Core for Toy {
    type State = u8;
    type Action = u8;

    const NAME: &'static str = "toy";
    const SUMMARY: &'static str = "counts";

    const KNOBS: &'static [Knob] = &[Knob::number("most", "how far", [9, 0, 50])];
    const RULES: &'static [Rule] = &[];
    const SOUND: &'static [&'static [(&'static str, &'static str)]] = &[];
    const PAGE: &'static str = "";
    const PROMISES: &'static [Promise<Toy>] =
        &[Promise { name: "below-twenty", says: "it stays below 20", holds: |_, count| *count < 20 }];
    const MARKERS: &'static [Marker<Toy>] = &[
        Marker { name: "five", expected: |_| true, seen: |_, count| *count == 5 },
        Marker { name: "fifteen", expected: |toy| toy.most > 15, seen: |_, count| *count == 15 },
    ];

    fn chosen(choice: &Choice) -> Result<Toy, Misfit> {
        Ok(Toy { most: choice.number("most") })
    }

    fn first(&self) -> u8 {
        0
    }

    fn actions(&self, count: &u8, actions: &mut Vec<u8>) {
        actions.extend([1, 2].into_iter().filter(|step| count + step <= self.most));
    }

    fn next(&self, count: &u8, step: &u8) -> u8 {
        count + step
    }

    fn label(step: &u8) -> String {
        format!("count {step}")
    }

    fn consequences(&self, _: &u8, after: &u8) -> Vec<String> {
        vec![format!("it is {after}")]
    }

    fn picture(&self, count: &u8) -> Vec<String> {
        vec![format!("count: {count}")]
    }
}

fn search(most: &str) -> rehearsal::explore::Found {
    let core = of::<Toy>();
    let mut choice = Choice::plain(core.knobs());
    choice.set(core.knobs(), "most", most).expect("a number");
    core.search(&choice, &Limits::default(), &AtomicBool::new(false), &mut |_| {}).expect("it fits")
}

#[test]
fn all_states_are_counted_once_and_all_steps_each_time() {
    let found = search("9");
    assert!(matches!(found.verdict, Verdict::Verified), "{:?}", found.verdict);
    assert_eq!((found.unique, found.states, found.depth), (10, 1 + 9 + 8, 5));
    assert_eq!((found.reached, found.never), (vec!["five"], vec![]));
}

#[test]
fn a_whole_search_that_never_saw_what_it_should_knows_nothing() {
    let found = search("4");
    assert!(matches!(found.verdict, Verdict::Inconclusive(Shortfall::Marker)), "{:?}", found.verdict);
    assert_eq!((found.unique, found.never), (5, vec!["five"]));
}

#[test]
fn of_all_states_that_break_a_promise_the_nearest_is_told() {
    let Verdict::Refuted(violation) = search("50").verdict else { panic!("20 is not below 20") };
    assert_eq!((violation.promise, violation.says), ("below-twenty", "it stays below 20"));
    assert_eq!(violation.steps, ["count 2"; 10]);
    assert_eq!(violation.story[9], "count 2; it is 20");
    assert_eq!(violation.picture, ["count: 20"]);
    assert!(violation.shortest);
}
