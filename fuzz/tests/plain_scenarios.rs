//! What is plain is part of every file that leaves it out: when one of these texts has to change, files of before mean
//! something else, and `scenario::VERSION` goes up with it.

use rehearsal::scenario::VERSION;
use rehearsal::scenario_file::write;
use rehearsal::systems;

const COUNTER: &str = r#"version = 1
system = "counter"
seed = 0
storm = "10s"
calm = "10s"

[network]
latency_min = "1ms"
latency_max = "10ms"
links_differ = false
loss = 0
duplication = 0
delay = 0
delay_max = "200ms"

[disk]
access_min = "20us"
access_max = "200us"
sync_min = "500us"
sync_max = "5ms"

[topology]
clients = 1

[counter]
longest_pause = "0s"
patience = "200ms"
requests = 1
"#;

const RESERVATION: &str = r#"version = 1
system = "reservation"
seed = 0
storm = "20s"
calm = "30s"

[network]
latency_min = "1ms"
latency_max = "10ms"
links_differ = false
loss = 0
duplication = 0
delay = 0
delay_max = "200ms"

[disk]
access_min = "20us"
access_max = "200us"
sync_min = "500us"
sync_max = "5ms"

[topology]
api = 1
brokers = 1
guests = 1
writers = 2

[reservation]
backoff = "20ms"
deadlock_timeout = "200ms"
hold = "6s"
lock_order = "sorted"
lock_timeout = "0s"
order_valid = "10min"
overbooking_percent = 10
patience = "2s"
payment_patience = "800ms"
provider_late = 0
provider_late_max = "4s"
provider_never = 0
provider_recovers = "20s"
provider_refuses = 0
provider_twice = 0
resend = "500ms"
silence = "3s"
strategy = "conditional"
sweep = "2s"
tries = 6
writer_partitions = 2
writer_session = "1.5s"
"#;

const QUEUE: &str = r#"version = 1
system = "queue"
seed = 0
storm = "20s"
calm = "30s"

[network]
latency_min = "1ms"
latency_max = "10ms"
links_differ = false
loss = 0
duplication = 0
delay = 0
delay_max = "200ms"

[disk]
access_min = "20us"
access_max = "200us"
sync_min = "500us"
sync_max = "5ms"

[topology]
brokers = 3
consumers = 1
factor = 3
producers = 1

[queue]
acks = "all"
archive = false
backoff = "100ms"
batch_bytes = 16384
batch_records = 4
broker_session = "2s"
buffer_bytes = 33554432
buffer_wait = "5s"
cached_segments = 0
commit_interval = "200ms"
coordination = "one-durable-node"
coordination_history = 1000
credit = 65536
delivery = "at-least-once"
delivery_timeout = "20s"
fetch = "pull"
fetch_bytes = 65536
fetch_wait = "2s"
flips = 0
flush = "before-ack"
flush_interval = "200ms"
heartbeat = "500ms"
idempotent = true
key_order = "announced"
lag = "2s"
linger = "5ms"
max_in_flight = 5
member_session = "2s"
min_insync = 2
offsets = "internal-topic"
processing = "1ms"
read_from = "leader"
rebalance = "2s"
record_limit = 1000000
resend = "300ms"
reset = "earliest"
retention_age = "0s"
retention_bytes = 0
retention_check = "500ms"
retry = "none"
retry_backoff = "500ms"
segment_age = "0s"
segment_bytes = 4096
silence = "2s"
start = "earliest"
strategy = "sticky"
transaction_timeout = "5s"
tries = 3
unclean_election = false
topic = [
    { number = 0, partitions = 1 },
]
"#;

#[test]
fn what_is_plain_does_not_change_without_the_version() {
    assert_eq!(VERSION, 1);
    for (name, text) in [("counter", COUNTER), ("reservation", RESERVATION), ("queue", QUEUE)] {
        let system = systems::named(name).expect("a system");
        assert_eq!(write(&system.plain().scenario), text);
    }
}

#[test]
fn every_system_is_pinned() {
    assert_eq!(systems::names(), ["counter", "reservation", "queue"]);
}

#[test]
fn what_is_plain_makes_sense_and_holds() {
    for system in systems::all() {
        let plain = system.plain().scenario;
        system.check(&plain).expect("it makes sense");
        let run = system.run(&plain, rehearsal::system::Watch::default()).expect("it makes sense");
        assert!(run.violations.is_empty(), "{:?}", run.violations);
    }
}
