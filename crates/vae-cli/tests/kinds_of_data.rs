//! Data of every kind through the program: documents, MATLAB files, known sets, pictures through a
//! network.

mod common;

use common::{Place, Sequence, TINY};
use std::fmt::Write as _;
use std::path::Path;

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).expect("JSON")
}

/// Two kinds of documents with words of their own and words in common.
fn documents(n: usize) -> String {
    let words = [["wheat", "corn", "barley", "field"], ["ship", "harbour", "sea", "sail"]];
    let mut random = Sequence(1);
    let mut text = String::from("kind,text\n");
    for i in 0..n {
        let own = words[i % 2];
        let drawn: Vec<&str> = (0..6).map(|_| own[(random.next() * 4.0) as usize]).collect();
        let _ = writeln!(text, "{},\"the {}\nand more\"", ["land", "water"][i % 2], drawn.join(" "));
    }
    text
}

const TEXT: [&str; 4] = ["--text-column", "text", "--label-column", "kind"];

#[test]
fn documents_are_clustered_and_new_ones_get_the_same_terms() {
    let place = Place::new();
    place.write("old.csv", documents(60));
    let said =
        place.ok(&[&["fit", "-m", "kmeans", "-d", "old.csv", "-k", "2", "-o", "run"], &TEXT[..]].concat());
    assert!(said.contains("ACC 100.00 %"), "{said}");
    let vocabulary = String::from_utf8(place.read("run/vocabulary.tsv")).expect("text");
    assert!(vocabulary.starts_with("term\tidf\nand\t1\nbarley\t"), "{vocabulary}");
    assert!(!place.path("run/embedding.npy").exists(), "the latent space is the data");

    place.write("new.csv", "text\nsail ship unheard\ncorn field\nship\n");
    let clusters = place.ok(&["predict", "-m", "run", "-d", "new.csv", "--text-column", "text"]);
    let clusters: Vec<&str> = clusters.lines().skip(1).filter_map(|l| l.split(',').nth(1)).collect();
    assert!(clusters[0] == clusters[2] && clusters[0] != clusters[1], "{clusters:?}");
    let scored = place.ok(&[&["score", "-m", "run", "-d", "old.csv"], &TEXT[..]].concat());
    assert!(scored.contains("ACC           1.0000"), "{scored}");

    // A model alone does not know what its columns were.
    let alone = place.write("model.safetensors", place.read("run/model.safetensors"));
    let alone = alone.to_str().expect("text");
    let refused = place.refused(&["predict", "-m", alone, "-d", "new.csv", "--text-column", "text"]);
    assert!(refused.contains("vocabulary.tsv is missing"), "{refused}");
}

/// The same with an identifier in front.
fn named_documents(n: usize) -> String {
    let text = documents(n);
    let rows = text.split("\"\n").filter(|row| !row.is_empty()).enumerate();
    let row = |(i, row): (usize, &str)| match row.split_once('\n') {
        Some((_, first)) if i == 0 => format!("id,kind,text\nd0,{first}\"\n"),
        _ => format!("d{},{row}\"\n", i * 7),
    };
    rows.map(row).collect()
}

/// Runs the program, which must succeed; returns what it said on stdout and stderr.
fn said(place: &Place, words: &[&str]) -> (String, String) {
    let out = place.vae(words).output().expect("the program starts");
    let [stdout, stderr] = [out.stdout, out.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert!(out.status.success(), "vae {}\n{stdout}\n{stderr}", words.join(" "));
    (stdout, stderr)
}

#[test]
fn documents_of_a_table_keep_the_names_of_their_rows() {
    let place = Place::new();
    place.write("old.csv", named_documents(40));
    let fit = ["fit", "-m", "kmeans", "-d", "old.csv", "-k", "2", "-o", "run", "--threads", "1"];
    let (_, told) = said(&place, &[&fit[..], &TEXT].concat());
    assert!(told.contains("note: column `id` names the rows: it is kept as their names"), "{told}");
    let assigned = String::from_utf8(place.read("run/assignments.csv")).expect("text");
    assert!(assigned.starts_with("id,index,cluster,outlier\nd0,0,"), "{assigned}");
    let old = ["predict", "-m", "run", "-d", "old.csv", "--text-column", "text"];
    assert_eq!(place.ok(&old), assigned);
    place.ok(&["embed", "-m", "run", "-d", "old.csv", "--text-column", "text", "-o", "z.csv"]);
    assert!(place.read("z.csv").starts_with(b"id,z1,"));
    let kinds: Vec<String> =
        (0..40).rev().map(|i| format!("d{},{}\n", i * 7, ["land", "water"][i % 2])).collect();
    place.write("kinds.csv", format!("id,kind\n{}", kinds.concat()));
    let score = ["score", "--pred", "run/assignments.csv", "--labels", "kinds.csv"];
    assert!(place.ok(&score).contains("ACC           1.0000"));

    // Columns stand behind the rows as these are written.
    let new = "id,text,kind\nx1,\"ship,\nsail\",water\nx2, Nothing ,land\nx3,corn field,land\n";
    place.write("new.csv", new);
    let predict = ["predict", "-m", "run", "-d", "new.csv", "--text-column", "text", "--append"];
    let (appended, told) = said(&place, &predict);
    let (head, rows) = appended.split_once('\n').expect("a header");
    assert_eq!(head, "id,text,kind,cluster,outlier");
    let ends: Vec<&str> = rows.lines().map(|line| line.split(',').next().expect("a field")).collect();
    assert_eq!(ends, ["x1", "sail\"", "x2", "x3"], "{rows}");
    assert!(rows.contains("x2, Nothing ,land,"), "{rows}");
    // A document without a known word is told, with the name of its row.
    let wordless = "warning: 1 document without any word that the model knows (`x2`)";
    assert!(told.contains(wordless) && told.contains("means nothing"), "{told}");
    place.write("odd.csv", named_documents(40) + "odd,land,!\n");
    let odd = ["fit", "-m", "kmeans", "-d", "odd.csv", "-k", "2", "-o", "odd", "--threads", "1", "--quiet"];
    let (_, told) = said(&place, &[&odd[..], &TEXT].concat());
    assert!(
        told.contains(
            "warning: 1 document without any word that is kept as a feature (row 41, counted from 1)"
        ),
        "{told}"
    );
}

#[test]
fn rows_of_a_folder_have_the_names_of_its_files() {
    let place = Place::new();
    for (i, text) in ["wheat corn", "ship sail", "corn wheat wheat", "sail ship sea"].iter().enumerate() {
        let folder = place.path(&format!("texts/{}", ["land", "water"][i % 2]));
        std::fs::create_dir_all(&folder).expect("folder");
        std::fs::write(folder.join(format!("{i}.txt")), text).expect("text");
    }
    std::fs::create_dir(place.path("pictures")).expect("folder");
    for i in 0..4_u8 {
        let picture = image::GrayImage::from_raw(2, 1, vec![i, 200 * (i % 2)]).expect("size");
        picture.save(place.path(&format!("pictures/{i}.png"))).expect("picture");
    }
    for (data, names) in [
        ("texts", ["land/0.txt", "land/2.txt", "water/1.txt", "water/3.txt"]),
        ("pictures", ["0.png", "1.png", "2.png", "3.png"]),
    ] {
        let run = format!("run-{data}");
        place.ok(&["fit", "-m", "kmeans", "-d", data, "-k", "2", "-o", &run]);
        let assigned = String::from_utf8(place.read(&format!("{run}/assignments.csv"))).expect("text");
        assert!(assigned.starts_with("file,index,cluster"), "{assigned}");
        let found: Vec<&str> = assigned.lines().skip(1).filter_map(|l| l.split(',').next()).collect();
        assert_eq!(found, names);
        let limited = place.ok(&["predict", "-m", &run, "-d", data, "--limit", "2"]);
        assert_eq!(limited.lines().count(), 3, "{limited}");
    }
}

/// A refused fit leaves names of columns; the fit that takes its folder over has none.
#[test]
fn names_of_columns_of_a_refused_fit_do_not_stay() {
    let place = Place::new();
    place.write("named.csv", "b,a\n0.1,5\n0.2,6\n9.1,5.5\n9.3,6.5\n");
    place.write("flat.npy", npy("16,").as_slice());
    place.refused(&["fit", "-m", "kmeans", "-d", "named.csv", "-k", "5", "-o", "run"]);
    place.write("old.csv", documents(60));
    let sparse =
        ["fit", "-m", "kmeans", "-d", "old.csv", "-k", "2", "--set", "scale=standardize", "-o", "run"];
    place.refused(&[&sparse[..], &TEXT[..]].concat());
    place.ok(&["fit", "-m", "kmeans", "-d", "flat.npy", "-k", "2", "-o", "run"]);
    for name in ["schema.json", "vocabulary.tsv"] {
        assert!(!place.path(&format!("run/{name}")).exists(), "{name} stayed");
    }
    place.ok(&["predict", "-m", "run", "-d", "flat.npy"]);
}

/// An NPY file with 60 rows of 16 values, the same ones whatever the shape of a row.
fn npy(shape_of_a_row: &str) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': (60, {shape_of_a_row}), }}");
    let header = format!("{header:<117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    let mut random = Sequence(3);
    for i in 0..60 * 16 {
        let light = if (i / 16) % 2 == (i % 16) / 8 { 0.8 } else { 0.0 };
        bytes.extend(((light + 0.2 * random.next()) as f32).to_le_bytes());
    }
    bytes
}

/// Weights of convolutions over one shape are none for another.
#[test]
fn equal_values_of_another_image_shape_are_other_data() {
    let place = Place::new();
    let shapes = [("flat", "16,"), ("square", "4, 4"), ("wide", "2, 8")];
    let mut hashes = std::collections::BTreeSet::new();
    for (name, shape) in shapes {
        let file = format!("{name}.npy");
        place.write(&file, npy(shape).as_slice());
        place.ok(&[&["fit", "-m", "vade", "-d", &file, "-k", "2", "-o", name], &TINY[..]].concat());
        let run = json(&place.read(&format!("{name}/run.json")));
        let phases = run["phases"].as_array().expect("phases");
        assert!(phases.iter().all(|phase| phase["cached"] == false), "{name}: {phases:?}");
        hashes.insert(run["data_sha256"].as_str().expect("a hash").to_owned());
    }
    assert_eq!(hashes.len(), shapes.len());
    // The folder belongs to one of them.
    std::fs::rename(place.path("wide.npy"), place.path("square.npy")).expect("moved");
    let refused = place.refused(
        &[&["fit", "-m", "vade", "-d", "square.npy", "-k", "2", "-o", "square"], &TINY[..]].concat(),
    );
    assert!(refused.contains("holds another run") && refused.contains("data_sha256"), "{refused}");
}

#[test]
fn a_deep_method_takes_documents_as_they_are() {
    let place = Place::new();
    place.write("old.csv", documents(40));
    let fit = ["fit", "-m", "vade", "-d", "old.csv", "-k", "2", "--no-cache", "-o", "run"];
    place.ok(&[&fit[..], &TEXT, &TINY].concat());
    let run = json(&place.read("run/run.json"));
    assert_eq!((run["n"].as_u64(), run["dim"].as_u64()), (Some(40), Some(11)));
}

#[test]
fn matlab_files_go_by_their_keys_and_a_limit() {
    let place = Place::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/kinds.mat");
    place.write("HAR.mat", std::fs::read(golden).expect("golden file"));
    let fit = ["fit", "-m", "kmeans", "-d", "HAR.mat", "-k", "1", "-o"];
    let refused = place.refused(&[&fit[..], &["none"]].concat());
    assert!(refused.contains("say --x-key; it has: int8 (2x2 integer)"), "{refused}");
    place.ok(&[&fit[..], &["all", "--x-key", "float64"]].concat());
    place.ok(&[&fit[..], &["first", "--x-key", "float64", "--limit", "1"]].concat());
    assert_eq!(json(&place.read("all/run.json"))["n"], 2);
    assert_eq!(json(&place.read("first/run.json"))["n"], 1);
}

#[test]
fn verify_tells_each_file_and_fails_for_a_wrong_one() {
    let place = Place::new();
    let none = place.ok(&["data", "verify"]);
    assert!(none.contains("no data set with files is on this machine"), "{none}");
    std::fs::create_dir_all(place.path("data/reuters10k")).expect("folder");
    place.write("data/reuters10k/reuters10k.mat", "not it");
    let out = place.vae(&["data", "verify", "--data-dir", "data"]).output().expect("starts");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(said.contains("reuters10k.mat  differs from the published file"), "{said}");
    assert_eq!(out.status.code(), Some(1));
    let missing = place.refused(&["data", "verify", "mnist"]);
    assert!(missing.contains("get it with: vae data fetch mnist"), "{missing}");
}

#[test]
fn info_shows_some_of_the_data() {
    let place = Place::new();
    place.write("t.csv", "text\nwheat wheat corn\n");
    let text = place.ok(&["data", "info", "t.csv", "--text-column", "text"]);
    assert!(text.contains("2.0 different terms a document") && text.contains("  wheat corn\n"), "{text}");
    place.write("n.csv", "a,b\n1,2.5\n");
    let text = place.ok(&["data", "info", "n.csv"]);
    assert!(text.contains("the first rows:\n  1.0000 2.5000\n"), "{text}");
    assert!(text.contains("on loading  values stay as they are; a fit scales the columns"), "{text}");
    let limited = json(place.ok(&["data", "info", "n.csv", "--limit", "1", "--json"]).as_bytes());
    assert_eq!((limited["n"].as_u64(), limited["preprocessing"].as_str()), (Some(1), Some("none")));
    let picture = place.ok(&["data", "info", "strokes"]);
    assert!(picture.contains("the first image (") && picture.contains("@@"), "{picture}");
}

/// A safetensors file with the names and shapes of torchvision's `resnet50` and small random
/// values.
fn random_weights() -> Vec<u8> {
    let mut shapes: Vec<(String, Vec<usize>)> = Vec::new();
    let mut conv = |conv: &str, norm: &str, shape: [usize; 4]| {
        shapes.push((format!("{conv}.weight"), shape.to_vec()));
        for part in ["weight", "bias", "running_mean", "running_var"] {
            shapes.push((format!("{norm}.{part}"), vec![shape[0]]));
        }
    };
    conv("conv1", "bn1", [64, 3, 7, 7]);
    let mut n_in = 64;
    for (stage, (blocks, width)) in [(3, 64), (4, 128), (6, 256), (3, 512)].into_iter().enumerate() {
        for block in 0..blocks {
            let name = format!("layer{}.{block}", stage + 1);
            let of = [[width, n_in, 1, 1], [width, width, 3, 3], [4 * width, width, 1, 1]];
            for (k, shape) in of.into_iter().enumerate() {
                conv(&format!("{name}.conv{}", k + 1), &format!("{name}.bn{}", k + 1), shape);
            }
            if block == 0 {
                let projection = [4 * width, n_in, 1, 1];
                conv(&format!("{name}.downsample.0"), &format!("{name}.downsample.1"), projection);
            }
            n_in = 4 * width;
        }
    }
    let (mut header, mut values, mut random) = (serde_json::Map::new(), Vec::new(), Sequence(3));
    for (name, shape) in shapes {
        let start = values.len();
        let n: usize = shape.iter().product();
        let spread = if shape.len() == 4 { (6.0 / (n / shape[0]) as f64).sqrt() } else { 0.5 };
        let middle =
            if name.ends_with("_var") || name.contains("bn") && name.ends_with("weight") { 1.0 } else { 0.0 };
        for _ in 0..n {
            values.extend(((middle + spread * (2.0 * random.next() - 1.0)) as f32).to_le_bytes());
        }
        let facts =
            serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, values.len()] });
        header.insert(name, facts);
    }
    let header = serde_json::to_vec(&header).expect("JSON");
    [(header.len() as u64).to_le_bytes().to_vec(), header, values].concat()
}

#[test]
fn pictures_become_features_with_their_provenance() {
    let place = Place::new();
    place.write("w.safetensors", random_weights());
    std::fs::create_dir(place.path("pictures")).expect("folder");
    let mut random = Sequence(5);
    for i in 0..3 {
        let pixels: Vec<u8> = (0..36 * 40 * 3).map(|_| (random.next() * 256.0) as u8).collect();
        let picture = image::RgbImage::from_raw(36, 40, pixels).expect("size");
        picture.save(place.path(&format!("pictures/{i}.png"))).expect("picture");
    }
    let features = ["features", "-m", "resnet50", "-w", "w.safetensors", "-i", "pictures", "--device", "cpu"];
    let said = place.ok(&[&features[..], &["-o", "f.npy", "--threads", "1"]].concat());
    assert!(said.starts_with("3 images, 2048 features each"), "{said}");
    let facts = json(&place.read("f.npy.json"));
    assert_eq!((facts["n"].as_u64(), facts["dim"].as_u64()), (Some(3), Some(2048)));
    assert_eq!(facts["weights_sha256"].as_str().map(str::len), Some(64));
    assert_eq!(facts["weights_title"], serde_json::Value::Null);
    let info = json(place.ok(&["data", "info", "f.npy", "--json"]).as_bytes());
    assert_eq!((info["n"].as_u64(), info["dim"].as_u64()), (Some(3), Some(2048)));

    // Nothing is computed twice, and nothing is trusted that is not what it was.
    let again = [&features[..], &["-o", "f.npy", "--threads", "1"]].concat();
    assert!(place.ok(&again).contains("f.npy has the features of these images and weights already"));
    let right = place.read("f.npy");
    let mut wrong = right.clone();
    *wrong.last_mut().expect("values") ^= 1;
    place.write("f.npy", wrong);
    assert!(place.ok(&again).starts_with("3 images, 2048 features each"));
    assert_eq!(place.read("f.npy"), right);

    let nowhere = place.refused(&features);
    assert!(nowhere.contains("say where to write the features"), "{nowhere}");
    place.write("t.csv", "1,2\n3,4\n");
    let table = ["features", "-m", "resnet50", "-w", "w.safetensors", "-i", "t.csv", "-o", "g.npy"];
    assert!(place.refused(&table).contains("t.csv holds no images"));
    place.write("bad.safetensors", "no weights at all, but long enough");
    let bad = ["features", "-m", "resnet50", "-w", "bad.safetensors", "-i", "pictures", "-o", "g.npy"];
    assert!(place.refused(&bad).contains("neither safetensors nor"));
}
