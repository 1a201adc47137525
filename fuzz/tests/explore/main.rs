//! Exhaustive searches: that they are exhaustive, that they say so only then, and that every rule is missed.

mod canonical;
mod consensus;
mod cores;
mod group;
mod program;
mod reductions;
mod rules;
mod toy;
mod verdicts;
