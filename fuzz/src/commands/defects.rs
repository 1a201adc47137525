//! `rehearsal defects`: the known bugs that can be switched on, to see that they are caught.

use super::{Format, print_json};
use crate::report::table::table;
use crate::systems;
use crate::verdict::{Outcome, Verdict, print};
use clap::Args;
use serde::Serialize;

/// What `defects` takes.
#[derive(Clone, Debug, Args)]
pub struct DefectsOptions {
    /// For whom to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Serialize)]
struct DefectsJson {
    command: &'static str,
    defects: Vec<DefectJson>,
}

#[derive(Serialize)]
struct DefectJson {
    system: &'static str,
    name: &'static str,
    invariant: &'static str,
    stands_for: &'static str,
    needs: &'static [&'static str],
}

/// Runs the command.
///
/// # Errors
/// Standard output that takes nothing.
pub fn defects(options: &DefectsOptions) -> Outcome {
    let mut defects = Vec::new();
    for system in systems::all() {
        let system_name = system.name();
        defects.extend(system.defects().iter().map(|defect| DefectJson {
            system: system_name,
            name: defect.name,
            invariant: defect.invariant,
            stands_for: defect.stands_for,
            needs: defect.needs,
        }));
    }
    match options.format {
        Format::Json => print_json(&DefectsJson { command: "defects", defects })?,
        Format::Human => {
            let rows = defects.iter().map(|defect| {
                [defect.system, defect.name, defect.invariant, defect.stands_for].map(str::to_owned)
            });
            let table = table(["system", "defect", "convicted by", "stands for"], rows, 4);
            print(&format!("{table}\nTry one: rehearsal fuzz SYSTEM --defect NAME\n"))?;
        }
    }
    Ok(Verdict::Held)
}
