//! Reading files of bookings, good and broken: every mistake is named with its place, none panics.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use miette::Diagnostic;
use rehearsal::bookings::error::{BookingsFileError, Place};
use rehearsal::bookings::file::read;
use rehearsal::bookings::row::{BookingRow, Outcome};

const HEADER: &str = "book_day,hotel,room,lead,nights,guests,outcome,end_day,adr_cents\n";
const GOOD: &str = "\
book_day,hotel,room,lead,nights,guests,outcome,end_day,adr_cents
5,C,A,10,2,2,O,12,9900
5,R,D,0,0,1,X,0,-638
6,C,A,3,7,4,N,3,0
";

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

fn read_bytes(bytes: &[u8]) -> Result<Vec<BookingRow>, BookingsFileError> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("a temporary file takes bytes");
    read(file.path())
}

fn read_text(text: &str) -> Result<Vec<BookingRow>, BookingsFileError> {
    read_bytes(text.as_bytes())
}

/// The error of a file whose only row is this, below the header.
fn row_error(row: &str) -> BookingsFileError {
    read_text(&format!("{HEADER}{row}\n")).expect_err("the row is wrong")
}

#[test]
fn plain_text_is_read_row_by_row() {
    let rows = read_text(GOOD).expect("a good file");
    let first = BookingRow {
        booking_day: 5,
        hotel: b'C',
        room_type: b'A',
        lead_days: 10,
        nights: 2,
        guests: 2,
        outcome: Outcome::CheckedOut,
        end_day: 12,
        price_cents: 9900,
    };
    assert_eq!(rows[0], first);
    assert_eq!((rows[1].outcome, rows[1].price_cents), (Outcome::Cancelled, -638));
    assert_eq!((rows[2].outcome, rows.len()), (Outcome::NoShow, 3));
}

#[test]
fn gzip_is_known_by_its_first_bytes_and_may_have_several_members() {
    let plain = read_text(GOOD).expect("a good file");
    assert_eq!(read_bytes(&gzip(GOOD)).expect("a good file"), plain);
    let (head, tail) = GOOD.split_at(80);
    let members = [gzip(head), gzip(tail)].concat();
    assert_eq!(read_bytes(&members).expect("a good file"), plain);
}

#[test]
fn columns_may_stand_in_any_order_with_others_between() {
    let text = "\u{feff}adr_cents, note ,end_day,outcome,guests,nights,lead,room,hotel,book_day\r\n\
                9900,\"a, b\",12,O,2,2,10,A,C, 5\r\n\r\n";
    let rows = read_text(text).expect("a good file");
    assert_eq!(rows, read_text(GOOD).expect("a good file")[..1]);
}

#[test]
fn missing_columns_are_all_named() {
    let error =
        read_text("book_day,hotel,lead,guests,outcome,end_day,adr_cents\n").expect_err("two are missing");
    assert!(error.to_string().ends_with("has no column `room`, `nights`"), "{error}");
    let help = error.help().expect("a mend").to_string();
    assert!(help.contains("`book_day`, `hotel`, `lead`"), "{help}");
}

#[test]
fn a_bad_number_is_shown_with_its_place() {
    let text = format!("{GOOD}7,C,A,10,two,2,O,12,9900\n");
    match read_text(&text) {
        Err(BookingsFileError::NotANumber { place: Place { line: 5, column: "nights", found, .. } }) => {
            assert_eq!(found, "two");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_number_must_be_one_that_can_be_meant() {
    let rows = [
        ("5,C,A,10,-1,2,O,12,9900", "nights"),
        ("5,C,A,-3,1,2,O,12,9900", "lead"),
        ("5,C,A,10,1,-2,O,12,9900", "guests"),
        ("5,C,A,10,1,2,X,-1,9900", "end_day"),
        ("5,C,A,4000000000,1,2,O,12,9900", "lead"),
        ("5,C,A,10,36526,2,O,12,9900", "nights"),
        ("-1000001,C,A,10,1,2,O,12,9900", "book_day"),
        ("5,C,A,10,1,2,O,12,9000000000000", "adr_cents"),
    ];
    for (row, expected) in rows {
        match row_error(row) {
            BookingsFileError::OutOfRange { place, .. } => {
                assert_eq!((place.line, place.column), (2, expected))
            }
            other => panic!("{row}: {other:?}"),
        }
    }
    for number in ["", "1.5", "99999999999999999999", "0x1", "١"] {
        let error = row_error(&format!("5,C,A,10,{number},2,O,12,9900"));
        assert!(matches!(error, BookingsFileError::NotANumber { .. }), "{number}: {error:?}");
    }
}

#[test]
fn an_unknown_outcome_is_told_the_known_ones() {
    let error = row_error("5,C,A,10,1,2,Q,12,9900");
    assert!(error.to_string().ends_with("line 2, column `outcome`: `Q` is no outcome"), "{error}");
    let help = error.help().expect("a mend").to_string();
    assert!(["`O`", "`X`", "`N`"].iter().all(|known| help.contains(known)), "{help}");
}

#[test]
fn hotels_and_room_types_are_single_letters() {
    let rows = [
        ("5,City,A,10,1,2,O,12,9900", "hotel"),
        ("5,,A,10,1,2,O,12,9900", "hotel"),
        ("5,C,7,10,1,2,O,12,9900", "room"),
        ("5,C,É,10,1,2,O,12,9900", "room"),
    ];
    for (row, expected) in rows {
        match row_error(row) {
            BookingsFileError::NotALetter { place } => assert_eq!(place.column, expected),
            other => panic!("{row}: {other:?}"),
        }
    }
}

#[test]
fn rows_out_of_order_are_shown_with_both_days() {
    let error = read_text(&format!("{GOOD}5,C,A,10,1,2,O,11,9900\n")).expect_err("day 5 after day 6");
    assert!(
        matches!(error, BookingsFileError::OutOfOrder { line: 5, day: 5, previous_day: 6, .. }),
        "{error:?}"
    );
}

#[test]
fn a_row_cut_short_and_a_row_that_is_no_text_are_named_by_line() {
    let error = read_text(&format!("{GOOD}7,C,A,10")).expect_err("four fields");
    assert!(
        matches!(error, BookingsFileError::FieldCount { line: 5, expected: 9, found: 4, .. }),
        "{error:?}"
    );
    let error = read_bytes(&[GOOD.as_bytes(), b"7,\xff,A,10,1,2,O,11,9900\n"].concat()).expect_err("no text");
    assert!(matches!(error, BookingsFileError::NotText { line: 5, .. }), "{error:?}");
}

#[test]
fn a_file_without_rows_is_empty() {
    for text in ["", "\n\n", HEADER] {
        let error = read_text(text).expect_err("no row");
        assert!(matches!(error, BookingsFileError::Empty { .. }), "{text:?}: {error:?}");
    }
    let error = read_bytes(&gzip("")).expect_err("no row");
    assert!(matches!(error, BookingsFileError::Empty { .. }), "{error:?}");
}

#[test]
fn what_is_no_file_is_not_readable() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for path in [folder.path(), &folder.path().join("absent.csv"), Path::new("")] {
        let error = read(path).expect_err("no file");
        assert!(matches!(error, BookingsFileError::NotReadable { .. }), "{path:?}: {error:?}");
    }
}

#[test]
fn a_gzip_file_cut_anywhere_is_said_to_be_cut() {
    let whole = gzip(GOOD);
    for length in 2..whole.len() {
        let error = read_bytes(&whole[..length]).expect_err("cut");
        assert!(matches!(error, BookingsFileError::TruncatedGzip { .. }), "{length}: {error:?}");
    }
}

#[test]
fn a_long_gzip_file_cut_in_its_middle_counts_the_rows_before() {
    let mut text = HEADER.to_owned();
    for row in 0..20_000 {
        text.push_str(&format!("{row},C,A,{},2,2,O,12,{}\n", row % 97, row * 7919 % 30_011));
    }
    let whole = gzip(&text);
    match read_bytes(&whole[..whole.len() / 2]) {
        Err(BookingsFileError::TruncatedGzip { rows, .. }) => {
            assert!((5_000..15_000).contains(&rows), "{rows}")
        }
        other => panic!("{:?}", other.map(|rows| rows.len())),
    }
}

#[test]
fn a_gzip_file_with_any_byte_changed_never_gives_other_rows() {
    let whole = gzip(GOOD);
    let rows = read_bytes(&whole).expect("a good file");
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x15;
        // Name, time and system in the header are of no consequence; everything else must be noticed.
        if let Ok(read) = read_bytes(&changed) {
            assert_eq!(read, rows, "byte {at}");
        }
    }
    let mut wrong_sum = whole;
    let sum_at = wrong_sum.len() - 8;
    wrong_sum[sum_at] ^= 1;
    let error = read_bytes(&wrong_sum).expect_err("a wrong checksum");
    assert!(matches!(error, BookingsFileError::DamagedGzip { rows: 3, .. }), "{error:?}");
}
