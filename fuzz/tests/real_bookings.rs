//! The sequential replay of 119,390 real bookings against counts computed apart from it.
//!
//! The bookings are no part of the project. `REHEARSAL_DATA` names the folder that holds
//! `hotel_replay.csv.gz` and `hotel_replay_reference.json`; without it a folder `shared/data` beside the
//! workspace is tried, and where there is none the tests say that they were skipped.

use std::path::{Path, PathBuf};

use rehearsal::bookings::capacity::{CapacityScale, peak_occupancy, scaled};
use rehearsal::bookings::file::read;
use rehearsal::bookings::reference::replay;
use rehearsal::bookings::row::{BookingRow, Outcome};
use serde_json::Value;

fn folder() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace around the package");
    let beside = workspace.with_file_name("shared").join("data");
    std::env::var_os("REHEARSAL_DATA").map_or(beside, PathBuf::from)
}

/// The rows and the reference counts, or `None` with the reason on standard error.
fn rows_and_reference() -> Option<(Vec<BookingRow>, Value)> {
    let bookings = folder().join("hotel_replay.csv.gz");
    let reference = folder().join("hotel_replay_reference.json");
    for file in [&bookings, &reference] {
        if !file.exists() {
            eprintln!("skipped: {} is not there; REHEARSAL_DATA names another folder", file.display());
            return None;
        }
    }
    let rows = read(&bookings).expect("the real bookings are in order");
    let text = std::fs::read_to_string(reference).expect("the reference can be read");
    Some((rows, serde_json::from_str(&text).expect("the reference is JSON")))
}

#[test]
fn the_replay_gives_the_reference_to_the_last_room_night() {
    let Some((rows, reference)) = rows_and_reference() else { return };
    assert_eq!(rows.len(), 119_390);
    let capacities = peak_occupancy(&rows);
    for scale in ["1.0", "0.4"] {
        let exact: CapacityScale = scale.parse().expect("a scale");
        let outcome = serde_json::to_value(replay(&rows, &scaled(&capacities, exact))).expect("plain counts");
        assert_eq!(outcome, reference["by_scale"][scale], "scale {scale}");
    }
}

#[test]
fn capacities_are_those_of_the_reference() {
    let Some((rows, reference)) = rows_and_reference() else { return };
    let expected = reference["capacity_reserved_type"].as_object().expect("an object");
    let found = peak_occupancy(&rows);
    for (room_type, rooms) in &found {
        assert_eq!(expected[&room_type.to_string()], *rooms, "{room_type}");
    }
    // Types that were given at check-in and never reserved stand in the reference with no room.
    let reserved: Vec<String> = found.keys().map(ToString::to_string).collect();
    for (room_type, rooms) in expected.iter().filter(|(name, _)| !reserved.contains(name)) {
        assert_eq!(*rooms, 0, "{room_type}");
    }
}

#[test]
fn end_day_counts_from_the_booking() {
    let Some((rows, _)) = rows_and_reference() else { return };
    let mut exact_check_outs = 0;
    let mut check_outs = 0;
    for row in &rows {
        let lead_days = row.lead_days as i32;
        match row.outcome {
            Outcome::Cancelled => assert!(row.end_day <= lead_days, "cancelled after arrival: {row:?}"),
            Outcome::NoShow => assert!(row.end_day <= lead_days, "a no-show after arrival: {row:?}"),
            Outcome::CheckedOut => {
                assert!(row.end_day >= lead_days, "checked out before arrival: {row:?}");
                check_outs += 1;
                exact_check_outs += usize::from(row.end_day == lead_days + row.nights as i32);
            }
        }
    }
    assert!(check_outs - exact_check_outs < 100, "{exact_check_outs} of {check_outs}");
}
