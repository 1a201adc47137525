//! What the benchmarks measure: the four engine workloads, and bugs of order.

pub mod orders;
pub mod workloads;
