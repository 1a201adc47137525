//! The counter: how its scenarios are drawn, and how one is run.

use crate::atlas::{self, Beyond, Family};
use crate::draws::Draws;
use crate::jury::Jury;
use crate::rehearse::rehearse;
use crate::scenario::{Overrides, Scenario, ScenarioError, Schedule, VERSION, typed};
use crate::swarm::{self, Families, Targets};
use crate::system::{Defect, Invariant, Plain, Run, System, Watch};
use rehearsal_env::{Marker, Time};
use rehearsal_invariants::Monitor;
use rehearsal_invariants::counter::{
    AcknowledgedAddsSurvive, CountIsExact, CounterMarkers, EveryAddAnswered, MARKERS,
};
use rehearsal_model::counter::client::Work;
use rehearsal_model::counter::defects::Defects;
use rehearsal_model::counter::deploy::{SERVER, client_name, deploy};
use rehearsal_model::counter::facts::{CounterFact, KINDS};
use rehearsal_sim::{DiskSettings, FaultClass, FaultTally, NetworkSettings, Span};
use serde::{Deserialize, Serialize};

/// Clients that add, a server that keeps the sum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counter;

/// The section `[topology]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Topology {
    clients: u32,
}

/// The section `[counter]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Knobs {
    requests: u32,
    longest_pause: Span,
    patience: Span,
}

const MOST_CLIENTS: u32 = 1_000;

const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "acknowledged-adds-survive",
        says: "what a client was told is counted is there after every crash",
    },
    Invariant { name: "count-is-exact", says: "every request is counted at most once, and totals add up" },
    Invariant { name: "every-add-answered", says: "in the calm, everything asked gets its answer" },
];

/// It promises to survive every family of faults there is.
const BEYOND: &[Beyond] = &[
    Beyond {
        family: Family::Rot,
        because: "a record that has rotted at the end of the file looks like one that a crash tore",
        gives_up: &["acknowledged-adds-survive"],
    },
    Beyond {
        family: Family::LostDisks,
        because: "the file is the only copy",
        gives_up: &["acknowledged-adds-survive"],
    },
];

const DEFECTS: &[Defect] = &[
    Defect {
        name: "answer-before-sync",
        invariant: "acknowledged-adds-survive",
        stands_for: "answers to writes that no disk has yet, MongoDB's default until 2012",
        needs: &[],
    },
    Defect {
        name: "forgets-duplicates",
        invariant: "count-is-exact",
        stands_for: "retries of a request that is not idempotent",
        needs: &[],
    },
];

impl System for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    fn summary(&self) -> &'static str {
        "clients add to a counter that a server keeps in a file; the smallest example"
    }

    fn invariants(&self) -> &'static [Invariant] {
        INVARIANTS
    }

    fn beyond(&self) -> &'static [Beyond] {
        BEYOND
    }

    fn markers(&self) -> &'static [Marker] {
        MARKERS
    }

    fn defects(&self) -> &'static [Defect] {
        DEFECTS
    }

    fn draw(&self, seed: u64, overrides: &Overrides) -> Result<Scenario, ScenarioError> {
        overrides.refuse_unknown(&["families", "network", "disk", "topology", "counter"])?;
        let draws = Draws::of(seed);
        let beyond_promise = overrides.beyond_promise(false)?;
        let beyond = if beyond_promise { &[] } else { self.beyond() };
        let families = overrides.apply("families", Families::draw(&draws).promised(beyond))?;
        let topology = Topology { clients: draws.part("topology", 0).between(1, 3) as u32 };
        let topology = overrides.apply("topology", topology)?;
        let knobs = overrides.apply("counter", knobs(&draws))?;
        let storm = overrides.top_span("storm", Span::seconds(10))?;
        let faults = swarm::faults(&draws, families, &targets(topology), storm);
        let network = overrides.apply("network", swarm::network(&draws, families))?;
        Ok(Scenario {
            version: VERSION,
            system: self.name().to_owned(),
            seed,
            storm,
            calm: overrides.top_span("calm", Span::seconds(10))?,
            rest: overrides.rest(None)?,
            rarely: overrides.rarely(0)?,
            beyond_promise,
            defects: overrides.defects.clone(),
            network,
            disk: overrides.apply("disk", swarm::disk(&draws))?,
            schedule: Schedule::draw(&draws, &network, overrides)?,
            repro: None,
            topology: toml::Table::try_from(topology).expect("a topology is a table"),
            knobs: toml::Table::try_from(knobs).expect("knobs are a table"),
            faults,
        })
    }

    fn plain(&self) -> Plain {
        let topology = Topology { clients: 1 };
        let knobs = Knobs { requests: 1, longest_pause: Span(0), patience: Span::millis(200) };
        let scenario = Scenario {
            version: VERSION,
            system: self.name().to_owned(),
            seed: 0,
            storm: Span::seconds(10),
            calm: Span::seconds(10),
            rest: None,
            rarely: 0,
            beyond_promise: false,
            defects: Vec::new(),
            network: NetworkSettings::default(),
            disk: DiskSettings::default(),
            schedule: Schedule::default(),
            repro: None,
            topology: toml::Table::try_from(topology).expect("a topology is a table"),
            knobs: toml::Table::try_from(knobs).expect("knobs are a table"),
            faults: Vec::new(),
        };
        Plain { scenario, items: toml::Table::new(), fewer: Vec::new() }
    }

    fn request(&self) -> &'static str {
        "Asked"
    }

    fn check(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        read(scenario).map(|_| ())
    }

    fn run(&self, scenario: &Scenario, watch: Watch) -> Result<Run, ScenarioError> {
        let (topology, knobs) = read(scenario)?;
        let defects = Defects {
            answer_before_sync: scenario.has_defect("answer-before-sync"),
            forgets_duplicates: scenario.has_defect("forgets-duplicates"),
        };
        let work = Work {
            requests: knobs.requests,
            longest_pause: knobs.longest_pause.duration(),
            patience: knobs.patience.duration(),
        };
        rehearse(scenario, watch, jury(scenario), |world| deploy(world, topology.clients, work, defects))
    }
}

/// The sections that are the counter's own, when they and the rest make sense.
fn read(scenario: &Scenario) -> Result<(Topology, Knobs), ScenarioError> {
    scenario.check_world()?;
    scenario.check_defects(DEFECTS)?;
    atlas::check(scenario, BEYOND)?;
    let topology: Topology = typed(&scenario.topology, "topology")?;
    let knobs: Knobs = typed(&scenario.knobs, "counter")?;
    if !(1..=MOST_CLIENTS).contains(&topology.clients) {
        let reason = format!("{} clients cannot be", topology.clients);
        return Err(ScenarioError::new("topology.clients", reason, format!("write 1 to {MOST_CLIENTS}")));
    }
    if knobs.patience == Span(0) {
        let mend = "give it the time of a few messages, as \"200ms\"";
        return Err(ScenarioError::new(
            "counter.patience",
            "with a patience of 0 nothing is ever answered",
            mend,
        ));
    }
    scenario.check_faults(&targets(topology).all, KINDS)?;
    Ok((topology, knobs))
}

fn knobs(draws: &Draws) -> Knobs {
    let mut draws = draws.part("counter", 0);
    Knobs {
        requests: draws.between(5, 30) as u32,
        longest_pause: draws.millis(0, 500),
        patience: draws.millis(100, 400),
    }
}

fn targets(topology: Topology) -> Targets {
    let server = SERVER.to_owned();
    let mut all = vec![server.clone()];
    all.extend((0..topology.clients).map(client_name));
    Targets { crashable: vec![server.clone()], disks: vec![server], all, facts: KINDS, critical: Vec::new() }
}

fn jury(scenario: &Scenario) -> Jury<CounterFact> {
    let monitors: Vec<Box<dyn Monitor<CounterFact>>> = vec![
        Box::new(AcknowledgedAddsSurvive::default()),
        Box::new(CountIsExact::default()),
        Box::new(EveryAddAnswered::new(Time(scenario.storm.0))),
    ];
    Jury::new(monitors, Box::new(CounterMarkers::default()), Box::new(count_client_faults))
        .without(atlas::given_up(scenario, BEYOND))
}

/// A retry had an effect when the server had counted the request already.
fn count_client_faults(fact: &CounterFact, faults: &mut FaultTally) {
    match fact {
        CounterFact::Asked { attempt: 1.., .. } => faults.strike(FaultClass::Retry),
        CounterFact::Absorbed { attempt: 1.., .. } => faults.effect(FaultClass::Retry),
        _ => {}
    }
}
