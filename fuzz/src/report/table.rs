//! Tables for people.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

/// A rule below the header and no others.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table of texts; the columns from `numbers_from` on are numbers, and stand to the right.
pub fn table<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
    numbers_from: usize,
) -> String {
    wide_table(header.map(str::to_owned).to_vec(), rows.into_iter().map(Vec::from), numbers_from)
}

/// As [`table`], with any number of columns.
pub fn wide_table(
    header: Vec<String>,
    rows: impl IntoIterator<Item = Vec<String>>,
    numbers_from: usize,
) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(header).add_rows(rows);
    for column in table.column_iter_mut().skip(numbers_from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_left_and_numbers_right_below_a_rule() {
        let rows = [["few", "1"], ["many", "1,000"]].map(|row| row.map(str::to_owned));
        let expected = " what   count\n──────────────\n few        1\n many   1,000\n";
        assert_eq!(table(["what", "count"], rows, 1), expected);
    }
}
