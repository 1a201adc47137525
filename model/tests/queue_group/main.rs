//! Consumer groups under whatever may come to them: the coordinator among careless clients, failing writes, timers and
//! recoveries; the strategies against their promises; consumers that read a log together.

mod consumers;
mod defects;
mod offsets;
mod properties;
mod scenes;
mod stage;
mod strategies;
