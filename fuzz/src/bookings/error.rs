//! What can be wrong with a file of bookings, where, and how to mend it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

/// A field of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The line its row starts on; the header is on line 1.
    pub line: u64,
    /// The column's name.
    pub column: &'static str,
    /// The text that stands there.
    pub found: String,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, column, found } = self;
        write!(formatter, "{}, line {line}, column `{column}`: `{found}`", file.display())
    }
}

/// Why a file of bookings could not be read. Nothing of it was used.
#[derive(Debug, Error, Diagnostic)]
pub enum BookingsFileError {
    /// The operating system gave no bytes.
    #[error("{} cannot be read", file.display())]
    #[diagnostic(code(bookings::not_readable), help("check that it is a file and that you may read it"))]
    NotReadable {
        /// The file, as it was named.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// No row stands in it.
    #[error("{} holds no booking", file.display())]
    #[diagnostic(
        code(bookings::empty),
        help("give a CSV file, plain or gzip, with a line of column names and at least one row")
    )]
    Empty {
        /// The file, as it was named.
        file: PathBuf,
    },
    /// The gzip stream stops before its end.
    #[error("{} ends in the middle of its gzip stream after {rows} rows", file.display())]
    #[diagnostic(code(bookings::truncated_gzip), help("fetch it again"))]
    TruncatedGzip {
        /// The file, as it was named.
        file: PathBuf,
        /// Whole rows that could be read before.
        rows: usize,
    },
    /// The gzip stream is not what was packed.
    #[error("{} has a damaged gzip stream after {rows} rows", file.display())]
    #[diagnostic(code(bookings::damaged_gzip), help("fetch it again; `gzip -t` tells whether it came whole"))]
    DamagedGzip {
        /// The file, as it was named.
        file: PathBuf,
        /// Whole rows that could be read before.
        rows: usize,
        /// What the decoder met.
        source: io::Error,
    },
    /// The first line does not name all columns.
    #[error("{} has no column {}", file.display(), quoted(missing))]
    #[diagnostic(
        code(bookings::missing_column),
        help(
            "the first line must name the columns, in any order and with others between them; it names {}",
            quoted(named)
        )
    )]
    MissingColumn {
        /// The file, as it was named.
        file: PathBuf,
        /// The columns that are needed and not there.
        missing: Vec<&'static str>,
        /// The columns that are there.
        named: Vec<String>,
    },
    /// A row has more or fewer fields than the first line names.
    #[error("{}, line {line}: {found} fields instead of {expected}", file.display())]
    #[diagnostic(
        code(bookings::field_count),
        help("give the row a field for every column, or check whether the file was cut off here")
    )]
    FieldCount {
        /// The file, as it was named.
        file: PathBuf,
        /// The line the row starts on.
        line: u64,
        /// Fields in the first line.
        expected: u64,
        /// Fields in this row.
        found: u64,
    },
    /// A row is not UTF-8.
    #[error("{}, line {line}: not UTF-8 text", file.display())]
    #[diagnostic(
        code(bookings::not_text),
        help("save it as CSV in UTF-8; it may be packed by something else than gzip")
    )]
    NotText {
        /// The file, as it was named.
        file: PathBuf,
        /// The line the row starts on.
        line: u64,
    },
    /// A field that must be a whole number is none.
    #[error("{place} is no whole number")]
    #[diagnostic(code(bookings::not_a_number), help("write digits alone, with `-` before them if negative"))]
    NotANumber {
        /// Where.
        place: Place,
    },
    /// A number that cannot be meant: negative nights, a lead time of centuries.
    #[error("{place} is not between {least} and {greatest}")]
    #[diagnostic(code(bookings::out_of_range), help("correct the number, or take the row out"))]
    OutOfRange {
        /// Where.
        place: Place,
        /// The smallest number allowed.
        least: i64,
        /// The greatest number allowed.
        greatest: i64,
    },
    /// An outcome that is none of the three.
    #[error("{place} is no outcome")]
    #[diagnostic(
        code(bookings::unknown_outcome),
        help("write `O` for a guest who checked out, `X` for a cancellation, `N` for a no-show")
    )]
    UnknownOutcome {
        /// Where.
        place: Place,
    },
    /// A hotel or a room type that is not one letter.
    #[error("{place} is not a single letter")]
    #[diagnostic(
        code(bookings::not_a_letter),
        help("name every hotel and every room type by one letter, A to Z")
    )]
    NotALetter {
        /// Where.
        place: Place,
    },
    /// A row was booked before the row above it.
    #[error("{}, line {line}: booked on day {day}, after a booking of day {previous_day}", file.display())]
    #[diagnostic(
        code(bookings::out_of_order),
        help("sort the rows by `book_day`, keeping rows of one day in their order")
    )]
    OutOfOrder {
        /// The file, as it was named.
        file: PathBuf,
        /// The line of the row that comes too late.
        line: u64,
        /// Its booking day.
        day: i32,
        /// The booking day of the row above.
        previous_day: i32,
    },
}

/// Names in backquotes, separated by commas.
fn quoted(names: &[impl AsRef<str>]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    names.join(", ")
}
