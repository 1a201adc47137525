//! The message queue: how its scenarios are drawn, and how one is run.

mod catalogue;
mod client_faults;
mod draw;
mod figures;
mod known_bugs;
mod moments;
mod needs;
mod operations;
mod ordeals;
mod plain;
mod possible;
mod sections;

pub(crate) use figures::key;

use crate::atlas::{self, Beyond};
use crate::draws::Draws;
use crate::jury::Jury;
use crate::rehearse::rehearse;
use crate::scenario::{Overrides, Scenario, ScenarioError, Schedule, VERSION};
use crate::swarm::{self, Families, MaskBit, Targets};
use crate::system::{Defect, Invariant, Plain, Run, System, Watch};
use rehearsal_env::{Marker, Time};
use rehearsal_invariants::Scope;
use rehearsal_invariants::queue::{MARKERS, Markers, Rules, monitors};
use rehearsal_model::queue::deploy::{
    BLOBS, MOVER_NODES, OPERATOR, broker_name, consumer_name, coordination_name, deploy, mover_name,
    producer_name,
};
use rehearsal_model::queue::knobs::{CoordinationMode, Delivery, FetchMode, OffsetsIn, StartAt};
use rehearsal_model::queue::operation::Operation;
use rehearsal_model::queue::plan::{Plan, Sending};
use rehearsal_model::queue::reading::ReadFrom;
use rehearsal_model::queue::topics::KeyOrder;
use rehearsal_sim::{NetworkSettings, Span};
use sections::{Section, SetUpFor, plan};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Producers, brokers that hold copies of each other's partitions, a coordination service, consumers in groups.
#[derive(Clone, Copy, Debug, Default)]
pub struct Queue;

/// From here on a consumer is slow: it works longer on a message than a message takes to come to it.
const SLOW: Span = Span::millis(20);

/// Below this a producer has little room, in bytes.
const LITTLE_ROOM: u32 = 65_536;

/// From so many partitions on a topic is big.
const BIG: u32 = 24;

impl System for Queue {
    fn name(&self) -> &'static str {
        "queue"
    }

    fn summary(&self) -> &'static str {
        "a message queue: producers, partitions on several brokers, consumers in groups"
    }

    fn invariants(&self) -> &'static [Invariant] {
        catalogue::INVARIANTS
    }

    fn scopes(&self) -> BTreeMap<&'static str, Scope> {
        let plan = plan(&self.plain().scenario).expect("the plainest scenario makes sense");
        let monitors = monitors(Rules::of(&plan, Time(0)));
        monitors.iter().map(|monitor| (monitor.name(), monitor.scope())).collect()
    }

    fn beyond(&self) -> &'static [Beyond] {
        catalogue::BEYOND
    }

    fn markers(&self) -> &'static [Marker] {
        MARKERS
    }

    fn defects(&self) -> &'static [Defect] {
        known_bugs::DEFECTS
    }

    fn draw(&self, seed: u64, overrides: &Overrides) -> Result<Scenario, ScenarioError> {
        overrides.refuse_unknown(&["families", "network", "disk", "topology", "workload", "queue"])?;
        let draws = Draws::of(seed);
        let beyond_promise = overrides.beyond_promise(false)?;
        let beyond = if beyond_promise { &[] } else { self.beyond() };
        let families = overrides.apply("families", Families::draw(&draws).promised(beyond))?;
        let storm = overrides.top_span("storm", draw::STORM)?;
        let workload: sections::Workload = overrides.apply("workload", draw::workload(&draws, storm))?;
        workload.check(storm)?;
        let drawn = draw::topology(&draws, &workload);
        let fixed = overrides.apply("topology", drawn)?;
        let topology = overrides.apply("topology", draw::topology_beside(&fixed, drawn))?;
        topology.check()?;
        let drawn = draw::knobs(&draws, &topology, &workload);
        let drawn = match workload.aim {
            SetUpFor::AsDrawn => drawn,
            SetUpFor::Aim(aim) => aim.applied(drawn),
        };
        let fixed = overrides.apply("queue", drawn)?;
        let knobs = overrides.apply("queue", draw::knobs_beside(&fixed, drawn))?;
        let mut section = Section {
            knobs,
            topics: draw::topics(&draws, &workload),
            sendings: Vec::new(),
            consumers: draw::consumers(&draws, &topology, &workload, &knobs),
            operations: operations::of_brokers(&draws, &topology, &workload, storm),
        };
        section.operations.extend(operations::of_topics(&draws, &workload, &section.topics, &section.knobs));
        section.operations.extend(operations::orderly_restarts(&draws, &topology, &workload, storm));
        section.operations.extend(operations::of_consumers(
            &draws,
            &workload,
            &section.consumers,
            &section.knobs,
            storm,
        ));
        section.sendings = draw::sendings(&draws, &topology, &workload, &section.knobs, &section.topics);
        let network = overrides.apply("network", swarm::network(&draws, families))?;
        let mut scenario = Scenario {
            version: VERSION,
            system: self.name().to_owned(),
            seed,
            storm,
            calm: overrides.top_span("calm", draw::CALM)?,
            rest: overrides.rest(draw::rest(&draws))?,
            rarely: overrides.rarely(draws.rarely())?,
            beyond_promise,
            defects: overrides.defects.clone(),
            network,
            disk: overrides.apply("disk", swarm::disk(&draws))?,
            schedule: Schedule::draw(&draws, &network, overrides)?,
            repro: None,
            topology: table(&topology),
            knobs: table(&section),
            faults: Vec::new(),
        };
        let plan = sections::planned(topology, section, storm, &scenario.defects)?;
        scenario.faults = swarm::faults(&draws, families, &targets(&plan), storm);
        if let agreeing @ [_, _, _] = &nodes(&plan).coordination[..] {
            let strife = draw::strife(&draws, agreeing, families.partitions, families.crashes, storm);
            scenario.faults.extend(strife);
        }
        let Nodes { brokers, coordination, .. } = nodes(&plan);
        scenario.faults.extend(operations::crashes_in_turn(&draws, &brokers, &workload, storm));
        if families.crashes {
            scenario.faults.extend(operations::blows_at_stops(&draws, &brokers, &workload));
        }
        let scene =
            ordeals::Scene { brokers: &brokers, coordination: &coordination, knobs: &plan.knobs, storm };
        scenario.faults.extend(ordeals::faults(&draws, &workload, families, &scene));
        Ok(scenario)
    }

    fn plain(&self) -> Plain {
        plain::plain()
    }

    fn request(&self) -> &'static str {
        "Sent"
    }

    /// What every copy of every batch brings with it. That it was appended and replicated tells as much. So do the queue's
    /// own facts of what stands in the coordination service.
    fn asides(&self) -> &'static [&'static str] {
        &[
            "Persisted",
            "WatermarkMoved",
            "WatermarkHeld",
            "Followed",
            "CoordinationChanged",
            "CoordinationAsked",
            "CoordinationAnswered",
        ]
    }

    fn check(&self, scenario: &Scenario) -> Result<(), ScenarioError> {
        read(scenario).map(|_| ())
    }

    fn operations(&self, scenario: &Scenario) -> Vec<MaskBit> {
        let Ok(plan) = read(scenario) else { return Vec::new() };
        let has_archive = plan.has_archive();
        let Plan { knobs, topics, sendings, consumers, operations, .. } = plan;
        let asks = |wanted: fn(&Operation) -> bool| operations.iter().any(wanted);
        let (moves, restarts, adds, retires) = (
            asks(|one| matches!(one, Operation::AddBroker { .. } | Operation::RemoveBroker { .. })),
            asks(Operation::restarts),
            asks(|one| matches!(one, Operation::AddPartitions { .. })),
            asks(|one| matches!(one, Operation::RetirePartition { .. })),
        );
        let groups: BTreeSet<u32> = consumers.iter().map(|consumer| consumer.group).collect();
        vec![
            ("groups", !consumers.is_empty()),
            ("several groups", groups.len() > 1),
            ("shared groups", consumers.len() > groups.len()),
            ("several topics", topics.len() > 1),
            ("several partitions", topics.iter().any(|topic| topic.partitions > 1)),
            ("large messages", sendings.iter().any(|sending| sending.bytes > figures::LARGE)),
            ("bursts", comes_in_bursts(&sendings)),
            ("messages without a key", sendings.iter().any(|sending| sending.key.is_none())),
            ("partitions named", sendings.iter().any(|sending| sending.partition.is_some())),
            ("little room at producers", knobs.buffer_bytes < LITTLE_ROOM),
            ("tags", consumers.iter().any(|consumer| consumer.tag.is_some())),
            ("reads from followers", knobs.read_from == ReadFrom::InSync),
            ("pipelines", consumers.iter().any(|consumer| consumer.into.is_some())),
            ("transactions", knobs.delivery == Delivery::ExactlyOnce),
            ("retention", knobs.retention_age > Span(0) || knobs.retention_bytes > 0),
            ("archive", has_archive),
            ("flipped bits", knobs.flips > 0),
            ("delayed messages", sendings.iter().any(Sending::is_postponed)),
            ("failing messages", sendings.iter().any(|sending| sending.fails > 0)),
            ("consensus", knobs.coordination == CoordinationMode::Consensus),
            ("loans", consumers.iter().any(|consumer| consumer.loan.is_some())),
            ("partitions added", adds),
            ("partitions retired", retires),
            ("order of keys kept", knobs.key_order == KeyOrder::Kept),
            ("big topics", topics.iter().any(|topic| topic.partitions >= BIG)),
            ("slow consumers", !consumers.is_empty() && knobs.processing >= SLOW),
            ("brokers come and go", moves),
            ("brokers restarted in order", restarts),
            ("push", !consumers.is_empty() && knobs.fetch == FetchMode::Push),
            ("old segments on the disk alone", knobs.cached_segments > 0),
            ("segments closed by age", knobs.segment_age > Span(0)),
            ("consumers leave", asks(|one| matches!(one, Operation::StopConsumer { .. }))),
            ("consumers go back", asks(|one| matches!(one, Operation::Replay { .. }))),
            ("begins at the end", !consumers.is_empty() && knobs.start == StartAt::Latest),
            ("offsets kept apart", !consumers.is_empty() && knobs.offsets == OffsetsIn::Coordination),
        ]
    }

    fn run(&self, scenario: &Scenario, watch: Watch) -> Result<Run, ScenarioError> {
        let plan = Arc::new(read(scenario)?);
        let mut rules = Rules::of(&plan, Time(scenario.storm.0));
        if has_no_faults(scenario, &plan) {
            rules = rules.without_faults();
        }
        let markers = Box::new(Markers::new(rules.clone()));
        let jury = Jury::new(monitors(rules), markers, client_faults::counter())
            .without(atlas::given_up(scenario, catalogue::BEYOND));
        rehearse(scenario, watch, jury, |world| deploy(world, &plan))
    }
}

/// Whether nothing goes wrong in a scenario, and nobody asks for other brokers or partitions.
fn has_no_faults(scenario: &Scenario, plan: &Plan) -> bool {
    let NetworkSettings { loss, duplication, delay, .. } = scenario.network;
    let around = scenario.faults.is_empty() && (loss, duplication, delay) == (0, 0, 0);
    around && plan.operations.is_empty() && plan.knobs.flips == 0
}

fn read(scenario: &Scenario) -> Result<Plan, ScenarioError> {
    scenario.check_world()?;
    if scenario.rest.is_some_and(|rest| rest < draw::REST) {
        let reason = "what is silent for so long may still be about to go, or come back";
        return Err(ScenarioError::new("rest", reason, format!("let it be at least {}", draw::REST)));
    }
    scenario.check_defects(known_bugs::DEFECTS)?;
    atlas::check(scenario, catalogue::BEYOND)?;
    let plan = plan(scenario)?;
    let Nodes { coordination, brokers, blobs, producers, consumers, movers, operator } = nodes(&plan);
    let operator = operator.into_iter().collect();
    let all: Vec<String> = [brokers, coordination, blobs, producers, consumers, movers, operator].concat();
    scenario.check_faults(&all, moments::FACT_KINDS)?;
    Ok(plan)
}

/// The names of the nodes by what they do.
struct Nodes {
    coordination: Vec<String>,
    brokers: Vec<String>,
    blobs: Vec<String>,
    producers: Vec<String>,
    consumers: Vec<String>,
    movers: Vec<String>,
    operator: Option<String>,
}

/// A producer that sends nothing is not started.
fn nodes(plan: &Plan) -> Nodes {
    let producers: BTreeSet<u32> = plan.sendings.iter().map(|sending| sending.producer).collect();
    Nodes {
        coordination: (0..plan.knobs.coordination.nodes()).map(coordination_name).collect(),
        brokers: (0..plan.brokers).map(broker_name).collect(),
        blobs: plan.has_archive().then(|| BLOBS.to_owned()).into_iter().collect(),
        producers: producers.into_iter().map(producer_name).collect(),
        consumers: plan.consumers.iter().map(|consumer| consumer_name(consumer.number)).collect(),
        movers: (0..if plan.holds_back() { MOVER_NODES } else { 0 }).map(mover_name).collect(),
        operator: (!plan.asked_of_brokers().is_empty()).then(|| OPERATOR.to_owned()),
    }
}

fn targets(plan: &Plan) -> Targets {
    let Nodes { coordination, brokers, blobs, producers, consumers, movers, operator } = nodes(plan);
    let operator = operator.into_iter().collect();
    let all = [&brokers, &coordination, &blobs, &producers, &consumers, &movers, &operator]
        .map(|nodes| nodes.as_slice())
        .concat();
    Targets {
        // Brokers have most to lose, so they are struck most.
        crashable: [&brokers, &brokers, &coordination, &blobs, &consumers, &movers]
            .map(|nodes| nodes.as_slice())
            .concat(),
        disks: [&brokers, &brokers, &coordination, &blobs].map(|nodes| nodes.as_slice()).concat(),
        critical: moments::critical(&all),
        all,
        facts: moments::FACTS,
    }
}

/// Whether so many messages come at one moment as one burst has; spread over seconds they never do.
fn comes_in_bursts(sendings: &[Sending]) -> bool {
    let mut together: BTreeMap<Span, u64> = BTreeMap::new();
    for sending in sendings {
        *together.entry(sending.at).or_default() += 1;
    }
    together.into_values().any(|count| count >= draw::BURST)
}

fn table(value: &impl Serialize) -> toml::Table {
    toml::Table::try_from(value).expect("what was drawn is a table")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rehearsal_model::queue::aim::Aim;
    use rehearsal_model::queue::defects::Defect as Known;
    use rehearsal_model::queue::deploy::COORDINATION;

    fn setting(values: &[(&str, toml::Value)]) -> Overrides {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        Overrides { values, ..Overrides::default() }
    }

    fn refusal(amend: impl FnOnce(&mut Scenario)) -> String {
        let three = setting(&[("topology.brokers", 3.into()), ("topology.factor", 3.into())]);
        let mut scenario = Queue.draw(7, &three).expect("a scenario");
        amend(&mut scenario);
        Queue.check(&scenario).expect_err("it makes no sense").to_string()
    }

    fn entry(scenario: &mut Scenario, list: &str, key: &str, value: i64) {
        let entries = scenario.knobs[list].as_array_mut().expect("a list");
        entries[0].as_table_mut().expect("a table").insert(key.to_owned(), value.into());
    }

    #[test]
    fn every_seed_makes_sense_and_stands_for_one_scenario() {
        for seed in 0..1_000 {
            let scenario = Queue.draw(seed, &Overrides::default()).expect("a scenario");
            Queue.check(&scenario).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(Queue.draw(seed, &Overrides::default()), Ok(scenario), "seed {seed}");
        }
    }

    #[test]
    fn what_is_drawn_goes_with_what_is_fixed() {
        let fixed: [(&str, toml::Value); 13] = [
            ("topology.brokers", 1.into()),
            ("topology.factor", 5.into()),
            ("topology.consumers", 0.into()),
            ("workload.groups", 0.into()),
            ("workload.messages", 0.into()),
            ("queue.acks", "leader".into()),
            ("queue.delivery", "exactly-once".into()),
            ("queue.delivery", "at-most-once".into()),
            ("queue.idempotent", true.into()),
            ("queue.max_in_flight", 9.into()),
            ("queue.lag", "100ms".into()),
            ("queue.member_session", "90ms".into()),
            ("storm", "1ms".into()),
        ];
        for (key, value) in fixed {
            for seed in 0..100 {
                let scenario = Queue.draw(seed, &setting(&[(key, value.clone())]));
                let scenario = scenario.unwrap_or_else(|error| panic!("{key}, seed {seed}: {error}"));
                Queue.check(&scenario).unwrap_or_else(|error| panic!("{key}, seed {seed}: {error}"));
            }
        }
    }

    #[test]
    fn an_aim_decides_how_batches_are_made_and_nothing_else() {
        let knobs = |aim: &str| {
            let scenario = Queue.draw(3, &setting(&[("workload.aim", aim.into())])).expect("a scenario");
            plan(&scenario).expect("a plan").knobs
        };
        let (drawn, early, many) = (knobs("as-drawn"), knobs("latency"), knobs("throughput"));
        assert_eq!((early.batch_records, early.linger), (1, Span(0)));
        assert!(many.batch_records > early.batch_records && many.linger > early.linger);
        assert_eq!(Aim::Latency.applied(drawn), early);
        assert!(Queue.draw(3, &setting(&[("workload.aim", "both".into())])).is_err());
    }

    #[test]
    fn fewer_messages_leave_the_others_as_they_were() {
        let sent = |messages: i64| {
            let scenario = Queue.draw(3, &setting(&[("workload.messages", messages.into())]));
            plan(&scenario.expect("a scenario")).expect("a plan").sendings
        };
        let (few, many) = (sent(40), sent(80));
        assert_eq!((few.len(), many.len()), (40, 80));
        assert!(few.iter().all(|sending| many.contains(sending)));
    }

    #[test]
    fn the_plain_scenario_makes_sense_and_so_does_one_item_of_each_list() {
        let Plain { mut scenario, items, .. } = Queue.plain();
        Queue.check(&scenario).expect("it makes sense");
        // There has to be a broker that can be added.
        scenario.topology.insert("brokers".to_owned(), 4.into());
        for (list, item) in items {
            scenario.knobs.insert(list, toml::Value::Array(vec![item]));
        }
        Queue.check(&scenario).expect("it makes sense");
    }

    #[test]
    fn every_defect_is_known_to_the_queue_and_to_an_invariant() {
        for defect in known_bugs::DEFECTS {
            assert!(Known::named(defect.name).is_some(), "{}", defect.name);
            let owners = catalogue::INVARIANTS.iter().filter(|owner| owner.name == defect.invariant);
            assert_eq!(owners.count(), 1, "{}", defect.name);
        }
    }

    #[test]
    fn what_is_worth_striking_at_is_a_kind_of_fact() {
        let three_and_one = ["broker-0", "broker-1", "broker-2", "consumer-0", COORDINATION];
        let critical = moments::critical(&three_and_one.map(str::to_owned));
        let kinds = critical.iter().map(|(fact, _)| fact).chain(moments::FACTS);
        kinds.for_each(|kind| assert!(moments::FACT_KINDS.contains(kind), "{kind}"));
        let one = moments::critical(&["broker-0", COORDINATION].map(str::to_owned));
        assert!(one.iter().all(|(_, node)| ["broker-0", COORDINATION].contains(node)));
    }

    #[test]
    fn messages_are_lent_at_least_once_and_to_all_of_a_group_or_to_none() {
        let fixed = [
            ("topology.consumers", 2.into()),
            ("workload.groups", 1.into()),
            ("workload.pipe", false.into()),
            ("workload.lent", true.into()),
            ("queue.delivery", "at-least-once".into()),
            ("queue.archive", false.into()),
        ];
        let scenario = Queue.draw(7, &setting(&fixed)).expect("a scenario");
        let lent = plan(&scenario).expect("a plan").lending_groups();
        assert_eq!(lent.keys().collect::<Vec<_>>(), [&0]);
        let refused = |amend: &dyn Fn(&mut toml::Table)| {
            let mut scenario = scenario.clone();
            amend(&mut scenario.knobs);
            Queue.check(&scenario).expect_err("it makes no sense").to_string()
        };
        let archived = refused(&|knobs| drop(knobs.insert("archive".to_owned(), true.into())));
        let lasting = |loan: &str| {
            refused(&|knobs| {
                let consumers = knobs["consumer"].as_array_mut().expect("a list");
                consumers[0].as_table_mut().expect("a table").insert("loan".to_owned(), loan.into());
            })
        };
        let not_all =
            "queue.consumer[1]: another member of its group borrows for another time, or not at all";
        assert_eq!(archived, "queue.consumer[0]: messages are lent at least once, and from the log alone");
        assert_eq!(lasting("0s"), "queue.consumer[0]: a loan of 0 leaves no time");
        assert_eq!(lasting("1ms"), not_all);
    }

    #[test]
    fn a_topic_that_cannot_change_is_refused_with_the_reason() {
        let asked = |topic: i64, wish: &str| {
            refusal(|scenario| {
                let text =
                    format!("at = \"1s\"\nwish = \"{wish}\"\ntopic = {topic}\npartitions = 4\nnumber = 40");
                let mut operation: toml::Table = text.parse().expect("a table");
                let other = if wish == "add-partitions" { "number" } else { "partitions" };
                operation.remove(other);
                for (key, value) in [("acks", "all"), ("retry", "none"), ("key_order", "announced")] {
                    scenario.knobs.insert(key.to_owned(), value.into());
                }
                scenario.knobs.insert("consumer".to_owned(), toml::Value::Array(Vec::new()));
                scenario.knobs.insert("send".to_owned(), toml::Value::Array(Vec::new()));
                scenario.knobs.insert("operation".to_owned(), toml::Value::Array(vec![operation.into()]));
            })
        };
        assert!(asked(9, "add-partitions").starts_with("queue.operation[0]: there is no such topic"));
        let nowhere = asked(0, "retire-partition");
        assert!(nowhere.starts_with("queue.operation[0]: there is no such partition then"), "{nowhere}");
    }

    #[test]
    fn the_order_of_keys_is_refused_where_it_cannot_be_kept() {
        let refused = refusal(|scenario| {
            scenario.knobs.insert("key_order".to_owned(), "kept".into());
            scenario.knobs.insert("unclean_election".to_owned(), true.into());
        });
        assert!(refused.starts_with("queue.key_order: no order is kept"), "{refused}");
    }

    #[test]
    fn a_restart_that_cannot_be_is_refused_with_its_place() {
        let refused = |broker: u32, until: &str| {
            refusal(|scenario| {
                let text = format!(
                    "at = \"2s\"\nwish = \"restart-broker\"\nbroker = {broker}\ndown = \"1s\"\nlimit = \"1s\"\n\
                     until = \"{until}\""
                );
                let operation: toml::Table = text.parse().expect("a table");
                scenario.knobs.insert("operation".to_owned(), toml::Value::Array(vec![operation.into()]));
            })
        };
        assert_eq!(refused(3, "9s"), "queue.operation[0]: there is no such broker");
        assert_eq!(refused(0, "2s"), "queue.operation[0]: the time for it is over before it comes");
        let unknown = Queue.draw(7, &setting(&[("workload.rolling_restart", true.into())]));
        let unknown = unknown.expect_err("it is no way to restart").to_string();
        assert!(unknown.starts_with("workload.rolling_restart"), "{unknown}");
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_key() {
        let topology = |key: &'static str, value: i64| {
            refusal(|scenario| drop(scenario.topology.insert(key.to_owned(), value.into())))
        };
        let knob = |key: &'static str, value: toml::Value| {
            refusal(|scenario| drop(scenario.knobs.insert(key.to_owned(), value)))
        };
        let first = |list, key, value| refusal(|scenario| entry(scenario, list, key, value));
        for (found, expected) in [
            (topology("brokers", 8), "topology.brokers: 8 cannot be"),
            (topology("factor", 7), "topology.factor: 3 brokers cannot hold 7 copies"),
            (knob("min_insync", 4.into()), "queue.min_insync: of 3 copies there are never 4 in sync"),
            (knob("lag", "0s".into()), "queue.lag: a span of 0 leaves no time"),
            (knob("lags", "1s".into()), "queue.lags: there is no such key"),
            (first("topic", "partitions", 0), "queue.topic[0]: 0 partitions cannot be"),
            (first("send", "topic", 9), "queue.send[0]: there is no such topic"),
            (first("send", "producer", 9), "queue.send[0]: there is no such producer"),
            (first("send", "partition", 70), "queue.send[0]: its topic has no such partition at first"),
            (first("consumer", "number", 99), "queue.consumer[0]: there is no such consumer"),
        ] {
            assert_eq!(found, expected);
        }
        let acks = refusal(|scenario| {
            scenario.knobs.insert("acks".to_owned(), "leader".into());
            scenario.knobs.insert("idempotent".to_owned(), true.into());
        });
        assert_eq!(acks, "queue.idempotent: an idempotent producer needs acks = \"all\"");
        let twice = refusal(|scenario| {
            let topics = scenario.knobs["topic"].as_array_mut().expect("a list");
            topics.push(topics[0].clone());
        });
        assert!(twice.ends_with("this topic is listed twice"), "{twice}");
    }
}
