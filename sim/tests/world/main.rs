//! The seeded world, told in sentences: what it does with tasks, crashes, links, disks and faults, and that it does
//! the same every time.

mod causes;
mod clocks;
mod crash;
mod determinism;
mod disk;
mod executor;
mod faulty_disk;
mod links;
mod lost_disk;
mod network;
mod pause;
mod plain;
mod rarely;
mod rest;
mod scenario_file;
mod search;
mod seeds;
mod slow;
mod stage;
mod striking;
mod tally;
mod trace;
mod triggers;
mod tumult;
mod violations;
