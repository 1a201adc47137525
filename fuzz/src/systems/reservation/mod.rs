//! The hotel chain: how its scenarios are drawn, and how one is run.

mod catalogue;
mod client_faults;
mod draw;
mod plain;
mod sections;

use crate::atlas::{self, Beyond};
use crate::draws::Draws;
use crate::jury::Jury;
use crate::rehearse::rehearse;
use crate::scenario::{Overrides, Scenario, ScenarioError, Schedule, VERSION};
use crate::swarm::{self, Families, MaskBit, Targets};
use crate::system::{Defect, Invariant, Plain, Run, System, Watch};
use rehearsal_env::Marker;
use rehearsal_invariants::reservation::{MARKERS, Markers, Rules, monitors};
use rehearsal_model::queue::deploy::{COORDINATION, broker_name};
use rehearsal_model::reservation::deploy::{
    CLERK, DATABASE, IDS, PAYMENT, PROVIDER, deploy, server_name, writer_name,
};
use rehearsal_model::reservation::plan::{Plan, Wish};
use rehearsal_sim::Span;
use sections::{Section, plan};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Guests, stateless servers, one database, a payment provider that cannot be relied on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reservation;

/// Facts worth striking at; one that is listed twice is struck at twice as often.
const FACTS: &[&str] = &[
    "Written",
    "Written",
    "Written",
    "Asked",
    "OrderPlaced",
    "Booked",
    "Paid",
    "Canceled",
    "Rejected",
    "Committed",
    "Synced",
    "Recovered",
    "IdTaken",
    "Charged",
    "ChargeConfirmed",
    "MoneyReturned",
    "StepResumed",
    "WaitedForLock",
    "Retried",
    "CommitAnswerLost",
];

/// Moments at which a crash costs most.
const CRITICAL: &[(&str, &str)] = &[
    ("Written", DATABASE),
    ("Written", DATABASE),
    ("Written", DATABASE),
    ("Synced", DATABASE),
    ("Charged", PAYMENT),
    ("ChargeConfirmed", PAYMENT),
    ("MoneyReturned", PAYMENT),
    ("IdTaken", IDS),
];

impl System for Reservation {
    fn name(&self) -> &'static str {
        "reservation"
    }

    fn summary(&self) -> &'static str {
        "a hotel chain: guests book, pay and cancel through stateless servers on one database"
    }

    fn invariants(&self) -> &'static [Invariant] {
        catalogue::INVARIANTS
    }

    fn beyond(&self) -> &'static [Beyond] {
        catalogue::BEYOND
    }

    fn markers(&self) -> &'static [Marker] {
        MARKERS
    }

    fn defects(&self) -> &'static [Defect] {
        catalogue::DEFECTS
    }

    fn takes_bookings(&self) -> bool {
        true
    }

    fn draw(&self, seed: u64, overrides: &Overrides) -> Result<Scenario, ScenarioError> {
        overrides.refuse_unknown(&["families", "network", "disk", "topology", "workload", "reservation"])?;
        let draws = Draws::of(seed);
        let beyond_promise = overrides.beyond_promise(false)?;
        let beyond = if beyond_promise { &[] } else { self.beyond() };
        let families = overrides.apply("families", Families::draw(&draws).promised(beyond))?;
        let storm = overrides.top_span("storm", Span::seconds(20))?;
        let knobs = overrides.apply("reservation", draw::knobs(&draws, storm))?;
        let topology = overrides.apply("topology", draw::topology(&draws, knobs.strategy))?;
        topology.check()?;
        let workload: sections::Workload = overrides.apply("workload", draw::workload(&draws))?;
        workload.check()?;
        let rooms = draw::rooms(&draws, &workload);
        let section = Section {
            knobs,
            wishes: match &overrides.bookings {
                Some(rows) => draw::wishes_of(rows, &draws, &topology, &workload),
                None => draw::wishes(&draws, &topology, &workload),
            },
            rate_changes: draw::rate_changes(&draws, &workload, &rooms),
            rooms,
        };
        let network = overrides.apply("network", swarm::network(&draws, families))?;
        let mut scenario = Scenario {
            version: VERSION,
            system: self.name().to_owned(),
            seed,
            storm,
            calm: overrides.top_span("calm", Span::seconds(30))?,
            rest: overrides.rest(None)?,
            rarely: overrides.rarely(draws.rarely())?,
            beyond_promise,
            defects: overrides.defects.clone(),
            network,
            disk: overrides.apply("disk", swarm::disk(&draws))?,
            schedule: Schedule::draw(&draws, &network, overrides)?,
            repro: None,
            topology: toml::Table::try_from(topology).expect("a topology is a table"),
            knobs: toml::Table::try_from(section).expect("knobs are a table"),
            faults: Vec::new(),
        };
        let plan = plan(&scenario)?;
        scenario.faults = swarm::faults(&draws, families, &targets(&plan), storm);
        if plan.has_writers() {
            scenario.faults.extend(draw::zombies(&draws, families, &plan, storm));
        }
        Ok(scenario)
    }

    fn plain(&self) -> Plain {
        plain::plain()
    }

    fn request(&self) -> &'static str {
        "Asked"
    }

    fn asides(&self) -> &'static [&'static str] {
        &["Written", "Synced", "Committed", "StepSet", "OrderDecided"]
    }

    fn check(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        read(scenario).map(|_| ())
    }

    fn operations(&self, scenario: &Scenario) -> Vec<MaskBit> {
        let Ok(Plan { wishes, rate_changes, .. }) = read(scenario) else { return Vec::new() };
        let any = |wanted: fn(&Wish) -> bool| wishes.iter().any(wanted);
        vec![
            ("cancellations", any(|wish| wish.cancel_after.is_some())),
            ("double clicks", any(|wish| wish.extra_clicks > 0)),
            ("looks", any(|wish| wish.looks)),
            ("history", any(|wish| wish.history)),
            ("price changes", !rate_changes.is_empty()),
        ]
    }

    fn run(&self, scenario: &Scenario, watch: Watch) -> Result<Run, ScenarioError> {
        let plan = Arc::new(read(scenario)?);
        let rules = rules(&plan);
        let jury = Jury::new(monitors(rules), Box::new(Markers::new(rules)), client_faults::counter())
            .without(atlas::given_up(scenario, catalogue::BEYOND));
        rehearse(scenario, watch, jury, |world| deploy(world, &plan))
    }
}

fn read(scenario: &Scenario) -> Result<Plan, ScenarioError> {
    scenario.check_world()?;
    scenario.check_defects(catalogue::DEFECTS)?;
    atlas::check(scenario, catalogue::BEYOND)?;
    let plan = plan(scenario)?;
    let guests: BTreeSet<u32> = plan.wishes.iter().map(|wish| wish.guest).collect();
    let mut nodes = services(&plan);
    nodes.extend(guests.into_iter().map(|guest| format!("guest-{guest}")));
    nodes.push(CLERK.to_owned());
    nodes.push(PROVIDER.to_owned());
    scenario.check_faults(&nodes, catalogue::FACT_KINDS)?;
    Ok(plan)
}

/// The nodes that faults may strike.
fn services(plan: &Plan) -> Vec<String> {
    let fixed = [DATABASE, PAYMENT, IDS].map(str::to_owned);
    let mut nodes: Vec<String> = fixed.into_iter().chain((0..plan.servers).map(server_name)).collect();
    if plan.has_writers() {
        nodes.extend((0..plan.writers).map(writer_name));
        nodes.extend((0..plan.brokers).map(broker_name));
        nodes.push(COORDINATION.to_owned());
    }
    nodes
}

fn targets(plan: &Plan) -> Targets {
    let services = services(plan);
    let mut crashable = services.clone();
    // The database has most to lose, so it is struck most.
    crashable.extend([DATABASE, DATABASE, PAYMENT].map(str::to_owned));
    let mut all = services;
    all.push(PROVIDER.to_owned());
    Targets {
        crashable,
        disks: vec![DATABASE.to_owned(), IDS.to_owned()],
        all,
        facts: FACTS,
        critical: CRITICAL.to_vec(),
    }
}

/// What holds for a chain that is started with `plan`.
pub fn rules(plan: &Plan) -> Rules {
    let knobs = &plan.knobs;
    Rules {
        overbooking_percent: knobs.overbooking_percent,
        hold: knobs.hold.duration(),
        round: knobs.sweep.duration() * 4 + knobs.payment_patience.duration() * 4,
    }
}
