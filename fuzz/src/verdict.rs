//! How the program ends.

use crate::paint::Paint;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, Report};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// What a command that did its work came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every invariant held. Exit code 0.
    Held,
    /// One did not. Exit code 1.
    Violated,
    /// Nothing was found, and not enough was seen for that to mean something. Exit code 4.
    Inconclusive,
    /// Somebody stopped it. Exit code 130.
    Interrupted,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// It was asked for something that cannot be, or its input cannot be read. Exit code 2.
    Usage(Report),
    /// The world around failed: no room, no permission. Exit code 3.
    World(Report),
    /// Whoever read the output has closed it, and wants no more. Exit code 0.
    NobodyListens,
}

/// What a command comes to.
pub type Outcome = Result<Verdict, Failure>;

impl Failure {
    /// Wrong usage or input.
    pub fn usage(error: impl Diagnostic + Send + Sync + 'static) -> Failure {
        Failure::Usage(Report::new(error))
    }

    /// Wrong usage or input, in words: what is wrong, and how to mend it.
    pub fn misuse(what: impl Into<String>, mend: impl Into<String>) -> Failure {
        Failure::Usage(miette::miette!(help = mend.into(), "{}", what.into()))
    }

    /// The world around failed.
    pub fn world(error: impl Diagnostic + Send + Sync + 'static) -> Failure {
        Failure::World(Report::new(error))
    }
}

/// Writes to standard output.
///
/// # Errors
/// [`Failure::World`] when it takes no more, as a file on a full disk.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::NobodyListens,
        _ => Failure::World(miette::miette!(
            help = "make room, or send the output elsewhere",
            "standard output cannot be written: {error}"
        )),
    })
}

/// Says what went wrong, if something did, and gives the exit code.
pub fn exit_code(outcome: Outcome) -> ExitCode {
    let (code, report) = match outcome {
        Ok(Verdict::Held) | Err(Failure::NobodyListens) => return ExitCode::SUCCESS,
        Ok(Verdict::Violated) => return ExitCode::from(1),
        Ok(Verdict::Inconclusive) => return ExitCode::from(4),
        Ok(Verdict::Interrupted) => return ExitCode::from(130),
        Err(Failure::Usage(report)) => (2, report),
        Err(Failure::World(report)) => (3, report),
    };
    let colourful = Paint::of(&io::stderr()).is_on();
    let theme = if colourful { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    let rendered =
        GraphicalReportHandler::new_themed(theme).with_width(100).render_report(&mut text, report.as_ref());
    // Where even standard error is closed, the exit code must do.
    let _ = match rendered {
        Ok(()) => write!(io::stderr(), "{text}"),
        Err(_) => writeln!(io::stderr(), "{report}"),
    };
    ExitCode::from(code)
}
