//! Tables as people have them, with what has gone wrong on such tables elsewhere: the clusters that
//! a simple method finds must be found with no option but the number of clusters.

mod common;

use common::{Place, Sequence, groups_csv};
use std::fmt::Write;

/// Normal deviates by the method of Box and Muller.
struct Normal(Sequence);

impl Normal {
    fn next(&mut self) -> f64 {
        let (u, v) = (self.0.next(), self.0.next());
        (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

/// A table with a header and the group of each row in the column `class`.
fn table(names: &str, rows: impl Iterator<Item = (Vec<String>, usize)>) -> String {
    let mut text = format!("{names},class\n");
    for (cells, group) in rows {
        let _ = writeln!(text, "{},group {group}", cells.join(","));
    }
    text
}

/// The share of the rows of `csv` that `method` puts into the right one of `k` clusters.
fn accuracy(place: &Place, csv: &str, method: &str, k: usize) -> f64 {
    let (file, run) = (format!("{method}.csv"), format!("run-{method}-{k}"));
    place.write(&file, csv);
    let _ = std::fs::remove_dir_all(place.path(&run));
    let words = ["-d", &file, "-k", &k.to_string(), "-o", &run, "--label-column", "class", "--threads", "1"];
    place.ok(&[&["fit", "-m", method][..], &words].concat());
    let metrics: serde_json::Value =
        serde_json::from_slice(&place.read(&format!("{run}/metrics.json"))).expect("JSON");
    metrics["fit"]["acc"].as_f64().expect("a number")
}

fn cells(values: &[f64]) -> Vec<String> {
    values.iter().map(|v| format!("{v:.6}")).collect()
}

/// Three groups of rows around (0, 0, 0), (6, 6, 0) and (0, 6, 6).
fn base(noise: &mut Normal, group: usize) -> Vec<f64> {
    let centres = [[0.0, 0.0, 0.0], [6.0, 6.0, 0.0], [0.0, 6.0, 6.0]];
    centres[group].iter().map(|c| c + noise.next()).collect()
}

#[test]
fn skewed_columns_and_their_logarithms_have_the_same_groups() {
    let place = Place::new();
    let mut noise = Normal(Sequence(1));
    let centres = [[0.0; 5], [3.0, 3.0, 0.0, 0.0, 3.0], [0.0, 3.0, 3.0, 3.0, 0.0]];
    let row = |i: usize| {
        let values: Vec<f64> = centres[i % 3].iter().map(|c| (1.6 * c + noise.next()).exp()).collect();
        (cells(&values), i % 3)
    };
    let csv = table("a,b,c,d,e", (0..900).map(row));
    assert!(accuracy(&place, &csv, "spectral", 3) > 0.99);
    // The training keeps what it is given.
    assert!(accuracy(&place, &csv, "vade", 3) > 0.98);
}

#[test]
fn groups_of_unequal_sizes_are_found() {
    let place = Place::new();
    let mut noise = Normal(Sequence(2));
    let group = |i: usize| if i < 240 { 0 } else { 1 + usize::from(i >= 280) };
    let csv = table("a,b,c", (0..300).map(|i| (cells(&base(&mut noise, group(i))), group(i))));
    assert!(accuracy(&place, &csv, "spectral", 3) > 0.99);
}

#[test]
fn zeros_and_a_wild_cell_do_not_hide_the_groups() {
    let place = Place::new();
    let mut noise = Normal(Sequence(3));
    let mut row = |i: usize| {
        let mut values = base(&mut noise, i % 3);
        // Amounts: 40 % exact zeros, the others skewed, of no group.
        values.push(if i % 5 < 2 { 0.0 } else { noise.next().exp() });
        values
    };
    let rows: Vec<Vec<f64>> = (0..600).map(&mut row).collect();
    let of =
        |rows: &[Vec<f64>]| table("a,b,c,amount", rows.iter().enumerate().map(|(i, r)| (cells(r), i % 3)));
    assert!(accuracy(&place, &of(&rows), "spectral", 3) > 0.98);
    let mut wild = rows;
    wild[17][1] = 1e9;
    assert!(accuracy(&place, &of(&wild), "spectral", 3) > 0.98);
}

#[test]
fn what_tells_large_numbers_apart_is_not_lost() {
    let place = Place::new();
    let mut noise = Normal(Sequence(4));
    let mut day = |i: usize| 2_460_000.0 + 0.1 * (i % 3) as f64 + 0.01 * noise.next();
    let row = |i: usize| ([0, 1, 2, 3].map(|_| format!("{:.5}", day(i))).to_vec(), i % 3);
    let csv = table("a,b,c,d", (0..600).map(row));
    assert!(accuracy(&place, &csv, "kmeans", 3) == 1.0);
}

#[test]
fn numbers_of_rows_and_other_identifiers_are_no_features() {
    let place = Place::new();
    let mut noise = Normal(Sequence(5));
    let rows: Vec<(Vec<String>, usize)> =
        (0..300).map(|i| (cells(&base(&mut noise, i % 3)), i % 3)).collect();
    let numbered = |first: usize| {
        let with_id = |(i, (cells, group)): (usize, &(Vec<String>, usize))| {
            ([vec![(first + i).to_string()], cells.clone()].concat(), *group)
        };
        table("id,a,b,c", rows.iter().enumerate().map(with_id))
    };
    assert_eq!(accuracy(&place, &numbered(1), "kmeans", 3), 1.0);
    place.write("later.csv", numbered(10_001));
    let out = ["-o", "later-clusters.csv", "--label-column", "class"];
    place.ok(&[&["predict", "-m", "run-kmeans-3", "-d", "later.csv"][..], &out].concat());
    let clusters = |name: &str| -> Vec<String> {
        let text = String::from_utf8(place.read(name)).expect("text");
        text.lines().skip(1).map(|line| line.split(',').nth(1).expect("a cluster").into()).collect()
    };
    assert_eq!(clusters("run-kmeans-3/assignments.csv"), clusters("later-clusters.csv"));
}

/// 600 rows of three groups: two numbers of different units, a category of four levels, gaps.
fn customers() -> String {
    let mut noise = Normal(Sequence(6));
    let row = |i: usize| {
        let group = i % 3;
        let income = (9.0 + 1.2 * group as f64 + 0.3 * noise.next()).exp();
        let age = [25.0, 60.0, 40.0][group] + 5.0 * noise.next();
        let own = ["north", "south", "east"][group];
        let region = if noise.0.next() < 0.7 { own } else { ["north", "south", "east", "west"][i % 4] };
        let mut cells = vec![format!("{income:.0}"), format!("{age:.1}"), region.to_string()];
        for cell in &mut cells {
            if noise.0.next() < 0.1 {
                cell.clear();
            }
        }
        (cells, group)
    };
    table("income,age,region", (0..600).map(row))
}

#[test]
fn tables_with_categories_and_gaps_are_clustered_and_sampled_as_they_are() {
    let place = Place::new();
    let csv = customers();
    let spectral = accuracy(&place, &csv, "spectral", 3);
    assert!(spectral > 0.93, "{spectral}");
    let vade = accuracy(&place, &csv, "vade", 3);
    assert!(vade > 0.93, "{vade}");
    let run: serde_json::Value = serde_json::from_slice(&place.read("run-vade-3/run.json")).expect("JSON");
    let resolved = run["resolved"].to_string();
    assert!(
        resolved.contains("softmax of each category") && resolved.contains("likelihoods leave them out"),
        "{resolved}"
    );
    assert!(run["watch"]["changed"].as_f64().expect("a share") < 0.1, "{}", run["watch"]);

    place.ok(&["sample", "-m", "run-vade-3", "-n", "20", "-o", "new.csv"]);
    let text = String::from_utf8(place.read("new.csv")).expect("text");
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["cluster", "income", "age", "region"]);
    assert_eq!(rows.len(), 61);
    for row in &rows[1..] {
        let income: f64 = row[1].parse().expect("a number");
        assert!((1000.0..1e6).contains(&income), "{row:?}");
        assert!(["north", "south", "east", "west"].contains(&row[3]), "{row:?}");
    }
}

#[test]
fn what_auto_keeps_does_not_hang_on_its_tolerance() {
    let place = Place::new();
    let mut noise = Normal(Sequence(7));
    let csv = table("a,b,c", (0..300).map(|i| (cells(&base(&mut noise, i % 3)), i % 3)));
    place.write("t.csv", &csv);
    for tolerance in ["0.001", "0.002", "0.004"] {
        let run = format!("run-{tolerance}");
        let set = format!("tolerance={tolerance}");
        let words = ["-d", "t.csv", "-k", "3", "-o", &run, "--label-column", "class", "--threads", "1"];
        let small =
            ["--set", "train.min_updates=400", "--set", "pretrain.train.min_updates=400", "--set", &set];
        place.ok(&[&["fit"][..], &words, &small].concat());
        let metrics: serde_json::Value =
            serde_json::from_slice(&place.read(&format!("{run}/metrics.json"))).expect("JSON");
        assert!(metrics["fit"]["acc"].as_f64().expect("a number") > 0.98, "{tolerance}: {}", metrics["fit"]);
    }
}

#[test]
fn labels_of_a_table_are_found_by_the_names_of_the_rows() {
    let place = Place::new();
    let kinds: Vec<String> = groups_csv(30).lines().skip(1).map(str::to_owned).collect();
    let (mut data, mut truth) = (String::from("customer,a,b,c\n"), String::from("size,kind,customer\n"));
    for (i, line) in kinds.iter().enumerate() {
        let (features, _) = line.rsplit_once(',').expect("a kind");
        data += &format!("C{i:03},{features}\n");
    }
    for (i, line) in kinds.iter().enumerate().rev() {
        let (_, kind) = line.rsplit_once(',').expect("a kind");
        truth += &format!("1,{kind},C{i:03}\n");
    }
    place.write("x.csv", data);
    place.write("truth.csv", &truth);
    place.ok(&["fit", "-m", "kmeans", "-d", "x.csv", "-k", "3", "-o", "run"]);
    let score = ["score", "--pred", "run", "--labels", "truth.csv"];
    let unclear = place.refused(&score);
    assert!(unclear.contains("size, kind; say with --label-column which holds the labels"), "{unclear}");
    let said = place.ok(&[&score[..], &["--label-column", "kind"]].concat());
    assert!(said.contains("ACC           1.0000"), "{said}");

    // A fit finds them as well.
    let two: String =
        truth.lines().map(|line| format!("{}\n", &line[line.find(',').expect("two") + 1..])).collect();
    place.write("truth.csv", &two);
    assert_eq!(place.ok(&score), said);
    let fit = ["fit", "-m", "kmeans", "-d", "x.csv", "-k", "3", "--labels", "truth.csv", "-o", "again"];
    assert!(place.ok(&fit).contains("ACC 100.00 %"), "a fit");

    place.write("truth.csv", two.replace("C007", "C700"));
    let other = place.refused(&score);
    assert!(other.contains("line 24: `C700` is the name of no row"), "{other}");
    place.write("truth.csv", two.replace("red,C000\n", ""));
    assert!(place.refused(&score).contains("has no line for the row `C000`"));
}
