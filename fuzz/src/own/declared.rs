//! A declared system, as campaigns know it.

use super::choices::Count;
use super::declaration::{Declaration, Kind, Sight};
use super::knobs::Knobs;
use super::place::Place;
use super::vocabulary::Vocabulary;
use super::work::Work;
use crate::atlas::{self, Beyond, Family};
use crate::draws::Draws;
use crate::jury::Jury;
use crate::rehearse::rehearse;
use crate::scenario::{Overrides, Scenario, ScenarioError, Schedule, VERSION};
use crate::swarm::{self, Families, Targets};
use crate::system::{Defect, Invariant, Plain, Run, System, Watch};
use rehearsal_env::{Cluster, Marker, Stamp};
use rehearsal_invariants::MarkerWatch;
use rehearsal_sim::{DiskSettings, NetworkSettings, World};
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::{Table, Value};

/// What nobody survives who keeps one copy, and has not said that there are more.
const BEYOND: &[Beyond] = &[
    Beyond { family: Family::Rot, because: "a declared system need not check what it reads", gives_up: &[] },
    Beyond { family: Family::LostDisks, because: "a declared system may keep one copy alone", gives_up: &[] },
];

/// Why a declaration is no system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("the system `{system}` cannot be: {what}")]
#[diagnostic(code(rehearsal::declaration), help("{mend}"))]
pub struct DeclarationError {
    /// The system's name.
    pub system: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

/// A declared system.
pub struct OwnSystem<F> {
    declared: Declaration<F>,
}

type Counts = BTreeMap<String, u32>;

impl<F: Vocabulary> OwnSystem<F> {
    pub(super) fn new(declared: Declaration<F>) -> OwnSystem<F> {
        OwnSystem { declared }
    }

    /// How many nodes of each kind there are.
    fn counts(&self, topology: &Table) -> Result<Counts, ScenarioError> {
        let known: Vec<&str> = self.counted().map(|(kind, _)| kind.name).collect();
        refuse_unknown("topology", topology, &known)?;
        let count = |kind: &Kind<F>| {
            let Some(range) = kind.count else { return Ok((kind.name.to_owned(), 1)) };
            let key = format!("topology.{}", kind.name);
            let mend = format!("write {range}");
            let value = topology.get(kind.name);
            let value = value.ok_or_else(|| ScenarioError::new(&key, "it is not there", &mend))?;
            let count = value.as_integer().and_then(|count| u32::try_from(count).ok());
            let count = count.filter(|count| (range.least..=range.most).contains(count));
            let count =
                count.ok_or_else(|| ScenarioError::new(&key, format!("{value} of them cannot be"), mend))?;
            Ok((kind.name.to_owned(), count))
        };
        self.declared.kinds.iter().map(count).collect()
    }

    fn counted(&self) -> impl Iterator<Item = (&Kind<F>, Count)> {
        self.declared.kinds.iter().filter_map(|kind| Some((kind, kind.count?)))
    }

    fn check_section(&self, section: &Table, counts: &Counts) -> Result<(), ScenarioError> {
        let Declaration { name, knobs, work, .. } = &self.declared;
        let known: Vec<&str> =
            knobs.iter().map(|(name, _)| *name).chain(work.iter().map(|(list, _)| *list)).collect();
        refuse_unknown(name, section, &known)?;
        for (knob, choices) in knobs {
            let key = format!("{name}.{knob}");
            let mend = || format!("write {choices}");
            let value =
                section.get(*knob).ok_or_else(|| ScenarioError::new(&key, "it is not there", mend()))?;
            if !choices.has(value) {
                return Err(ScenarioError::new(key, format!("{value} cannot be"), mend()));
            }
        }
        work.iter().try_for_each(|(list, work)| {
            let key = format!("{name}.{list}");
            let Some(Value::Array(items)) = section.get(*list) else {
                return Err(ScenarioError::new(
                    key,
                    "it is no list",
                    "write a list of tables, as [{ … }, { … }]",
                ));
            };
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| check_item(&format!("{key}[{index}]"), item, work, counts))
        })
    }

    fn targets(&self, counts: &Counts) -> Targets {
        let names = |spared: bool| {
            let kinds = self.declared.kinds.iter().filter(move |kind| spared || !kind.is_spared);
            kinds.flat_map(|kind| kind.names(counts)).collect::<Vec<String>>()
        };
        let (all, struck) = (names(true), names(false));
        Targets { crashable: struck.clone(), disks: struck, all, facts: F::KINDS, critical: Vec::new() }
    }

    fn scenario(&self, seed: u64, topology: Table, knobs: Table) -> Scenario {
        Scenario {
            version: VERSION,
            system: self.declared.name.to_owned(),
            seed,
            storm: self.declared.storm,
            calm: self.declared.calm,
            rest: None,
            rarely: 0,
            beyond_promise: false,
            defects: Vec::new(),
            network: NetworkSettings::default(),
            disk: DiskSettings::default(),
            schedule: Schedule::default(),
            repro: None,
            topology,
            knobs,
            faults: Vec::new(),
        }
    }

    fn deploy(&self, world: &mut World<F>, knobs: &Arc<Knobs>, counts: &Counts) {
        let nodes =
            |kind: &Kind<F>| (kind.name, kind.names(counts).iter().map(|name| world.node(name)).collect());
        let everybody: BTreeMap<_, _> = self.declared.kinds.iter().map(nodes).collect();
        let everybody = Arc::new(everybody);
        for kind in &self.declared.kinds {
            for (number, name) in kind.names(counts).into_iter().enumerate() {
                let (knobs, everybody) = (knobs.clone(), everybody.clone());
                let place = Place { kind: kind.name, number: number as u32, knobs, everybody };
                let program = kind.program.clone();
                let program = move |env| program(env, place.clone());
                match kind.is_client {
                    true => world.start_client(&name, program),
                    false => world.start(&name, program),
                };
            }
        }
    }
}

impl<F> Kind<F> {
    fn names(&self, counts: &Counts) -> Vec<String> {
        match self.count {
            None => vec![self.name.to_owned()],
            Some(_) => (0..counts[self.name]).map(|number| format!("{}-{number}", self.name)).collect(),
        }
    }
}

fn refuse_unknown(section: &str, table: &Table, known: &[&str]) -> Result<(), ScenarioError> {
    let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let mend = match known {
        [] => "it has none".to_owned(),
        _ => format!("it has {}", known.join(", ")),
    };
    Err(ScenarioError::new(format!("{section}.{key}"), "there is no such key", mend))
}

fn check_item(key: &str, item: &Value, work: &Work, counts: &Counts) -> Result<(), ScenarioError> {
    let Value::Table(item) = item else {
        return Err(ScenarioError::new(key, "it is no table", "write it as a table, as { … }"));
    };
    let known: Vec<&str> = work.fields.iter().map(|(name, _)| *name).chain(work.of).collect();
    refuse_unknown(key, item, &known)?;
    for (field, choices) in &work.fields {
        if !item.get(*field).is_some_and(|value| choices.has(value)) {
            let reason =
                item.get(*field).map_or("it is not there".to_owned(), |value| format!("{value} cannot be"));
            return Err(ScenarioError::new(format!("{key}.{field}"), reason, format!("write {choices}")));
        }
    }
    let Some(kind) = work.of else { return Ok(()) };
    let count = i64::from(counts[kind]);
    if !item.get(kind).and_then(Value::as_integer).is_some_and(|number| (0..count).contains(&number)) {
        let mend = format!("write the number of a {kind}, from 0 to {}", count - 1);
        return Err(ScenarioError::new(format!("{key}.{kind}"), "it names nobody", mend));
    }
    Ok(())
}

impl<F: Vocabulary> System for OwnSystem<F> {
    fn name(&self) -> &'static str {
        self.declared.name
    }

    fn summary(&self) -> &'static str {
        self.declared.summary
    }

    fn invariants(&self) -> &[Invariant] {
        &self.declared.invariants
    }

    fn markers(&self) -> &[Marker] {
        &self.declared.markers
    }

    fn defects(&self) -> &[Defect] {
        &self.declared.defects
    }

    fn beyond(&self) -> &'static [Beyond] {
        BEYOND
    }

    fn draw(&self, seed: u64, overrides: &Overrides) -> Result<Scenario, ScenarioError> {
        let Declaration { name, ref knobs, ref work, storm, calm, .. } = self.declared;
        overrides.refuse_unknown(&["families", "network", "disk", "topology", name])?;
        let draws = Draws::of(seed);
        let part = |of: &str, name: &str| draws.part(&format!("{of} {name}"), 0);
        let beyond_promise = overrides.beyond_promise(false)?;
        let beyond = if beyond_promise { &[] } else { self.beyond() };
        let families = overrides.apply("families", Families::draw(&draws).promised(beyond))?;
        let count = |(kind, range): (&Kind<F>, Count)| {
            let count = part("nodes", kind.name).between(u64::from(range.least), u64::from(range.most));
            (kind.name.to_owned(), Value::Integer(count as i64))
        };
        let topology = overrides.apply("topology", self.counted().map(count).collect::<Table>())?;
        let counts = self.counts(&topology)?;
        let knob = |(knob, choices): &(&'static str, super::Choices)| {
            ((*knob).to_owned(), choices.draw(&mut part("knob", knob)))
        };
        let list = |(list, work): &(&'static str, Work)| {
            let owners = work.of.map_or(1, |kind| u64::from(counts[kind]));
            ((*list).to_owned(), work.draw(&part("work", list), owners))
        };
        let section = overrides.apply(name, knobs.iter().map(knob).chain(work.iter().map(list)).collect())?;
        let storm = overrides.top_span("storm", storm)?;
        Ok(Scenario {
            storm,
            calm: overrides.top_span("calm", calm)?,
            rest: overrides.rest(None)?,
            rarely: overrides.rarely(draws.rarely())?,
            beyond_promise,
            defects: overrides.defects.clone(),
            network: overrides.apply("network", swarm::network(&draws, families))?,
            disk: overrides.apply("disk", swarm::disk(&draws))?,
            faults: swarm::faults(&draws, families, &self.targets(&counts), storm),
            ..self.scenario(seed, topology, section)
        })
    }

    fn plain(&self) -> Plain {
        let Declaration { knobs, work, .. } = &self.declared;
        let counts =
            self.counted().map(|(kind, range)| (kind.name.to_owned(), Value::Integer(range.least.into())));
        let values = knobs.iter().map(|(knob, choices)| ((*knob).to_owned(), choices.plain()));
        let lists = work.iter().map(|(list, _)| ((*list).to_owned(), Value::Array(Vec::new())));
        let items = work.iter().map(|(list, work)| ((*list).to_owned(), Value::Table(work.plain())));
        let scenario = self.scenario(0, counts.collect(), values.chain(lists).collect());
        Plain { scenario, items: items.collect(), fewer: Vec::new() }
    }

    fn request(&self) -> &'static str {
        self.declared.request
    }

    fn check(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        atlas::check(scenario, BEYOND)?;
        scenario.check_world()?;
        scenario.check_defects(&self.declared.defects)?;
        let counts = self.counts(&scenario.topology)?;
        self.check_section(&scenario.knobs, &counts)?;
        scenario.check_faults(&self.targets(&counts).all, F::KINDS)
    }

    fn run(&self, scenario: &Scenario, watch: Watch) -> Result<Run, ScenarioError> {
        self.check(scenario)?;
        let counts = self.counts(&scenario.topology)?;
        let knobs = Arc::new(Knobs::of(scenario, counts.clone()));
        let monitors = self.declared.judges.iter().map(|judge| judge(&knobs)).collect();
        let jury = Jury::new(monitors, Box::new(Sights(self.declared.sights.clone())), Box::new(|_, _| {}));
        rehearse(scenario, watch, jury, |world| self.deploy(world, &knobs, &counts))
    }
}

/// Looks out for the declared markers.
struct Sights<F>(Vec<(Marker, Sight<F>)>);

impl<F> MarkerWatch<F> for Sights<F> {
    fn witness(&mut self, _stamp: &Stamp, fact: &F, reached: &mut dyn FnMut(Marker)) {
        self.0.iter().filter(|(_, is_it)| is_it(fact)).for_each(|(marker, _)| reached(*marker));
    }
}
