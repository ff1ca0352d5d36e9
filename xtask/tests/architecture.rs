//! ARCHITECTURE.md leads to files that are there.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up should stop at once")]

use std::fs;
use std::path::Path;

/// What stands in backticks in `text`.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_path_of_the_table_where_to_find_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let table = text.split("## Where to find").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 10 && rows.len() <= 30, "{} rows", rows.len());
    for row in rows {
        let mut beside: Option<&Path> = None;
        let files = row.rsplit(" | ").next().unwrap();
        for path in quoted(files) {
            // One method stands for all; a short path lies beside the file before it.
            let path = path.replace("NAME", "vade");
            let found = root.join(&path).exists()
                || beside.is_some_and(|file| root.join(file).with_file_name(&path).exists());
            assert!(found, "{path} is not there: {row}");
            beside = quoted(files).find(|first| root.join(first).is_file()).map(Path::new);
        }
        assert!(beside.is_some() || files.contains("presets/") || files.contains("NAME"), "no file: {row}");
    }
}
