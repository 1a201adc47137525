//! How small failures become: the known bugs whose scenarios shrink within a second, each held to a size. All of them,
//! and how long it takes, `rehearsal defects --shrink` tells.

use rehearsal::campaign::{self, Plan, SeedRange, Shrinking};
use rehearsal::scenario::Overrides;
use rehearsal::shrink::Size;
use rehearsal::systems;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The size of what the first failing seed shrinks to, without a limit of time, so that it is the same on any machine.
fn shrunk(system: &str, defect: &str) -> Size {
    let system = systems::named(system).expect("a system");
    let plan = Plan {
        seeds: SeedRange { from: 0, to: 1_000 },
        jobs: NonZeroUsize::MIN,
        deadline: None,
        keep_going: false,
        sought: None,
        check_determinism: false,
        overrides: Overrides { defects: vec![defect.to_owned()], ..Overrides::default() },
    };
    let stop = AtomicBool::new(false);
    let mut found = campaign::run(&*system, &plan, &stop, &mut |_| {}).expect("it makes sense");
    let shrinking = Shrinking { time: Duration::from_secs(3_600), stop: &stop };
    found.groups = shrinking.group(&*system, &found, &mut |_, _| {});
    let group = found.groups.first().unwrap_or_else(|| panic!("{defect} is not found"));
    let owner = system.defects().iter().find(|known| known.name == defect).expect("a defect").invariant;
    assert_eq!(group.invariant, owner, "{defect} is shrunk for the invariant that must convict it");
    let story = group.story.as_ref().expect("a story");
    assert!(story.sentences.iter().any(|sentence| sentence.convicts), "{defect}: {story:?}");
    let shrunk = group.shrunk.as_ref().expect("it was shrunk");
    assert!(shrunk.finished, "{defect}");
    shrunk.after
}

#[test]
fn known_bugs_become_a_few_requests_and_a_few_dozen_events() {
    let known = [
        ("counter", "answer-before-sync", 1, 2, 20),
        ("counter", "forgets-duplicates", 1, 3, 20),
        ("reservation", "charged-again-on-retry", 1, 4, 80),
        ("reservation", "id-from-clock-and-node", 1, 4, 60),
        ("reservation", "key-checked-outside", 1, 4, 60),
        ("reservation", "limit-rounds-up", 1, 4, 80),
        ("reservation", "nights-in-separate-transactions", 1, 3, 50),
        ("reservation", "paid-without-confirmation", 1, 3, 60),
    ];
    for (system, defect, faults, requests, events) in known {
        let size = shrunk(system, defect);
        let within = size.faults <= faults && size.requests <= requests && size.events <= events;
        assert!(within, "{defect} is shrunk to {size:?}");
        assert!(size.requests > 0 && size.events > 0, "{defect}: {size:?}");
    }
}
