//! Reading a file of bookings.
//!
//! The file is CSV, plain or packed by gzip, whatever its name. Its first line names the columns; they may
//! stand in any order, and others between them are passed over:
//!
//! | column | holds |
//! |---|---|
//! | `book_day` | the day of the booking, in days since any fixed day; never less than in the row above |
//! | `hotel` | a letter |
//! | `room` | the room type reserved, a letter |
//! | `lead` | days from booking to arrival |
//! | `nights` | nights |
//! | `guests` | guests |
//! | `outcome` | `O` checked out, `X` cancelled, `N` no-show |
//! | `end_day` | days from the booking to the last status; for `X` the cancellation |
//! | `adr_cents` | price of a night, cents |
//!
//! Rows alike in everything are group bookings, each a booking of its own.

use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Trim};
use flate2::read::MultiGzDecoder;

use super::error::{BookingsFileError, Place};
use super::row::{BookingRow, Outcome};

const COLUMNS: [&str; 9] =
    ["book_day", "hotel", "room", "lead", "nights", "guests", "outcome", "end_day", "adr_cents"];

/// A hundred years: more days than any stay, lead time or cancellation has, few enough that sums of them
/// and a day fit an `i32`.
const GREATEST_DAYS: i64 = 36_525;
/// About 2,700 years either way of the fixed day.
const GREATEST_BOOKING_DAY: i64 = 1_000_000;
const GREATEST_GUESTS: i64 = 10_000;
const GREATEST_PRICE_CENTS: i64 = 1_000_000_000_000;

/// The first two bytes of every gzip member (RFC 1952, section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Reads every booking of a file, in the file's order.
///
/// # Errors
///
/// When the file cannot be read whole or any row is wrong: then nothing of it is returned, for a replay of
/// half a file would be a replay of other hotels.
pub fn read(path: &Path) -> Result<Vec<BookingRow>, BookingsFileError> {
    let not_readable = |source| BookingsFileError::NotReadable { file: path.to_owned(), source };
    // Whole, because the rows will be held in memory as well and are larger than their text.
    let whole = fs::read(path).map_err(not_readable)?;
    let packed = whole.starts_with(&GZIP_MAGIC);
    let bytes: Box<dyn Read> =
        if packed { Box::new(MultiGzDecoder::new(Cursor::new(whole))) } else { Box::new(Cursor::new(whole)) };
    Reading { path, packed, rows: Vec::new() }.rows(bytes)
}

/// A file being read, with the rows read so far.
struct Reading<'a> {
    path: &'a Path,
    packed: bool,
    rows: Vec<BookingRow>,
}

impl Reading<'_> {
    fn rows(mut self, bytes: Box<dyn Read>) -> Result<Vec<BookingRow>, BookingsFileError> {
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(bytes);
        let columns = self.columns(&mut reader)?;
        let mut record = StringRecord::new();
        while reader.read_record(&mut record).map_err(|error| self.broken(error))? {
            let line = record.position().map_or(0, |position| position.line());
            let row = Line { path: self.path, line, record: &record, columns: &columns }.row()?;
            if let Some(previous) = self.rows.last().filter(|previous| previous.booking_day > row.booking_day)
            {
                let (day, previous_day) = (row.booking_day, previous.booking_day);
                return Err(BookingsFileError::OutOfOrder {
                    file: self.path.to_owned(),
                    line,
                    day,
                    previous_day,
                });
            }
            self.rows.push(row);
        }
        if self.rows.is_empty() {
            return Err(BookingsFileError::Empty { file: self.path.to_owned() });
        }
        Ok(self.rows)
    }

    /// Where each of [`COLUMNS`] stands.
    fn columns(
        &self,
        reader: &mut Reader<Box<dyn Read>>,
    ) -> Result<[usize; COLUMNS.len()], BookingsFileError> {
        let header = reader.headers().map_err(|error| self.broken(error))?;
        if header.is_empty() {
            return Err(BookingsFileError::Empty { file: self.path.to_owned() });
        }
        let found = COLUMNS.map(|column| header.iter().position(|name| name == column));
        let missing: Vec<&str> =
            COLUMNS.into_iter().zip(found).filter(|(_, at)| at.is_none()).map(|(column, _)| column).collect();
        if missing.is_empty() {
            return Ok(found.map(Option::unwrap_or_default));
        }
        let named = header.iter().map(str::to_owned).collect();
        Err(BookingsFileError::MissingColumn { file: self.path.to_owned(), missing, named })
    }

    /// What a failure of the CSV reader means for the file.
    fn broken(&self, error: csv::Error) -> BookingsFileError {
        let (file, rows) = (self.path.to_owned(), self.rows.len());
        let line = error.position().map_or(0, |position| position.line());
        match error.into_kind() {
            ErrorKind::Utf8 { .. } => BookingsFileError::NotText { file, line },
            ErrorKind::UnequalLengths { expected_len: expected, len: found, .. } => {
                BookingsFileError::FieldCount { file, line, expected, found }
            }
            ErrorKind::Io(source) if self.packed => match source.kind() {
                io::ErrorKind::UnexpectedEof => BookingsFileError::TruncatedGzip { file, rows },
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    BookingsFileError::DamagedGzip { file, rows, source }
                }
                _ => BookingsFileError::NotReadable { file, source },
            },
            ErrorKind::Io(source) => BookingsFileError::NotReadable { file, source },
            // Seeking and (de)serializing are never asked for.
            other => BookingsFileError::NotReadable { file, source: io::Error::other(format!("{other:?}")) },
        }
    }
}

/// One row of the file.
struct Line<'a> {
    path: &'a Path,
    line: u64,
    record: &'a StringRecord,
    columns: &'a [usize; COLUMNS.len()],
}

impl Line<'_> {
    fn row(&self) -> Result<BookingRow, BookingsFileError> {
        Ok(BookingRow {
            booking_day: self.number(0, -GREATEST_BOOKING_DAY, GREATEST_BOOKING_DAY)? as i32,
            hotel: self.letter(1)?,
            room_type: self.letter(2)?,
            lead_days: self.number(3, 0, GREATEST_DAYS)? as u32,
            nights: self.number(4, 0, GREATEST_DAYS)? as u32,
            guests: self.number(5, 0, GREATEST_GUESTS)? as u32,
            outcome: self.outcome(6)?,
            end_day: self.number(7, 0, GREATEST_DAYS)? as i32,
            price_cents: self.number(8, -GREATEST_PRICE_CENTS, GREATEST_PRICE_CENTS)?,
        })
    }

    /// The text under a column, by its index in [`COLUMNS`]. Every row has the header's number of fields.
    fn text(&self, column: usize) -> &str {
        &self.record[self.columns[column]]
    }

    fn place(&self, column: usize) -> Place {
        let found = self.text(column).to_owned();
        Place { file: self.path.to_owned(), line: self.line, column: COLUMNS[column], found }
    }

    fn number(&self, column: usize, least: i64, greatest: i64) -> Result<i64, BookingsFileError> {
        match self.text(column).parse::<i64>() {
            Ok(number) if (least..=greatest).contains(&number) => Ok(number),
            Ok(_) => Err(BookingsFileError::OutOfRange { place: self.place(column), least, greatest }),
            Err(_) => Err(BookingsFileError::NotANumber { place: self.place(column) }),
        }
    }

    fn letter(&self, column: usize) -> Result<u8, BookingsFileError> {
        match self.text(column).as_bytes() {
            [letter] if letter.is_ascii_alphabetic() => Ok(*letter),
            _ => Err(BookingsFileError::NotALetter { place: self.place(column) }),
        }
    }

    fn outcome(&self, column: usize) -> Result<Outcome, BookingsFileError> {
        match self.text(column) {
            "O" => Ok(Outcome::CheckedOut),
            "X" => Ok(Outcome::Cancelled),
            "N" => Ok(Outcome::NoShow),
            _ => Err(BookingsFileError::UnknownOutcome { place: self.place(column) }),
        }
    }
}
