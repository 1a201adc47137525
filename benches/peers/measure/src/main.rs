//! `peers [ROUNDS]`: measures every engine on every workload, round after round, and prints the rates, Rehearsal's ratio
//! to each peer, and what cannot be compared.
//!
//! Each engine is a program of its own, beside this one: madsim replaces the C library's clock and randomness in
//! whatever program it is linked into. In a round the engines follow one another on each workload, so that a neighbour
//! on the machine, or a machine that slows down, disturbs all of them alike.

mod contenders;
mod tables;

use contenders::{CONTENDERS, Contender};
use measure::{Measured, Workload};
use std::env::{args, current_exe};
use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use tables::Rates;

fn main() -> Result<(), Box<dyn Error>> {
    let rounds: u64 = args().nth(1).map_or(Ok(5), |rounds| rounds.parse())?;
    let program = current_exe()?;
    let folder = program.parent().ok_or("this program is in no folder")?;
    let rates = measure_all(folder, rounds.max(1))?;
    println!("{}", tables::report(&rates));
    Ok(())
}

/// `rounds` rates of every contender on every workload. Another contender begins each round.
fn measure_all(folder: &Path, rounds: u64) -> Result<Rates, Box<dyn Error>> {
    let mut rates = Rates::default();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for workload in Workload::ALL {
            for place in 0..CONTENDERS.len() {
                let index = (place + round as usize) % CONTENDERS.len();
                let measured = measure(folder, &CONTENDERS[index], workload, round)?;
                rates.push(workload, index, measured.rate());
            }
        }
    }
    Ok(rates)
}

/// One workload on one engine, in a process of its own.
fn measure(
    folder: &Path,
    contender: &Contender,
    workload: Workload,
    round: u64,
) -> Result<Measured, Box<dyn Error>> {
    let program = folder.join(contender.program);
    let mut command = Command::new(&program);
    command.arg(workload.word()).arg(round.to_string()).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("{}: {error}", program.display()))?;
    if !output.status.success() {
        return Err(format!("{} {}: {}", program.display(), workload.word(), output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
