//! What the benchmarks measure: the four engine workloads, and how they are timed.

pub mod workloads;
