//! The library of the `rehearsal` program: scenarios, systems, the glue that runs them, campaigns.

pub mod bookings;
pub mod draws;
pub mod jury;
pub mod rehearse;
pub mod scenario;
pub mod swarm;
pub mod system;
pub mod systems;
