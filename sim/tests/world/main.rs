//! The seeded world, told in sentences: what it does with tasks, crashes, links, disks and faults, and that it does
//! the same every time.

mod causes;
mod crash;
mod determinism;
mod disk;
mod executor;
mod network;
mod pause;
mod scenario_file;
mod stage;
mod tally;
mod triggers;
mod violations;
